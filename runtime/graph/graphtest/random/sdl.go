package random

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// print writes the schema as SDL.
func (s *Schema) print() {
	var b strings.Builder
	// Introspection shows the built-in scalars that a schema uses.
	b.WriteString("input All { a: Int b: Float c: String d: Boolean e: ID }\n")
	b.WriteString("directive @mark(n: Int = 1, of: E0) repeatable on FIELD | QUERY | FRAGMENT_DEFINITION | VARIABLE_DEFINITION\n")
	for _, name := range slices.Sorted(maps.Keys(s.types)) {
		d := s.types[name]
		if slices.Contains(builtIn, name) {
			continue
		}
		switch d.kind {
		case scalarKind:
			b.WriteString("scalar " + name)
			if name == "Time" {
				b.WriteString(` @specifiedBy(url: "https://example.com/time")`)
			}
			b.WriteString("\n")
		case enumKind:
			fmt.Fprintf(&b, "enum %s { %s @deprecated }\n", name, strings.Join(d.values, " "))
		case unionKind:
			fmt.Fprintf(&b, "\"\"\"one of %d\"\"\"\nunion %s = %s\n", len(d.members), name, strings.Join(d.members, " | "))
		case inputKind:
			s.printInput(&b, d)
		default:
			s.printFields(&b, d)
		}
	}
	s.SDL = b.String()
}

func (s *Schema) printInput(b *strings.Builder, d *typeDef) {
	oneOf := ""
	if d.oneOf {
		oneOf = " @oneOf"
	}
	fmt.Fprintf(b, "input %s%s {%s }\n", d.name, oneOf, printInputs(d.inputs))
}

func printInputs(inputs []*inputDef) string {
	var b strings.Builder
	for _, in := range inputs {
		fmt.Fprintf(&b, " %s: %s", in.name, in.typ)
		if in.fallback != "" {
			b.WriteString(" = " + in.fallback)
		}
		if in.deprecated {
			b.WriteString(` @deprecated(reason: "old")`)
		}
	}
	return b.String()
}

func (s *Schema) printFields(b *strings.Builder, d *typeDef) {
	keyword, implements := "type", ""
	if d.kind == interfaceKind {
		keyword = "interface"
	}
	if len(d.interfaces) > 0 {
		implements = " implements " + strings.Join(d.interfaces, " & ")
	}
	fmt.Fprintf(b, "%s %s%s {\n", keyword, d.name, implements)
	for _, f := range d.fields {
		b.WriteString("  " + f.name)
		if len(f.args) > 0 {
			b.WriteString("(" + printInputs(f.args) + ")")
		}
		b.WriteString(": " + f.typ.String())
		if f.deprecated {
			b.WriteString(" @deprecated")
		}
		if d.name == "Subscription" {
			b.WriteString(` @on(channel: "c")`)
		}
		b.WriteString("\n")
		if slices.Contains(s.roots, d) {
			s.Resolvers = append(s.Resolvers, d.name+"."+f.name)
		}
	}
	b.WriteString("}\n")
}
