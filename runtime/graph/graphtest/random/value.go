package random

import (
	"fmt"
	"strconv"
	"strings"
)

// literals of built-in and custom scalars that fit.
var literals = map[string][]string{
	"Int":     {"0", "7", "-1", "2147483647", "-2147483648", "-0"},
	"Float":   {"1", "-2.5", "1e3", "0.1", "-0.0", "1.50", "123456789.25", "1E-7"},
	"String":  {`""`, `"a"`, `"\u00e9\n\"\\/"`, `"\u{1F600}"`, `"😀"`, `"""block"""`, "\"\"\"\n  two\n    lines \\\"\"\"\n  \"\"\"", "\"\"\"one\n    two\n\n      \tthree\n   \"\"\"", `"\uD83D\uDE00"`},
	"Boolean": {"true", "false"},
	"ID":      {`"i"`, "7", "-3", `"\u0041"`, `""`},
	"Any":     {"1", `"a"`, "ENUM", "1.5", "true", `{a: [1, {b: null}], c: X}`, "[]", "{}", "123456789012"},
	"Time":    {`"t"`, "1", "[1]"},
}

// misfits are literals that fit few types.
var misfits = []string{
	"null", "1", "-1", "2147483648", "-2147483649", "1.5", "1e999", `"x"`, `"1"`, "true", "PINK", "RED", "[]", "[null]", "[[1]]", "{}",
	"{k0: 1}", "{k0: null}", "{k0: 1, k1: 2}", "{none: 1}", "$undefined", "99999999999999999999", `""`,
}

// literal makes a literal that fits a type, perhaps with variables in it.
func (g *generator) literal(t *typeRef, depth int) *value {
	if !g.constant && g.one(4) {
		if v := g.variable(t); v != nil {
			return v
		}
	}
	return g.fixed(t, depth)
}

// fixed makes a literal that is no variable itself.
func (g *generator) fixed(t *typeRef, depth int) *value {
	if !t.nonNull && (g.one(8) || depth < 0) {
		return &value{text: "null", typ: t}
	}
	if t.elem != nil {
		if g.one(5) && t.elem.elem == nil { // a single item stands for a list
			item := g.fixed(t.elem.with(true), depth-1)
			item.typ = t
			return item
		}
		v := &value{list: true, typ: t}
		for range g.IntN(3) {
			v.items = append(v.items, g.literal(t.elem, depth-1))
		}
		return v
	}
	d := g.types[t.name]
	switch d.kind {
	case enumKind:
		return &value{text: pick(g.Rand, d.values), typ: t}
	case inputKind:
		return g.object(t, d, depth)
	}
	text := pick(g.Rand, literals[d.name])
	if g.constant && strings.HasPrefix(text, `"""`) {
		text = `"plain"` // how a block is printed is not the value's
	}
	return &value{text: text, typ: t}
}

func (g *generator) object(t *typeRef, d *typeDef, depth int) *value {
	v := &value{object: true, typ: t}
	if d.oneOf {
		in := pick(g.Rand, d.inputs)
		v.fields = []*argument{{in.name, g.fixedOr(in.typ.with(true), depth-1)}}
		return v
	}
	for _, in := range d.inputs {
		if in.required() || (depth > 0 && g.one(2)) {
			v.fields = append(v.fields, &argument{in.name, g.at(in, depth-1)})
		}
	}
	if g.one(3) {
		g.Shuffle(len(v.fields), func(i, j int) { v.fields[i], v.fields[j] = v.fields[j], v.fields[i] })
	}
	return v
}

// at makes a literal for an argument or an input field, whose default allows a
// nullable variable.
func (g *generator) at(in *inputDef, depth int) *value {
	t := in.typ
	if t.nonNull && in.fallback != "" && !g.constant && g.one(3) {
		if v := g.variable(t.with(false)); v != nil {
			v.typ = t
			return v
		}
	}
	return g.literal(t, depth)
}

func (g *generator) fixedOr(t *typeRef, depth int) *value {
	if g.constant {
		return g.fixed(t, depth)
	}
	return g.literal(t, depth)
}

// variable makes a use of a new or an earlier variable that fits a place.
func (g *generator) variable(t *typeRef) *value {
	if g.owner == nil {
		return nil
	}
	text := t.String()
	for _, v := range g.owner.variables {
		if v.typ.String() == text && g.one(2) {
			return &value{text: "$" + v.name, typ: t}
		}
	}
	if len(g.owner.variables) > 8 {
		return nil
	}
	v := &variable{name: fmt.Sprintf("v%d", len(g.owner.variables)), typ: t}
	if !t.nonNull && g.one(4) {
		v.typ = t.with(true)
	}
	constant := &generator{Schema: g.Schema, Rand: g.Rand, constant: true}
	switch {
	case t.nonNull && g.one(4): // its own default makes up for a nullable type
		v.typ = t.with(false)
		v.fallback = constant.fixed(t, 2)
	case g.one(4):
		v.fallback = constant.fixed(v.typ, 2)
	}
	if g.one(10) {
		v.directives = []*directive{{name: "mark"}}
	}
	g.owner.variables = append(g.owner.variables, v)
	return &value{text: "$" + v.name, typ: t}
}

// json texts of scalars that fit as variables.
var jsonValues = map[string][]string{
	"Int":     {"0", "-5", "3.0", "1e2", "2147483647"},
	"Float":   {"1", "-2.50", "1E-3", "1e21", "123456.789"},
	"String":  {`"s"`, `""`, `"\ud83d\ude00\""`, `"<&>\u2028"`},
	"Boolean": {"true", "false"},
	"ID":      {`"i"`, "7", "-7", `"\u0041"`},
	"Any":     {`{"a": [1, null], "b": {"c": "d"}}`, `"s"`, "1", "[]", "false"},
	"Time":    {`"t"`, "5"},
}

var jsonMisfits = []string{
	"null", "1", "1.5", "2147483648", "1e400", `"1"`, `"x"`, `""`, "true", "[]", "{}", "[null]", `{"k0":null}`, `{"k0":1,"k1":1}`, `{"none":1}`,
	`"RED"`, "[[1]]", `{"k0":"a"}`,
}

// variables makes the variables of a request.
func (g *generator) variables(doc *document) string {
	switch g.IntN(40) {
	case 0:
		return ""
	case 1:
		return "{}"
	case 2:
		return "null"
	}
	seen := map[string]bool{}
	members := []string{`"unused": 1`}
	for _, op := range doc.operations {
		for _, v := range op.variables {
			if seen[v.name] || ((!v.typ.nonNull || v.fallback != nil) && g.one(3)) {
				continue
			}
			seen[v.name] = true
			members = append(members, strconv.Quote(v.name)+": "+g.json(v.typ, 3))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// json makes a value of an input type; now and then it does not fit.
func (g *generator) json(t *typeRef, depth int) string {
	if g.one(30) {
		return pick(g.Rand, jsonMisfits)
	}
	if !t.nonNull && (g.one(6) || depth < 0) {
		return "null"
	}
	if t.elem != nil {
		if g.one(6) {
			return g.json(t.elem, depth-1)
		}
		items := make([]string, g.IntN(3))
		for i := range items {
			items[i] = g.json(t.elem, depth-1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	d := g.types[t.name]
	if d == nil {
		return pick(g.Rand, jsonMisfits)
	}
	switch d.kind {
	case enumKind:
		return strconv.Quote(pick(g.Rand, d.values))
	case inputKind:
		return g.jsonObject(d, depth)
	case scalarKind:
		return pick(g.Rand, jsonValues[d.name])
	}
	return pick(g.Rand, jsonMisfits)
}

func (g *generator) jsonObject(d *typeDef, depth int) string {
	var members []string
	if d.oneOf {
		in := pick(g.Rand, d.inputs)
		return fmt.Sprintf("{%q: %s}", in.name, g.json(in.typ.with(true), depth-1))
	}
	for _, in := range d.inputs {
		if (in.required() && !g.one(20)) || (depth > 0 && g.one(2)) {
			members = append(members, fmt.Sprintf("%q: %s", in.name, g.json(in.typ, depth-1)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}
