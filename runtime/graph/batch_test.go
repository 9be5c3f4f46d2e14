package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

const warehouse = `
interface Named { name: String }
type Order { id: ID! customer: Customer must: Customer! lines(first: Int = 2, by: String): [Line] grid: [[Line!]] note: String @requires(permission: "note") sum: Int thing: Thing }
type Customer implements Named { id: ID name: String orders: [Order!] best: Order data: JSON }
type Line implements Named { sku: String name: String order: Order }
union Thing = Line | Customer
scalar JSON
type Query { order: Order orders: [[Order]] named: [Named] thing: Thing strict: Order! }
`

var warehouseResolvers = []string{
	"Query.order", "Query.orders", "Query.named", "Query.thing", "Query.strict",
	"Order.customer", "Order.must", "Order.lines", "Order.grid", "Order.note", "Order.sum", "Customer.orders", "Customer.best", "Customer.data", "Line.name", "Line.order",
}

func warehouseSchema(t testing.TB) *graph.Schema {
	t.Helper()
	schema, err := graph.Compose([]graph.Source{source("w", warehouse, warehouseResolvers...)}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// execution is an operation with its outputs, of which those of fields of object
// types are found by "level Type.field arguments", or without the arguments or
// the level.
type execution struct {
	query, variables, permissions string
	roots                         []string
	batches                       map[string]string
	perRun                        int
	limits                        graph.Limits
	outputBytes                   int
}

// run returns the response and the runs, as "level Type.field arguments parents".
func (x execution) run(t *testing.T, schema *graph.Schema) (response string, runs []string) {
	t.Helper()
	operation, errs := prepare(t, schema, x.query).Bind([]byte(x.variables), permitted(x.permissions), x.limits)
	if errs != nil {
		t.Fatalf("%s", errs.Append(nil))
	}
	limits := graph.ExecutionLimits{ParentsPerRun: max(x.perRun, 1), OutputBytes: max(x.outputBytes, 1)}
	if x.perRun == 0 {
		limits.ParentsPerRun = 100
	}
	if x.outputBytes == 0 {
		limits.OutputBytes = 1 << 20
	}
	e := operation.Begin(outputs(x.roots...), limits)
	level := 0
	for batches := e.Next(); len(batches) > 0; batches = e.Next() {
		level++
		for _, b := range batches {
			if e.Stopped() {
				break
			}
			field, arguments := b.Field().Resolver, string(b.Arguments().JSON())
			runs = append(runs, fmt.Sprintf("%d %s %s %s", level, field, arguments, b.AppendParents(nil)))
			output, ok := x.batches[fmt.Sprintf("%d %s %s", level, field, arguments)]
			for _, key := range []string{fmt.Sprintf("%d %s", level, field), field} {
				if !ok {
					output, ok = x.batches[key]
				}
			}
			switch {
			case !ok:
				t.Fatalf("no output for %s", runs[len(runs)-1])
			case strings.HasPrefix(output, "error "):
				b.Resolve(graph.Result{Err: &graph.Error{Message: output[6:], Code: abi.CodeResolverTrap}})
			default:
				b.Resolve(graph.Result{Output: []byte(output)})
			}
		}
	}
	return string(e.AppendResponse(nil)), runs
}

func TestBatches(t *testing.T) {
	const twoOrders = `[[{"id":1,"x":{"y":[]}},null],null,[],[{ "id":2 }]]`
	schema := warehouseSchema(t)
	for _, test := range []struct {
		name string
		execution
		runs []string
		want string
	}{
		{
			"one run for lists of lists, without nulls",
			execution{query: `{ orders { id customer { name } } }`, roots: []string{twoOrders}, batches: map[string]string{"Order.customer": `[{"name":"a"},{"name":"b"}]`}},
			[]string{`1 Order.customer {} [{"id":1,"x":{"y":[]}},{ "id":2 }]`},
			`{"data":{"orders":[[{"id":"1","customer":{"name":"a"}},null],null,[],[{"id":"2","customer":{"name":"b"}}]]}}`,
		},
		{
			"a value in the parent is not read",
			execution{query: `{ order { customer { name } } }`, roots: []string{`{"customer":{"name":"inline"}}`}, batches: map[string]string{"Order.customer": `[null]`}},
			[]string{`1 Order.customer {} [{"customer":{"name":"inline"}}]`},
			`{"data":{"order":{"customer":null}}}`,
		},
		{
			"aliases with the same and with other argument values",
			execution{
				query:     `query($n: Int) { order { a: lines { sku } b: lines(first: 2) { name } c: lines(first: $n) { sku } d: lines(by: "x") { sku } } }`,
				variables: `{"n":3}`, roots: []string{`{"id":1}`},
				batches: map[string]string{
					`1 Order.lines {"first":2}`: `[[{"sku":"two"}]]`, `1 Order.lines {"first":3}`: `[[{"sku":"three"}]]`,
					`1 Order.lines {"first":2,"by":"x"}`: `[[]]`, "Line.name": `["n"]`,
				},
			},
			[]string{`1 Order.lines {"first":2} [{"id":1}]`, `1 Order.lines {"first":3} [{"id":1}]`, `1 Order.lines {"first":2,"by":"x"} [{"id":1}]`, `2 Line.name {} [{"sku":"two"}]`},
			`{"data":{"order":{"a":[{"sku":"two"}],"b":[{"name":"n"}],"c":[{"sku":"three"}],"d":[]}}}`,
		},
		{
			"branches of one level share a run, in response order",
			execution{
				query: `{ b: order { customer { best { id sum } orders { sum } } } a: order { best: customer { orders { id sum } } sum } }`,
				roots: []string{`{"id":"b"}`, `{"id":"a"}`},
				batches: map[string]string{
					"Order.customer": `[{"id":"cb"},{"id":"ca"}]`, "Customer.best": `[{"id":"bb"}]`, "Customer.orders": `[[{"id":"b1"},{"id":"b2"}],[{"id":"a1"}]]`,
					"1 Order.sum": `[100]`, "3 Order.sum": `[1,2,3,4]`,
				},
			},
			[]string{
				`1 Order.customer {} [{"id":"b"},{"id":"a"}]`, `1 Order.sum {} [{"id":"a"}]`,
				`2 Customer.best {} [{"id":"cb"}]`, `2 Customer.orders {} [{"id":"cb"},{"id":"ca"}]`,
				`3 Order.sum {} [{"id":"bb"},{"id":"b1"},{"id":"b2"},{"id":"a1"}]`,
			},
			`{"data":{"b":{"customer":{"best":{"id":"bb","sum":1},"orders":[{"sum":2},{"sum":3}]}},"a":{"best":{"orders":[{"id":"a1","sum":4}]},"sum":100}}}`,
		},
		{
			"the same field at several levels is a run for each",
			execution{
				query:   `{ order { sum customer { best { sum } } } }`,
				roots:   []string{`{"id":1}`},
				batches: map[string]string{"1 Order.sum": `[1]`, "Order.customer": `[{}]`, "Customer.best": `[{"id":2}]`, "3 Order.sum": `[2]`},
			},
			[]string{`1 Order.sum {} [{"id":1}]`, `1 Order.customer {} [{"id":1}]`, `2 Customer.best {} [{}]`, `3 Order.sum {} [{"id":2}]`},
			`{"data":{"order":{"sum":1,"customer":{"best":{"sum":2}}}}}`,
		},
		{
			"members and results of one level are in response order",
			execution{
				query: `{ thing { ... on Line { order { id customer { name data } } } ... on Customer { name } } order { thing { ... on Customer { data } } customer { data } } }`,
				roots: []string{`{"__typename":"Line","sku":"l"}`, `{"thing":{"__typename":"Customer","id":"inline"}}`},
				batches: map[string]string{
					"Line.order": `[{"id":5}]`, "1 Order.customer": `[{"id":"later"}]`, "2 Order.customer": `[{"id":"deep"}]`,
					"2 Customer.data": `[1,2]`, "3 Customer.data": `[3]`,
				},
			},
			[]string{
				`1 Line.order {} [{"__typename":"Line","sku":"l"}]`, `1 Order.customer {} [{"thing":{"__typename":"Customer","id":"inline"}}]`,
				`2 Order.customer {} [{"id":5}]`, `2 Customer.data {} [{"__typename":"Customer","id":"inline"},{"id":"later"}]`,
				`3 Customer.data {} [{"id":"deep"}]`,
			},
			`{"data":{"thing":{"order":{"id":"5","customer":{"name":null,"data":3}}},"order":{"thing":{"data":1},"customer":{"data":2}}}}`,
		},
		{
			"abstract types resolve by typename",
			execution{
				query: `{ named { name ... on Customer { best { id } } } }`,
				roots: []string{`[{"__typename":"Line","name":"unread"},{"__typename":"Customer","name":"read"},{"__typename":"Line"},{"__typename":"Order"},{}]`},
				batches: map[string]string{
					"Line.name": `["l1","l2"]`, "Customer.best": `[{"id":1}]`,
				},
			},
			[]string{`1 Line.name {} [{"__typename":"Line","name":"unread"},{"__typename":"Line"}]`, `1 Customer.best {} [{"__typename":"Customer","name":"read"}]`},
			`{"errors":[{"message":"Query.named: expected Named, got an object whose \"__typename\" names none of its types","locations":[{"line":1,"column":3}],"path":["named",3],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Query.named: expected Named, got an object whose \"__typename\" names none of its types","locations":[{"line":1,"column":3}],"path":["named",4],"extensions":{"code":"BAD_OUTPUT"}}],` +
				`"data":{"named":[{"name":"l1"},{"name":"read","best":{"id":"1"}},{"name":"l2"},null,null]}}`,
		},
		{
			"a fragment spread twice on one value asks once",
			execution{
				query:   `{ order { x: thing { ...F } y: thing { ...F } } } fragment F on Customer { best { sum } }`,
				roots:   []string{`{"thing":{"__typename":"Customer"}}`},
				batches: map[string]string{"Customer.best": `[{"id":1}]`, "Order.sum": `[7]`},
			},
			[]string{`1 Customer.best {} [{"__typename":"Customer"}]`, `2 Order.sum {} [{"id":1}]`},
			`{"data":{"order":{"x":{"best":{"sum":7}},"y":{"best":{"sum":7}}}}}`,
		},
		{
			"elements that are null or errors",
			execution{
				query: `{ orders { sum } }`, roots: []string{`[[{},{},{},{},{}]]`},
				batches: map[string]string{"Order.sum": `[null,{"@error":{"message":"no\n","extensions":{"code":"OUT","left":[0]}}},{"@error":{"message":"plain","extensions":7},"x":1},{"@error":"?"},5]`},
			},
			[]string{`1 Order.sum {} [{},{},{},{},{}]`},
			`{"errors":[{"message":"no\n","locations":[{"line":1,"column":12}],"path":["orders",0,1,"sum"],"extensions":{"code":"OUT","left":[0]}},` +
				`{"message":"plain","locations":[{"line":1,"column":12}],"path":["orders",0,2,"sum"],"extensions":{"code":"RESOLVER_ERROR"}},` +
				`{"message":"Order.sum: expected @error to be an object with a message","locations":[{"line":1,"column":12}],"path":["orders",0,3,"sum"],"extensions":{"code":"BAD_OUTPUT"}}],` +
				`"data":{"orders":[[{"sum":null},{"sum":null},{"sum":null},{"sum":null},{"sum":5}]]}}`,
		},
		{
			"nothing is run below errors and nulls",
			execution{
				query: `{ orders { customer { data } } }`, roots: []string{`[[{},{},{}]]`},
				batches: map[string]string{"Order.customer": `[null,{"@error":{"message":"no"}},{"id":3}]`, "Customer.data": `[{"a": 1}]`},
			},
			[]string{`1 Order.customer {} [{},{},{}]`, `2 Customer.data {} [{"id":3}]`},
			`{"errors":[{"message":"no","locations":[{"line":1,"column":12}],"path":["orders",0,1,"customer"],"extensions":{"code":"RESOLVER_ERROR"}}],` +
				`"data":{"orders":[[{"customer":null},{"customer":null},{"customer":{"data":{"a":1}}}]]}}`,
		},
		{
			"a null where none may be",
			execution{
				query: `{ orders { id must { name } } }`, roots: []string{`[[{"id":1},{"id":2}],[{"id":3}]]`},
				batches: map[string]string{"Order.must": `[{"name":"a"},null,{"@error":{"message":"no"}}]`},
			},
			[]string{`1 Order.must {} [{"id":1},{"id":2},{"id":3}]`},
			`{"errors":[{"message":"Order.must: expected Customer!, got null","locations":[{"line":1,"column":15}],"path":["orders",0,1,"must"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"no","locations":[{"line":1,"column":15}],"path":["orders",1,0,"must"],"extensions":{"code":"RESOLVER_ERROR"}}],` +
				`"data":{"orders":[[{"id":"1","must":{"name":"a"}},null],[null]]}}`,
		},
		{
			"nulls propagate through levels",
			execution{
				query: `{ strict { must { orders { must { id } } } } }`, roots: []string{`{}`},
				batches: map[string]string{"1 Order.must": `[{}]`, "Customer.orders": `[[{}]]`, "3 Order.must": `[null]`},
			},
			[]string{`1 Order.must {} [{}]`, `2 Customer.orders {} [{}]`, `3 Order.must {} [{}]`},
			`{"errors":[{"message":"Order.must: expected Customer!, got null","locations":[{"line":1,"column":28}],"path":["strict","must","orders",0,"must"],"extensions":{"code":"BAD_OUTPUT"}}],` +
				`"data":{"strict":{"must":{"orders":null}}}}`,
		},
		{
			"nulls propagate to data",
			execution{query: `{ strict { must { name } } order { id } }`, roots: []string{`{}`, `{}`}, batches: map[string]string{"Order.must": `[null]`}},
			[]string{`1 Order.must {} [{}]`},
			`{"errors":[{"message":"Order.must: expected Customer!, got null","locations":[{"line":1,"column":12}],"path":["strict","must"],"extensions":{"code":"BAD_OUTPUT"}}],"data":null}`,
		},
		{
			"an error for all parents",
			execution{query: `{ orders { customer { name } } order { must { id } } }`, roots: []string{`[[{},{}]]`, `{}`}, batches: map[string]string{"Order.customer": "error trap", "Order.must": "error other"}},
			[]string{`1 Order.customer {} [{},{}]`, `1 Order.must {} [{}]`},
			`{"errors":[{"message":"trap","locations":[{"line":1,"column":12}],"path":["orders",0,0,"customer"],"extensions":{"code":"RESOLVER_TRAP"}},` +
				`{"message":"trap","locations":[{"line":1,"column":12}],"path":["orders",0,1,"customer"],"extensions":{"code":"RESOLVER_TRAP"}},` +
				`{"message":"other","locations":[{"line":1,"column":40}],"path":["order","must"],"extensions":{"code":"RESOLVER_TRAP"}}],` +
				`"data":{"orders":[[{"customer":null},{"customer":null}]],"order":null}}`,
		},
		{
			"values that do not fit",
			execution{
				query: `{ order { grid { sku } sum customer { name } lines { sku } } }`, roots: []string{`{}`},
				batches: map[string]string{"Order.grid": `[[[{"sku":[]},null],[{"sku":"a"}],null]]`, "Order.sum": `["x"]`, "Order.customer": `[[]]`, "Order.lines": `[{}]`},
			},
			[]string{`1 Order.grid {} [{}]`, `1 Order.sum {} [{}]`, `1 Order.customer {} [{}]`, `1 Order.lines {"first":2} [{}]`},
			`{"errors":[{"message":"Line.sku: expected String, got array","locations":[{"line":1,"column":18}],"path":["order","grid",0,0,"sku"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.grid: expected Line!, got null","locations":[{"line":1,"column":11}],"path":["order","grid",0,1],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.sum: expected Int, got string","locations":[{"line":1,"column":24}],"path":["order","sum"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.customer: expected Customer, got array","locations":[{"line":1,"column":28}],"path":["order","customer"],"extensions":{"code":"BAD_OUTPUT"}},` +
				`{"message":"Order.lines: expected [Line], got object","locations":[{"line":1,"column":46}],"path":["order","lines"],"extensions":{"code":"BAD_OUTPUT"}}],` +
				`"data":{"order":{"grid":[null,[{"sku":"a"}],null],"sum":null,"customer":null,"lines":null}}}`,
		},
		{
			"only what is selected and permitted is run",
			execution{
				query:     `query($a: Boolean!) { order { note sum @include(if: $a) customer @skip(if: $a) { best { id } } } }`,
				variables: `{"a":false}`, roots: []string{`{"note":"unread"}`},
				batches: map[string]string{"Order.customer": `[{}]`, "Customer.best": `[null]`},
			},
			[]string{`1 Order.customer {} [{"note":"unread"}]`, `2 Customer.best {} [{}]`},
			`{"errors":[{"message":"not permitted to read Order.note","locations":[{"line":1,"column":31}],"path":["order","note"],"extensions":{"code":"FORBIDDEN"}}],"data":{"order":{"note":null,"customer":{"best":null}}}}`,
		},
		{
			"the other way",
			execution{
				query:     `query($a: Boolean!) { order { note sum @include(if: $a) customer @skip(if: $a) { best { id } } } }`,
				variables: `{"a":true}`, permissions: "note", roots: []string{`{}`},
				batches: map[string]string{"Order.note": `["n"]`, "Order.sum": `[1]`},
			},
			[]string{`1 Order.note {} [{}]`, `1 Order.sum {} [{}]`},
			`{"data":{"order":{"note":"n","sum":1}}}`,
		},
		{
			"a split at parentsPerRun",
			execution{query: `{ orders { customer { id } } }`, roots: []string{`[[{"i":1},{"i":2},{"i":3}]]`}, perRun: 2, batches: map[string]string{"Order.customer": `[{"id":1},{"id":2}]`}},
			[]string{`1 Order.customer {} [{"i":1},{"i":2}]`, `1 Order.customer {} [{"i":3}]`},
			`{"errors":[{"message":"Order.customer: expected an array of 1 values, one for each parent, got 2","locations":[{"line":1,"column":12}],"path":["orders",0,2,"customer"],"extensions":{"code":"BAD_OUTPUT"}}],` +
				`"data":{"orders":[[{"customer":{"id":"1"}},{"customer":{"id":"2"}},{"customer":null}]]}}`,
		},
		{
			"a root that is no JSON",
			execution{query: `{ order { sum } orders { sum } }`, roots: []string{`{`, `[[{}]]`}, batches: map[string]string{"Order.sum": `[1]`}},
			[]string{`1 Order.sum {} [{}]`},
			`{"errors":[{"message":"Query.order: the output is not valid JSON: unexpected end of text at line 1, column 2","locations":[{"line":1,"column":3}],"path":["order"],"extensions":{"code":"BAD_OUTPUT"}}],"data":{"order":null,"orders":[[{"sum":1}]]}}`,
		},
		{
			"a list over listItems has no parents",
			execution{query: `{ orders { sum } }`, roots: []string{`[[{},{},{}],[{}]]`}, limits: graph.Limits{ListItems: 2}, batches: map[string]string{"Order.sum": `[1]`}},
			[]string{`1 Order.sum {} [{}]`},
			`{"errors":[{"message":"Query.orders: the list has more items than the limit allows","locations":[{"line":1,"column":3}],"path":["orders",0],"extensions":{"code":"LIMIT_EXCEEDED","limit":"listItems"}}],"data":{"orders":[null,[{"sum":1}]]}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, runs := test.run(t, schema)
			if !slices.Equal(runs, test.runs) {
				t.Errorf("runs\n%s, want\n%s", strings.Join(runs, "\n"), strings.Join(test.runs, "\n"))
			}
			if got != test.want {
				t.Errorf("response\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestOutputsThatAreNoBatch(t *testing.T) {
	schema := warehouseSchema(t)
	for output, want := range map[string]string{
		``:                                     "not valid JSON",
		`[1,2`:                                 "not valid JSON",
		`[1,2] x`:                              "not valid JSON",
		`{"0":1,"1":2}`:                        "expected an array of 2 values, one for each parent, got object",
		`null`:                                 "got null",
		`[]`:                                   "expected an array of 2 values, one for each parent, got 0",
		`[1]`:                                  "got 1",
		`[1,2,3]`:                              "got 3",
		`[[1,2]]`:                              "got 1",
		`[` + strings.Repeat("1,", 1e5) + `1]`: "got 100001",
		strings.Repeat("[", 1e5):               "not valid JSON: more than 65 levels of nesting",
	} {
		got, _ := execution{query: `{ orders { sum } }`, roots: []string{`[[{},{}]]`}, batches: map[string]string{"Order.sum": output}}.run(t, schema)
		if strings.Count(got, want) != 2 || strings.Count(got, `"code":"BAD_OUTPUT"`) != 2 || !strings.HasSuffix(got, `"data":{"orders":[[{"sum":null},{"sum":null}]]}}`) {
			t.Errorf("output %.40s gives %s", output, got)
		}
	}
}

// TestElementsNestAsDeepAsRoots has values at the nesting limit and past it.
func TestElementsNestAsDeepAsRoots(t *testing.T) {
	schema := warehouseSchema(t)
	for depth, fits := range map[int]bool{64: true, 65: false} {
		value := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		got, _ := execution{
			query: `{ thing { ... on Customer { data } } }`, roots: []string{`{"__typename":"Customer"}`},
			batches: map[string]string{"Customer.data": "[" + value + "]"},
		}.run(t, schema)
		if want := `{"data":{"thing":{"data":` + value + `}}}`; (got == want) != fits {
			t.Errorf("%d levels give %s", depth, got)
		}
	}
}

// TestExecutionStops has an execution end early in each way: what is not
// resolved has the error, and what is has its value.
func TestExecutionStops(t *testing.T) {
	schema := warehouseSchema(t)
	operation := bind(t, prepare(t, schema, `{ order { sum note customer { name data } } }`), "", "note")
	e := operation.Begin(outputs(`{}`), graph.ExecutionLimits{ParentsPerRun: 1, OutputBytes: 1 << 20})
	batches := e.Next()
	if len(batches) != 3 || batches[0].Len() != 1 || e.Stopped() {
		t.Fatalf("%d batches", len(batches))
	}
	batches[0].Resolve(graph.Result{Output: []byte(`[1]`)})
	batches[2].Resolve(graph.Result{Output: []byte(`[{"name":"n"}]`)})
	e.Stop(&graph.Error{Message: "enough", Code: abi.CodeFuelExhausted})
	e.Stop(&graph.Error{Message: "again"})
	if more := e.Next(); more != nil || !e.Stopped() {
		t.Errorf("%d batches after the end", len(more))
	}
	want := `{"errors":[{"message":"enough","locations":[{"line":1,"column":15}],"path":["order","note"],"extensions":{"code":"FUEL_EXHAUSTED"}},` +
		`{"message":"enough","locations":[{"line":1,"column":36}],"path":["order","customer","data"],"extensions":{"code":"FUEL_EXHAUSTED"}}],` +
		`"data":{"order":{"sum":1,"note":null,"customer":{"name":"n","data":null}}}}`
	if got := string(e.AppendResponse(nil)); got != want {
		t.Errorf("response\n%s, want\n%s", got, want)
	}
	if got := string(operation.AppendResponse(nil, outputs(`{}`))); strings.Count(got, `"code":"INTERNAL"`) != 3 {
		t.Errorf("without an execution: %s", got)
	}
}

func TestExecutionIsBounded(t *testing.T) {
	schema := warehouseSchema(t)
	many := "[[" + strings.Repeat("{},", 999) + "{}]]"
	values := func(value string) string { return "[" + strings.Repeat(value+",", 999) + value + "]" }
	for name, test := range map[string]struct {
		execution
		limit string
		runs  int
	}{
		"root output":   {execution{query: `{ orders { sum } }`, roots: []string{many}, outputBytes: 10_000}, "outputBytes", 0},
		"batch outputs": {execution{query: `{ orders { a: customer { data } customer { data } lines { sku } } }`, roots: []string{many}, perRun: 1000, outputBytes: 40_000, batches: map[string]string{"Order.customer": values(`{}`), "Order.lines": values(`null`)}}, "outputBytes", 1},
		"objects":       {execution{query: `{ orders { lines { order { sum } } } }`, roots: []string{many}, perRun: 1000, limits: graph.Limits{ListItems: 1000}, batches: map[string]string{"Order.lines": values(`[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]`)}}, "listItems", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, runs := test.run(t, schema)
			if len(runs) != test.runs || !strings.Contains(got, `"code":"LIMIT_EXCEEDED","limit":"`+test.limit+`"`) {
				t.Errorf("%d runs, response %.300s", len(runs), got)
			}
		})
	}
}

// TestDepthIsBounded has levels as deep as queryDepth, and one more.
func TestDepthIsBounded(t *testing.T) {
	schema := warehouseSchema(t)
	nested := func(levels int) string {
		return "{ order " + strings.Repeat("{ customer { best ", levels) + "{ id }" + strings.Repeat("} }", levels) + " }"
	}
	got, runs := execution{query: nested(9), roots: []string{`{}`}, batches: map[string]string{"Order.customer": `[{}]`, "Customer.best": `[{"id":1}]`}}.run(t, schema)
	if len(runs) != 18 || !strings.Contains(got, `{"best":{"id":"1"}}`) || strings.Contains(got, "errors") {
		t.Errorf("%d runs, response %s", len(runs), got)
	}
	if _, errs := schema.Prepare(nested(10), "", graph.Limits{}); errs == nil || string(errs[0].Extensions) != `{"limit":"queryDepth"}` {
		t.Errorf("errors %v", errs)
	}
}

// TestBatchArgumentsCanFail has a variable of null where the field's argument
// must not be null: that is an error of the field, at each of its paths.
func TestBatchArgumentsCanFail(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", `type T { f(n: Int! = 1): Int g: Int } type Query { ts: [T] }`, "Query.ts", "T.f", "T.g")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	x := execution{query: `query($n: Int) { ts { f(n: $n) g } }`, roots: []string{`[{},{}]`}, batches: map[string]string{"T.f": `[1,2]`, "T.g": `[3,4]`}}
	x.variables = `{"n":null}`
	got, runs := x.run(t, schema)
	if len(runs) != 1 || strings.Count(got, `"code":"BAD_USER_INPUT"`) != 2 || !strings.HasSuffix(got, `"data":{"ts":[{"f":null,"g":3},{"f":null,"g":4}]}}`) {
		t.Errorf("runs %q, response %s", runs, got)
	}
	x.variables = `{}`
	if got, runs = x.run(t, schema); got != `{"data":{"ts":[{"f":1,"g":3},{"f":2,"g":4}]}}` || runs[0] != `1 T.f {"n":1} [{},{}]` {
		t.Errorf("runs %q, response %s", runs, got)
	}
}

// TestProjectionKeyHasBatchArguments holds that operations whose fields of
// object types have other argument values share no projection.
func TestProjectionKeyHasBatchArguments(t *testing.T) {
	plan := prepare(t, warehouseSchema(t), `query($n: Int) { order { lines(first: $n) { sku } } }`)
	if bind(t, plan, `{"n":1}`, "").ProjectionKey() == bind(t, plan, `{"n":2}`, "").ProjectionKey() {
		t.Error("the arguments do not count")
	}
	if !bind(t, plan, "", "").HasBatches() || bind(t, prepare(t, warehouseSchema(t), `{ order { id } }`), "", "").HasBatches() {
		t.Error("HasBatches")
	}
}
