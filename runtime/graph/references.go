package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// cycles reports fragments that spread themselves, and tells whether there are
// any.
func (v *validation) cycles() bool {
	c := cycleSearch{validation: v, done: make(map[*ast.FragmentDefinition]bool, len(v.fragments)), open: map[*ast.FragmentDefinition]int{}}
	for _, f := range v.doc.Fragments {
		c.fragment(f)
	}
	return c.found
}

type cycleSearch struct {
	*validation
	done  map[*ast.FragmentDefinition]bool
	open  map[*ast.FragmentDefinition]int // the place in path
	path  []string
	found bool
}

func (c *cycleSearch) fragment(f *ast.FragmentDefinition) {
	if c.done[f] {
		return
	}
	c.done[f] = true
	c.open[f] = len(c.path)
	c.path = append(c.path, f.Name)
	c.set(f.SelectionSet)
	c.path = c.path[:len(c.path)-1]
	delete(c.open, f)
}

func (c *cycleSearch) set(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			c.set(s.SelectionSet)
		case *ast.InlineFragment:
			c.set(s.SelectionSet)
		case *ast.FragmentSpread:
			f := c.fragments[s.Name]
			if f == nil {
				continue
			}
			at, open := c.open[f]
			if !open {
				c.fragment(f)
				continue
			}
			c.found = true
			if !c.full() {
				c.report(s.Position, `Cannot spread fragment "%s" within itself%s.`, s.Name, via(c.path[at+1:]))
			}
		}
	}
}

func via(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return cut(` via "` + strings.Join(names, `", "`) + `"`)
}

// references applies the rules about what operations reach: fragments that none
// does, and the variables that are used where it does.
func (v *validation) references() {
	reached := make(map[*ast.FragmentDefinition]bool, len(v.doc.Fragments))
	for i, op := range v.doc.Operations {
		r := reach{validation: v, op: op, visited: map[*ast.FragmentDefinition]bool{}, defined: make(map[string]*ast.VariableDefinition, len(op.VariableDefinitions))}
		for _, def := range op.VariableDefinitions {
			r.defined[def.Variable] = def
		}
		used := make(map[string]bool, len(r.defined))
		r.walk(v.roots[i], used)
		for _, def := range op.VariableDefinitions {
			if !used[def.Variable] {
				v.report(def.Position, `Variable "$%s" is never used%s.`, def.Variable, inOperation(op))
			}
		}
		for f := range r.visited {
			reached[f] = true
		}
	}
	for _, f := range v.doc.Fragments {
		if !reached[v.fragments[f.Name]] {
			v.report(f.Position, `Fragment "%s" is never used.`, f.Name)
		}
	}
}

func inOperation(op *ast.OperationDefinition) string {
	if op.Name == "" {
		return ""
	}
	return ` in operation "` + op.Name + `"`
}

// reach walks what one operation reaches, each fragment once.
type reach struct {
	*validation
	op      *ast.OperationDefinition
	defined map[string]*ast.VariableDefinition
	visited map[*ast.FragmentDefinition]bool
}

func (r *reach) walk(u *uses, used map[string]bool) {
	for _, use := range u.variables {
		def := r.defined[use.value.Raw]
		if def == nil {
			r.undefined(use)
			continue
		}
		used[use.value.Raw] = true
		r.position(use, def)
	}
	for _, f := range u.spreads {
		if !r.visited[f] {
			r.visited[f] = true
			r.walk(r.uses[f], used)
		}
	}
}

func (r *reach) undefined(use variableUse) {
	by := ""
	if r.op.Name != "" {
		by = ` by operation "` + r.op.Name + `"`
	}
	r.report(use.value.Position, `Variable "$%s" is not defined%s.`, use.value.Raw, by)
}

// position checks that a variable's type fits where it is used.
func (r *reach) position(use variableUse, def *ast.VariableDefinition) {
	if use.typ == nil || r.schema.doc.Types[def.Type.Name()] == nil {
		return
	}
	if !allowed(def, use) {
		r.report(use.value.Position, `Variable "$%s" of type "%s" used in position expecting type "%s".`, def.Variable, def.Type, use.typ)
	}
	if use.oneOf != "" && !def.Type.NonNull {
		r.report(use.value.Position, `Variable "$%s" is of type "%s" but must be non-nullable to be used for OneOf Input Object "%s".`, def.Variable, def.Type, use.oneOf)
	}
}

// allowed is the specification's IsVariableUsageAllowed: a default, of the
// variable or of the place, makes up for a nullable variable.
func allowed(def *ast.VariableDefinition, use variableUse) bool {
	if !use.typ.NonNull || def.Type.NonNull {
		return fits(def.Type, use.typ)
	}
	if (def.DefaultValue == nil || def.DefaultValue.Kind == ast.NullValue) && !use.hasDefault {
		return false
	}
	nullable := *use.typ
	nullable.NonNull = false
	return fits(def.Type, &nullable)
}

// fits tells whether every value of one input type is one of the other.
func fits(from, to *ast.Type) bool {
	for {
		if to.NonNull && !from.NonNull {
			return false
		}
		if to.Elem == nil || from.Elem == nil {
			return to.Elem == nil && from.Elem == nil && to.NamedType == from.NamedType
		}
		from, to = from.Elem, to.Elem
	}
}
