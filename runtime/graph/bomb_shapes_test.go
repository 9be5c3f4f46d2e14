package graph_test

import (
	"fmt"
	"strings"
)

// repeat joins n texts.
func repeat(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

func same(text string) func(int) string { return func(int) string { return text } }

// nest puts a text into so many selections of a field.
func nest(depth int, open, inner string) string {
	return strings.Repeat(open+"{", depth) + inner + strings.Repeat("}", depth)
}

// bombShapes make a text of n repetitions.
var bombShapes = []struct {
	name string
	text func(b bomb) string
}{
	{"chain of fragments", func(b bomb) string {
		return "{n{...F0}}" + repeat(b.n, func(i int) string { return fmt.Sprintf("fragment F%d on N{...F%d}", i, i+1) }) + fmt.Sprintf("fragment F%d on N{id}", b.n)
	}},
	{"fan of fragments", func(b bomb) string {
		return "{n{...F0}}" + repeat(b.n, func(i int) string {
			return fmt.Sprintf("fragment F%d on N{%s id}", i, repeat(b.b, func(j int) string { return fmt.Sprintf("...F%d ", min(b.n, i+j+1)) }))
		}) + fmt.Sprintf("fragment F%d on N{id}", b.n)
	}},
	{"cycle of fragments", func(b bomb) string {
		return "{n{...F0}}" + repeat(b.n, func(i int) string {
			return fmt.Sprintf("fragment F%d on N{%s id}", i, repeat(b.b, func(j int) string { return fmt.Sprintf("...F%d ", (i+j+1)%b.n) }))
		})
	}},
	{"operations and fragments", func(b bomb) string {
		return repeat(b.n, func(i int) string { return fmt.Sprintf("query Q%d($v:Int){n{...F0}}", i) }) +
			repeat(b.b, func(i int) string { return fmt.Sprintf("fragment F%d on N{...F%d}", i, i+1) }) +
			fmt.Sprintf("fragment F%d on N{%s}", b.b, repeat(b.c, same("x(a:$v)")))
	}},
	{"one field", func(b bomb) string { return "{n{" + repeat(b.n, same("id ")) + "}}" }},
	{"one field, deep", func(b bomb) string { return "{" + repeat(b.n, same(nest(min(b.b, 18), "n", "id"))) + "}" }},
	{"one field in types", func(b bomb) string {
		return "{n{" + repeat(b.n, func(i int) string { return fmt.Sprintf("...on T%d{n{id}}", i%b.a) }) + "}}"
	}},
	{"abstract beside types", func(b bomb) string {
		return "{n{" + repeat(b.n, func(i int) string { return fmt.Sprintf("...on T%d{n{id}}%s", i%b.a, strings.Repeat("n{m{id}}", b.b)) }) + "}}"
	}},
	{"types in levels", func(b bomb) string {
		level := func(inner string) string {
			return "n{" + repeat(b.b, func(i int) string { return fmt.Sprintf("...on T%d{x id %s}", i, inner) }) + "}"
		}
		return "{" + repeat(b.n, same(level(level(nest(min(b.c, 15), "m", "id"))))) + "}"
	}},
	{"every type at every level", func(b bomb) string {
		return "{u{...on N{" + nest(min(b.b, 17), "n", repeat(b.n, same("id "))) + "}}}"
	}},
	{"every type, many fields", func(b bomb) string {
		return "{n{" + repeat(b.n, func(i int) string { return []string{"id ", "n{id}", "m{id x}"}[i%3] }) + "}}"
	}},
	{"aliases of every type", func(b bomb) string {
		return "{n{" + repeat(b.n, func(i int) string { return fmt.Sprintf("a%d:n{id}", i) }) + "}}"
	}},
	{"conditions", func(b bomb) string {
		return "query(" + repeat(b.b, func(i int) string { return fmt.Sprintf("$v%d:Boolean!", i) }) + "){n{" +
			repeat(b.n, func(i int) string { return fmt.Sprintf("n@include(if:$v%d){id m{id}}", i%b.b) }) + "}}"
	}},
	{"nested conditions", func(b bomb) string {
		return "query(" + repeat(b.b, func(i int) string { return fmt.Sprintf("$v%d:Boolean", i) }) + "){n{" +
			repeat(b.n, func(i int) string {
				return repeat(b.b, func(j int) string { return fmt.Sprintf("...@skip(if:$v%d){", (i+j)%b.b) }) + "id" + strings.Repeat("}", b.b)
			}) + "}}"
	}},
	{"conditions of fragments", func(b bomb) string {
		return "query($a:Boolean!$b:Boolean!){n{...F0}}" + repeat(b.n, func(i int) string {
			return fmt.Sprintf("fragment F%d on N{...F%d@skip(if:$a)...F%d@skip(if:$b)}", i, i+1, i+1)
		}) + fmt.Sprintf("fragment F%d on N{id}", b.n)
	}},
	{"variables", func(b bomb) string {
		return "query(" + repeat(b.n, func(i int) string { return fmt.Sprintf("$v%d:Int", i) }) + "){" +
			repeat(b.n, func(i int) string { return fmt.Sprintf("...{n{x(a:$v%d)}}", i) }) + "}"
	}},
	{"a list of variables", func(b bomb) string {
		return "query(" + repeat(b.b, func(i int) string { return fmt.Sprintf("$v%d:Any", i) }) + "){in(any:[" +
			repeat(b.n, func(i int) string { return fmt.Sprintf("$v%d ", i%b.b) }) + "])}"
	}},
	{"empty objects", func(b bomb) string { return "{in(l:[" + repeat(b.n, same("{}")) + "])}" }},
	{"keys", func(b bomb) string {
		return "{in(l:[" + repeat(b.b, func(int) string {
			return "{" + repeat(b.n, func(i int) string { return fmt.Sprintf("key%d:1 ", i) }) + "}"
		}) + "])}"
	}},
	{"deep objects", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string {
			return fmt.Sprintf("a%d:in(x:%s)", i, strings.Repeat("{self:", min(b.a, 150))+"{}"+strings.Repeat("}", min(b.a, 150)))
		}) + "}"
	}},
	{"wrong literals", func(b bomb) string { return "{in(l:[" + repeat(b.n, same(`{key1:"x" key2:[1]}`)) + "])}" }},
	{"a wrong literal in lists", func(b bomb) string {
		return "{in(any:1 x:" + strings.Repeat("[", min(b.a, 180)) + repeat(b.n, same("1 ")) + strings.Repeat("]", min(b.a, 180)) + ")}"
	}},
	{"one of", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string {
			return fmt.Sprintf("a%d:in(one:%s)", i, strings.Repeat("{b:", b.b)+"{a:1}"+strings.Repeat("}", b.b))
		}) + "}"
	}},
	{"arguments", func(b bomb) string {
		return "{" + repeat(b.b, func(i int) string {
			return fmt.Sprintf("...{args(%s)}", repeat(b.n, func(i int) string { return fmt.Sprintf("arg%d:1 ", i) }))
		}) + "}"
	}},
	{"fields of many arguments", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string { return fmt.Sprintf("a%d:args ", i) }) + "}"
	}},
	{"fields of a wide type", func(b bomb) string {
		return "{wide{" + repeat(b.n, func(i int) string { return fmt.Sprintf("field%d ", 4899-i) }) + "}}"
	}},
	{"unknown fields", func(b bomb) string {
		return "{wide{" + repeat(b.n, func(i int) string { return fmt.Sprintf("feild%d%s ", i, strings.Repeat("x", b.b)) }) + "}t{" + strings.Repeat("own9999 ", b.c) + "}}"
	}},
	{"unknown names", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string { return fmt.Sprintf("...on X%d{id}...Y%d in(e:VALUEX%d k:1)@z", i, i, i) }) + "}"
	}},
	{"undefined variables", func(b bomb) string {
		return repeat(b.b, func(i int) string { return fmt.Sprintf("query Q%d{...F}", i) }) + "fragment F on Query{in(any:[" + repeat(b.n, same("$x ")) + "])}"
	}},
	{"conflicts", func(b bomb) string {
		return "{n{" + repeat(b.n, func(i int) string { return fmt.Sprintf("n{...on T%d{k:id}...on T%d{k:x}}", i%b.a, (i+1)%b.a) }) + "}}"
	}},
	{"arguments to compare", func(b bomb) string {
		value := "[" + strings.Repeat("{a:1 b:2}", b.b) + "]"
		return "{" + repeat(b.n, same("in(any:"+value+")")) + "}"
	}},
	{"introspection", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string { return fmt.Sprintf(`__type(name:"T%d"){...I0}`, 0) }) + "}" +
			repeat(b.b, func(i int) string {
				return fmt.Sprintf("fragment I%d on __Type{name ofType{...I%d}...I%d}", i, i+1, i+1)
			}) +
			fmt.Sprintf("fragment I%d on __Type{%s}", b.b, strings.Repeat("fields{type{", min(b.c, 4))+"name"+strings.Repeat("}}", min(b.c, 4)))
	}},
	{"directives", func(b bomb) string {
		return "{" + repeat(b.n, same("t"+strings.Repeat("@skip(if:false)", b.b)+"{id}")) + "}"
	}},
	{"block strings", func(b bomb) string {
		return "{" + repeat(b.n, func(i int) string { return `...{in(any:"""` + strings.Repeat("x\n", b.a) + `""")}` }) + "}"
	}},
	{"escapes", func(b bomb) string {
		return `{in(any:[` + repeat(b.n, same(`"`+strings.Repeat(`é\u00e9`, b.b)+`"`)) + "])}"
	}},
}
