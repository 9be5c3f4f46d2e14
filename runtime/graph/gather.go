package graph

import (
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// gathering collects the fields that selection sets select on one object type,
// as the specification's CollectFields does, but with conditions kept instead
// of decided.
type gathering struct {
	compiler *compiler
	typ      *ast.Definition
	order    []*gathered
	byKey    map[string]*gathered
	visited  map[string]bool // fragments, by name and conditions
	count    int             // of occurrences so far
	checks   []check
}

// gathered is one response key with all its occurrences.
type gathered struct {
	key     string
	nodes   []gatheredNode
	summary *summary
}

// summary is what follows from the nodes of a response key, whatever the object
// type: types that select the same share it.
type summary struct {
	nodes []gatheredNode
	named []namedAt
	parts []part
}

// summarize returns the summary of a response key's nodes, the last one of those
// that begin with the same node where it is of the same nodes.
func (c *compiler) summarize(g *gathered) *summary {
	first := g.nodes[0].field
	last := c.summaries[first]
	same := last != nil && slices.EqualFunc(last.nodes, g.nodes, func(a, b gatheredNode) bool {
		return a.field == b.field && slices.Equal(a.conditions, b.conditions)
	})
	if !same {
		last = &summary{g.nodes, g.named(), g.parts()}
		c.summaries[first] = last
	}
	return last
}

type gatheredNode struct {
	field *ast.Field
	occurrenceAt
}

func (g *gathering) walk(set ast.SelectionSet, outer conditions) {
	c := g.compiler
	for _, s := range set {
		if c.work++; c.work > maxWork {
			c.fail(limitError("queryFields", "the operation's fragments expand to more than %d steps", maxWork))
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			if inner, ok := g.conditions(s.Directives, outer); ok {
				g.add(s, inner)
			}
		case *ast.InlineFragment:
			inner, ok := g.conditions(s.Directives, outer)
			if ok && (s.TypeCondition == "" || c.schema.includes(s.TypeCondition, g.typ)) {
				g.walk(s.SelectionSet, inner)
			}
		case *ast.FragmentSpread:
			inner, ok := g.conditions(s.Directives, outer)
			if !ok || !c.schema.includes(s.Definition.TypeCondition, g.typ) || g.visited[s.Name] {
				continue
			}
			key := s.Name
			if len(inner) > 0 {
				key = c.key(g.typ, []part{{s.Definition.SelectionSet, inner}})
			}
			if !g.visited[key] {
				g.visited[key] = true
				g.walk(s.Definition.SelectionSet, inner)
			}
		}
	}
}

func (g *gathering) add(f *ast.Field, c conditions) {
	found := g.byKey[f.Alias]
	if found == nil {
		found = &gathered{key: f.Alias}
		g.byKey[f.Alias] = found
		g.order = append(g.order, found)
	}
	found.nodes = append(found.nodes, gatheredNode{f, occurrenceAt{g.count, c}})
	g.count++
}

// conditions returns the conditions around a selection and its own, or false
// where they can never hold. @skip comes first, as graphql-js has it: what it
// leaves out is not asked for its @include.
func (g *gathering) conditions(directives ast.DirectiveList, outer conditions) (conditions, bool) {
	all := outer
	for _, name := range []string{"skip", "include"} {
		d := directives.ForName(name)
		if d == nil {
			continue
		}
		var holds bool
		if all, holds = g.condition(all, d.Arguments.ForName("if").Value, name == "include"); !holds {
			return nil, false
		}
	}
	return all, true
}

func (g *gathering) condition(all conditions, value *ast.Value, wanted bool) (conditions, bool) {
	c := g.compiler
	if value.Kind != ast.Variable {
		return all, (value.Raw == "true") == wanted
	}
	v := c.literals.variables[value.Raw]
	c.keyed[v] = true
	if !c.plan.variables[v].typ.NonNull {
		g.checks = append(g.checks, check{all, v, locationOf(value.Position)})
	}
	own := condition(v << 1)
	if wanted {
		own |= 1
	}
	if slices.Contains(all, own^1) {
		return nil, false
	}
	if !slices.Contains(all, own) {
		all = append(all[:len(all):len(all)], own)
		slices.Sort(all)
	}
	return all, true
}

// occurrences returns where the field stands and when, or one place where
// neither its presence nor its place depends on variables.
func (g *gathered) occurrences() []occurrenceAt {
	if len(g.nodes[0].conditions) == 0 {
		return []occurrenceAt{g.nodes[0].occurrenceAt}
	}
	out := make([]occurrenceAt, 0, len(g.nodes))
	for _, n := range g.nodes {
		out = append(out, n.occurrenceAt)
	}
	return out
}

// parts returns what is selected below a field. Conditions that all
// occurrences share have decided about the field already.
func (g *gathered) parts() []part {
	shared := true
	for _, n := range g.nodes {
		shared = shared && slices.Equal(n.conditions, g.nodes[0].conditions)
	}
	var parts []part
	known := map[partKey]bool{}
	for _, n := range g.nodes {
		if len(n.field.SelectionSet) == 0 {
			continue
		}
		p := part{n.field.SelectionSet, n.conditions}
		if shared {
			p.conditions = nil
		}
		if len(g.nodes) > 1 {
			key := p.key()
			if known[key] {
				continue
			}
			known[key] = true
		}
		parts = append(parts, p)
	}
	return parts
}

// named returns the places in the text that name the field.
func (g *gathered) named() []namedAt {
	if len(g.nodes) == 1 {
		return []namedAt{{locationOf(g.nodes[0].field.Position), []conditions{g.nodes[0].conditions}}}
	}
	var all []namedAt
	places := make(map[Location]int, len(g.nodes))
	for _, n := range g.nodes {
		at := locationOf(n.field.Position)
		i, known := places[at]
		if !known {
			i = len(all)
			places[at] = i
			all = append(all, namedAt{Location: at})
		}
		all[i].when = append(all[i].when, n.conditions)
	}
	return all
}

// partKey tells parts apart.
type partKey struct {
	set        *ast.Selection
	conditions string
}

func (p *part) key() partKey {
	var text []byte
	for _, c := range p.conditions {
		text = strconv.AppendInt(append(text, ' '), int64(c), 10)
	}
	return partKey{&p.set[0], string(text)}
}
