package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// schemasToJudge are schemas that graphql-js accepts or refuses, beside a Query
// that has a field a.
var schemasToJudge = []string{
	`input A { a: A }`,
	`input A { a: A! }`,
	`input A { a: [A!]! }`,
	`input A { b: B! } input B { a: A! }`,
	`input A { b: B! } input B { a: A }`,
	`input A { b: B! } input B { b: B! }`,
	`input A @oneOf { a: A }`,
	`input A @oneOf { a: A b: Int }`,
	`input A @oneOf { a: [A] }`,
	`input A @oneOf { a: [A!] b: A }`,
	`input A @oneOf { b: B } input B { a: A! }`,
	`input A @oneOf { b: B } input B { a: A }`,
	`input A @oneOf { b: B c: C } input B @oneOf { a: A } input C @oneOf { a: A }`,
	`input A @oneOf { b: B c: C } input B @oneOf { a: A } input C { a: Int! }`,
	`input A { b: B! c: C! } input B @oneOf { a: A c: C } input C { n: Int }`,
	`input A { b: B! c: C! } input B @oneOf { a: A c: C } input C { a: A! }`,
	`input A @oneOf { a: A } extend input A { n: Int }`,
	`input A @oneOf { n: Int! }`,
	`input A @oneOf { n: Int = 1 }`,
	`input A @oneOf { n: Int = null }`,
	`input A @oneOf { n: Int m: Int! = 3 }`,
	`input A { a: A = {} }`,
	`input A { a: A = { a: null } }`,
	`input A { b: B = {} } input B { a: A = {} }`,
	`input A { b: B = { a: {} } } input B { a: A = {} }`,
	`input A { b: B = { a: null } } input B { a: A = {} }`,
	`input A { b: [B] = [{}] } input B { a: A = {} }`,
	`input A { n: Int! @deprecated }`,
	`input A { n: Int! = 1 @deprecated }`,
	`input A { n: Int @deprecated }`,
	`type T { f(x: Int! @deprecated): Int }`,
	`type T { f(x: Int! = 1 @deprecated): Int }`,
	`directive @d(x: Int! @deprecated) on FIELD`,
	`directive @d(x: Int @deprecated) on FIELD`,
	`interface I { f: Int } type T implements I { f: Int }`,
	`interface I { f: Int } type T implements I { g: Int }`,
	`interface I { f: Int } type T implements I { f: Int! }`,
	`interface I { f: Int! } type T implements I { f: Int }`,
	`interface I { f: [Int] } type T implements I { f: [Int!]! }`,
	`interface I { f: [Int] } type T implements I { f: Int }`,
	`interface I { f(x: Int): Int } type T implements I { f: Int }`,
	`interface I { f(x: Int): Int } type T implements I { f(x: Int y: Int): Int }`,
	`interface I { f(x: Int): Int } type T implements I { f(x: Int y: Int!): Int }`,
	`interface I { f(x: Int): Int } type T implements I { f(x: Int y: Int! = 1): Int }`,
	`interface I { f(x: Int): Int } type T implements I { f(x: Int!): Int }`,
	`interface I { f: I } type T implements I { f: T }`,
	`interface I { f: U } union U = T type T implements I { f: T }`,
	`interface I { f: Int } interface J implements I { f: Int } type T implements J { f: Int }`,
	`interface I { f: Int } interface J implements I { f: Int } type T implements I & J { f: Int }`,
	`interface I implements I { f: Int }`,
	`interface I implements J { f: Int } interface J implements I { f: Int }`,
	`interface I { f: Int } type T implements I & I { f: Int }`,
	`interface I { f: Int } type T implements I { f: Int } extend type T implements I`,
	`interface I { f: Int @deprecated } type T implements I { f: Int }`,
	`interface I { f: Int } type T implements I { f: Int @deprecated }`,
	`union U = T type T { f: Int }`,
	`union U = T | T type T { f: Int }`,
	`union U = T type T { f: Int } extend union U = T`,
	`union U = V union V = T type T { f: Int }`,
	`union U`,
	`enum E { A B }`,
	`enum E`,
	`enum E { true }`,
	`enum E { A A }`,
	`enum E { A } extend enum E { A }`,
	`type T`,
	`interface I`,
	`input A`,
	`type T extend type T { f: Int }`,
	`type T { f: Int } extend type T { f: Int }`,
	`input A { n: Int } extend input A { n: Int }`,
	`scalar S @specifiedBy(url: "https://example.com")`,
	`scalar S @specifiedBy(url: "a") @specifiedBy(url: "b")`,
	`scalar S @specifiedBy(url: "a") extend scalar S @specifiedBy(url: "b")`,
	`scalar S @specifiedBy`,
	`scalar S @specifiedBy(url: null)`,
	`scalar S @specifiedBy(url: 5)`,
	`scalar S @deprecated`,
	`type T { f: Int @deprecated(reason: "x") @deprecated }`,
	`type T { f: Int @deprecated(reason: 5) }`,
	`type T { f: Int @deprecated(reason: null) }`,
	`type T { f: Int @deprecated(why: "x") }`,
	`type T @oneOf { f: Int }`,
	`input A @oneOf @oneOf { n: Int }`,
	`enum E { A @deprecated }`,
	`directive @d on FIELD`,
	`directive @d on FIELD directive @d on OBJECT`,
	`directive @d on NOWHERE`,
	`directive @d repeatable on OBJECT type T @d @d { f: Int }`,
	`directive @d on OBJECT type T @d @d { f: Int }`,
	`directive @d on OBJECT type T @d { f: Int } extend type T @d`,
	`directive @d on OBJECT scalar S @d`,
	`directive @d(x: Int!) on OBJECT type T @d { f: Int }`,
	`directive @d(x: Int! = 1) on OBJECT type T @d { f: Int }`,
	`directive @d(x: Int) on OBJECT type T @d(x: 1, x: 2) { f: Int }`,
	`directive @d(x: Int @e) on ARGUMENT_DEFINITION directive @e(x: Int @d) on ARGUMENT_DEFINITION`,
	`directive @d(x: A) on INPUT_FIELD_DEFINITION input A { n: Int @d }`,
	`type T { f(x: Int = "1"): Int }`,
	`type T { f(x: Int! = null): Int }`,
	`type T { f(x: [Int!] = [1, null]): Int }`,
	`type T { f(x: [Int] = 1): Int }`,
	`type T { f(x: A = {}): Int } input A { n: Int! }`,
	`type T { f(x: A = {n: 1, n: 2}): Int } input A { n: Int! }`,
	`type T { f(x: A = {n: 1, m: 2}): Int } input A @oneOf { n: Int m: Int }`,
	`type T { f(x: A = {n: null}): Int } input A @oneOf { n: Int m: Int }`,
	`type T { f(x: E = B): Int } enum E { A }`,
	`type T { f(x: ID = 5): Int }`,
	`type T { f(x: Float = 5): Int }`,
	`type T { f(x: Int = 5.0): Int }`,
	`type T { f(x: T): Int }`,
	`type T { f: A } input A { n: Int }`,
	`type T { f(x: Int x: Int): Int }`,
	`type T { f: Int f: Int }`,
	`type T { f: Missing }`,
	`type T { f: Int } type T { g: Int }`,
	`extend type Missing { f: Int }`,
	`extend input Query { f: Int }`,
	`type __T { f: Int }`,
	`type T { __f: Int }`,
	`type T { f(__x: Int): Int }`,
	`enum E { __A }`,
	`directive @__d on FIELD`,
	`type T { f: Int } # comment`,
	`"description" type T { "description" f("description" x: Int): Int }`,
	`type T { f: [[Int!]!]! }`,
	`type T { f: Int!! }`,
	`type T { }`,
}

// refusedHereAlone are schemas that are refused on purpose, though graphql-js
// takes them.
var refusedHereAlone = map[string]string{
	`input A { n: Int! } extend input A @oneOf`:                   "an extension's @oneOf counts: graphql-js overlooks it",
	`directive @d(x: Int) on OBJECT type T @d(x: "1") { f: Int }`: "the arguments of a schema's directives must fit: graphql-js looks at those of an operation's alone",
	`directive @d(x: Int @d) on ARGUMENT_DEFINITION`:              "a directive must not refer to itself, which graphql-js does not check",
	`query { a }`: "a schema holds no operations: graphql-js overlooks them",
}

// TestSchemasAreThoseOfGraphQLJS holds that schemas are refused where graphql-js
// refuses them.
func TestSchemasAreThoseOfGraphQLJS(t *testing.T) {
	schemas := slices.Concat(schemasToJudge, slices.Sorted(maps.Keys(refusedHereAlone)))
	r := rand.New(rand.NewPCG(1, 9))
	for range 2000 {
		schemas = append(schemas, inputObjects(r))
	}
	const query = "type Query { a: Int }\n"
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	for _, sdl := range schemas {
		if err := encoder.Encode(query + sdl); err != nil {
			t.Fatal(err)
		}
	}
	command := graphqlJS(t, "schemas.js")
	command.Stdin = &input
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(output))
	refused := 0
	for _, sdl := range schemas {
		var want []string
		if err := answers.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if len(want) > 0 {
			refused++
		}
		_, err := graph.Compose([]graph.Source{source("m", query+sdl, "Query.a")}, graph.ComposeLimits{})
		_, known := refusedHereAlone[sdl]
		if (err != nil) != (len(want) > 0 || known) || known && len(want) > 0 {
			t.Errorf("%s\ngot  %v\nwant %q", sdl, err, want)
		}
	}
	t.Logf("%d schemas, of which graphql-js refuses %d", len(schemas), refused)
}

// inputObjects declares a few that refer to each other.
func inputObjects(r *rand.Rand) string {
	var b strings.Builder
	count := 2 + r.IntN(5)
	for i := range count {
		oneOf := r.IntN(2) == 0
		fmt.Fprintf(&b, "input A%d ", i)
		if oneOf {
			b.WriteString("@oneOf ")
		}
		b.WriteString("{ ")
		for f := range 1 + r.IntN(3) {
			forms := []string{"A%[1]d", "A%[1]d", "[A%[1]d]", "A%[1]d!", "Int"}
			if oneOf {
				forms = forms[:3]
				if r.IntN(8) == 0 {
					forms = []string{"Int"}
				}
			}
			typ := forms[r.IntN(len(forms))]
			if strings.Contains(typ, "%") {
				typ = fmt.Sprintf(typ, r.IntN(count))
			}
			fmt.Fprintf(&b, "f%d: %s ", f, typ)
		}
		b.WriteString("} ")
	}
	return b.String()
}
