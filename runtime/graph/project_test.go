package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

func TestProject(t *testing.T) {
	tests := []struct {
		name, query, variables, permissions string
		outputs                             []string
		want                                string
	}{
		{
			"fields, aliases, order, typename", `{ o: order(id: 1) { total kind: __typename id again: total } __typename }`, "", "",
			[]string{`{"__typename":"Other","unused":{"a":[1]},"id":"x","total":1.50}`},
			`{"data":{"o":{"total":1.50,"kind":"Order","id":"x","again":1.50},"__typename":"Query"}}`,
		},
		{
			"missing and null", `{ order(id: 1) { id total status lines { sku } matrix } }`, "", "",
			[]string{`{"id":"x","total":1,"status":null,"lines":[],"matrix":[]}`},
			`{"data":{"order":{"id":"x","total":1,"status":null,"lines":[],"matrix":[]}}}`,
		},
		{
			"leaves", `{ order(id: 1) { id status total count open extra at tags } }`, "", "",
			[]string{`{"id":12,"status":"PA\u0049D","total":1E2,"count":2.0,"open":false,"extra":{ "a" : [1, null] },"at":"t","tags":["\u00e9\n", null]}`},
			`{"data":{"order":{"id":"12","status":"PAID","total":1E2,"count":2,"open":false,"extra":{"a":[1,null]},"at":"t","tags":["\u00e9\n",null]}}}`,
		},
		{
			"escaped and duplicate keys", `{ order(id: 1) { id count } }`, "", "",
			[]string{`{"\u0069d":"first","count":1,"id":"last"}`},
			`{"data":{"order":{"id":"last","count":1}}}`,
		},
		{
			"lists of lists", `{ order(id: 1) { matrix } }`, "", "",
			[]string{`{"matrix":[[1,2],null,[]]}`},
			`{"data":{"order":{"matrix":[[1,2],null,[]]}}}`,
		},
		{
			"null in a list of lists", `{ order(id: 1) { matrix } }`, "", "",
			[]string{`{"matrix":[[1,null],[3]]}`},
			`{"errors":[{"message":"Order.matrix: expected Int!, got null","locations":[{"line":1,"column":18}],"path":["order","matrix",0,1],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"order":{"matrix":[null,[3]]}}}`,
		},
		{
			"wrong types", `{ order(id: 1) { id status count open total tags customer { name } lines { sku } } }`, "", "",
			[]string{`{"id":1.5,"status":"NONE","count":3000000000,"open":"yes","total":1e999,"tags":"x","customer":[],"lines":[]}`},
			`{"errors":[` +
				`{"message":"Order.id: expected ID!, got a number that is no integer","locations":[{"line":1,"column":18}],"path":["order","id"],"extensions":{"code":"BAD_OUTPUT"}}` +
				`],"data":{"order":null}}`,
		},
		{
			"wrong types of nullable fields", `{ order(id: 1) { status count open tags customer { name } } }`, "", "",
			[]string{`{"status":"NONE","count":3000000000,"open":"yes","tags":"x","customer":[]}`},
			`{"errors":[` +
				`{"message":"Order.status: expected Status, got a string that is none of its values","locations":[{"line":1,"column":18}],"path":["order","status"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.count: expected Int, got a number that is no 32-bit integer","locations":[{"line":1,"column":25}],"path":["order","count"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.open: expected Boolean, got string","locations":[{"line":1,"column":31}],"path":["order","open"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.tags: expected [String], got string","locations":[{"line":1,"column":36}],"path":["order","tags"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.customer: expected Customer, got array","locations":[{"line":1,"column":41}],"path":["order","customer"],"extensions":{"code":"BAD_OUTPUT"}}` +
				`],"data":{"order":{"status":null,"count":null,"open":null,"tags":null,"customer":null}}}`,
		},
		{
			"propagation to data", `{ must { total } number }`, "", "",
			[]string{`{"total":"x"}`, `1`},
			`{"errors":[{"message":"Order.total: expected Float!, got string","locations":[{"line":1,"column":10}],"path":["must","total"],"extensions":{"code":"BAD_OUTPUT"}}],"data":null}`,
		},
		{
			"propagation stops at a list", `{ orders { lines { sku } } }`, "", "",
			[]string{`[{"lines":[{"sku":"a"}]},{"lines":[{"sku":null}]},null,{"lines":[]}]`},
			`{"errors":[{"message":"Line.sku: expected String!, got null","locations":[{"line":1,"column":20}],"path":["orders",1,"lines",0,"sku"],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"orders":[{"lines":[{"sku":"a"}]},null,null,{"lines":[]}]}}`,
		},
		{
			"abstract types", `{ things { __typename ... on Node { id } ... on Order { total } ... on Customer { name } } }`, "", "",
			[]string{`[{"__typename":"Order","id":"1","total":2},{"id":"2","__typename":"Customer","name":"n"}]`},
			`{"data":{"things":[{"__typename":"Order","id":"1","total":2},{"__typename":"Customer","id":"2","name":"n"}]}}`,
		},
		{
			"unknown typename", `{ node { id } }`, "", "",
			[]string{`{"__typename":"Line","id":"1"}`},
			`{"errors":[{"message":"Query.node: expected Node, got an object whose \"__typename\" names none of its types","locations":[{"line":1,"column":3}],"path":["node"],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"node":null}}`,
		},
		{
			"no JSON", `{ number }`, "", "",
			[]string{`1,`},
			`{"errors":[{"message":"Query.number: the output is not valid JSON: text after the value at line 1, column 2","locations":[{"line":1,"column":3}],"path":["number"],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"number":null}}`,
		},
		{"empty output", `{ number }`, "", "", []string{``}, `{"data":{"number":null}}`},
		{
			"merged fields and fragments", `{ order(id: 1) { customer { id } ...F } ...Q } fragment F on Order { customer { name } total } fragment Q on Query { order(id: 1) { count } }`, "", "",
			[]string{`{"customer":{"name":"n","id":"c"},"total":1,"count":2}`},
			`{"data":{"order":{"customer":{"id":"c","name":"n"},"total":1,"count":2}}}`,
		},
		{
			"include", `query($a: Boolean!, $b: Boolean!) { order(id: 1) { id @include(if: $a) count total @skip(if: $b) id } }`, `{"a":false,"b":true}`, "",
			[]string{`{"id":"x","count":1,"total":2}`},
			`{"data":{"order":{"count":1,"id":"x"}}}`,
		},
		{
			"include the other way", `query($a: Boolean!, $b: Boolean!) { order(id: 1) { id @include(if: $a) count total @skip(if: $b) id } }`, `{"a":true,"b":false}`, "",
			[]string{`{"id":"x","count":1,"total":2}`},
			`{"data":{"order":{"id":"x","count":1,"total":2}}}`,
		},
		{
			"conditions of merged parents", `query($a: Boolean!) { order(id: 1) { customer @include(if: $a) { name } customer { id } } }`, `{"a":false}`, "",
			[]string{`{"customer":{"name":"n","id":"c"}}`},
			`{"data":{"order":{"customer":{"id":"c"}}}}`,
		},
		{
			"conditions on fragments", `query($a: Boolean!) { order(id: 1) { ...F @include(if: $a) ...F @skip(if: $a) ... @skip(if: $a) { count } } } fragment F on Order { id @include(if: $a) }`, `{"a":true}`, "",
			[]string{`{"id":"c","count":1}`},
			`{"data":{"order":{"id":"c"}}}`,
		},
		{
			"locations of what the conditions leave", `query($a: Boolean!) { order(id: 1) { count @include(if: $a) count @skip(if: $a) ...F ...F @include(if: $a) } } fragment F on Order { count }`, `{"a":false}`, "",
			[]string{`{"count":"x"}`},
			`{"errors":[{"message":"Order.count: expected Int, got string","locations":[{"line":1,"column":61},{"line":1,"column":134}],"path":["order","count"],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"order":{"count":null}}}`,
		},
		{
			"constant conditions", `{ order(id: 1) { id @skip(if: true) count @include(if: true) total @include(if: false) } }`, "", "",
			[]string{`{"id":"c","count":1,"total":1}`},
			`{"data":{"order":{"count":1}}}`,
		},
		{
			"forbidden inside", `{ order(id: 1) { note secret count } }`, "", "",
			[]string{`{"note":"n","secret":"s","count":1}`},
			`{"errors":[{"message":"not permitted to read Order.note","locations":[{"line":1,"column":18}],"path":["order","note"],"extensions":{"code":"FORBIDDEN"}},` +
				`{"message":"not permitted to read Order.secret","locations":[{"line":1,"column":23}],"path":["order","secret"],"extensions":{"code":"FORBIDDEN"}}],` +
				`"data":{"order":{"note":null,"secret":null,"count":1}}}`,
		},
		{
			"permitted inside", `{ order(id: 1) { note secret } }`, "", "note secret",
			[]string{`{"note":"n","secret":"s"}`},
			`{"data":{"order":{"note":"n","secret":"s"}}}`,
		},
		{
			"a Query inside of an object", `{ order(id: 1) { query { number secret __typename __schema { queryType { name } } } count } }`, "", "secret",
			[]string{`{"query":{"number":3,"secret":4},"count":1}`},
			`{"data":{"order":{"query":{"number":3,"secret":4,"__typename":"Query","__schema":{"queryType":{"name":"Query"}}},"count":1}}}`,
		},
		{
			"several roots", `mutation { a: pay(id: 1) { id } b: refund c: pay(id: 2) { id } }`, "", "",
			[]string{`{"id":"1"}`, `7`, `{"id":"2"}`},
			`{"data":{"a":{"id":"1"},"b":7,"c":{"id":"2"}}}`,
		},
	}
	schema := shopSchema(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			operation := bind(t, prepare(t, schema, test.query), test.variables, test.permissions)
			if got := len(operation.Roots()); got != len(test.outputs) {
				t.Fatalf("%d roots, want %d", got, len(test.outputs))
			}
			got := operation.AppendResponse([]byte("prefix "), outputs(test.outputs...))
			if string(got) != "prefix "+test.want {
				t.Errorf("response\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestProjectFieldError(t *testing.T) {
	schema := shopSchema(t)
	operation := bind(t, prepare(t, schema, `{ number x: order(id: 1) { id } m: must { id } }`), "", "")
	shared := &graph.Error{Message: "no", Code: abi.CodeResolverError, Extensions: []byte(`{"incident":"i","code":"X"}`)}
	results := []graph.Result{{Output: []byte("1")}, {Err: shared}, {Output: []byte(`{"id":"a"}`)}}
	want := `{"errors":[{"message":"no","locations":[{"line":1,"column":10}],"path":["x"],"extensions":{"code":"RESOLVER_ERROR","incident":"i"}}],"data":{"number":1,"x":null,"m":{"id":"a"}}}`
	for range 2 { // the error is not changed
		if got := operation.AppendResponse(nil, results); string(got) != want {
			t.Errorf("response\n%s, want\n%s", got, want)
		}
	}
	results[2] = graph.Result{Err: &graph.Error{Message: "also", Locations: []graph.Location{{Line: 9, Column: 9}}, Path: []any{"m", 1}}}
	want = `{"errors":[{"message":"no","locations":[{"line":1,"column":10}],"path":["x"],"extensions":{"code":"RESOLVER_ERROR","incident":"i"}},` +
		`{"message":"also","locations":[{"line":9,"column":9}],"path":["m",1]}],"data":null}`
	if got := operation.AppendResponse(nil, results); string(got) != want {
		t.Errorf("response\n%s, want\n%s", got, want)
	}
}

// TestResponseIsBounded asks for a long list under so many aliases that the
// response would be larger than all that was put out.
func TestResponseIsBounded(t *testing.T) {
	schema := shopSchema(t)
	lines := `{"lines":[` + strings.Repeat(`{"sku":"`+strings.Repeat("s", 100)+`"},`, 9_999) + `{"sku":"s"}],"tags":["` + strings.Repeat("x", 1<<20) + `"]}`
	for _, test := range []struct {
		part    string
		aliases int
		fits    bool
	}{{"tags", 31, true}, {"tags", 32, false}, {"tags", 199, false}, {"lines { sku }", 199, false}} {
		query := "{ x: number must {"
		for i := range test.aliases {
			query += fmt.Sprintf(" a%d: %s", i, test.part)
		}
		got := bind(t, prepare(t, schema, query+" } }"), "", "").AppendResponse(nil, outputs(`"no number"`, lines))
		tooLarge := strings.HasPrefix(string(got), `{"errors":[{"message":"the response is larger than 33554432 bytes","path":["must","a`) &&
			strings.HasSuffix(string(got), `"extensions":{"code":"LIMIT_EXCEEDED","limit":"outputBytes"}}],"data":null}`)
		if tooLarge == test.fits {
			t.Errorf("%d of %s give %d bytes: %.300s", test.aliases, test.part, len(got), got)
		}
	}
}

// TestDiscardedIsBounded has lists of objects that are all null in the end, after
// most of their fields were written.
func TestDiscardedIsBounded(t *testing.T) {
	var declared, selected strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&declared, "f%03d: Int ", i)
		fmt.Fprintf(&selected, "f%03d ", i)
	}
	sdl := "type Query { lists: [[T]] } type T { " + declared.String() + "must: Int! }"
	schema, err := graph.Compose([]graph.Source{source("m", sdl, "Query.lists")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	operation := bind(t, prepare(t, schema, "{ lists { "+selected.String()+"must } }"), "", "")
	each := len(`{"must":`) + 1000*len(`"f000":null,`) // which are discarded for each object
	fitting := 32 << 20 / (each + 100)
	for _, test := range []struct {
		objects int
		fits    bool
	}{{fitting, true}, {fitting + fitting/10, false}, {9_000, false}} {
		list := "[" + strings.Repeat("{},", test.objects-1) + "{}]"
		got := string(operation.AppendResponse(nil, outputs("["+list+"]")))
		want := `{"errors":[{"message":"the response, with what errors have made null, is larger than 33554432 bytes","path":["lists",0,`
		if given := strings.HasSuffix(got, `"data":null}`) && strings.HasPrefix(got, want); given == test.fits {
			t.Errorf("%d objects give %d bytes: %.300s", test.objects, len(got), got)
		}
	}
}

// TestProjectionIsBounded asks again and again for what takes long to look
// through, and of which little or nothing comes.
func TestProjectionIsBounded(t *testing.T) {
	var fields strings.Builder
	for i := range 1600 {
		fmt.Fprintf(&fields, "f%d: Int ", i)
	}
	sdl := `type Query { object: Node } type Node { of: Wide any: Any wide: [[Wide]] } interface Any { id: ID } type One implements Any { id: ID }
		type Wide { must: Int! id: ID ` + fields.String() + "}"
	schema, err := graph.Compose([]graph.Source{source("m", sdl, "Query.object")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	large := "{" + strings.Repeat(`"":0,`, 100_000-1) + `"id":"c"}`
	list := "[" + strings.Repeat("{},", 9_999-1) + "{}]"
	aliases := func(part string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d: %s ", i, part)
		}
		return b.String()
	}
	for _, test := range []struct {
		name   string
		query  func(n int) string
		output func(n int) string
		most   int    // for which n the work fits
		path   string // where it is given up
	}{
		{
			"members", func(n int) string { return aliases("of { __typename }", n) },
			func(int) string { return `{"of":` + large + "}" }, 83, `"a83"`,
		},
		{
			"members of no type", func(n int) string { return aliases("any { id }", n) },
			func(int) string { return `{"any":` + large + "}" }, 83, `"a83"`,
		},
		{
			"slots", func(int) string { return "wide { must " + strings.ReplaceAll(fields.String(), ": Int", "") + "}" },
			func(n int) string { return `{"wide":[` + strings.Repeat(list+",", n-1) + list + "]}" }, 8, `"wide",8,`,
		},
	} {
		for _, n := range []int{1, test.most, test.most + 1, 3 * test.most / 2} {
			plan := prepare(t, schema, "{ object { "+test.query(n)+" } }")
			got := string(bind(t, plan, "", "").AppendResponse(nil, outputs(test.output(n))))
			want := `{"errors":[{"message":"finding what the response is made of looks at more than 8388608 members of objects","path":["object",` + test.path
			if given := strings.HasPrefix(got, want) && strings.HasSuffix(got, `"data":null}`); given != (n > test.most) {
				t.Errorf("%s, %d give %d bytes: %.300s", test.name, n, len(got), got)
			}
		}
	}
}

// concealed are Misfits that keep what they hear to themselves.
type concealed struct{ heard []*graph.Error }

func (c *concealed) Report(e *graph.Error) *graph.Error {
	c.heard = append(c.heard, e)
	return &graph.Error{Message: "hidden", Code: e.Code, Path: e.Path}
}

func TestProjectReportsMisfits(t *testing.T) {
	schema := shopSchema(t)
	plan := prepare(t, schema, `{ number x: order(id: 1) { count tags note } __type(name: "Order") { name } other: number }`)
	operation, errs := plan.Bind(nil, nil, graph.Limits{ListItems: 1})
	if errs != nil {
		t.Fatal(errs)
	}
	var c concealed
	results := []graph.Result{{Output: []byte(`"x"`)}, {Output: []byte(`{"count":"x","tags":["a","b"],"note":"n"}`), Misfits: &c}, {Output: []byte(`2`), Misfits: &c}}
	got := string(operation.AppendResponse(nil, results))
	want := `{"errors":[{"message":"Query.number: expected Int, got string","locations":[{"line":1,"column":3}],"path":["number"],"extensions":{"code":"BAD_OUTPUT"}},` +
		`{"message":"hidden","path":["x","count"],"extensions":{"code":"BAD_OUTPUT"}},` +
		`{"message":"hidden","path":["x","tags"],"extensions":{"code":"LIMIT_EXCEEDED"}},` +
		`{"message":"not permitted to read Order.note","locations":[{"line":1,"column":39}],"path":["x","note"],"extensions":{"code":"FORBIDDEN"}}],` +
		`"data":{"number":null,"x":{"count":null,"tags":null,"note":null},"__type":{"name":"Order"},"other":2}}`
	if got != want {
		t.Errorf("response\n%s, want\n%s", got, want)
	}
	if len(c.heard) != 2 || c.heard[0].Message != "Order.count: expected Int, got string" || c.heard[1].Message != "Order.tags: the list has more items than the limit allows" {
		t.Errorf("heard %v", c.heard)
	}
	c.heard = nil
	many := bind(t, prepare(t, schema, `{ orders { count } }`), "", "")
	many.AppendResponse(nil, []graph.Result{{Output: []byte("[" + strings.Repeat(`{"count":"x"},`, 1000) + `{"count":1}]`), Misfits: &c}})
	if len(c.heard) != 50 {
		t.Errorf("heard %d of 50 errors that a response has at most", len(c.heard))
	}
}

func TestProjectBoundsErrors(t *testing.T) {
	schema := shopSchema(t)
	operation := bind(t, prepare(t, schema, `{ orders { count } }`), "", "")
	output := "[" + strings.Repeat(`{"count":"x"},`, 1000) + `{"count":1}]`
	got := string(operation.AppendResponse(nil, outputs(output)))
	if n := strings.Count(got, "expected Int, got string"); n != 50 {
		t.Errorf("%d errors", n)
	}
	if !strings.Contains(got, `{"message":"950 more errors are left out"`) {
		t.Errorf("no word of those left out: %.300s", got)
	}
}

func TestProjectListItems(t *testing.T) {
	plan := prepare(t, shopSchema(t), `{ orders { tags } }`)
	operation, errs := plan.Bind(nil, nil, graph.Limits{ListItems: 3})
	if errs != nil {
		t.Fatal(errs)
	}
	got := string(operation.AppendResponse(nil, outputs(`[{"tags":["a","b","c"]},{"tags":["a","b","c","d"]}]`)))
	want := `{"errors":[{"message":"Order.tags: the list has more items than the limit allows","locations":[{"line":1,"column":12}],"path":["orders",1,"tags"],"extensions":{"code":"LIMIT_EXCEEDED","limit":"listItems"}}],` +
		`"data":{"orders":[{"tags":["a","b","c"]},{"tags":null}]}}`
	if got != want {
		t.Errorf("response\n%s, want\n%s", got, want)
	}
}

func TestProjectionKey(t *testing.T) {
	schema := shopSchema(t)
	key := func(query, variables, permissions string) string {
		return bind(t, prepare(t, schema, query), variables, permissions).ProjectionKey()
	}
	include := `query($id: ID!, $a: Boolean!) { order(id: $id) { id @include(if: $a) count } }`
	if key(include, `{"id":"1","a":true}`, "") == key(include, `{"id":"1","a":false}`, "") {
		t.Error("the variable of @include does not count")
	}
	if key(include, `{"id":"1","a":true}`, "") != key(include, `{"id":"2","a":true}`, "note") {
		t.Error("root arguments or unused permissions count")
	}
	note := `{ order(id: 1) { note } }`
	if key(note, "", "") == key(note, "", "note") {
		t.Error("the permission inside does not count")
	}
	nested := `query($n: Int) { order(id: 1) { lines(first: $n) { sku } } }`
	if key(nested, `{"n":1}`, "") == key(nested, `{"n":2}`, "") || key(nested, `{"n":null}`, "") == key(nested, `{}`, "") {
		t.Error("nested arguments do not count")
	}
	long := `query($n: Boolean!, $m: JSON) { orders(extra: $m) { id @skip(if: $n) } x: __type(name: "Order") { name } }`
	if key(long, `{"n":true,"m":"`+strings.Repeat("x", 500)+`"}`, "") != key(long, `{"n":true}`, "") {
		t.Error("an argument of a resolver counts")
	}
}

func BenchmarkProject(b *testing.B) {
	for _, count := range []int{5, 200} {
		for _, order := range []string{"same", "reversed"} {
			b.Run(fmt.Sprintf("%d fields, %s order", count, order), func(b *testing.B) {
				operation, result := wide(b, count, order == "reversed")
				results := outputs(result)
				dst := operation.AppendResponse(nil, results)
				b.SetBytes(int64(len(dst)))
				b.ReportAllocs()
				for b.Loop() {
					dst = operation.AppendResponse(dst[:0], results)
				}
			})
		}
	}
}

// wide makes an operation that selects many fields, and an output for it.
func wide(t testing.TB, count int, reversed bool) (*graph.Operation, string) {
	var sdl, query strings.Builder
	members := make([]string, count)
	for i := range count {
		fmt.Fprintf(&sdl, "field%d: %s ", i, []string{"String", "Float!", "Int", "ID", "[Boolean]"}[i%5])
		fmt.Fprintf(&query, "field%d ", i)
		members[i] = fmt.Sprintf(`"field%d":%s`, i, []string{`"some text"`, "12.5", "42", `"id-1"`, "[true,null]"}[i%5])
		if reversed {
			copy(members[1:], members[:i])
			members[0] = fmt.Sprintf(`"field%d":%s`, i, []string{`"some text"`, "12.5", "42", `"id-1"`, "[true,null]"}[i%5])
		}
	}
	schema, err := graph.Compose([]graph.Source{source("m", "type W { "+sdl.String()+" } type Query { w: W }", "Query.w")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return bind(t, prepare(t, schema, "{ w { "+query.String()+" } }"), "", ""), "{" + strings.Join(members, ",") + "}"
}

func TestProjectAllocatesNothing(t *testing.T) {
	flat, members := wide(t, 200, true)
	nested := bind(t, prepare(t, shopSchema(t), `{ things { __typename ... on Order { id total status tags extra matrix } ... on Customer { name } } }`), "", "")
	things := "[" + strings.Repeat(`{"__typename":"Order","id":7,"total":1.5,"status":"\u0050AID","tags":["\u00e9"],"extra":{ "a" : 1 },"matrix":[[1]]},`, 50) +
		`{"name":"n","__typename":"Customer"}]`
	for _, test := range []struct {
		operation    *graph.Operation
		output, want string
	}{
		{flat, members, `{"data":{"w":{"field0":"some text","field1":12.5,"field2":42,`},
		{nested, things, `{"data":{"things":[{"__typename":"Order","id":"7","total":1.5,"status":"PAID","tags":["\u00e9"],"extra":{"a":1},"matrix":[[1]]},`},
	} {
		results := outputs(test.output)
		dst := test.operation.AppendResponse(nil, results)
		if !strings.HasPrefix(string(dst), test.want) {
			t.Fatalf("response %.300s", dst)
		}
		if raceEnabled {
			continue
		}
		if n := testing.AllocsPerRun(50, func() { dst = test.operation.AppendResponse(dst[:0], results) }); n >= 1 {
			t.Errorf("%v allocations per response", n)
		}
		if n := testing.AllocsPerRun(50, func() { dst = test.operation.AppendResponse(nil, results) }); n >= 2 {
			t.Errorf("%v allocations per response in a new buffer", n)
		}
	}
}
