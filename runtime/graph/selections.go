package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// set applies the rules to what is selected on a type; nil is one that is not
// known, and then only what does not depend on it is checked.
func (v *validation) set(parent *ast.Definition, set ast.SelectionSet) {
	if parent != nil && !parent.IsCompositeType() {
		parent = nil
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			v.field(parent, s)
		case *ast.InlineFragment:
			v.inlineFragment(parent, s)
		case *ast.FragmentSpread:
			v.spread(parent, s)
		}
	}
}

func (v *validation) field(parent *ast.Definition, f *ast.Field) {
	f.ObjectDefinition = parent
	f.Definition = v.schema.field(parent, f.Name)
	var typ *ast.Definition
	var arguments ast.ArgumentDefinitionList
	switch {
	case f.Definition != nil:
		typ = v.schema.doc.Types[f.Definition.Type.Name()]
		arguments = f.Definition.Arguments
		v.leaf(f, typ)
	case parent != nil && !v.full():
		v.report(f.Position, `Cannot query field "%s" on type "%s".%s`, f.Name, parent.Name, v.otherField(parent, f.Name))
	}
	v.arguments(f.Arguments, arguments, f.Definition != nil, func() string { return `field "` + parent.Name + "." + f.Name + `"` }, f.Position)
	v.directives(f.Directives, ast.LocationField)
	v.set(typ, f.SelectionSet)
	if f.Name == "__schema" || f.Name == "__type" {
		v.introspection(f)
	}
}

func (v *validation) otherField(parent *ast.Definition, name string) string {
	names := make([]string, 0, len(parent.Fields))
	for _, f := range parent.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			names = append(names, f.Name)
		}
	}
	return v.suggestion(name, names)
}

func (v *validation) leaf(f *ast.Field, typ *ast.Definition) {
	if typ.IsLeafType() && len(f.SelectionSet) > 0 {
		v.report(f.Position, `Field "%s" must not have a selection since type "%s" has no subfields.`, f.Name, typ.Name)
	}
	if !typ.IsLeafType() && len(f.SelectionSet) == 0 {
		hint := ""
		if !v.discreet {
			hint = ` Did you mean "` + f.Name + ` { ... }"?`
		}
		v.report(f.Position, `Field "%s" of type "%s" must have a selection of subfields.%s`, f.Name, f.Definition.Type, hint)
	}
}

func (v *validation) inlineFragment(parent *ast.Definition, f *ast.InlineFragment) {
	f.ObjectDefinition = parent
	typ := parent
	if f.TypeCondition != "" {
		typ = v.schema.doc.Types[f.TypeCondition]
		switch {
		case typ == nil:
			v.report(f.Position, `Unknown type "%s".`, f.TypeCondition)
		case !typ.IsCompositeType():
			v.report(f.Position, `Fragment cannot condition on non composite type "%s".`, f.TypeCondition)
		case parent != nil && !v.schema.overlap(parent, typ):
			v.report(f.Position, `Fragment cannot be spread here as objects of type "%s" can never be of type "%s".`, parent.Name, typ.Name)
		}
	}
	v.directives(f.Directives, ast.LocationInlineFragment)
	v.set(typ, f.SelectionSet)
}

func (v *validation) spread(parent *ast.Definition, f *ast.FragmentSpread) {
	f.ObjectDefinition = parent
	f.Definition = v.fragments[f.Name]
	v.directives(f.Directives, ast.LocationFragmentSpread)
	if f.Definition == nil {
		v.report(f.Position, `Unknown fragment "%s".`, f.Name)
		return
	}
	v.current.spreads = append(v.current.spreads, f.Definition)
	typ := v.schema.doc.Types[f.Definition.TypeCondition]
	if parent != nil && typ != nil && typ.IsCompositeType() && !v.schema.overlap(parent, typ) {
		v.report(f.Position, `Fragment "%s" cannot be spread here as objects of type "%s" can never be of type "%s".`, f.Name, parent.Name, typ.Name)
	}
}

func (v *validation) directives(uses ast.DirectiveList, location ast.DirectiveLocation) {
	var seen map[string]bool
	for i, u := range uses {
		def := v.schema.doc.Directives[u.Name]
		u.Definition, u.Location = def, location
		var arguments ast.ArgumentDefinitionList
		if def == nil {
			v.report(u.Position, `Unknown directive "@%s".`, u.Name)
		} else {
			arguments = def.Arguments
			if !appliesTo(def, location) {
				v.report(u.Position, `Directive "@%s" may not be used on %s.`, u.Name, location)
			}
		}
		if i > 0 && seen == nil {
			seen = make(map[string]bool, len(uses))
			seen[uses[0].Name] = true
		}
		if i > 0 {
			if seen[u.Name] && (def == nil || !def.IsRepeatable) {
				v.report(u.Position, `The directive "@%s" can only be used once at this location.`, u.Name)
			}
			seen[u.Name] = true
		}
		v.arguments(u.Arguments, arguments, def != nil, func() string { return `directive "@` + u.Name + `"` }, u.Position)
	}
}

func appliesTo(def *ast.DirectiveDefinition, location ast.DirectiveLocation) bool {
	for _, l := range def.Locations {
		if l == location {
			return true
		}
	}
	return false
}

// arguments applies the rules to the arguments of a field or a directive. known
// is false where it is not known which it can have.
func (v *validation) arguments(given ast.ArgumentList, defs ast.ArgumentDefinitionList, known bool, owner func() string, at *ast.Position) {
	if len(given) == 0 && len(defs) == 0 {
		return
	}
	seen := make(map[string]bool, len(given))
	for _, a := range given {
		if seen[a.Name] {
			v.report(a.Position, `There can be only one argument named "%s".`, a.Name)
		}
		seen[a.Name] = true
		def := v.schema.argument(defs, a.Name)
		if def == nil {
			if known && !v.full() {
				v.report(a.Position, `Unknown argument "%s" on %s.%s`, a.Name, owner(), v.suggestion(a.Name, argumentNames(defs)))
			}
			v.untyped(a.Value)
			continue
		}
		v.value(inputPlace{typ: def.Type, hasDefault: def.DefaultValue != nil}, a.Value)
	}
	for _, def := range v.schema.required(defs) {
		if !seen[def.Name] {
			if v.full() {
				return
			}
			subject := owner()
			v.report(at, `%s argument "%s" of type "%s" is required, but it was not provided.`, strings.ToUpper(subject[:1])+subject[1:], def.Name, def.Type)
		}
	}
}

func argumentNames(defs ast.ArgumentDefinitionList) []string {
	names := make([]string, len(defs))
	for i, d := range defs {
		names[i] = d.Name
	}
	return names
}

// introspectionDepths remembers how deep each fragment's lists of introspection
// nest where it was entered.
type introspectionDepths struct {
	passed   map[string]int // the deepest entry that was no error
	exceeded map[string]int // the least deep entry that was one
}

// Lists of introspection that lead from a type to others may nest so deep: the
// next would multiply the answer by the number of types again.
const maxIntrospectionLists = 3

func (v *validation) introspection(f *ast.Field) {
	if v.depths.passed == nil {
		v.depths.passed, v.depths.exceeded = map[string]int{}, map[string]int{}
	}
	if v.tooDeep(f.SelectionSet, 0) {
		v.report(f.Position, "Maximum introspection depth exceeded")
	}
}

func (v *validation) tooDeep(set ast.SelectionSet, lists int) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			inner := lists
			switch s.Name {
			case "fields", "interfaces", "possibleTypes", "inputFields":
				inner++
			}
			if inner >= maxIntrospectionLists || v.tooDeep(s.SelectionSet, inner) {
				return true
			}
		case *ast.InlineFragment:
			if v.tooDeep(s.SelectionSet, lists) {
				return true
			}
		case *ast.FragmentSpread:
			f := v.fragments[s.Name]
			if f == nil {
				continue
			}
			if least, ok := v.depths.exceeded[s.Name]; ok && least <= lists {
				return true
			}
			if deepest, ok := v.depths.passed[s.Name]; ok && deepest >= lists {
				continue
			}
			v.depths.passed[s.Name] = lists // which also ends a cycle
			if v.tooDeep(f.SelectionSet, lists) {
				delete(v.depths.passed, s.Name)
				v.depths.exceeded[s.Name] = lists
				return true
			}
		}
	}
	return false
}
