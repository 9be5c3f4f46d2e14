package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// inputPlace is where a value is expected.
type inputPlace struct {
	typ        *ast.Type
	hasDefault bool
	oneOf      string // the type whose only key it is the value of
}

// value applies the rules to a literal, and notes the variables in it.
func (v *validation) value(p inputPlace, value *ast.Value) {
	t := p.typ
	switch {
	case value.Kind == ast.Variable:
		v.current.variables = append(v.current.variables, variableUse{value, t, p.hasDefault, p.oneOf})
		return
	case value.Kind == ast.NullValue:
		if t.NonNull {
			v.report(startOf(value), `Expected value of type "%s", found null.`, t)
		}
		return
	case t.Elem != nil && value.Kind == ast.ListValue:
		for _, child := range value.Children {
			v.value(inputPlace{typ: t.Elem}, child.Value)
		}
		return
	case t.Elem != nil:
		v.value(inputPlace{typ: t.Elem}, value)
		return
	}
	def := v.schema.doc.Types[t.NamedType]
	switch {
	case def.Kind == ast.InputObject && value.Kind == ast.ObjectValue:
		v.inputObject(def, value)
		return
	case def.Kind == ast.InputObject:
		v.misfit(value, `Expected value of type "%s", found %s.`, t)
	case def.Kind == ast.Enum && value.Kind != ast.EnumValue:
		v.misfit(value, `Enum "%s" cannot represent non-enum value: %s.`, def.Name)
	case def.Kind == ast.Enum:
		if !v.schema.enums[def.Name][value.Raw] && !v.full() {
			v.report(startOf(value), `Value "%s" does not exist in "%s" enum.%s`, cut(value.Raw), def.Name, v.suggestion(value.Raw, valueNames(def)))
		}
		return
	default:
		scalar := builtInScalar(def.Name)
		if scalar != customScalar && !v.full() {
			if _, message := scalarLiteral(scalar, value); message != "" {
				v.report(startOf(value), "%s", message)
			}
		}
	}
	v.untyped(value)
}

func (v *validation) misfit(value *ast.Value, format string, expected any) {
	if !v.full() {
		v.report(startOf(value), format, expected, show(value))
	}
}

// startOf is where a literal begins: gqlparser places a string behind its
// quote, and a block string on the line where it ends.
func startOf(value *ast.Value) *ast.Position {
	at := *value.Position
	switch value.Kind {
	case ast.StringValue:
		at.Column--
	case ast.BlockValue:
		at.Line, at.Column = placeOf(at.Src.Input, at.Start)
	}
	return &at
}

// placeOf is the line and the column of a character.
func placeOf(text string, character int) (line, column int) {
	line, column = 1, 1
	last := rune(0)
	for _, r := range text {
		if character--; character < 0 {
			break
		}
		column++
		if r == '\n' || r == '\r' {
			column = 1
			if r == '\r' || last != '\r' {
				line++
			}
		}
		last = r
	}
	return line, column
}

func valueNames(def *ast.Definition) []string {
	names := make([]string, len(def.EnumValues))
	for i, value := range def.EnumValues {
		names[i] = value.Name
	}
	return names
}

func (v *validation) inputObject(def *ast.Definition, value *ast.Value) {
	oneOf := ""
	if isOneOf(def) {
		oneOf = def.Name
	}
	seen := make(map[string]bool, len(value.Children))
	known := 0
	for _, child := range value.Children {
		v.unique(seen, child)
		f := v.schema.field(def, child.Name)
		if f == nil {
			if !v.full() {
				v.report(child.Position, `Field "%s" is not defined by type "%s".%s`, child.Name, def.Name, v.otherField(def, child.Name))
			}
			v.untyped(child.Value)
			continue
		}
		known++
		if oneOf != "" && child.Value.Kind == ast.NullValue {
			v.report(child.Position, `Field "%s.%s" must be non-null.`, def.Name, child.Name)
		}
		v.value(inputPlace{typ: f.Type, hasDefault: f.DefaultValue != nil, oneOf: oneOf}, child.Value)
	}
	if oneOf != "" && known != 1 {
		v.report(startOf(value), `OneOf Input Object "%s" must specify exactly one key.`, def.Name)
	}
	for _, f := range v.schema.requiredFields(def) {
		if v.full() {
			return
		}
		if !seen[f.Name] {
			v.report(startOf(value), `Field "%s.%s" of required type "%s" was not provided.`, def.Name, f.Name, f.Type)
		}
	}
}

func (v *validation) unique(seen map[string]bool, child *ast.ChildValue) {
	if seen[child.Name] {
		v.report(child.Position, `There can be only one input field named "%s".`, child.Name)
	}
	seen[child.Name] = true
}

// untyped notes the variables inside of a value of which nothing is known.
func (v *validation) untyped(value *ast.Value) {
	if value.Kind == ast.Variable {
		v.current.variables = append(v.current.variables, variableUse{value: value})
	}
	var seen map[string]bool
	for _, child := range value.Children {
		if value.Kind == ast.ObjectValue {
			if seen == nil {
				seen = make(map[string]bool, len(value.Children))
			}
			v.unique(seen, child)
		}
		v.untyped(child.Value)
	}
}
