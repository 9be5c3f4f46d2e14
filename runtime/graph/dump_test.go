package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Dump prints a plan for goldens.
func (p *Plan) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", p.kind, p.name)
	for i, v := range p.variables {
		fmt.Fprintf(&b, "variable %d: $%s: %s", i, v.name, v.typ)
		if v.fallback != nil {
			fmt.Fprintf(&b, " = %s", v.fallback)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "projection depends on variables %v, permissions %q\n", p.keyed, p.permissions)
	for _, s := range p.selections {
		fmt.Fprintf(&b, "\nselection %d on %s, reads %q\n", s.id, s.typeName, s.members.names)
		for _, f := range s.fields {
			b.WriteString("  " + f.dump() + "\n")
		}
	}
	return b.String()
}

func (f *field) dump() string {
	line := fmt.Sprintf("%s%s.%s: %s", f.keyJSON, f.parent, f.name, f.shape.text)
	line += " " + [...]string{"member", "typename", "resolver", "batch", "placeholder", "schema", "type"}[f.source]
	if f.sub != nil {
		line += fmt.Sprintf(" -> %d", f.sub.id)
	}
	names := make([]string, 0, len(f.subs))
	for name, sub := range f.subs {
		names = append(names, fmt.Sprintf("%s:%d", name, sub.id))
	}
	slices.Sort(names)
	if len(names) > 0 {
		line += " -> " + strings.Join(names, " ")
	}
	for _, o := range f.occurrences {
		if len(f.occurrences) > 1 || len(o.conditions) > 0 {
			line += fmt.Sprintf(" at %d if", o.place)
			for _, c := range o.conditions {
				line += fmt.Sprintf(" %d=%v", c>>1, c&1 == 1)
			}
		}
	}
	if len(f.requires) > 0 {
		line += fmt.Sprintf(" requires %v", f.requires)
	}
	for _, a := range f.arguments {
		line += fmt.Sprintf(" (%s: %s", a.name, a.typ)
		if a.value != nil {
			line += " " + a.value.dump()
		}
		if a.absent != nil {
			line += fmt.Sprintf(", else %s", a.absent)
		}
		line += ")"
	}
	return line
}

func (in *input) dump() string {
	switch {
	case in.json != nil:
		return string(in.json)
	case in.variable > 0:
		return fmt.Sprintf("$%d", in.variable-1)
	}
	var parts []string
	for _, item := range in.items {
		parts = append(parts, item.dump())
	}
	for _, f := range in.fields {
		switch {
		case !f.present:
			parts = append(parts, fmt.Sprintf("%s: %s", f.name, f.absent))
		case f.absent != nil:
			parts = append(parts, fmt.Sprintf("%s: %s else %s", f.name, f.value.dump(), f.absent))
		default:
			parts = append(parts, f.name+": "+f.value.dump())
		}
	}
	if in.isObject {
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
