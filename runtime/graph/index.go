package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// Up to so many members of one definition are compared one by one.
const maxScanned = 8

// index finds the members of a schema's definitions by name, and which object
// types an abstract type stands for. An operation can name 2,000 fields of a
// type that has 5,000: looking each up by scanning would be quadratic.
type index struct {
	fields         map[*ast.Definition]map[string]*ast.FieldDefinition
	arguments      map[*ast.ArgumentDefinition]map[string]*ast.ArgumentDefinition // by the first of the list
	requiredInputs map[*ast.Definition][]*ast.FieldDefinition
	requiredArgs   map[*ast.ArgumentDefinition][]*ast.ArgumentDefinition // by the first of the list
	// Of long lists: where each stands, and which count though they are not given.
	positions    map[any]int
	alwaysArgs   map[*ast.ArgumentDefinition][]*ast.ArgumentDefinition
	alwaysInputs map[*ast.Definition][]*ast.FieldDefinition
	members      map[string][]uint64 // bits of the object types that an abstract type stands for
}

var typename = &ast.FieldDefinition{Name: "__typename", Type: ast.NonNullNamedType("String", nil)}

func newIndex(doc *ast.Schema) index {
	x := index{
		fields:         map[*ast.Definition]map[string]*ast.FieldDefinition{},
		arguments:      map[*ast.ArgumentDefinition]map[string]*ast.ArgumentDefinition{},
		requiredInputs: map[*ast.Definition][]*ast.FieldDefinition{},
		requiredArgs:   map[*ast.ArgumentDefinition][]*ast.ArgumentDefinition{},
		positions:      map[any]int{},
		alwaysArgs:     map[*ast.ArgumentDefinition][]*ast.ArgumentDefinition{},
		alwaysInputs:   map[*ast.Definition][]*ast.FieldDefinition{},
		members:        map[string][]uint64{},
	}
	numbers := map[string]int{}
	for _, def := range doc.Types {
		if def.Kind == ast.Object {
			numbers[def.Name] = len(numbers)
		}
	}
	for _, def := range doc.Types {
		x.addFields(def)
		if !def.IsAbstractType() {
			continue
		}
		set := make([]uint64, len(numbers)/64+1)
		for _, t := range doc.PossibleTypes[def.Name] {
			if n, ok := numbers[t.Name]; ok {
				set[n/64] |= 1 << (n % 64)
			}
		}
		x.members[def.Name] = set
	}
	for _, d := range doc.Directives {
		x.addArguments(d.Arguments)
	}
	return x
}

func (x *index) addFields(def *ast.Definition) {
	if len(def.Fields) > maxScanned {
		byName := make(map[string]*ast.FieldDefinition, len(def.Fields))
		for i, f := range def.Fields {
			byName[f.Name] = f
			if def.Kind != ast.InputObject {
				continue
			}
			x.positions[f] = i
			if f.Type.NonNull || f.DefaultValue != nil {
				x.alwaysInputs[def] = append(x.alwaysInputs[def], f)
			}
		}
		x.fields[def] = byName
	}
	for _, f := range def.Fields {
		x.addArguments(f.Arguments)
		if def.Kind == ast.InputObject && f.Type.NonNull && f.DefaultValue == nil {
			x.requiredInputs[def] = append(x.requiredInputs[def], f)
		}
	}
}

func (x *index) addArguments(defs ast.ArgumentDefinitionList) {
	if len(defs) > maxScanned {
		byName := make(map[string]*ast.ArgumentDefinition, len(defs))
		for i, d := range defs {
			byName[d.Name] = d
			x.positions[d] = i
			if d.Type.NonNull || d.DefaultValue != nil {
				x.alwaysArgs[defs[0]] = append(x.alwaysArgs[defs[0]], d)
			}
		}
		x.arguments[defs[0]] = byName
	}
	for _, d := range defs {
		if d.Type.NonNull && d.DefaultValue == nil {
			x.requiredArgs[defs[0]] = append(x.requiredArgs[defs[0]], d)
		}
	}
}

// field returns the field or input field of a type; nil where it has none, or
// where the type is nil.
func (x *index) field(def *ast.Definition, name string) *ast.FieldDefinition {
	switch byName := x.fields[def]; {
	case def == nil:
		return nil
	case name == typename.Name && def.IsCompositeType():
		return typename
	case byName != nil:
		return byName[name]
	}
	return def.Fields.ForName(name)
}

// argument returns the argument of a list of definitions; nil where there is
// none.
func (x *index) argument(defs ast.ArgumentDefinitionList, name string) *ast.ArgumentDefinition {
	if len(defs) <= maxScanned {
		return defs.ForName(name)
	}
	return x.arguments[defs[0]][name]
}

// required returns the arguments that must be given.
func (x *index) required(defs ast.ArgumentDefinitionList) []*ast.ArgumentDefinition {
	if len(defs) == 0 {
		return nil
	}
	return x.requiredArgs[defs[0]]
}

// requiredFields returns the input fields that must be given.
func (x *index) requiredFields(def *ast.Definition) []*ast.FieldDefinition {
	return x.requiredInputs[def]
}

// argumentsFor returns those of an argument list that count where some are given,
// in the order of their definition. The given ones must be defined.
func (x *index) argumentsFor(defs ast.ArgumentDefinitionList, given ast.ArgumentList) []*ast.ArgumentDefinition {
	if len(defs) <= maxScanned {
		return defs
	}
	counts := slices.Clone(x.alwaysArgs[defs[0]])
	for _, a := range given {
		counts = append(counts, x.argument(defs, a.Name))
	}
	slices.SortFunc(counts, func(a, b *ast.ArgumentDefinition) int { return x.positions[a] - x.positions[b] })
	return slices.Compact(counts)
}

// inputFieldsFor is argumentsFor for the fields of an input object.
func (x *index) inputFieldsFor(def *ast.Definition, given ast.ChildValueList) []*ast.FieldDefinition {
	if len(def.Fields) <= maxScanned {
		return def.Fields
	}
	counts := slices.Clone(x.alwaysInputs[def])
	for _, child := range given {
		counts = append(counts, x.field(def, child.Name))
	}
	slices.SortFunc(counts, func(a, b *ast.FieldDefinition) int { return x.positions[a] - x.positions[b] })
	return slices.Compact(counts)
}

// overlap tells whether an object can be of both composite types.
func (s *Schema) overlap(a, b *ast.Definition) bool {
	switch {
	case a.Kind == ast.Object:
		return s.includes(b.Name, a)
	case b.Kind == ast.Object:
		return s.includes(a.Name, b)
	}
	other := s.members[b.Name]
	for i, word := range s.members[a.Name] {
		if word&other[i] != 0 {
			return true
		}
	}
	return a == b
}
