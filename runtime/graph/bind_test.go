package graph_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

func TestBindArguments(t *testing.T) {
	schema := shopSchema(t)
	tests := []struct{ query, variables, want string }{
		{`{ order(id: 12) { id } }`, ``, `{"id":"12"}`},
		{`{ order(id: "a\"b\u00e9") { id } }`, `null`, `{"id":"a\"bé"}`},
		{`{ orders { id } }`, ``, `{"limit":5}`},
		{`{ orders(limit: 3, filter: {}) { id } }`, ``, `{"filter":{"status":"OPEN","range":{"from":1}},"limit":3}`},
		{`{ orders(filter: {range: {to: 3, from: null}, ids: 7, status: PAID}) { id } }`, ``, `{"filter":{"status":"PAID","ids":["7"],"range":{"from":null,"to":3}},"limit":5}`},
		{`{ orders(filter: null) { id } }`, ``, `{"filter":null,"limit":5}`},
		{`{ orders(extra: {b: [1, 2.50, true, null, X], a: "s"}, by: {name: "n"}) { id } }`, ``, `{"limit":5,"extra":{"b":[1,2.50,true,null,"X"],"a":"s"},"by":{"name":"n"}}`},
		{`mutation { pay(id: "1", nested: [[1], 2, null]) { id } }`, ``, `{"id":"1","nested":[[1],[2],null]}`},
		{`query($f: Filter, $l: Int!) { orders(filter: $f, limit: $l) { id } }`, `{"l":2}`, `{"limit":2}`},
		{`query($f: Filter, $l: Int! = 9) { orders(filter: $f, limit: $l) { id } }`, `{"f":{"ids":["a",1]},"other":1}`, `{"filter":{"status":"OPEN","ids":["a","1"],"range":{"from":1}},"limit":9}`},
		{`query($l: Int) { orders(limit: $l) { id } }`, `{}`, `{"limit":5}`},
		{`query($l: Int) { orders(limit: $l) { id } }`, `{"l":1.0}`, `{"limit":1}`},
		{`query($s: Status, $r: Range, $n: Int) { orders(filter: {status: $s, range: $r, ids: []}, extra: {n: $n, l: [$n]}) { id } }`, `{}`, `{"filter":{"status":"OPEN","ids":[],"range":{"from":1}},"limit":5,"extra":{"l":[null]}}`},
		{`query($s: Status, $i: ID!) { orders(filter: {status: $s, ids: [$i, "b"]}) { id } }`, `{"s":null,"i":3}`, `{"filter":{"status":null,"ids":["3","b"],"range":{"from":1}},"limit":5}`},
		{`query($e: JSON, $x: Float) { orders(extra: $e) { id } number(x: $x) }`, `{"e": { "a" : [ 1 ] }, "x": 1e2}`, `{"limit":5,"extra":{"a":[1]}} {"x":100}`},
		{`mutation($n: [[Int]]) { pay(id: 1, nested: $n) { id } }`, `{"n":5}`, `{"id":"1","nested":[[5]]}`},
	}
	for _, test := range tests {
		operation := bind(t, prepare(t, schema, test.query), test.variables, "")
		var got []string
		for _, root := range operation.Roots() {
			got = append(got, string(root.Arguments.JSON()))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s\nwith %s gives %s, want %s", test.query, test.variables, got, test.want)
		}
	}
}

func TestArgumentsGet(t *testing.T) {
	operation := bind(t, prepare(t, shopSchema(t), `{ orders(filter: null) { id } }`), "", "")
	arguments := operation.Roots()[0].Arguments
	for name, want := range map[string]string{"filter": "null true", "limit": "5 true", "extra": " false", "nope": " false"} {
		value, ok := arguments.Get(name)
		if got := fmt.Sprintf("%s %v", value, ok); got != want {
			t.Errorf("Get(%s) = %s, want %s", name, got, want)
		}
	}
	operation = bind(t, prepare(t, shopSchema(t), `{ orders(filter: {status: OPEN}, limit: 7, extra: "limit") { id } }`), "", "")
	arguments = operation.Roots()[0].Arguments
	for name, want := range map[string]string{
		"filter": `{"status":"OPEN","range":{"from":1}} true`, "limit": "7 true", "extra": `"limit" true`,
		"": " false", "status": " false", `limit":7,"extra`: " false", `extra":"limit`: " false",
	} {
		value, ok := arguments.Get(name)
		if got := fmt.Sprintf("%s %v", value, ok); got != want {
			t.Errorf("Get(%s) = %s, want %s", name, got, want)
		}
	}
	if _, ok := (graph.Arguments{}).Get("limit"); ok {
		t.Error("no arguments have one")
	}
	if got := string(graph.Arguments{}.JSON()); got != "{}" {
		t.Errorf("no arguments are %s", got)
	}
}

// TestSharedKeepsNothingOfOne binds subscriptions that agree in their projection
// key, and holds that what they share is the same whoever it is taken from.
func TestSharedKeepsNothingOfOne(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", `
		type Query { a: Int }
		type Thing { n(x: Int): Int secret: Int @requires(permission: "p") }
		type Subscription { thing(id: ID, limit: Int): Thing @on(channel: "c") }`, "Query.a", "Subscription.thing")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	plan := prepare(t, schema, `subscription($id: ID, $more: Boolean!, $limit: Int) { thing(id: $id, limit: $limit) { n @include(if: $more) secret } }`)
	one := bind(t, plan, `{"id":"one","more":true}`, "p")
	two := bind(t, plan, `{"id":"two","more":true,"limit":2}`, "p")
	if reflect.DeepEqual(one, two) || one.ProjectionKey() != two.ProjectionKey() {
		t.Fatal("the operations do not differ, or in their projection key")
	}
	shared := one.Shared()
	if !reflect.DeepEqual(shared, two.Shared()) {
		t.Errorf("%+v and %+v", shared, two.Shared())
	}
	if got := string(shared.Roots()[0].Arguments.JSON()); got != "{}" {
		t.Errorf("arguments %s are shared", got)
	}
	if got := string(one.Roots()[0].Arguments.JSON()); got != `{"id":"one"}` {
		t.Errorf("the operation itself has arguments %s left", got)
	}
	result := []graph.Result{{Output: []byte(`{"n":1,"secret":2}`)}}
	if got, want := string(shared.AppendResponse(nil, result)), string(two.AppendResponse(nil, result)); got != want || !strings.Contains(got, `"n":1`) {
		t.Errorf("projected to %s, want %s", got, want)
	}
	for _, other := range []*graph.Operation{bind(t, plan, `{"id":"one","more":false}`, "p"), bind(t, plan, `{"id":"one","more":true}`, "")} {
		if other.ProjectionKey() == one.ProjectionKey() || reflect.DeepEqual(other.Shared(), shared) {
			t.Error("another condition or permission is no other operation")
		}
	}
}

func TestBindRefuses(t *testing.T) {
	schema := shopSchema(t)
	tests := []struct{ query, variables, want string }{
		{`query($l: Int!) { orders(limit: $l) { id } }`, ``, `Variable "$l" of required type "Int!" was not provided.`},
		{`query($l: Int!) { orders(limit: $l) { id } }`, `{"l":null}`, `Variable "$l" of non-null type "Int!" must not be null.`},
		{`query($l: Int!) { orders(limit: $l) { id } }`, `{"l":"5"}`, `Variable "$l" got invalid value "5"; Int cannot represent non-integer value: "5"`},
		{`query($l: Int!) { orders(limit: $l) { id } }`, `{"l":1.5}`, `Variable "$l" got invalid value 1.5; Int cannot represent non-integer value: 1.5`},
		{`query($l: Int!) { orders(limit: $l) { id } }`, `{"l":2147483648}`, `Variable "$l" got invalid value 2147483648; Int cannot represent non 32-bit signed integer value: 2147483648`},
		{`query($x: Float) { number(x: $x) }`, `{"x":1e400}`, `Variable "$x" got invalid value 1e400; Float cannot represent non numeric value: 1e400`},
		{`query($i: ID!) { order(id: $i) { id } }`, `{"i":true}`, `Variable "$i" got invalid value true; ID cannot represent value: true`},
		{`query($i: ID!) { order(id: $i) { id } }`, `{"i":1.5}`, `Variable "$i" got invalid value 1.5; ID cannot represent value: 1.5`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":[]}`, `Variable "$f" got invalid value []; Expected type "Filter" to be an object.`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":{"nope":1}}`, `Variable "$f" got invalid value {"nope":1}; Field "nope" is not defined by type "Filter".`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":{"ids":["a",null]}}`, `Variable "$f" got invalid value null at "f.ids[1]"; Expected non-nullable type "ID!" not to be null.`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":{"range":{"to":"x"}}}`, `Variable "$f" got invalid value "x" at "f.range.to"; Int cannot represent non-integer value: "x"`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":{"status":"NO"}}`, `Variable "$f" got invalid value "NO" at "f.status"; Value "NO" does not exist in "Status" enum.`},
		{`query($f: Filter) { orders(filter: $f) { id } }`, `{"f":{"status":1}}`, `Variable "$f" got invalid value 1 at "f.status"; Enum "Status" cannot represent non-string value: 1.`},
		{`query($b: By) { orders(by: $b) { id } }`, `{"b":{}}`, `Variable "$b" got invalid value {}; Exactly one key must be specified for OneOf type "By".`},
		{`query($b: By) { orders(by: $b) { id } }`, `{"b":{"id":null}}`, `Variable "$b" got invalid value {"id":null}; Field "id" must be non-null.`},
		{`{ number }`, `[]`, `variables must be an object, not array`},
		{`{ number }`, `{"a":1,"a":2}`, `variables: duplicate key "a" at line 1, column 8`},
		{`{ number }`, `{`, `variables: unexpected end of text at line 1, column 2`},
		{`{ number }`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, `variables: more than 64 levels of nesting at line 1, column 69`},
	}
	for _, test := range tests {
		_, errs := prepare(t, schema, test.query).Bind([]byte(test.variables), nil, graph.Limits{})
		if len(errs) != 1 || errs[0].Message != test.want || errs[0].Code != abi.CodeBadUserInput {
			t.Errorf("%s\nwith %s gives %s, want %s", test.query, test.variables, errs.Append(nil), test.want)
		}
	}
}

func TestBindSeveralErrors(t *testing.T) {
	plan := prepare(t, shopSchema(t), "query(\n $l: Int!\n $i: ID!) { orders(limit: $l) { id } order(id: $i) { id } }")
	_, errs := plan.Bind([]byte(`{"l":"x"}`), nil, graph.Limits{})
	want := `[{"message":"Variable \"$l\" got invalid value \"x\"; Int cannot represent non-integer value: \"x\"","locations":[{"line":2,"column":2}],"extensions":{"code":"BAD_USER_INPUT"}},` +
		`{"message":"Variable \"$i\" of required type \"ID!\" was not provided.","locations":[{"line":3,"column":2}],"extensions":{"code":"BAD_USER_INPUT"}}]`
	if got := string(errs.Append(nil)); got != want {
		t.Errorf("errors\n%s, want\n%s", got, want)
	}
}

func TestBindRequires(t *testing.T) {
	schema := shopSchema(t)
	for _, test := range []struct{ query, variables, permissions, want string }{
		{`subscription { nodes { id } }`, ``, ``, `[{"message":"not permitted to read Subscription.nodes","locations":[{"line":1,"column":16}],"path":["nodes"],"extensions":{"code":"FORBIDDEN"}}]`},
		{`subscription { nodes { id } }`, ``, `nodes`, `[]`},
		{`{ number s: secret }`, ``, `note`, `[{"message":"not permitted to read Query.secret","locations":[{"line":1,"column":10}],"path":["s"],"extensions":{"code":"FORBIDDEN"}}]`},
		{`query($a: Boolean!) { number secret @include(if: $a) }`, `{"a":false}`, ``, `[]`},
		{`{ order(id: 1) { note secret } }`, ``, ``, `[]`},
	} {
		_, errs := prepare(t, schema, test.query).Bind([]byte(test.variables), permitted(test.permissions), graph.Limits{})
		if got := string(errs.Append(nil)); got != test.want {
			t.Errorf("%s gives %s, want %s", test.query, got, test.want)
		}
	}
}

// A null that a default has let into a place that must not be null is an error
// of the field, as graphql-js has it.
func TestBindNullInPlaceOfADefault(t *testing.T) {
	schema := shopSchema(t)
	for _, test := range []struct {
		query, variables string
		roots            int
		want             string
	}{
		{
			`query($l: Int) { number orders(limit: $l) { id } }`, `{"l":null}`, 1,
			`{"errors":[{"message":"Argument \"limit\" of non-null type \"Int!\" must not be null.","locations":[{"line":1,"column":39}],"path":["orders"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":{"number":null,"orders":null}}`,
		},
		{
			`query($i: ID = "x") { o: orders(filter: {ids: [$i]}) { id } }`, `{"i":null}`, 0,
			`{"errors":[{"message":"Variable \"$i\" is null in a place of argument \"filter\" that must not be.","locations":[{"line":1,"column":48}],"path":["o"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":{"o":null}}`,
		},
		{
			`query($a: Boolean = true) { number @include(if: $a) }`, `{"a":null}`, 0,
			`{"errors":[{"message":"Argument \"if\" of non-null type \"Boolean!\" must not be null, and variable \"$a\" is.","locations":[{"line":1,"column":49}],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null}`,
		},
		{
			`query($a: Boolean = true) { number @skip(if: true) @include(if: $a) __typename }`, `{"a":null}`, 0,
			`{"data":{"__typename":"Query"}}`,
		},
	} {
		operation := bind(t, prepare(t, schema, test.query), test.variables, "")
		if got := len(operation.Roots()); got != test.roots {
			t.Errorf("%s: %d roots, want %d", test.query, got, test.roots)
		}
		if got := string(operation.AppendResponse(nil, make([]graph.Result, test.roots))); got != test.want {
			t.Errorf("%s gives\n%s, want\n%s", test.query, got, test.want)
		}
	}
}

func TestBindLimits(t *testing.T) {
	plan := prepare(t, shopSchema(t), `query($e: JSON) { orders(extra: [$e, $e, $e]) { id } }`)
	if _, errs := plan.Bind([]byte(`{"e":1}`), nil, graph.Limits{VariablesBytes: 7}); errs != nil {
		t.Errorf("at the limit: %s", errs.Append(nil))
	}
	if _, errs := plan.Bind([]byte(`{"e":12}`), nil, graph.Limits{VariablesBytes: 7}); errs == nil || errs[0].Code != abi.CodeLimitExceeded {
		t.Errorf("past the limit: %s", errs.Append(nil))
	}
	large := []byte(`{"e":"` + strings.Repeat("x", 2<<20) + `"}`)
	if _, errs := plan.Bind(large, nil, graph.Limits{VariablesBytes: 4 << 20}); errs == nil || errs[0].Code != abi.CodeLimitExceeded {
		t.Errorf("three times 2 MiB: %.200s", errs.Append(nil))
	}
}
