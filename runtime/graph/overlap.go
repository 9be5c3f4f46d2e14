package graph

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// overlap is the rule that fields of one response key can be merged, as an
// algorithm that compares each field with the first of its group instead of
// with every other: "has the same shape" and "is the same field with the same
// arguments" are equivalences.
type overlap struct {
	schema *Schema
	work   int
}

// occurrence is a field as it stands in the expanded selections.
type occurrence struct {
	node   *ast.Field
	parent *ast.Definition
}

// fieldGroup is the occurrences of one response key.
type fieldGroup struct {
	key    string
	fields []occurrence
}

// conflict is the first pair of a group that cannot be merged.
type conflict struct {
	reason string
	a, b   *ast.Field
}

func (o *overlap) check(op *ast.OperationDefinition) Errors {
	root := o.schema.doc.Types[kindOf(op).typeName()]
	var errs Errors
	groups := o.collect([]selectionOf{{op.SelectionSet, root}})
	o.report(&errs, groups, o.shapes)
	if len(errs) == 0 {
		o.report(&errs, groups, o.names)
	}
	if o.work > maxWork {
		return Errors{limitError("queryFields", "the operation's fragments expand to more than %d steps", maxWork)}
	}
	return errs
}

func (o *overlap) report(errs *Errors, groups []*fieldGroup, check func([]*fieldGroup) (string, *conflict)) {
	key, c := check(groups)
	if c == nil {
		return
	}
	*errs = append(*errs, invalid(c.a.Position,
		`Fields "%s" conflict because %s. Use different aliases on the fields to fetch both if this was intentional.`, key, c.reason))
	err := (*errs)[len(*errs)-1]
	err.Locations = append(err.Locations, Location{c.b.Position.Line, c.b.Position.Column})
}

type selectionOf struct {
	set    ast.SelectionSet
	parent *ast.Definition
}

// collect groups the fields of several selection sets by response key. A node
// that several of them reach counts once.
func (o *overlap) collect(sets []selectionOf) []*fieldGroup {
	var groups []*fieldGroup
	byKey := map[string]*fieldGroup{}
	seen := map[occurrence]bool{}
	visited := map[string]bool{}
	var walk func(set ast.SelectionSet, parent *ast.Definition)
	walk = func(set ast.SelectionSet, parent *ast.Definition) {
		for _, s := range set {
			if o.work++; o.work > maxWork {
				return
			}
			switch s := s.(type) {
			case *ast.Field:
				found := occurrence{s, parent}
				if seen[found] {
					continue
				}
				seen[found] = true
				g := byKey[s.Alias]
				if g == nil {
					g = &fieldGroup{key: s.Alias}
					byKey[s.Alias] = g
					groups = append(groups, g)
				}
				g.fields = append(g.fields, found)
			case *ast.InlineFragment:
				inner := parent
				if s.TypeCondition != "" {
					inner = o.schema.doc.Types[s.TypeCondition]
				}
				walk(s.SelectionSet, inner)
			case *ast.FragmentSpread:
				if !visited[s.Name] {
					visited[s.Name] = true
					walk(s.Definition.SelectionSet, o.schema.doc.Types[s.Definition.TypeCondition])
				}
			}
		}
	}
	for _, s := range sets {
		walk(s.set, s.parent)
	}
	return groups
}

// children groups what the fields of a group select.
func (o *overlap) children(fields []occurrence) []*fieldGroup {
	var sets []selectionOf
	for _, f := range fields {
		if len(f.node.SelectionSet) > 0 {
			sets = append(sets, selectionOf{f.node.SelectionSet, o.schema.doc.Types[f.node.Definition.Type.Name()]})
		}
	}
	if sets == nil {
		return nil
	}
	return o.collect(sets)
}

// shapes finds fields whose values cannot share a response key, not even on
// objects of different types.
func (o *overlap) shapes(groups []*fieldGroup) (string, *conflict) {
	for _, g := range groups {
		first := g.fields[0].node
		for _, f := range g.fields[1:] {
			if a, b := first.Definition.Type, f.node.Definition.Type; o.differ(a, b) {
				return g.key, &conflict{fmt.Sprintf(`they return conflicting types "%s" and "%s"`, a, b), first, f.node}
			}
		}
		if key, c := o.nested(g.fields, o.shapes); c != nil {
			return key, c
		}
	}
	return "", nil
}

// names finds fields of one response key that can meet on one object without
// being the same field with the same arguments.
func (o *overlap) names(groups []*fieldGroup) (string, *conflict) {
	for _, g := range groups {
		for _, fields := range meeting(g.fields) {
			first := fields[0].node
			for _, f := range fields[1:] {
				if first.Name != f.node.Name {
					return g.key, &conflict{fmt.Sprintf(`"%s" and "%s" are different fields`, first.Name, f.node.Name), first, f.node}
				}
				if !sameArguments(first.Arguments, f.node.Arguments) {
					return g.key, &conflict{"they have differing arguments", first, f.node}
				}
			}
			if key, c := o.nested(fields, o.names); c != nil {
				return key, c
			}
		}
	}
	return "", nil
}

// nested applies a check to what fields select. The path is part of the reason
// where more than one field leads there.
func (o *overlap) nested(fields []occurrence, check func([]*fieldGroup) (string, *conflict)) (string, *conflict) {
	key, c := check(o.children(fields))
	if c == nil {
		return "", nil
	}
	for _, f := range fields[1:] {
		if f.node != fields[0].node {
			reason := fmt.Sprintf(`subfields "%s" conflict because %s`, key, c.reason)
			return fields[0].node.Alias, &conflict{reason, fields[0].node, f.node}
		}
	}
	return key, c
}

// meeting splits a group into sets that may meet on one object: fields of
// abstract types meet all others, those of an object type only their own kind.
func meeting(fields []occurrence) [][]occurrence {
	var abstract []occurrence
	var order []*ast.Definition
	concrete := map[*ast.Definition][]occurrence{}
	for _, f := range fields {
		if f.parent.Kind != ast.Object {
			abstract = append(abstract, f)
			continue
		}
		if concrete[f.parent] == nil {
			order = append(order, f.parent)
		}
		concrete[f.parent] = append(concrete[f.parent], f)
	}
	if len(order) == 0 {
		return [][]occurrence{abstract}
	}
	sets := make([][]occurrence, len(order))
	for i, parent := range order {
		sets[i] = append(abstract[:len(abstract):len(abstract)], concrete[parent]...)
	}
	return sets
}

func (o *overlap) differ(a, b *ast.Type) bool {
	for a.Elem != nil && b.Elem != nil && a.NonNull == b.NonNull {
		a, b = a.Elem, b.Elem
	}
	if a.NonNull != b.NonNull || (a.Elem == nil) != (b.Elem == nil) {
		return true
	}
	if a.Elem != nil {
		return false
	}
	x, y := o.schema.doc.Types[a.NamedType], o.schema.doc.Types[b.NamedType]
	return (x.IsLeafType() || y.IsLeafType()) && x != y
}

func sameArguments(a, b ast.ArgumentList) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		y := b.ForName(x.Name)
		if y == nil || canonicalValue(x.Value) != canonicalValue(y.Value) {
			return false
		}
	}
	return true
}
