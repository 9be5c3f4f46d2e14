package graph

import (
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// input is a compiled input value: JSON text, but for the places of variables.
type input struct {
	json     []byte // the whole value, where no variable is in it
	variable int    // index of a variable plus one
	items    []*input
	fields   []inputField
	isObject bool
	typ      *ast.Type // nil inside of custom scalars
	at       Location  // of a variable
}

type inputField struct {
	name    string
	value   *input
	absent  []byte // what a variable without a value leaves: the default, or nil
	present bool   // false: only the default is used
}

// inputError is a literal that does not fit its type.
type inputError struct {
	at      *ast.Position
	message string
	owned   bool // the message says already whose default value it is about
}

func misfit(v *ast.Value, format string, args ...any) *inputError {
	return &inputError{at: v.Position, message: fmt.Sprintf(format, args...)}
}

// literals compiles literals of one operation, or of a schema, where variables
// is nil.
type literals struct {
	schema    *Schema
	variables map[string]int
	budget    int
}

// constant compiles a literal without variables to JSON in canonical form.
func (s *Schema) constant(t *ast.Type, v *ast.Value) ([]byte, *inputError) {
	l := literals{schema: s, budget: maxDefaultBytes}
	in, err := l.compile(t, v)
	if err != nil {
		return nil, err
	}
	return in.json, nil
}

// addFieldDefault compiles the default of an input field, and before it those
// of the fields that the default leaves out.
func (s *Schema) addFieldDefault(def *ast.Definition, f *ast.FieldDefinition) *inputError {
	if f.DefaultValue == nil || s.fieldDefaults[f] != nil {
		return nil
	}
	owner := def.Name + "." + f.Name
	if s.expanding[f] {
		return misfit(f.DefaultValue, "it contains itself").of(owner)
	}
	s.expanding[f] = true
	json, err := s.constant(f.Type, f.DefaultValue)
	delete(s.expanding, f)
	if err != nil {
		return err.of(owner)
	}
	s.fieldDefaults[f] = json
	return s.keepDefault(f.DefaultValue, json).of(owner)
}

// of says whose default value the error is about, where it does not yet.
func (e *inputError) of(owner string) *inputError {
	if e != nil && !e.owned {
		e.message, e.owned = owner+": default value: "+e.message, true
	}
	return e
}

func (s *Schema) addArgumentDefault(owner string, a *ast.ArgumentDefinition) *inputError {
	if a.DefaultValue == nil || s.argumentDefaults[a] != nil {
		return nil
	}
	owner = "argument " + a.Name + " of " + owner
	json, err := s.constant(a.Type, a.DefaultValue)
	if err != nil {
		return err.of(owner)
	}
	s.argumentDefaults[a] = json
	return s.keepDefault(a.DefaultValue, json).of(owner)
}

func (s *Schema) keepDefault(v *ast.Value, json []byte) *inputError {
	if s.defaultBytes += len(json); s.defaultBytes > maxDefaultsBytes {
		return misfit(v, "the default values of the schema expand to more than %d bytes", maxDefaultsBytes)
	}
	return nil
}

func (l *literals) compile(t *ast.Type, v *ast.Value) (*input, *inputError) {
	switch {
	case v.Kind == ast.Variable:
		return l.variable(t, v)
	case v.Kind == ast.NullValue:
		if t.NonNull {
			return nil, misfit(v, `Expected value of type "%s", found null.`, t)
		}
		return l.fixed(v, []byte("null"))
	case t.Elem != nil:
		return l.list(t, v)
	}
	def := l.schema.doc.Types[t.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return l.object(t, def, v)
	case ast.Enum:
		if v.Kind != ast.EnumValue {
			return nil, misfit(v, `Enum "%s" cannot represent non-enum value: %s.`, def.Name, show(v))
		}
		if !l.schema.enums[def.Name][v.Raw] {
			return nil, misfit(v, `Value "%s" does not exist in "%s" enum.`, v.Raw, def.Name)
		}
		return l.fixed(v, jsondoc.AppendQuoted(nil, v.Raw))
	}
	if scalar := builtInScalar(def.Name); scalar != customScalar {
		json, message := scalarLiteral(scalar, v)
		if message != "" {
			return nil, misfit(v, "%s", message)
		}
		return l.fixed(v, json)
	}
	return l.untyped(v)
}

// fixed makes an input of JSON text.
func (l *literals) fixed(v *ast.Value, json []byte) (*input, *inputError) {
	if l.budget -= len(json); l.budget < 0 {
		return nil, misfit(v, "the value and its defaults are too large")
	}
	return &input{json: json}, nil
}

func (l *literals) variable(t *ast.Type, v *ast.Value) (*input, *inputError) {
	i, ok := l.variables[v.Raw]
	if !ok {
		return nil, misfit(v, `Variable "$%s" is not defined.`, v.Raw)
	}
	return &input{variable: i + 1, typ: t, at: locationOf(v.Position)}, nil
}

func (l *literals) list(t *ast.Type, v *ast.Value) (*input, *inputError) {
	list := &input{typ: t}
	if v.Kind != ast.ListValue {
		item, err := l.compile(t.Elem, v)
		if err != nil {
			return nil, err
		}
		list.items = []*input{item}
		return list.fold(), nil
	}
	for _, child := range v.Children {
		item, err := l.compile(t.Elem, child.Value)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
	}
	return list.fold(), nil
}

func (l *literals) object(t *ast.Type, def *ast.Definition, v *ast.Value) (*input, *inputError) {
	if v.Kind != ast.ObjectValue {
		return nil, misfit(v, `Expected value of type "%s", found %s.`, t, show(v))
	}
	given := make(map[string]*ast.Value, len(v.Children))
	for _, child := range v.Children {
		if l.schema.field(def, child.Name) == nil {
			return nil, &inputError{at: child.Position, message: fmt.Sprintf(`Field "%s" is not defined by type "%s".`, child.Name, def.Name)}
		}
		given[child.Name] = child.Value
	}
	if isOneOf(def) && (len(given) != 1 || v.Children[0].Value.Kind == ast.NullValue) {
		return nil, misfit(v, `OneOf Input Object "%s" must specify exactly one key, which is not null.`, def.Name)
	}
	object := &input{typ: t, isObject: true}
	for _, f := range l.schema.inputFieldsFor(def, v.Children) {
		literal := given[f.Name]
		field := inputField{name: f.Name}
		if literal == nil || literal.Kind == ast.Variable {
			if err := l.schema.addFieldDefault(def, f); err != nil {
				return nil, err
			}
			field.absent = l.schema.fieldDefaults[f]
		}
		switch {
		case literal != nil:
			value, err := l.compile(f.Type, literal)
			if err != nil {
				return nil, err
			}
			field.value, field.present = value, true
		case field.absent != nil:
			if l.budget -= len(field.absent); l.budget < 0 {
				return nil, misfit(v, "the value and its defaults are too large")
			}
		case f.Type.NonNull:
			return nil, misfit(v, `Field "%s.%s" of required type "%s" was not provided.`, def.Name, f.Name, f.Type)
		default:
			continue
		}
		object.fields = append(object.fields, field)
	}
	return object.fold(), nil
}

// untyped compiles a literal of a custom scalar, of which nothing is known.
func (l *literals) untyped(v *ast.Value) (*input, *inputError) {
	switch v.Kind {
	case ast.Variable:
		return l.variable(nil, v)
	case ast.IntValue, ast.FloatValue, ast.BooleanValue, ast.NullValue:
		return l.fixed(v, []byte(v.Raw))
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return l.fixed(v, jsondoc.AppendQuoted(nil, v.Raw))
	}
	in := &input{isObject: v.Kind == ast.ObjectValue}
	for _, child := range v.Children {
		value, err := l.untyped(child.Value)
		if err != nil {
			return nil, err
		}
		if in.isObject {
			in.fields = append(in.fields, inputField{name: child.Name, value: value, present: true})
		} else {
			in.items = append(in.items, value)
		}
	}
	return in.fold(), nil
}

// scalarLiteral converts a literal of a built-in scalar.
func scalarLiteral(scalar scalarKind, v *ast.Value) (json []byte, message string) {
	switch scalar {
	case intScalar:
		if v.Kind != ast.IntValue {
			return nil, "Int cannot represent non-integer value: " + show(v)
		}
		n, err := strconv.ParseInt(v.Raw, 10, 32)
		if err != nil {
			return nil, "Int cannot represent non 32-bit signed integer value: " + show(v)
		}
		return strconv.AppendInt(nil, n, 10), ""
	case floatScalar:
		n, err := strconv.ParseFloat(v.Raw, 64)
		if (v.Kind != ast.IntValue && v.Kind != ast.FloatValue) || err != nil {
			return nil, "Float cannot represent non numeric value: " + show(v)
		}
		return appendFloat(nil, n), ""
	case booleanScalar:
		if v.Kind != ast.BooleanValue {
			return nil, "Boolean cannot represent a non boolean value: " + show(v)
		}
		return []byte(v.Raw), ""
	case idScalar:
		if v.Kind == ast.IntValue {
			return jsondoc.AppendQuoted(nil, v.Raw), ""
		}
		if v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
			return nil, "ID cannot represent a non-string and non-integer value: " + show(v)
		}
	default:
		if v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
			return nil, "String cannot represent a non string value: " + show(v)
		}
	}
	return jsondoc.AppendQuoted(nil, v.Raw), ""
}

// show prints a literal for a message.
func show(v *ast.Value) string { return cut(v.String()) }

func isOneOf(def *ast.Definition) bool { return def.Directives.ForName("oneOf") != nil }
