package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// generator makes one case.
type generator struct {
	*Schema
	*rand.Rand
	constant bool       // literals without variables
	owner    *operation // whose variables are used
	doc      *document
	open     []string              // fragments that are being made, or may not be spread here
	keys     map[string]*selection // a field of each response key
	budget   int                   // selections that may yet be made
	plain    bool                  // the next field has no directives
	objects  int                   // that resolvers have put out
}

// document makes an operation that is valid, but for fields that may not be
// merged.
func (g *generator) document() *document {
	g.doc, g.keys, g.budget = &document{}, map[string]*selection{}, 4+g.IntN(30)
	root := g.roots[0]
	if g.one(3) {
		root = pick(g.Rand, g.roots)
	}
	main := &operation{kind: keyword(root), set: &set{on: root.name}}
	g.doc.operations = []*operation{main}
	if g.one(2) {
		main.name = "Main"
	}
	g.owner = main
	if root.name == "Subscription" {
		main.set.selections = []*selection{g.rootField(root)}
		if g.one(6) {
			again := *main.set.selections[0]
			main.set.selections = append(main.set.selections, &again)
		}
		if g.one(6) {
			main.set.selections = []*selection{{on: "Subscription", set: &set{on: "Subscription", selections: main.set.selections}}}
		}
	} else {
		g.fill(main.set, 4)
	}
	if g.one(12) && root.name == "Query" {
		main.set.selections = append(main.set.selections, g.introspection())
	}
	if g.one(8) && root.name == "Query" {
		main.directives = []*directive{{name: "mark", arguments: []*argument{{"n", g.literal(&typeRef{name: "Int"}, 1)}}}}
	}
	if root.name == "Query" && main.name == "" && len(main.variables) == 0 && len(main.directives) == 0 && g.one(3) {
		main.kind = ""
	}
	if main.name != "" && g.one(6) {
		g.doc.operations = append(g.doc.operations, &operation{
			kind: "query", name: "Other", set: &set{on: "Query", selections: []*selection{{name: "__typename"}}},
		})
	}
	return g.doc
}

func keyword(root *typeDef) string {
	return map[string]string{"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}[root.name]
}

func (g *generator) operationName(doc *document) string {
	switch {
	case g.one(30):
		return "Nobody"
	case len(doc.operations) > 1 && !g.one(10):
		return doc.operations[g.IntN(len(doc.operations))].name
	case g.one(5):
		return doc.operations[0].name
	}
	return ""
}

// rootField selects a field of a root type, without conditions.
func (g *generator) rootField(root *typeDef) *selection {
	g.plain = true
	s := g.field(pick(g.Rand, root.fields), 4)
	return s
}

// fill adds selections to a set.
func (g *generator) fill(s *set, depth int) {
	d := g.types[s.on]
	for range 1 + g.IntN(3) {
		if len(d.fields) > 0 && !g.one(8) {
			s.selections = append(s.selections, g.field(pick(g.Rand, d.fields), depth))
			continue
		}
		s.selections = append(s.selections, g.typename())
	}
	if depth <= 0 || g.budget <= 0 {
		return
	}
	for range g.IntN(3) {
		if f := g.fragment(s.on, depth-1); f != nil {
			s.selections = append(s.selections, f)
		}
	}
}

func (g *generator) typename() *selection {
	g.budget--
	s := &selection{name: "__typename", directives: g.conditions()}
	if g.one(3) {
		s.alias = fmt.Sprintf("t%d", g.IntN(2))
	}
	return s
}

func (g *generator) field(f *fieldDef, depth int) *selection {
	if !g.leaf(f.typ.named()) && (depth <= 0 || g.budget <= 0) {
		return g.typename()
	}
	g.budget--
	s := &selection{name: f.name, def: f}
	if !g.plain {
		s.directives = g.conditions()
	}
	g.plain = false
	if g.one(4) {
		s.alias = fmt.Sprintf("%s_%d", f.name, g.IntN(2))
	}
	if !g.mergeable(s) {
		g.arguments(s, f)
	}
	if !g.leaf(f.typ.named()) {
		s.set = &set{on: f.typ.named()}
		g.fill(s.set, depth-1)
	}
	return s
}

// mergeable gives a field what makes it mostly mergeable with an earlier one of
// its response key: the same arguments, or another key.
func (g *generator) mergeable(s *selection) bool {
	key := s.name
	if s.alias != "" {
		key = s.alias
	}
	earlier := g.keys[key]
	switch {
	case earlier == nil:
		g.keys[key] = s
		return false
	case g.one(30):
		return false
	case earlier.name != s.name || earlier.def.typ.String() != s.def.typ.String() || len(earlier.def.args) != len(s.def.args) || g.constant:
		s.alias = fmt.Sprintf("u%d", len(g.keys))
		g.keys[s.alias] = s
		return false
	}
	s.arguments = earlier.arguments
	return earlier.def == s.def || len(s.def.args) == 0
}

func (g *generator) arguments(s *selection, f *fieldDef) {
	s.arguments = nil
	for _, a := range f.args {
		if a.required() || g.one(3) {
			s.arguments = append(s.arguments, &argument{a.name, g.at(a, 2)})
		}
	}
	if g.one(4) {
		slices.Reverse(s.arguments)
	}
}

func (g *generator) leaf(name string) bool {
	d := g.types[name]
	return d.kind == scalarKind || d.kind == enumKind
}

// fragment makes a spread or an inline fragment that may stand in a type.
func (g *generator) fragment(parent string, depth int) *selection {
	on := pick(g.Rand, append(g.composite[:len(g.composite):len(g.composite)], parent))
	if on != parent && (isRoot(parent) || !g.meet(parent, on)) {
		on = parent
	}
	s := &selection{directives: g.conditions()}
	if !g.one(3) {
		s.on = on
		if on == parent && g.one(2) {
			s.on = ""
		}
		s.set = &set{on: on}
		g.fill(s.set, depth)
		return s
	}
	for _, f := range g.doc.fragments {
		if f.on == on && !slices.Contains(g.open, f.name) && g.one(2) {
			s.spread = f.name
			return s
		}
	}
	if len(g.doc.fragments) > 3 {
		return nil
	}
	f := &fragment{name: fmt.Sprintf("F%d", len(g.doc.fragments)), on: on, set: &set{on: on}}
	if g.one(10) {
		f.directives = []*directive{{name: "mark"}, {name: "mark"}}
	}
	g.doc.fragments = append(g.doc.fragments, f)
	g.open = append(g.open, f.name)
	g.fill(f.set, depth)
	g.open = g.open[:len(g.open)-1]
	s.spread = f.name
	return s
}

func isRoot(name string) bool { return name == "Query" || name == "Mutation" || name == "Subscription" }

func (g *generator) conditions() []*directive {
	if g.one(40) {
		return []*directive{{name: "mark"}, {name: "mark", arguments: []*argument{{"of", &value{text: "RED", typ: &typeRef{name: "E0"}}}}}}
	}
	if !g.one(6) {
		return nil
	}
	condition := &typeRef{name: "Boolean", nonNull: true}
	names := pick(g.Rand, [][]string{{"skip"}, {"include"}, {"skip", "include"}, {"include", "skip"}})
	var all []*directive
	for _, name := range names {
		var v *value
		if !g.one(3) {
			v = g.variable(condition)
		}
		if v == nil {
			v = &value{text: pick(g.Rand, literals["Boolean"]), typ: condition}
		}
		all = append(all, &directive{name, []*argument{{"if", v}}})
	}
	return all
}

// introspection selects what both sides describe in the same words: of the
// types of the schema only.
func (g *generator) introspection() *selection {
	leaf := func(names ...string) []*selection {
		var all []*selection
		for _, name := range names {
			all = append(all, &selection{name: name})
		}
		return all
	}
	ref := &selection{name: "type", set: &set{selections: append(leaf("kind", "name"),
		&selection{name: "ofType", set: &set{selections: append(leaf("kind", "name"), &selection{name: "ofType", set: &set{selections: leaf("kind", "name", "__typename")}})}})}}
	deprecated := func() []*argument {
		if g.one(2) {
			return nil
		}
		return []*argument{{"includeDeprecated", g.literal(&typeRef{name: "Boolean", nonNull: true}, 0)}}
	}
	inputs := append(leaf("name", "defaultValue", "isDeprecated", "deprecationReason"), ref)
	body := append(leaf("kind", "name", "description", "specifiedByURL", "isOneOf"),
		&selection{name: "fields", arguments: deprecated(), set: &set{selections: append(leaf("name", "isDeprecated", "deprecationReason"), ref,
			&selection{name: "args", arguments: deprecated(), set: &set{selections: inputs}})}},
		&selection{name: "inputFields", arguments: deprecated(), set: &set{selections: inputs}},
		&selection{name: "enumValues", arguments: deprecated(), set: &set{selections: leaf("name", "isDeprecated", "deprecationReason")}},
		&selection{name: "interfaces", set: &set{selections: leaf("name")}},
		&selection{name: "possibleTypes", set: &set{selections: leaf("name")}},
	)
	if g.one(3) {
		return &selection{name: "__schema", set: &set{selections: []*selection{
			{name: "queryType", set: &set{selections: leaf("name")}},
			{name: "mutationType", set: &set{selections: leaf("name", "kind")}},
			{name: "subscriptionType", set: &set{selections: body}},
			{name: "types", set: &set{selections: leaf("name", "kind")}},
		}}}
	}
	names := []string{`"None"`, `"In0"`, `"In2"`, `"E0"`, `"Time"`, `"Query"`, `"__Type"`}
	for _, name := range g.composite {
		names = append(names, `"`+name+`"`)
	}
	return &selection{name: "__type", arguments: []*argument{{"name", &value{text: pick(g.Rand, names)}}}, set: &set{selections: body}}
}
