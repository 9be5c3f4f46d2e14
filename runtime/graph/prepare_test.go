package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

func TestPrepareRefuses(t *testing.T) {
	two := `query A { number } query B { number }`
	tests := []struct {
		name, query, operation string
		code                   abi.Code
		want                   string // message@line:column
	}{
		{"empty", "", "", abi.CodeParseFailed, "Syntax Error: the document holds no operation."},
		{"only a fragment", "fragment F on Order { id }", "", abi.CodeValidationFailed, `Fragment "F" is never used.@1:1`},
		{"syntax", "{ number", "", abi.CodeParseFailed, "Expected Name, found <EOF>@1:9"},
		{"type system", "type T { a: Int }", "", abi.CodeParseFailed, `Unexpected Name "type"@1:1`},
		{"empty selection", "{ }", "", abi.CodeParseFailed, "expected at least one definition, found }@1:3"},
		{"not UTF-8", "{ \xff }", "", abi.CodeParseFailed, "text is not valid UTF-8@1:1"},
		{"unterminated", `{ order(id: "a`, "", abi.CodeParseFailed, "Unterminated string.@1:15"},
		{"a name in a number", "{ orders(limit: 1x) { id } }", "", abi.CodeParseFailed, "a number ends in what cannot follow one@1:18"},
		{"a spread in a number", "{ orders(extra: [1.5...]) { id } }", "", abi.CodeParseFailed, "a number ends in what cannot follow one@1:21"},
		{"half a surrogate pair", `{ order(id: "é\ud83d") { id } }`, "", abi.CodeParseFailed, `a \u escape is half of a surrogate pair@1:13`},
		{"surrogates in the wrong order", `{ order(id: "\\ \udc00\ud800") { id } }`, "", abi.CodeParseFailed, `a \u escape is half of a surrogate pair@1:13`},
		{"fragment variables", `{ ...F } fragment F($x: Int) on Query { number }`, "", abi.CodeParseFailed, "fragments have no variables of their own@1:21"},
		{"ambiguous", two, "", abi.CodeValidationFailed, "Must provide operation name if query contains multiple operations."},
		{"unknown operation", two, "C", abi.CodeValidationFailed, `Unknown operation named "C".`},
		{"unknown field", "{\n nope }", "", abi.CodeValidationFailed, `Cannot query field "nope" on type "Query". Did you mean "node"?@2:2`},
		{"no such root", "mutation { nope }", "", abi.CodeValidationFailed, `Cannot query field "nope" on type "Mutation".@1:12`},
		{"defer", "{ ... @defer { number } }", "", abi.CodeValidationFailed, `Unknown directive "@defer".@1:8`},
		{"directives of the schema", `{ number @requires(permission: "x") }`, "", abi.CodeValidationFailed, `Directive "@requires" may not be used on FIELD.@1:11`},
		{"fragment cycle", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "", abi.CodeValidationFailed, `Cannot spread fragment "A" within itself via "B".@1:64`},
		{"two subscription fields", "subscription S { orderUpdated { id } nodes { id } }", "", abi.CodeValidationFailed, `Subscription "S" must select only one top level field.@1:38`},
		{"one field twice", "subscription { a: orderUpdated { id } b: orderUpdated { id } }", "", abi.CodeValidationFailed, "Anonymous Subscription must select only one top level field.@1:39"},
		{"hidden in a fragment", "subscription { ...F orderUpdated { id } } fragment F on Subscription { x: orderUpdated { id } }", "", abi.CodeValidationFailed, "Anonymous Subscription must select only one top level field.@1:21"},
		{"introspection subscription", "subscription { __typename }", "", abi.CodeValidationFailed, "Anonymous Subscription must not select an introspection top level field.@1:16"},
		{"conditional subscription", "subscription { orderUpdated @skip(if: false) { id } }", "", abi.CodeValidationFailed, "Anonymous Subscription must not use `@skip` or `@include` directives in the top level selection.@1:30"},
		{"conditional fragment of a subscription", "subscription S($x: Boolean!) { ... @include(if: $x) { orderUpdated { id } } }", "", abi.CodeValidationFailed, "Subscription \"S\" must not use `@skip` or `@include` directives in the top level selection.@1:37"},
		{"variable in a constant", "query($x: Int, $y: Int @deprecated(reason: $x)) { number }", "", abi.CodeParseFailed, "Unexpected variable in a constant value.@1:44"},
		{"nullable variable of oneOf", "query($x: ID) { orders(by: {id: $x}) { id } }", "", abi.CodeValidationFailed, `Variable "$x" is of type "ID" but must be non-nullable to be used for OneOf Input Object "By".@1:33`},
		{"nullable key of oneOf", "{ orders(by: {id: null}) { id } }", "", abi.CodeValidationFailed, `Field "By.id" must be non-null.@1:15`},
		{"big Int", "{ orders(limit: 2147483648) { id } }", "", abi.CodeValidationFailed, "Int cannot represent non 32-bit signed integer value: 2147483648@1:17"},
		{"small Int", "{ orders(limit: -2147483649) { id } }", "", abi.CodeValidationFailed, "Int cannot represent non 32-bit signed integer value: -2147483649@1:17"},
		{"big Int inside", "mutation { pay(id: 1, nested: [[1], 9999999999]) { id } }", "", abi.CodeValidationFailed, "Int cannot represent non 32-bit signed integer value: 9999999999@1:37"},
		{"big Int of another operation", "query A { number } query B { orders(limit: 2147483648) { id } }", "A", abi.CodeValidationFailed, "Int cannot represent non 32-bit signed integer value: 2147483648@1:44"},
		{"Float out of range", "{ number(x: 1e999) }", "", abi.CodeValidationFailed, "Float cannot represent non numeric value: 1e999@1:13"},
		{"default of wrong type", `query($l: Int = "x") { orders(limit: $l) { id } }`, "", abi.CodeValidationFailed, `Int cannot represent non-integer value: "x"@1:17`},
		{"default object for Int", `query($l: Int = {}) { orders(limit: $l) { id } }`, "", abi.CodeValidationFailed, "Int cannot represent non-integer value: {}@1:17"},
		{"default beyond 32 bits", `mutation($l: [[Int]] = [[1], [2147483648]]) { pay(id: 1, nested: $l) { id } }`, "", abi.CodeValidationFailed, "Int cannot represent non 32-bit signed integer value: 2147483648@1:31"},
		{"object for Int", `{ orders(limit: {}) { id } }`, "", abi.CodeValidationFailed, "Int cannot represent non-integer value: {}@1:17"},
		{"two keys of oneOf", `{ orders(by: {id: 1, name: "x"}) { id } }`, "", abi.CodeValidationFailed, `OneOf Input Object "By" must specify exactly one key.@1:14`},
		{"overlap of names", "{ number number: secret }", "", abi.CodeValidationFailed, `Fields "number" conflict because "number" and "secret" are different fields. Use different aliases on the fields to fetch both if this was intentional.@1:3@1:10`},
		{"overlap of arguments", "{ x: number(x: 1) ... { x: number(x: 2) } }", "", abi.CodeValidationFailed, `Fields "x" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.@1:3@1:25`},
		{"overlap below", "{ must { a: id } must { a: total } }", "", abi.CodeValidationFailed, `Fields "must" conflict because subfields "a" conflict because they return conflicting types "ID!" and "Float!". Use different aliases on the fields to fetch both if this was intentional.@1:3@1:18`},
		{"overlap of shapes", "{ things { ... on Order { x: id } ... on Customer { x: best { id } } } }", "", abi.CodeValidationFailed, `Fields "x" conflict because they return conflicting types "ID!" and "Order!". Use different aliases on the fields to fetch both if this was intentional.@1:27@1:53`},
	}
	schema := shopSchema(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, errs := schema.Prepare(test.query, test.operation, graph.Limits{})
			if plan != nil || len(errs) == 0 {
				t.Fatal("accepted")
			}
			if errs[0].Code != test.code {
				t.Errorf("code %s, want %s", errs[0].Code, test.code)
			}
			got := errs[0].Message
			for _, l := range errs[0].Locations {
				got += fmt.Sprintf("@%d:%d", l.Line, l.Column)
			}
			if got != test.want {
				t.Errorf("error %s, want %s", got, test.want)
			}
		})
	}
}

func TestPrepareAccepts(t *testing.T) {
	schema := shopSchema(t)
	for _, query := range []string{
		`{ things { ... on Order { x: id } ... on Customer { x: id } } }`,
		`{ a: number(x: 1) b: number(x: 2.5) }`,
		`{ must { id } ... on Query { must { id total } } }`,
		`query($f: Filter = {ids: "one"}) { orders(filter: $f, limit: -2147483648, extra: {a: [1, "b", ENUM]}, by: {id: 5}) { id } }`,
		`subscription { a: orderUpdated { id } a: orderUpdated { total } }`,
		`subscription { ... on Subscription { orderUpdated { id } } }`,
		"{ order(id: \"\"\"block\n  text\"\"\") { id } }",
		`{ order(id: "é\ud83d\ude00\\ud800\u00e9") { id } a: order(id: """\ud800""") { id } }`,
	} {
		if _, errs := schema.Prepare(query, "", graph.Limits{}); errs != nil {
			t.Errorf("%s: %s", query, errs.Append(nil))
		}
	}
	plan, errs := schema.Prepare(`query A { number } mutation B { refund }`, "B", graph.Limits{})
	if errs != nil || plan.Kind() != graph.Mutation || plan.Name() != "B" || plan.Kind().String() != "mutation" {
		t.Errorf("operation B: %v", errs)
	}
}

func TestPrepareLimits(t *testing.T) {
	schema := shopSchema(t)
	deep := func(levels int) string {
		return "{ order(id: 1) " + strings.Repeat("{ parent ", levels-2) + "{ id }" + strings.Repeat(" }", levels-2) + " }"
	}
	chain := `{ order(id: 1) { ...A } } fragment A on Order { parent { ...B } } fragment B on Order { parent { id } }`
	tests := []struct {
		name, query string
		limits      graph.Limits
		limit       string
	}{
		{"bytes at", "{ number }", graph.Limits{QueryBytes: 10}, ""},
		{"bytes past", "{ number }", graph.Limits{QueryBytes: 9}, "queryBytes"},
		{"tokens at", "{ number }", graph.Limits{QueryTokens: 3}, ""},
		{"tokens past", "{ number }", graph.Limits{QueryTokens: 2}, "queryTokens"},
		{"comments are tokens", "{ number #\n#\n#\n }", graph.Limits{QueryTokens: 5}, "queryTokens"},
		{"depth at", deep(7), graph.Limits{QueryDepth: 7}, ""},
		{"depth past", deep(8), graph.Limits{QueryDepth: 7}, "queryDepth"},
		{"depth through fragments at", chain, graph.Limits{QueryDepth: 4}, ""},
		{"depth through fragments past", chain, graph.Limits{QueryDepth: 3}, "queryDepth"},
		{"introspection is not deep", "{ __schema { types { fields { type { ofType { ofType { name } } } } } } }", graph.Limits{QueryDepth: 1}, ""},
		{"aliases at", "{ a: number b: number number }", graph.Limits{QueryAliases: 2}, ""},
		{"aliases past", "{ a: number b: number number }", graph.Limits{QueryAliases: 1}, "queryAliases"},
		{"aliases through fragments at", `{ order(id: 1) { ...F parent { ...F } } } fragment F on Order { a: id }`, graph.Limits{QueryAliases: 2}, ""},
		{"aliases through fragments past", `{ order(id: 1) { ...F parent { ...F } } } fragment F on Order { a: id }`, graph.Limits{QueryAliases: 1}, "queryAliases"},
		{"fields through fragments at", `{ order(id: 1) { ...F ...F parent { ...F } } } fragment F on Order { id }`, graph.Limits{QueryFields: 7}, ""},
		{"fields through fragments past", `{ order(id: 1) { ...F ...F parent { ...F } } } fragment F on Order { id }`, graph.Limits{QueryFields: 6}, "queryFields"},
		{"limits before rules", `{ nope a: nope }`, graph.Limits{QueryFields: 1}, "queryFields"},
		{"fields at", "{ a: number b: number ... { c: number } }", graph.Limits{QueryFields: 4}, ""},
		{"fields past", "{ a: number b: number ... { c: number } }", graph.Limits{QueryFields: 3}, "queryFields"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, errs := schema.Prepare(test.query, "", test.limits)
			switch {
			case test.limit == "" && errs != nil:
				t.Errorf("%s", errs.Append(nil))
			case test.limit == "":
			case errs == nil:
				t.Error("accepted")
			case errs[0].Code != abi.CodeLimitExceeded || string(errs[0].Extensions) != `{"limit":"`+test.limit+`"}`:
				t.Errorf("%s", errs.Append(nil))
			}
		})
	}
}

func TestPrepareNesting(t *testing.T) {
	schema := shopSchema(t)
	limits := graph.Limits{QueryBytes: 1 << 30, QueryTokens: 1 << 30, QueryDepth: 1 << 20}
	for _, test := range []struct{ before, open, inner, close, after string }{
		{"", "{ ... ", "{ number }", "}", ""},
		{"{ orders(extra: ", "[", "1", "]", ") { id } }"},
		{"{ orders(extra: ", "{a:", "1", "}", ") { id } }"},
		{"query($x: ", "[", "Int", "]", ") { number }"},
	} {
		run := func(depth int) string {
			_, errs := schema.Prepare(test.before+strings.Repeat(test.open, depth)+test.inner+strings.Repeat(test.close, depth)+test.after, "", limits)
			return string(errs.Append(nil))
		}
		open := strings.Count(test.before, "{") + strings.Count(test.before, "(")
		if strings.HasPrefix(test.inner, "{") {
			open++
		}
		if got := run(200 - open); strings.Contains(got, "levels of nesting") {
			t.Errorf("%s at the limit: %s", test.open, got)
		}
		for _, depth := range []int{201 - open, 1_000_000} {
			if got := run(depth); !strings.Contains(got, `"more than 200 levels of nesting"`) || !strings.Contains(got, "GRAPHQL_PARSE_FAILED") {
				t.Errorf("%s, %d times: %.200s", test.open, depth, got)
			}
		}
	}
}

// What a small text can multiply must be refused in little time.
func TestPrepareIsBounded(t *testing.T) {
	schema := shopSchema(t)
	doubling := func(levels int, format string) string {
		b := "{ order(id: 1) { ...F0 } }"
		for i := range levels {
			b += fmt.Sprintf(" fragment F%d on Order { "+format+" }", i, i+1, i+1)
		}
		return b + fmt.Sprintf(" fragment F%d on Order { id }", levels)
	}
	var types, members strings.Builder
	for i := range 60 {
		fmt.Fprintf(&types, "type T%d implements N { n: N m: N } ", i)
		fmt.Fprintf(&members, "... on T%d { n { ...F%%[1]d } m { ...F%%[1]d } } ", i)
	}
	many, err := graph.Compose([]graph.Source{source("m", "interface N { n: N m: N } type Query { n: N } "+types.String(), "Query.n")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	ladder := "{ n { ...F0 } }"
	for i := range 5 {
		ladder += fmt.Sprintf(" fragment F%d on N { "+fmt.Sprintf(members.String(), i+1)+"}", i)
	}
	ladder += " fragment F5 on N { n { __typename } }"
	variables := "{ order(id: 1) { ...F0 } }"
	params := ""
	for i := range 30 {
		params += fmt.Sprintf("$a%d: Boolean! $b%d: Boolean! ", i, i)
		variables += fmt.Sprintf(" fragment F%d on Order { ...F%d @include(if: $a%d) ...F%d @include(if: $b%d) }", i, i+1, i, i+1, i)
	}
	variables = "query(" + params + ") " + variables + " fragment F30 on Order { id }"
	for name, test := range map[string]struct {
		schema *graph.Schema
		query  string
		limit  string
	}{
		"fields":                {schema, doubling(18, "a: parent { ...F%d } b: parent { ...F%d }"), "queryFields"},
		"spreads":               {schema, doubling(100, "...F%d ...F%d"), ""},
		"conditions":            {schema, variables, "queryFields"},
		"fields of one key":     {schema, "{" + strings.Repeat(" must { id }", 900) + " }", ""},
		"conflicts of one key":  {schema, "{" + strings.Repeat(" a: must { id } a: number", 600) + " }", "conflict"},
		"unknown fields":        {schema, "{" + strings.Repeat(" nope", 1900) + " }", "Cannot query field"},
		"types at every level":  {many, ladder, "queryFields"},
		"deep shared fragments": {schema, doubling(15, "parent { ...F%d } parent { ...F%d }"), "queryFields"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, errs := test.schema.Prepare(test.query, "", graph.Limits{QueryTokens: 100_000, QueryBytes: 1 << 20, QueryAliases: 10_000})
			if text := string(errs.Append(nil)); (test.limit == "") != (errs == nil) || !strings.Contains(text, test.limit) {
				t.Errorf("%.300s", text)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			t.Log(time.Since(start))
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	schema := shopSchema(b)
	b.ReportAllocs()
	for b.Loop() {
		_, errs := schema.Prepare(`subscription S($id: ID!) { orderUpdated(id: $id) { id status total note customer { name } } }`, "S", graph.Limits{})
		if errs != nil {
			b.Fatal(errs)
		}
	}
}
