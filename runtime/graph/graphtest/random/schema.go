package random

import (
	"fmt"
	"slices"
	"strings"
)

type kind uint8

const (
	scalarKind kind = iota
	enumKind
	inputKind
	objectKind
	interfaceKind
	unionKind
)

// typeDef is a named type.
type typeDef struct {
	kind       kind
	name       string
	fields     []*fieldDef
	inputs     []*inputDef // of an input object
	interfaces []string    // all of them, inherited ones, too
	members    []string    // object types of a union, or that implement an interface
	values     []string    // of an enum
	oneOf      bool
}

// fieldDef is a field of an output type.
type fieldDef struct {
	name       string
	typ        *typeRef
	args       []*inputDef
	deprecated bool
}

// inputDef is an argument or an input field.
type inputDef struct {
	name       string
	typ        *typeRef
	fallback   string // literal of the default; empty where there is none
	deprecated bool
}

func (d *inputDef) required() bool { return d.typ.nonNull && d.fallback == "" }

// typeRef is a type with its wrappers.
type typeRef struct {
	name    string
	elem    *typeRef // of a list
	nonNull bool
}

func (t *typeRef) String() string {
	text := t.name
	if t.elem != nil {
		text = "[" + t.elem.String() + "]"
	}
	if t.nonNull {
		text += "!"
	}
	return text
}

func (t *typeRef) named() string {
	for t.elem != nil {
		t = t.elem
	}
	return t.name
}

func (t *typeRef) with(nonNull bool) *typeRef {
	changed := *t
	changed.nonNull = nonNull
	return &changed
}

var builtIn = []string{"Int", "Float", "String", "Boolean", "ID"}

func (s *Schema) add(d *typeDef) *typeDef {
	s.types[d.name] = d
	return d
}

// declare makes all types of the schema and prints them.
func (s *Schema) declare() {
	for _, name := range append(builtIn[:len(builtIn):len(builtIn)], "Any", "Time") {
		s.add(&typeDef{kind: scalarKind, name: name})
		s.inputs, s.outputs = append(s.inputs, name), append(s.outputs, name)
	}
	for i := range 2 {
		d := s.add(&typeDef{kind: enumKind, name: fmt.Sprintf("E%d", i), values: []string{"RED", "GREEN", fmt.Sprintf("BLUE%d", i)}})
		s.inputs, s.outputs = append(s.inputs, d.name), append(s.outputs, d.name)
	}
	for i := range 3 {
		s.declareInput(i)
	}
	interfaces, objects, unions := 1+s.rand.IntN(3), 2+s.rand.IntN(3), s.rand.IntN(3)
	for i := range interfaces {
		s.addComposite(&typeDef{kind: interfaceKind, name: fmt.Sprintf("I%d", i)})
	}
	for i := range objects {
		s.addComposite(&typeDef{kind: objectKind, name: fmt.Sprintf("T%d", i)})
	}
	for i := range unions {
		d := s.addComposite(&typeDef{kind: unionKind, name: fmt.Sprintf("U%d", i)})
		for j := range objects {
			if s.one(2) || (j == objects-1 && d.members == nil) {
				d.members = append(d.members, fmt.Sprintf("T%d", j))
			}
		}
	}
	for i := range interfaces {
		s.fill(s.types[fmt.Sprintf("I%d", i)], i)
	}
	for i := range objects {
		s.fill(s.types[fmt.Sprintf("T%d", i)], interfaces)
	}
	for _, name := range []string{"Query", "Mutation", "Subscription"} {
		if name == "Mutation" && s.one(4) {
			continue
		}
		root := s.add(&typeDef{kind: objectKind, name: name})
		for i := range 4 + s.rand.IntN(4) {
			root.fields = append(root.fields, s.field(fmt.Sprintf("%s%d", strings.ToLower(name[:1]), i)))
		}
		s.roots = append(s.roots, root)
	}
	s.print()
	s.chooseResolvers()
}

func (s *Schema) addComposite(d *typeDef) *typeDef {
	s.add(d)
	s.composite, s.outputs = append(s.composite, d.name), append(s.outputs, d.name)
	return d
}

func (s *Schema) declareInput(i int) {
	d := s.add(&typeDef{kind: inputKind, name: fmt.Sprintf("In%d", i), oneOf: i == 2})
	s.inputs = append(s.inputs, d.name)
	for j := range 2 + s.rand.IntN(3) {
		name := fmt.Sprintf("k%d", j)
		if d.oneOf {
			of := s.inputs
			if j == 0 { // one key, at least, does not lead back to the type itself
				of = s.inputs[:len(s.inputs)-1]
			}
			d.inputs = append(d.inputs, &inputDef{name: name, typ: s.inputType(of, 1).with(false)})
			continue
		}
		// Only an optional field may lead back to the type itself.
		in := s.input(name, s.inputs[:len(s.inputs)-1])
		if s.one(6) {
			in = &inputDef{name: name, typ: &typeRef{name: d.name}}
		}
		d.inputs = append(d.inputs, in)
	}
}

// input makes an argument or an input field.
func (s *Schema) input(name string, of []string) *inputDef {
	d := &inputDef{name: name, typ: s.inputType(of, 2)}
	if s.one(3) {
		d.fallback = (&generator{Schema: s, Rand: s.rand, constant: true}).literal(d.typ, 2).String()
	}
	d.deprecated = !d.required() && s.one(8)
	return d
}

func (s *Schema) inputType(of []string, lists int) *typeRef {
	return s.wrap(pick(s.rand, of), lists)
}

func (s *Schema) wrap(name string, lists int) *typeRef {
	t := &typeRef{name: name, nonNull: s.one(3)}
	for range lists {
		if s.one(4) {
			t = &typeRef{elem: t, nonNull: s.one(3)}
		}
	}
	return t
}

// field makes a field of any output type.
func (s *Schema) field(name string) *fieldDef {
	of := s.outputs
	if s.one(2) {
		of = s.composite
	}
	f := &fieldDef{name: name, typ: s.wrap(pick(s.rand, of), 2), deprecated: s.one(8)}
	for i := range s.rand.IntN(3) {
		f.args = append(f.args, s.input(fmt.Sprintf("x%d", i), s.inputs))
	}
	return f
}

// shared returns the definition that a field of this name mostly has.
func (s *Schema) shared(name string) *fieldDef {
	if s.fields[name] == nil {
		s.fields[name] = s.field(name)
	}
	return s.fields[name]
}

// fill gives a type its interfaces, among the first few, and its fields.
func (s *Schema) fill(d *typeDef, interfaces int) {
	for i := range interfaces {
		if !s.one(2) {
			continue
		}
		parent := s.types[fmt.Sprintf("I%d", i)]
		for _, name := range append(parent.interfaces[:len(parent.interfaces):len(parent.interfaces)], parent.name) {
			if !slices.Contains(d.interfaces, name) {
				d.interfaces = append(d.interfaces, name)
				if d.kind == objectKind {
					s.types[name].members = append(s.types[name].members, d.name)
				}
			}
		}
	}
	for _, name := range d.interfaces {
		for _, f := range s.types[name].fields {
			s.inherit(d, f.name)
		}
	}
	for range 2 + s.rand.IntN(3) {
		name := fmt.Sprintf("f%d", s.rand.IntN(6))
		if slices.ContainsFunc(d.fields, func(f *fieldDef) bool { return f.name == name }) {
			continue
		}
		if d.kind == objectKind && s.one(3) {
			d.fields = append(d.fields, s.field(name))
			continue
		}
		d.fields = append(d.fields, s.shared(name))
	}
}

// inherit adds a field of an interface, perhaps of a narrower type.
func (s *Schema) inherit(d *typeDef, name string) {
	if slices.ContainsFunc(d.fields, func(f *fieldDef) bool { return f.name == name }) {
		return
	}
	f := *s.shared(name)
	if d.kind == objectKind && s.one(4) {
		f.typ = f.typ.with(true)
	}
	d.fields = append(d.fields, &f)
}

// possible returns the object types that a composite type stands for.
func (s *Schema) possible(name string) []string {
	if d := s.types[name]; d.kind != objectKind {
		return d.members
	}
	return []string{name}
}

// meet tells whether a fragment on one type may be spread in another.
func (s *Schema) meet(a, b string) bool {
	return slices.ContainsFunc(s.possible(a), func(name string) bool { return slices.Contains(s.possible(b), name) })
}
