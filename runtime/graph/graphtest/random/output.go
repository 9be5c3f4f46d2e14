package random

import (
	"fmt"
	"strings"
)

// outputs of leaf types that fit, or that coerce.
var leafOutputs = map[string][]string{
	"Int":     {"0", "-5", "3.0", "1e2", "2147483647", "true", `"12"`},
	"Float":   {"1", "-2.50", "1E-3", "0.1", "false", `"1.5"`, `"0x10"`},
	"String":  {`"s"`, `""`, `"\ud83d\ude00\""`, `"<&>"`, "true", "5", "1.50", "1e21", "1e-7", "-0.0", "100000000000000000000"},
	"Boolean": {"true", "false", "1", "0", "-0.0", "2.5"},
	"ID":      {`"i"`, "7", `"\u0041"`, "1.0", "1e3", "-0"},
	"Any":     {`{"a": [1, null]}`, `"s"`, "1", "[ ]", `{"b":{}, "a":-0.5}`, "false"},
	"Time":    {`"t"`, "12"},
}

var wrongOutputs = []string{
	`null`, `{}`, `[]`, `"x"`, `""`, `" "`, `"1e3"`, `" 12 "`, `"2147483648"`, `"0x1F"`, `"1_0"`, `"Infinity"`, `"-"`, `1`, `1.5`, `true`, `1e400`, `-1e400`, `[null]`,
	`{"__typename":"T9"}`, `{"__typename":1}`, `{"__typename":"I0"}`, `9999999999`, `-2147483649`, `2.0`, `"\u00e9<\n"`, `[[1]]`, `{"f0":1}`, `"RED"`, `"PINK"`, `0.0`, `"1.0"`,
}

// output makes the value of a resolver; now and then it does not fit.
func (g *generator) output(t *typeRef, depth int) string {
	if g.one(25) {
		return pick(g.Rand, wrongOutputs)
	}
	if !t.nonNull && (g.one(12) || depth <= 0) {
		return "null"
	}
	if t.elem != nil {
		items := make([]string, g.IntN(4))
		for i := range items {
			items[i] = g.output(t.elem, depth-1)
		}
		return "[" + strings.Join(items, " , ") + "]"
	}
	d := g.types[t.name]
	switch d.kind {
	case enumKind:
		return `"` + pick(g.Rand, d.values) + `"`
	case scalarKind:
		return pick(g.Rand, leafOutputs[d.name])
	}
	if depth <= 0 {
		return "{}"
	}
	possible := g.possible(t.name)
	if len(possible) == 0 {
		return `{"__typename":"` + t.name + `"}`
	}
	return g.outputObject(g.types[pick(g.Rand, possible)], depth)
}

func (g *generator) outputObject(d *typeDef, depth int) string {
	g.objects++
	members := []string{fmt.Sprintf(`"%s":%d`, NumberMember, g.objects)}
	if !g.one(30) {
		members = append(members, fmt.Sprintf(`"__typename":%q`, d.name))
	}
	for _, f := range d.fields {
		if g.one(12) {
			continue
		}
		key := `"` + f.name + `"`
		if g.one(10) {
			key = fmt.Sprintf(`"\u%04x%s"`, f.name[0], f.name[1:])
		}
		members = append(members, key+" : "+g.output(f.typ, depth-1))
		if g.one(20) {
			members = append(members, key+":"+g.output(f.typ, depth-1))
		}
	}
	if g.one(2) {
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	return "{" + strings.Join(members, ",") + "}"
}
