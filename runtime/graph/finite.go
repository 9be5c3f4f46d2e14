package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// checkInputObjects reports what gqlparser's rules leave out about input objects:
// fields that a @oneOf must not have, and objects that no value could be written
// for, since it would have to contain itself.
func (c *composer) checkInputObjects() {
	f := finiteness{of: map[string]*inputObject{}}
	for _, d := range c.order {
		if d.def.Kind != ast.InputObject {
			continue
		}
		c.checkOneOf(d.def)
		f.of[d.def.Name] = &inputObject{def: d.def}
		f.order = append(f.order, d.def.Name)
	}
	f.find()
	for _, cycle := range f.cycles() {
		names := make([]string, len(cycle))
		for i, need := range cycle {
			names[i] = need.owner + "." + need.field.Name
		}
		c.report(cycle[0].field.Position, "input %s has no finite value: it contains itself through %s", cycle[0].owner, cut(strings.Join(names, ", ")))
	}
}

// checkOneOf reports fields of a @oneOf that could not be left out, or would be
// there unasked.
func (c *composer) checkOneOf(def *ast.Definition) {
	if !isOneOf(def) {
		return
	}
	for _, f := range def.Fields {
		if f.Type.NonNull {
			c.report(f.Type.Position, "%s.%s must be nullable, as a field of a @oneOf", def.Name, f.Name)
		}
		if f.DefaultValue != nil {
			c.report(f.DefaultValue.Position, "%s.%s must have no default value, as a field of a @oneOf", def.Name, f.Name)
		}
	}
}

// finiteness finds the input objects that have a value which ends. A field may
// be left out where it is nullable, and a list may be empty, so an object needs
// one of the type of each other field. A @oneOf needs just one of its fields,
// whatever its type.
type finiteness struct {
	of    map[string]*inputObject
	order []string
}

type inputObject struct {
	def      *ast.Definition
	needs    []need
	missing  int // how many needs are not known to be finite; of a @oneOf, 1 while none is
	finite   bool
	neededBy []*inputObject // once for each need
	reported bool
}

// need is a field whose value contains another of an input object.
type need struct {
	owner string
	field *ast.FieldDefinition
	other *inputObject
}

// find marks what is finite, beginning with what needs nothing.
func (f *finiteness) find() {
	var found []*inputObject
	for _, name := range f.order {
		o := f.of[name]
		oneOf := isOneOf(o.def)
		for _, field := range o.def.Fields {
			if other := f.of[field.Type.NamedType]; other != nil && (oneOf || field.Type.NonNull) {
				o.needs = append(o.needs, need{name, field, other})
				other.neededBy = append(other.neededBy, o)
			}
		}
		o.missing = len(o.needs)
		if oneOf {
			o.missing = 1
		}
		if len(o.needs) == 0 || oneOf && len(o.needs) < len(o.def.Fields) {
			o.finite = true
			found = append(found, o)
		}
	}
	for len(found) > 0 {
		last := found[len(found)-1]
		found = found[:len(found)-1]
		for _, o := range last.neededBy {
			if o.missing--; o.missing == 0 && !o.finite {
				o.finite = true
				found = append(found, o)
			}
		}
	}
}

// cycles returns why the others are not finite: each of them leads to one of
// these.
func (f *finiteness) cycles() (cycles [][]need) {
	for _, name := range f.order {
		var path []need
		place := map[*inputObject]int{}
		for o := f.of[name]; !o.finite && !o.reported; {
			o.reported = true
			place[o] = len(path)
			next := o.infinite()
			path = append(path, next)
			if start, closed := place[next.other]; closed {
				cycles = append(cycles, path[start:])
			}
			o = next.other
		}
	}
	return cycles
}

// infinite returns the first need of an object that keeps it from being finite.
func (o *inputObject) infinite() need {
	for _, n := range o.needs {
		if !n.other.finite {
			return n
		}
	}
	panic("graph: " + o.def.Name + " needs nothing that is not finite")
}
