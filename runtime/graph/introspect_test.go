package graph_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

var update = flag.Bool("update", false, "rewrite the golden files of testdata")

// golden compares with a file, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs, have\n%s", path, got)
	}
}

// TestIntrospectionGolden asks what graphql-js's getIntrospectionQuery asks, and
// has it make a client's schema of the result.
func TestIntrospectionGolden(t *testing.T) {
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := graph.Compose([]graph.Source{source("m", described, "Query.old", "Query.one", "Subscription.s")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	response := bind(t, prepare(t, schema, string(query)), "", "").AppendResponse(nil, nil)
	var indented bytes.Buffer
	if err := json.Indent(&indented, response, "", " "); err != nil {
		t.Fatalf("%v in %.300s", err, response)
	}
	golden(t, "introspection.json", append(indented.Bytes(), '\n'))
	golden(t, "introspection.sdl", []byte(schema.SDL()))
	client := graphqlJS(t, "client-schema.js")
	client.Stdin = bytes.NewReader(response)
	printed, err := client.Output()
	if err != nil {
		t.Fatalf("graphql-js makes no schema of it: %v", err)
	}
	golden(t, "introspection.client.graphql", printed)
}

const described = `
"What \"JSON\" is."
scalar JSON @specifiedBy(url: "https://example.com/json")
"An interface."
interface Named { "The name." name(long: Boolean = false): String }
type A implements Named { name(long: Boolean = false, old: Int @deprecated(reason: "unused")): String list: [[Int!]]! }
type B implements Named { name(long: Boolean = false): String gone: Int @deprecated }
union AB = A | B
enum E { ONE TWO @deprecated(reason: "three") }
input In { a: Int = 1 b: [E!] = [ONE, TWO] c: In2 = {x: "q\"uote", y: null} old: Int @deprecated }
input In2 { x: String y: Float }
input Choice @oneOf { a: Int b: String }
directive @mine(a: [Int] = [1, 2]) repeatable on FIELD | OBJECT
type Query { one(in: In, choice: Choice): AB old: E @deprecated(reason: "older") }
type Subscription { s: Named @on(channel: "c") }
`

func TestIntrospection(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", described, "Query.old", "Query.one", "Subscription.s")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ query, variables, want string }{
		{`{ __type(name: "E") { name kind enumValues { name } } }`, ``, `{"__type":{"name":"E","kind":"ENUM","enumValues":[{"name":"ONE"}]}}`},
		{`{ __type(name: "E") { enumValues(includeDeprecated: true) { name deprecationReason } } }`, ``, `{"__type":{"enumValues":[{"name":"ONE","deprecationReason":null},{"name":"TWO","deprecationReason":"three"}]}}`},
		{`query($d: Boolean) { __type(name: "B") { fields(includeDeprecated: $d) { name isDeprecated } } }`, `{"d":true}`, `{"__type":{"fields":[{"name":"name","isDeprecated":false},{"name":"gone","isDeprecated":true}]}}`},
		{`query($d: Boolean) { __type(name: "B") { fields(includeDeprecated: $d) { name } } }`, `{}`, `{"__type":{"fields":[{"name":"name"}]}}`},
		{`query($n: String!) { __type(name: $n) { __typename name ofType { name } fields { name } possibleTypes { name } } }`, `{"n":"AB"}`, `{"__type":{"__typename":"__Type","name":"AB","ofType":null,"fields":null,"possibleTypes":[{"name":"A"},{"name":"B"}]}}`},
		{`{ __type(name: "Nope") { name } }`, ``, `{"__type":null}`},
		{
			`{ __type(name: "A") { fields { type { kind name ofType { kind name ofType { kind ofType { kind ofType { kind name fields { name } } } } } } } interfaces { name possibleTypes { name } } } }`, ``,
			`{"__type":{"fields":[{"type":{"kind":"SCALAR","name":"String","ofType":null}},{"type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"LIST","name":null,"ofType":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Int","fields":null}}}}}}],"interfaces":[{"name":"Named","possibleTypes":[{"name":"A"},{"name":"B"}]}]}}`,
		},
		{
			`{ __type(name: "In") { inputFields { name defaultValue } isOneOf } c: __type(name: "Choice") { isOneOf } }`, ``,
			`{"__type":{"inputFields":[{"name":"a","defaultValue":"1"},{"name":"b","defaultValue":"[ONE, TWO]"},{"name":"c","defaultValue":"{ x: \"q\\\"uote\", y: null }"}],"isOneOf":false},"c":{"isOneOf":true}}`,
		},
		{
			`{ __schema { queryType { name } mutationType { name } subscriptionType { fields { name args { name } } } } _: __typename }`, ``,
			`{"__schema":{"queryType":{"name":"Query"},"mutationType":null,"subscriptionType":{"fields":[{"name":"s","args":[]}]}},"_":"Query"}`,
		},
		{`{ __type(name: "Query") { fields(includeDeprecated: true) { name } } }`, ``, `{"__type":{"fields":[{"name":"one"},{"name":"old"}]}}`},
	}
	for _, test := range tests {
		got := bind(t, prepare(t, schema, test.query), test.variables, "").AppendResponse(nil, nil)
		if string(got) != `{"data":`+test.want+"}" {
			t.Errorf("%s gives\n%s, want\n%s", test.query, got, test.want)
		}
	}
}

func TestIntrospectionBesideResolvers(t *testing.T) {
	schema := shopSchema(t)
	operation := bind(t, prepare(t, schema, `{ a: number __schema { mutationType { name } } o: order(id: 1) { customer { __typename } } }`), "", "")
	got := operation.AppendResponse(nil, outputs(`1`, `{"customer":{}}`))
	if want := `{"data":{"a":1,"__schema":{"mutationType":{"name":"Mutation"}},"o":{"customer":{"__typename":"Customer"}}}}`; string(got) != want {
		t.Errorf("response %s, want %s", got, want)
	}
}

func TestPlaceholder(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", `type Mutation { a: Int }`, "Mutation.a")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	got := bind(t, prepare(t, schema, `{ _runnel x: _runnel __typename }`), "", "").AppendResponse(nil, nil)
	if want := `{"data":{"_runnel":"runnel","x":"runnel","__typename":"Query"}}`; string(got) != want {
		t.Errorf("response %s, want %s", got, want)
	}
}

// Aliases must not multiply an introspection without end.
func TestIntrospectionIsBounded(t *testing.T) {
	var sdl, query strings.Builder
	for i := range 60 {
		fmt.Fprintf(&sdl, "field%d: T ", i)
	}
	for i := range 190 {
		fmt.Fprintf(&query, "a%d: fields { type { fields { name description } } } ", i)
	}
	schema, err := graph.Compose([]graph.Source{source("m", "type T { "+sdl.String()+" } type Query { t: T }", "Query.t")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	operation := bind(t, prepare(t, schema, `{ __type(name: "T") { `+query.String()+" } }"), "", "")
	got := operation.AppendResponse(nil, nil)
	if len(got) > 1000 || !bytes.Contains(got, []byte("the introspection result is too large")) {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}

// TestNoIntrospection holds what a tenant hides against graphql-js'
// NoSchemaIntrospectionCustomRule: each field whose type is of introspection is
// an error; __typename is none. Suggestions would tell the same by and by.
func TestNoIntrospection(t *testing.T) {
	schema := shopSchema(t)
	hidden := func(field string) string {
		return `GraphQL introspection has been disabled, but the requested query contained the field "` + field + `".`
	}
	for query, want := range map[string][]string{
		"{ __typename number must { __typename } }":                          nil,
		"mutation { __typename }":                                            nil,
		"{ __schema { queryType { name } } }":                                {hidden("__schema") + "@1:3", hidden("queryType") + "@1:14"},
		"{ number x: __type(name: \"Order\") { name } }":                     {hidden("__type") + "@1:10"},
		"{ ... { ... on Query { __schema { description } } } }":              {hidden("__schema") + "@1:24"},
		"{ ...F }\nfragment F on Query { __type(name: \"Order\") { name } }": {hidden("__type") + "@2:23"},
		"query A { number } query B { __schema { description } }":            {hidden("__schema") + "@1:30"},
		"{ nope }":         {`Cannot query field "nope" on type "Query".@1:3`},
		"{ number(z: 1) }": {`Unknown argument "z" on field "Query.number".@1:10`},
		"{ " + strings.Repeat("a: __schema { description } ", 99) + "}": slices.Repeat([]string{hidden("__schema")}, 50),
	} {
		_, errs := schema.Prepare(query, "", graph.Limits{NoIntrospection: true})
		if len(errs) != len(want) {
			t.Errorf("%.60s: %d errors: %.300s", query, len(errs), errs.Append(nil))
			continue
		}
		for i, e := range errs {
			got := fmt.Sprintf("%s@%d:%d", e.Message, e.Locations[0].Line, e.Locations[0].Column)
			if !strings.HasPrefix(got, want[i]) || e.Code != abi.CodeValidationFailed {
				t.Errorf("%.60s: %s %s, want %s", query, e.Code, got, want[i])
			}
		}
	}
}
