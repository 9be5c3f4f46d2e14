package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// random writes operations and outputs that mostly fit a schema.
type random struct {
	*rand.Rand
	schema    *ast.Schema
	fragments []string // bodies, in order; one only spreads later ones
	on        []string
}

func (r *random) query() string {
	r.on = []string{"Order", "Node", "Customer", "Secret"}
	r.fragments = make([]string, len(r.on))
	used := make([]bool, len(r.on))
	root := ""
	for i, field := range []string{"order(id: 1)", "must", "orders", "things", "node"} {
		typ := []string{"Order", "Order", "Order", "Thing", "Node"}[i]
		if r.IntN(2) == 0 {
			root += fmt.Sprintf(" r%d: %s%s {%s }", i, field, r.condition(), r.selections(typ, 2+r.IntN(4), 0, used))
		}
	}
	text := "query($a: Boolean!, $b: Boolean!) {" + root + " x: number @skip(if: $a) y: number @skip(if: $b) }"
	for i := range r.on {
		if used[i] {
			text += fmt.Sprintf(" fragment F%d on %s {%s }", i, r.on[i], r.selections(r.on[i], 2, i+1, used))
		}
	}
	return text
}

func (r *random) condition() string {
	switch r.IntN(8) {
	case 0:
		return " @include(if: $a)"
	case 1:
		return " @skip(if: $b)"
	case 2:
		return " @skip(if: $a) @include(if: $b)"
	}
	return ""
}

func (r *random) selections(typeName string, depth, firstFragment int, used []bool) string {
	def := r.schema.Types[typeName]
	var b strings.Builder
	if r.IntN(3) == 0 || len(def.Fields) == 0 {
		b.WriteString(" __typename" + r.condition())
	}
	for range 1 + r.IntN(4) {
		if len(def.Fields) > 0 {
			b.WriteString(r.field(def.Fields[r.IntN(len(def.Fields))], depth, firstFragment, used))
		}
	}
	for range r.IntN(3) {
		inner := []string{"Order", "Customer", "Node", "Secret"}[r.IntN(4)]
		if !r.overlaps(typeName, inner) {
			continue
		}
		fragment := r.IntN(len(r.on))
		if fragment >= firstFragment && r.overlaps(typeName, r.on[fragment]) {
			used[fragment] = true
			fmt.Fprintf(&b, " ...F%d%s", fragment, r.condition())
			continue
		}
		if depth > 0 {
			fmt.Fprintf(&b, " ... on %s%s {%s }", inner, r.condition(), r.selections(inner, depth-1, firstFragment, used))
		}
	}
	if b.Len() == 0 {
		return " __typename"
	}
	return b.String()
}

func (r *random) overlaps(a, b string) bool {
	for _, x := range r.schema.PossibleTypes[a] {
		for _, y := range r.schema.PossibleTypes[b] {
			if x == y {
				return true
			}
		}
	}
	return false
}

func (r *random) field(f *ast.FieldDefinition, depth, firstFragment int, used []bool) string {
	if f.Name == "query" {
		return " __typename"
	}
	text := " " + f.Name
	if r.IntN(3) == 0 {
		text = fmt.Sprintf(" %s%d: %s", f.Name, r.IntN(2), f.Name)
	}
	text += r.condition()
	if !r.schema.Types[f.Type.Name()].IsLeafType() {
		if depth == 0 {
			return " __typename"
		}
		text += " {" + r.selections(f.Type.Name(), depth-1, firstFragment, used) + " }"
	}
	return text
}

// output writes a value of a type; now and then it is another value.
func (r *random) output(t *ast.Type, depth int) string {
	wrong := []string{`null`, `{}`, `[]`, `"x"`, `1`, `1.5`, `true`, `1e999`, `[null]`, `{"__typename":"Line"}`, `9999999999`, `2.0`, `"\u00e9<\n"`}
	if r.IntN(25) == 0 || depth == 0 {
		return wrong[r.IntN(len(wrong))]
	}
	if t.Elem != nil {
		items, inner := make([]string, r.IntN(4)), depth-1
		if t.Elem.Elem == nil && r.schema.Types[t.Name()].IsLeafType() && r.IntN(20) == 0 { // more errors than are reported
			items, inner = make([]string, 60), 0
		}
		for i := range items {
			items[i] = r.output(t.Elem, inner)
		}
		return "[" + strings.Join(items, " , ") + "]"
	}
	def := r.schema.Types[t.NamedType]
	if def.Kind == ast.Enum {
		name := def.EnumValues[r.IntN(len(def.EnumValues))].Name
		if r.IntN(5) == 0 {
			name = fmt.Sprintf(`\u%04x%s`, name[0], name[1:])
		}
		return `"` + name + `"`
	}
	if def.Kind == ast.Scalar {
		choices := map[string][]string{
			"Int": {"0", "-5", "3.0", "1e2"}, "Float": {"1", "-2.50", "1E-3"}, "String": {`"s"`, `"\ud83d\ude00\""`, `"<&>"`},
			"Boolean": {"true", "false"}, "ID": {`"i"`, "7", `"\u0041"`}, "JSON": {`{"a": [1, null]}`, `"s"`, "1"}, "Time": {`"t"`},
		}[def.Name]
		return choices[r.IntN(len(choices))]
	}
	possible := r.schema.PossibleTypes[def.Name]
	return r.object(possible[r.IntN(len(possible))], depth)
}

// damaged now and then gives back what is no output, or is one just so.
func (r *random) damaged(output string) string {
	at := r.IntN(len(output))
	switch r.IntN(40) {
	case 0:
		return output[:at]
	case 1:
		return output + []string{" ", "\n\t", "x", "]", "\x00"}[r.IntN(5)]
	case 2:
		return output[:at] + string([]byte{byte(r.Uint32())}) + output[at+1:]
	case 3:
		return strings.Replace(output, `"`, `"`+[]string{`\ud800`, `\ud83d\ude00`, `\\ud800`, "\xff", "\xed\xa0\x80", "é"}[r.IntN(6)], 1)
	case 4: // nested just below and above the limit
		levels := 62 + r.IntN(3)
		return strings.Replace(output, "{", `{"deep":`+strings.Repeat("[", levels)+strings.Repeat("]", levels)+",", 1)
	case 5:
		return ""
	}
	return output
}

func (r *random) object(def *ast.Definition, depth int) string {
	members := []string{fmt.Sprintf(`"__typename":%q`, def.Name)}
	for _, f := range def.Fields {
		if r.IntN(10) == 0 || f.Name == "query" || strings.HasPrefix(f.Name, "__") {
			continue
		}
		key := `"` + f.Name + `"`
		if r.IntN(10) == 0 {
			key = fmt.Sprintf(`"\u%04x%s"`, f.Name[0], f.Name[1:])
		}
		members = append(members, key+" : "+r.output(f.Type, depth-1))
		if r.IntN(20) == 0 {
			members = append(members, key+":"+r.output(f.Type, depth-1))
		}
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	return "{" + strings.Join(members, ",") + "}"
}
