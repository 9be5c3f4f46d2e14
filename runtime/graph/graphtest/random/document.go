package random

import "strings"

// document is an operation's text as a tree, which mutations change.
type document struct {
	operations []*operation
	fragments  []*fragment
	extra      string // definitions that do not belong there
}

type operation struct {
	kind       string // keyword; empty for the short form
	name       string
	variables  []*variable
	directives []*directive
	set        *set
}

type fragment struct {
	name, on   string
	directives []*directive
	set        *set
}

type variable struct {
	name       string
	typ        *typeRef
	fallback   *value
	directives []*directive
}

// set is a selection set.
type set struct {
	on         string // the type that it selects on
	selections []*selection
}

// selection is a field, or a fragment where name is empty.
type selection struct {
	alias, name string
	arguments   []*argument
	spread      string // name of a fragment
	on          string // type condition of an inline fragment
	directives  []*directive
	set         *set
	def         *fieldDef // nil for __typename and introspection
}

type argument struct {
	name  string
	value *value
}

type directive struct {
	name      string
	arguments []*argument
}

// value is a literal.
type value struct {
	text   string // of a leaf or a variable
	list   bool
	object bool
	items  []*value
	fields []*argument
	typ    *typeRef // that it was made for; nil inside of custom scalars
}

func (d *document) String() string {
	var b strings.Builder
	for _, op := range d.operations {
		op.print(&b)
	}
	for _, f := range d.fragments {
		b.WriteString("fragment " + f.name + " on " + f.on)
		printDirectives(&b, f.directives)
		f.set.print(&b)
		b.WriteString("\n")
	}
	b.WriteString(d.extra)
	return b.String()
}

func (op *operation) print(b *strings.Builder) {
	if op.kind != "" {
		b.WriteString(op.kind)
		if op.name != "" {
			b.WriteString(" " + op.name)
		}
		if len(op.variables) > 0 {
			b.WriteString("(")
			for i, v := range op.variables {
				if i > 0 {
					b.WriteString(", ")
				}
				v.print(b)
			}
			b.WriteString(")")
		}
		printDirectives(b, op.directives)
	}
	op.set.print(b)
	b.WriteString("\n")
}

func (v *variable) print(b *strings.Builder) {
	b.WriteString("$" + v.name + ": " + v.typ.String())
	if v.fallback != nil {
		b.WriteString(" = " + v.fallback.String())
	}
	printDirectives(b, v.directives)
}

func (s *set) print(b *strings.Builder) {
	if s == nil {
		return
	}
	b.WriteString(" {")
	for _, sel := range s.selections {
		sel.print(b)
	}
	b.WriteString(" }")
}

func (s *selection) print(b *strings.Builder) {
	b.WriteString(" ")
	switch {
	case s.spread != "":
		b.WriteString("..." + s.spread)
	case s.name == "":
		b.WriteString("...")
		if s.on != "" {
			b.WriteString(" on " + s.on)
		}
	case s.alias != "":
		b.WriteString(s.alias + ": " + s.name)
	default:
		b.WriteString(s.name)
	}
	printArguments(b, s.arguments)
	printDirectives(b, s.directives)
	s.set.print(b)
}

func printArguments(b *strings.Builder, arguments []*argument) {
	if len(arguments) == 0 {
		return
	}
	b.WriteString("(")
	for i, a := range arguments {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.name + ": " + a.value.String())
	}
	b.WriteString(")")
}

func printDirectives(b *strings.Builder, directives []*directive) {
	for _, d := range directives {
		b.WriteString(" @" + d.name)
		printArguments(b, d.arguments)
	}
}

func (v *value) String() string {
	parts := make([]string, 0, len(v.items)+len(v.fields))
	for _, item := range v.items {
		parts = append(parts, item.String())
	}
	for _, f := range v.fields {
		parts = append(parts, f.name+": "+f.value.String())
	}
	switch {
	case v.list:
		return "[" + strings.Join(parts, ", ") + "]"
	case v.object:
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return v.text
}

// sets returns all selection sets of the document.
func (d *document) sets() []*set {
	var all []*set
	var walk func(*set)
	walk = func(s *set) {
		if s == nil {
			return
		}
		all = append(all, s)
		for _, sel := range s.selections {
			walk(sel.set)
		}
	}
	for _, op := range d.operations {
		walk(op.set)
	}
	for _, f := range d.fragments {
		walk(f.set)
	}
	return all
}

// selections returns all selections of the document that a test accepts.
func (d *document) selections(accept func(*selection) bool) []*selection {
	var all []*selection
	for _, s := range d.sets() {
		for _, sel := range s.selections {
			if accept(sel) {
				all = append(all, sel)
			}
		}
	}
	return all
}

// values returns all literals of fields' arguments and what is inside of them.
func (d *document) values(accept func(*value) bool) []*value {
	var all []*value
	var walk func(*value)
	walk = func(v *value) {
		if accept(v) {
			all = append(all, v)
		}
		for _, item := range v.items {
			walk(item)
		}
		for _, f := range v.fields {
			walk(f.value)
		}
	}
	for _, sel := range d.selections(func(*selection) bool { return true }) {
		for _, a := range sel.arguments {
			walk(a.value)
		}
	}
	for _, op := range d.operations {
		for _, v := range op.variables {
			if v.fallback != nil {
				walk(v.fallback)
			}
		}
	}
	return all
}
