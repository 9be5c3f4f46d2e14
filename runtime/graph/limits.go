package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// checkLimits counts what an operation selects before any rule sees it: as it
// is written, and, where no fragment spreads itself, with fragments expanded.
// One selection set holds a fragment once, however often it is spread there.
func (v *validation) checkLimits(l Limits, cyclic bool) *Error {
	written := expansion{most: l.QueryFields}
	for _, op := range v.doc.Operations {
		written.set(op.SelectionSet, 0, nil)
	}
	for _, f := range v.doc.Fragments {
		written.set(f.SelectionSet, 0, nil)
	}
	if err := written.exceeded(l); err != nil || cyclic {
		return err
	}
	expanded := expansion{fragments: v.fragments, most: l.QueryFields}
	for _, op := range v.doc.Operations {
		expanded.set(op.SelectionSet, 0, map[string]bool{})
	}
	if err := expanded.exceeded(l); err != nil {
		return err
	}
	if expanded.depth > l.QueryDepth {
		return limitError("queryDepth", "the operation nests %d levels of fields, over the limit of %d", expanded.depth, l.QueryDepth)
	}
	return nil
}

// expansion counts selections, in a walk that ends where there are too many.
type expansion struct {
	fragments map[string]*ast.FragmentDefinition // nil where they are not expanded
	most      int

	selections, aliases, depth int
}

func (e *expansion) exceeded(l Limits) *Error {
	how := "has"
	if e.fragments != nil {
		how = "expands to"
	}
	if e.selections > l.QueryFields {
		return limitError("queryFields", "the operation %s more than %d selections", how, l.QueryFields)
	}
	if e.aliases > l.QueryAliases {
		return limitError("queryAliases", "the operation %s %d aliases, over the limit of %d", how, e.aliases, l.QueryAliases)
	}
	return nil
}

// set counts a selection set that lies in so many fields; those of
// introspection have a rule of their own, and tools ask deep.
func (e *expansion) set(set ast.SelectionSet, depth int, spread map[string]bool) {
	for _, s := range set {
		if e.selections++; e.selections > e.most {
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			e.field(s, depth)
		case *ast.InlineFragment:
			e.set(s.SelectionSet, depth, spread)
		case *ast.FragmentSpread:
			if f := e.fragments[s.Name]; f != nil && !spread[s.Name] {
				spread[s.Name] = true
				e.set(f.SelectionSet, depth, spread)
			}
		}
	}
}

func (e *expansion) field(f *ast.Field, depth int) {
	if f.Alias != f.Name {
		e.aliases++
	}
	inside := depth + 1
	switch {
	case depth < 0:
		inside = depth
	case f.Name == "__schema" || f.Name == "__type":
		inside = -1
	}
	e.depth = max(e.depth, depth+1)
	if len(f.SelectionSet) > 0 {
		e.set(f.SelectionSet, inside, map[string]bool{})
	}
}
