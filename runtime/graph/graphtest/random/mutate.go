package random

// mutation breaks one rule in a document. It tells whether it found a place.
type mutation struct {
	rule  string
	apply func(g *generator, d *document) bool
}

// Rules are the names of all mutations, which are the rules of the
// specification that they break.
func Rules() []string {
	names := make([]string, len(mutations))
	for i, m := range mutations {
		names[i] = m.rule
	}
	return names
}

// mutate breaks one rule, or more, and returns its name.
func (g *generator) mutate(d *document) string {
	fault := ""
	for range 1 + g.IntN(2) {
		if m := mutations[g.IntN(len(mutations))]; m.apply(g, d) {
			fault = m.rule
		}
	}
	return fault
}

var mutations = []mutation{
	{"ExecutableDefinitions", func(g *generator, d *document) bool {
		d.extra = pick(g.Rand, []string{"type X { a: Int }", "extend type T0 { z: Int }", "schema { query: Query }", "directive @d on FIELD"})
		return true
	}},
	{"UniqueOperationNames", func(_ *generator, d *document) bool {
		again := *d.operations[0]
		d.operations = append(d.operations, &again)
		return true
	}},
	{"LoneAnonymousOperation", func(_ *generator, d *document) bool {
		d.operations = append(d.operations, &operation{set: &set{on: "Query", selections: []*selection{{name: "__typename"}}}})
		return true
	}},
	{"KnownOperationTypes", func(g *generator, d *document) bool {
		d.operations = []*operation{{kind: "mutation", set: &set{on: "Mutation", selections: []*selection{{name: "__typename"}}}}}
		d.fragments = nil
		return true
	}},
	{"SingleFieldSubscriptions", breakSubscription},
	{"KnownTypeNames", breakTypeName},
	{"FragmentsOnCompositeTypes", func(g *generator, d *document) bool {
		return g.retype(d, pick(g.Rand, []string{"Int", "E0", "In0", "Any"}))
	}},
	{"VariablesAreInputTypes", func(g *generator, d *document) bool {
		return g.onVariable(d, func(v *variable) { v.typ = &typeRef{name: pick(g.Rand, g.composite), nonNull: g.one(2)} })
	}},
	{"ScalarLeafs", breakLeaf},
	{"FieldsOnCorrectType", func(g *generator, d *document) bool {
		return g.onSelection(d, isField, func(s *selection) {
			s.name = pick(g.Rand, []string{"nope", "f9", "__schema", "__type", "f0", "q0", "__none"})
		})
	}},
	{"UniqueFragmentNames", func(g *generator, d *document) bool {
		return g.onFragment(d, func(f *fragment) { again := *f; d.fragments = append(d.fragments, &again) })
	}},
	{"KnownFragmentNames", func(g *generator, d *document) bool {
		return g.onSet(d, func(s *set) { s.selections = append(s.selections, &selection{spread: "Unknown"}) })
	}},
	{"NoUnusedFragments", func(g *generator, d *document) bool {
		f := &fragment{name: "Unused", on: "Query", set: &set{on: "Query", selections: []*selection{{name: "__typename"}}}}
		if g.one(2) { // used by itself alone, or by another that is not used
			f.set.selections = append(f.set.selections, &selection{spread: pick(g.Rand, []string{"Unused", "F0"})})
		}
		d.fragments = append(d.fragments, f)
		return true
	}},
	{"PossibleFragmentSpreads", func(g *generator, d *document) bool {
		return g.onSet(d, func(s *set) {
			on := pick(g.Rand, append([]string{"Query", "Mutation", "Subscription"}, g.composite...))
			s.selections = append(s.selections, &selection{on: on, set: &set{on: on, selections: []*selection{{name: "__typename"}}}})
		})
	}},
	{"NoFragmentCycles", func(g *generator, d *document) bool {
		return g.onFragment(d, func(f *fragment) {
			inside := (&document{fragments: []*fragment{f}}).sets()
			s := pick(g.Rand, inside)
			s.selections = append(s.selections, &selection{spread: pick(g.Rand, d.fragments).name})
		})
	}},
	{"UniqueVariableNames", func(g *generator, d *document) bool {
		return g.onVariable(d, func(v *variable) { again := *v; d.operations[0].variables = append(d.operations[0].variables, &again) })
	}},
	{"NoUndefinedVariables", func(g *generator, d *document) bool {
		return g.onVariable(d, func(v *variable) { v.name = "renamed" })
	}},
	{"NoUnusedVariables", func(g *generator, d *document) bool {
		d.operations[0].variables = append(d.operations[0].variables, &variable{name: "unused", typ: &typeRef{name: "Int"}})
		if d.operations[0].kind == "" {
			d.operations[0].kind = "query"
		}
		return true
	}},
	{"KnownDirectives", breakDirective},
	{"UniqueDirectivesPerLocation", func(g *generator, d *document) bool {
		return g.onSelection(d, anySelection, func(s *selection) {
			name := pick(g.Rand, []string{"skip", "include"})
			for range 2 {
				s.directives = append(s.directives, &directive{name, []*argument{{"if", &value{text: "true"}}}})
			}
		})
	}},
	{"KnownArgumentNames", func(g *generator, d *document) bool {
		more := &argument{"none", &value{text: "1"}}
		return g.onSelection(d, isField, func(s *selection) {
			if len(s.directives) > 0 && g.one(2) {
				s.directives[0].arguments = append(s.directives[0].arguments, more)
				return
			}
			s.arguments = append(s.arguments, more)
		})
	}},
	{"UniqueArgumentNames", func(g *generator, d *document) bool {
		return g.onSelection(d, hasArguments, func(s *selection) { s.arguments = append(s.arguments, s.arguments[0]) })
	}},
	{"ValuesOfCorrectType", breakValue},
	{"ProvidedRequiredArguments", func(g *generator, d *document) bool {
		if g.one(4) {
			return g.onSelection(d, anySelection, func(s *selection) { s.directives = append(s.directives, &directive{name: "skip"}) })
		}
		return g.onSelection(d, hasArguments, func(s *selection) { s.arguments = s.arguments[1:] })
	}},
	{"VariablesInAllowedPosition", func(g *generator, d *document) bool {
		return g.onVariable(d, func(v *variable) {
			switch g.IntN(4) {
			case 0:
				v.typ = &typeRef{elem: v.typ}
			case 1:
				v.typ = v.typ.with(false)
			case 2:
				v.fallback = &value{text: "null"}
			default:
				v.typ = &typeRef{name: pick(g.Rand, g.inputs), nonNull: v.typ.nonNull}
			}
		})
	}},
	{"OverlappingFieldsCanBeMerged", breakOverlap},
	{"UniqueInputFieldNames", func(g *generator, d *document) bool {
		return g.onValue(d, func(v *value) bool { return len(v.fields) > 0 }, func(v *value) { v.fields = append(v.fields, v.fields[0]) })
	}},
	{"MaxIntrospectionDepth", breakIntrospection},
}

func isField(s *selection) bool { return s.name != "" }

func anySelection(*selection) bool { return true }

func hasArguments(s *selection) bool { return len(s.arguments) > 0 }

func (g *generator) onSelection(d *document, accept func(*selection) bool, change func(*selection)) bool {
	all := d.selections(accept)
	if len(all) == 0 {
		return false
	}
	change(pick(g.Rand, all))
	return true
}

func (g *generator) onSet(d *document, change func(*set)) bool {
	change(pick(g.Rand, d.sets()))
	return true
}

func (g *generator) onVariable(d *document, change func(*variable)) bool {
	if len(d.operations[0].variables) == 0 {
		return false
	}
	change(pick(g.Rand, d.operations[0].variables))
	return true
}

func (g *generator) onFragment(d *document, change func(*fragment)) bool {
	if len(d.fragments) == 0 {
		return false
	}
	change(pick(g.Rand, d.fragments))
	return true
}

func (g *generator) onValue(d *document, accept func(*value) bool, change func(*value)) bool {
	all := d.values(accept)
	if len(all) == 0 {
		return false
	}
	change(pick(g.Rand, all))
	return true
}

// retype changes a type condition.
func (g *generator) retype(d *document, on string) bool {
	if len(d.fragments) > 0 && g.one(2) {
		return g.onFragment(d, func(f *fragment) { f.on = on })
	}
	return g.onSelection(d, func(s *selection) bool { return s.on != "" }, func(s *selection) { s.on = on })
}

func breakSubscription(g *generator, d *document) bool {
	root := g.types["Subscription"]
	op := d.operations[0]
	if op.kind != "subscription" {
		g.owner = &operation{kind: "subscription", set: &set{on: "Subscription"}}
		g.owner.set.selections = []*selection{g.rootField(root)}
		op, d.fragments = g.owner, g.doc.fragments
		d.operations = []*operation{op}
	}
	condition := &directive{pick(g.Rand, []string{"skip", "include"}), []*argument{{"if", &value{text: pick(g.Rand, literals["Boolean"])}}}}
	switch g.IntN(6) {
	case 0:
		op.set.selections = append(op.set.selections, g.rootField(root))
	case 1:
		op.set.selections = append(op.set.selections, &selection{alias: "other", name: "__typename"})
	case 2:
		op.set.selections = []*selection{{name: pick(g.Rand, []string{"__typename", "__schema"})}}
	case 3:
		op.set.selections[0].directives = append(op.set.selections[0].directives, condition)
	case 4:
		op.set.selections = []*selection{{directives: []*directive{condition}, set: &set{on: "Subscription", selections: op.set.selections}}}
	default:
		d.fragments = append(d.fragments, &fragment{name: "Root", on: "Subscription", set: &set{on: "Subscription", selections: []*selection{g.rootField(root)}}})
		op.set.selections = append(op.set.selections, &selection{spread: "Root"})
	}
	return true
}

func breakTypeName(g *generator, d *document) bool {
	if g.one(3) && g.onVariable(d, func(v *variable) { v.typ = &typeRef{name: "Unknown", nonNull: true} }) {
		return true
	}
	return g.retype(d, "Unknown")
}

func breakLeaf(g *generator, d *document) bool {
	return g.onSelection(d, isField, func(s *selection) {
		if s.set == nil {
			s.set = &set{on: "Query", selections: []*selection{{name: "__typename"}}}
		} else {
			s.set = nil
		}
	})
}

func breakDirective(g *generator, d *document) bool {
	name := pick(g.Rand, []string{"unknown", "deprecated", "on", "oneOf", "defer", "skip", "mark"})
	u := &directive{name: name}
	if name == "skip" {
		u.arguments = []*argument{{"if", &value{text: "true"}}}
	}
	op := d.operations[0]
	switch {
	case g.one(4) && op.kind != "":
		op.directives = append(op.directives, u)
		return true
	case g.one(4) && len(op.variables) > 0:
		return g.onVariable(d, func(v *variable) { v.directives = append(v.directives, u) })
	case g.one(4) && len(d.fragments) > 0:
		return g.onFragment(d, func(f *fragment) { f.directives = append(f.directives, u) })
	}
	return g.onSelection(d, anySelection, func(s *selection) { s.directives = append(s.directives, u) })
}

func breakValue(g *generator, d *document) bool {
	return g.onValue(d, func(*value) bool { return true }, func(v *value) {
		if v.object && g.one(3) {
			switch {
			case len(v.fields) > 0 && g.one(2):
				v.fields = v.fields[1:]
			default:
				v.fields = append(v.fields, &argument{pick(g.Rand, []string{"k0", "k1", "k9"}), &value{text: "1"}})
			}
			return
		}
		*v = value{text: pick(g.Rand, misfits), typ: v.typ}
	})
}

func breakOverlap(g *generator, d *document) bool {
	return g.onSet(d, func(s *set) {
		t := g.types[s.on]
		if t == nil || len(t.fields) == 0 || isRoot(s.on) && d.operations[0].kind == "subscription" {
			return
		}
		g.owner = d.operations[0]
		for range 2 {
			f := g.field(pick(g.Rand, t.fields), 2)
			f.alias = "same"
			f.directives = nil
			if g.one(3) {
				f = &selection{set: &set{on: s.on, selections: []*selection{f}}}
			}
			s.selections = append(s.selections, f)
		}
	})
}

func breakIntrospection(g *generator, d *document) bool {
	inner := []*selection{{name: "name"}}
	for range 2 + g.IntN(4) {
		field := pick(g.Rand, []string{"interfaces", "possibleTypes", "ofType"})
		inner = []*selection{{name: field, set: &set{selections: inner}}}
		if g.one(4) {
			d.fragments = append(d.fragments, &fragment{name: "Meta" + string(rune('A'+len(d.fragments))), on: "__Type", set: &set{selections: inner}})
			inner = []*selection{{spread: d.fragments[len(d.fragments)-1].name}}
		}
	}
	for i := range d.operations {
		if op := d.operations[i]; op.kind == "query" || op.kind == "" {
			op.set.selections = append(op.set.selections, &selection{
				name: "__type", arguments: []*argument{{"name", &value{text: `"T0"`}}}, set: &set{selections: inner},
			})
			return true
		}
	}
	return false
}
