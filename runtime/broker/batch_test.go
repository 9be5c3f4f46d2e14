package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/broker"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const stock = `
type Order { id: ID! customer: Customer lines(first: Int = 2): [Line!] }
type Customer { name: String secret: String mine: String best: Order }
type Line { sku: String price: Int stock: Int }
type Query { orders(n: Int!): [Order] }
type Mutation { pay(id: ID!): Order }
type Subscription { order(kind: Int): Order @on(channel: "orders") }
`

// each puts out what value makes of each parent.
func each(value func(parent map[string]any) string) resolver {
	return func(g *reader, r *sandbox.Result) {
		var parents []map[string]any
		if err := json.Unmarshal([]byte(g.parents()), &parents); err != nil {
			panic(err)
		}
		values := make([]string, len(parents))
		for i, p := range parents {
			values[i] = value(p)
		}
		output(r, "[%s]", strings.Join(values, ","))
	}
}

func stockResolvers() map[string]resolver {
	return map[string]resolver{
		"Query.orders": func(g *reader, r *sandbox.Result) {
			orders := strings.Repeat(`{"id":1},`, 2000)
			var n int
			_, _ = fmt.Sscan(g.argument("n"), &n)
			output(r, "[%s]", strings.TrimSuffix(orders[:n*len(`{"id":1},`)], ","))
		},
		"Mutation.pay": func(g *reader, r *sandbox.Result) {
			output(r, `{"id":%s}`, g.argument("id"))
			r.Published = []sandbox.Published{{Channel: "orders", Payload: []byte(`{"id":` + g.argument("id") + `}`)}}
		},
		"Subscription.order": echo,
		"Order.customer":     each(func(p map[string]any) string { return fmt.Sprintf(`{"name":"of %v"}`, p["id"]) }),
		"Order.lines": func(g *reader, r *sandbox.Result) {
			first := g.argument("first")
			each(func(map[string]any) string { return `[` + strings.Repeat(`{"sku":"a"},`, len(first)) + `{"sku":"b"}]` })(g, r)
		},
		"Customer.secret": func(g *reader, r *sandbox.Result) {
			may := g.permitted("see")
			each(func(map[string]any) string { return fmt.Sprintf(`"%v"`, may) })(g, r)
		},
		"Customer.mine": func(g *reader, r *sandbox.Result) {
			sub := g.claim("sub")
			each(func(map[string]any) string { return fmt.Sprintf("%q", sub) })(g, r)
		},
		"Line.stock": each(func(map[string]any) string { return "7" }),
	}
}

func (s *stage) execute(id tenant.Identity, query, variables string) string {
	s.t.Helper()
	o, errs := s.open(id, query, variables)
	if errs != nil {
		s.t.Fatalf("%s: %v", query, errs)
	}
	return string(o.Execute(context.Background()))
}

func (s *stage) limit(change func(*tenant.Limits)) {
	s.t.Helper()
	l := s.tenant.Limits()
	change(&l)
	tenanttest.SetLimits(s.t, s.owners, s.tenant, l)
}

// TestNoRunPerParent holds that runs follow levels, fields and argument values,
// not parents, but for the limit of parents per run.
func TestNoRunPerParent(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(stock, stockResolvers())
	query := `query($n: Int!) { orders(n: $n) { id customer { name } lines { sku stock } again: lines(first: 2) { stock } other: lines(first: 3) { sku } } }`
	for n, want := range map[int][]string{
		0: {"Query.orders"},
		1: {"Query.orders", "Order.customer", "Order.lines", "Order.lines", "Line.stock"},
		// Twice as many lines as orders.
		500:  {"Query.orders", "Order.customer", "Order.lines", "Order.lines", "Line.stock"},
		501:  {"Query.orders", "Order.customer", "Order.lines", "Order.lines", "Line.stock", "Line.stock"},
		1500: {"Query.orders", "Order.customer", "Order.lines", "Order.lines", "Order.customer", "Order.lines", "Order.lines", "Line.stock"}, // of lines three times the same thousand
	} {
		got := s.execute(tenant.Identity{}, query, fmt.Sprintf(`{"n":%d}`, n))
		if strings.Contains(got, "errors") || strings.Count(got, `"customer":{"name":"of 1"},"lines":[{"sku":"a","stock":7},{"sku":"b","stock":7}],"again":[{"stock":7},{"stock":7}]`) != n {
			t.Errorf("%d orders: %.300s", n, got)
		}
		if ran := m.took(); !slices.Equal(ran, want) {
			t.Errorf("%d orders: %q ran, want %q", n, ran, want)
		}
	}
	s.limit(func(l *tenant.Limits) { l.ParentsPerRun = 1 })
	s.execute(tenant.Identity{}, `{ orders(n: 3) { customer { name } } }`, "")
	if ran := m.took(); len(ran) != 2 { // equal parents share a run
		t.Errorf("%q ran", ran)
	}
}

// TestBatchVerdicts has each row of the verdict table for fields of object types
// that the broker sees; those of the sandbox are in TestBatchesInTheSandbox.
func TestBatchVerdicts(t *testing.T) {
	s := newStage(t)
	for name, c := range map[string]struct {
		customer resolver
		want     string // in the error of each path
		value    string
	}{
		"deliver": {func(_ *reader, r *sandbox.Result) { output(r, `[{"name":"a"},{"name":"b"}]`) }, "", `{"name":"a"}`},
		"failed": {func(_ *reader, r *sandbox.Result) {
			r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no", Extensions: []byte(`{"code":"OUT"}`)}
		}, `{"message":"no","locations":[{"line":1,"column":18}],"path":["orders",%d,"customer"],"extensions":{"code":"OUT"}}`, "null"},
		"trap": {func(_ *reader, r *sandbox.Result) {
			r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "trap"}
		}, `{"message":"trap","locations":[{"line":1,"column":18}],"path":["orders",%d,"customer"],"extensions":{"code":"RESOLVER_TRAP","incident"`, "null"},
		"exhausted": {func(_ *reader, r *sandbox.Result) {
			r.Fault = &sandbox.Fault{Code: abi.CodeFuelExhausted, Limit: "fuelPerRun", Message: "used up"}
		}, `{"message":"used up","locations":[{"line":1,"column":18}],"path":["orders",%d,"customer"],"extensions":{"code":"FUEL_EXHAUSTED"`, "null"},
		"skip":         {func(_ *reader, r *sandbox.Result) { r.Verdict = abi.Skip }, `"path":["orders",%d,"customer"],"extensions":{"code":"BAD_OUTPUT"`, "null"},
		"wrong length": {func(_ *reader, r *sandbox.Result) { output(r, `[{"name":"a"},{},{}]`) }, `"path":["orders",%d,"customer"],"extensions":{"code":"BAD_OUTPUT"`, "null"},
		"no JSON":      {func(_ *reader, r *sandbox.Result) { output(r, `[`) }, `"path":["orders",%d,"customer"],"extensions":{"code":"BAD_OUTPUT"`, "null"},
	} {
		t.Run(name, func(t *testing.T) {
			resolvers := stockResolvers()
			resolvers["Order.customer"] = c.customer
			m, _ := s.activate(stock, resolvers)
			got := s.execute(tenant.Identity{}, `{ orders(n: 2) { customer { name } } }`, "")
			for i := range 2 {
				if c.want != "" && !strings.Contains(got, strings.ReplaceAll(c.want, "%d", fmt.Sprint(i))) {
					t.Errorf("got %s", got)
				}
			}
			if (c.want == "") != !strings.Contains(got, "errors") || !strings.Contains(got, `{"orders":[{"customer":`+c.value+`}`) {
				t.Errorf("got %s", got)
			}
			if strings.Contains(c.want, "BAD_OUTPUT") && len(m.lines) != 1 {
				t.Errorf("the module's log: %+v", m.lines)
			}
			m.count()
			sub := s.subscribe(tenant.Identity{}, `subscription { order { customer { name } } }`, "")
			s.publish("orders", `{"id":"1"}`)
			if got := sub.take(); len(got) != 1 || !json.Valid([]byte(got[0])) || c.value == "null" && !strings.HasSuffix(got[0], `"data":{"order":{"customer":null}}}`) {
				t.Errorf("the subscriber got %q", got)
			}
			sub.Close()
		})
	}
}

func TestSharedBatches(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(stock, stockResolvers())
	for _, c := range []struct {
		query string
		want  []string // each resolver with its runs for 200 subscribers: kind in 0..1, with and without the permission, sub in 0..9
	}{
		{`subscription($k: Int) { order(kind: $k) { customer { name } } }`, []string{"1 Order.customer"}},
		{`subscription($k: Int) { order(kind: $k) { lines(first: $k) { stock } } }`, []string{"1 Line.stock", "2 Order.lines"}},
		{`subscription($k: Int) { order(kind: $k) { customer { secret } } }`, []string{"1 Order.customer", "2 Customer.secret"}},
		{`subscription($k: Int) { order(kind: $k) { customer { secret mine } } }`, []string{"1 Order.customer", "10 Customer.mine", "2 Customer.secret"}},
	} {
		var subs []*subscriber
		for n := range 200 {
			var permissions []string
			if n%4 < 2 {
				permissions = []string{"see"}
			}
			id := identity(t, fmt.Sprintf(`{"sub":%d}`, n%10), permissions...)
			subs = append(subs, s.subscribe(id, c.query, fmt.Sprintf(`{"k":%d}`, n%2)))
		}
		m.count()
		s.publish("orders", `{"id":"1"}`)
		runs := map[string]int{}
		for _, name := range m.took() {
			runs[name]++
		}
		if runs["Subscription.order"] != 1 {
			t.Errorf("%s: %d runs of the root field", c.query, runs["Subscription.order"])
		}
		delete(runs, "Subscription.order")
		var got []string
		for name, n := range runs {
			got = append(got, fmt.Sprint(n, " ", name))
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: runs %q, want %q", c.query, got, c.want)
		}
		for n, sub := range subs {
			got := strings.Join(sub.take(), "|")
			if strings.Contains(c.query, "secret") && !strings.Contains(got, fmt.Sprintf(`"secret":"%v"`, n%4 < 2)) ||
				strings.Contains(c.query, "mine") && !strings.Contains(got, fmt.Sprintf(`"mine":"%d"`, n%10)) || got == "" || strings.Contains(got, "errors") {
				t.Fatalf("%s: subscriber %d got %s", c.query, n, got)
			}
			sub.Close()
		}
	}
}

// TestSharedBatchesShareTheirResponse holds that a response with fields of object
// types is made once for all to whom it must be equal.
func TestSharedBatchesShareTheirResponse(t *testing.T) {
	s := newStage(t)
	s.activate(stock, stockResolvers())
	keepers := make([]*keeper, 6)
	for i := range keepers {
		o, errs := s.open(identity(t, fmt.Sprintf(`{"sub":%d,"x":%d}`, i%2, i), fmt.Sprint("unread", i)), "subscription { order { customer { mine } } }", "")
		if errs != nil {
			t.Fatal(errs)
		}
		keepers[i] = &keeper{}
		if _, errs := o.Subscribe(keepers[i], broker.Resume{}); errs != nil {
			t.Fatal(errs)
		}
	}
	s.publish("orders", `{"id":"1"}`)
	for i, k := range keepers {
		if &k.response[0] != &keepers[i%2].response[0] {
			t.Errorf("the response of subscriber %d was made again", i)
		}
	}
	if string(keepers[0].response) == string(keepers[1].response) {
		t.Errorf("both got %s", keepers[0].response)
	}
}

func TestFuelPerOperation(t *testing.T) {
	s := newStage(t)
	resolvers := stockResolvers()
	for name, inner := range resolvers {
		resolvers[name] = func(g *reader, r *sandbox.Result) {
			inner(g, r)
			r.Fuel = 1000
			if g.claim("rich") != "" && name == "Order.customer" {
				r.Fuel = 2000
			}
		}
	}
	m, _ := s.activate(stock, resolvers)
	s.limit(func(l *tenant.Limits) { l.FuelPerOperation = 3000 })
	got := s.execute(tenant.Identity{}, `{ a: orders(n: 1) { customer { secret mine } } b: orders(n: 1) { id } }`, "")
	if ran := m.took(); len(ran) != 3 || strings.Count(got, `"code":"FUEL_EXHAUSTED"`) != 2 || !strings.Contains(got, `"limit":"fuelPerOperation"`) ||
		!strings.Contains(got, `"path":["a",0,"customer","secret"]`) || !strings.HasSuffix(got, `"data":{"a":[{"customer":{"secret":null,"mine":null}}],"b":[{"id":"1"}]}}`) {
		t.Errorf("%q ran: %s", ran, got)
	}
	got = s.execute(tenant.Identity{}, `mutation { a: pay(id: 1) { id } b: pay(id: 2) { id } c: pay(id: 3) { id } d: pay(id: 4) { id } e: pay(id: 5) { id } }`, "")
	if n := m.count(); n != 3 || len(s.bus.events) != 3 || strings.Count(got, `"code":"FUEL_EXHAUSTED"`) != 2 || !strings.HasSuffix(got, `"c":{"id":"3"},"d":null,"e":null}}`) {
		t.Errorf("%d runs: %s", n, got)
	}

	// What a subscriber shares counts for it as what it runs: the order of
	// subscribers decides nothing.
	var subs []*subscriber
	for range 3 {
		for _, id := range []tenant.Identity{{}, identity(t, `{"rich":1}`)} {
			subs = append(subs, s.subscribe(id, `subscription { order { customer { secret best { id } } } }`, ""))
		}
	}
	s.publish("orders", `{"id":"1"}`)
	for i, sub := range subs {
		got := strings.Join(sub.take(), "|")
		if want := i%2 == 1; strings.Contains(got, `"limit":"fuelPerOperation"`) != want || want != strings.Contains(got, `"customer":{"secret":null`) {
			t.Errorf("subscriber %d got %s", i, got)
		}
	}
	if len(m.lines) != 3 {
		t.Errorf("the module's log: %+v", m.lines)
	}
}

// TestStoppedBatchesAreNotTriedAgain has the clock stop a run: no subscriber of
// that event has another one of that resolver.
func TestStoppedBatchesAreNotTriedAgain(t *testing.T) {
	for code, want := range map[abi.Code]int{abi.CodeLimitExceeded: 1, abi.CodeInternal: 8} {
		s := newStage(t)
		resolvers := stockResolvers()
		resolvers["Customer.mine"] = func(g *reader, r *sandbox.Result) {
			g.claim("sub")
			r.Fault = &sandbox.Fault{Code: code, Limit: "wallMillisPerRun", Unrepeatable: true, Message: "stopped"}
		}
		m, _ := s.activate(stock, resolvers)
		var subs []*subscriber
		for n := range 8 {
			subs = append(subs, s.subscribe(identity(t, fmt.Sprintf(`{"sub":%d}`, n/2)), `subscription { order { id customer { name mine } } }`, ""))
		}
		s.publish("orders", `{"id":"1"}`)
		runs := 0
		for _, name := range m.took() {
			if name == "Customer.mine" {
				runs++
			}
		}
		if runs != want {
			t.Errorf("%s: %d runs, want %d", code, runs, want)
		}
		for _, sub := range subs {
			if got := strings.Join(sub.take(), "|"); !strings.Contains(got, `"message":"stopped"`) || !strings.HasSuffix(got, `"data":{"order":{"id":"1","customer":{"name":"of 1","mine":null}}}}`) {
				t.Errorf("%s: got %s", code, got)
			}
		}
	}
}

// TestMutationsPublishBeforeFieldsOfObjects holds that the events of a mutation
// field are out when the fields below it run, and stay out when those fail.
func TestMutationsPublishBeforeFieldsOfObjects(t *testing.T) {
	s := newStage(t)
	resolvers := stockResolvers()
	var published int
	resolvers["Order.customer"] = func(_ *reader, r *sandbox.Result) {
		published = len(s.bus.events)
		r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no"}
	}
	m, _ := s.activate(stock, resolvers)
	got := s.execute(tenant.Identity{}, `mutation { a: pay(id: 1) { customer { name } } b: pay(id: 2) { customer { name } } }`, "")
	if ran := m.took(); !slices.Equal(ran, []string{"Mutation.pay", "Mutation.pay", "Order.customer"}) {
		t.Errorf("%q ran", ran)
	}
	if published != 2 || len(s.bus.events) != 2 || !strings.HasSuffix(got, `"data":{"a":{"customer":null},"b":{"customer":null}}}`) {
		t.Errorf("%d events, then %d: %s", published, len(s.bus.events), got)
	}
}

// TestCancelledExecutionEnds has the request end while fields of object types
// are resolved.
func TestCancelledExecutionEnds(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(context.Background())
	resolvers := stockResolvers()
	resolvers["Order.customer"] = func(_ *reader, r *sandbox.Result) {
		cancel()
		r.Fault = &sandbox.Fault{Code: abi.CodeInternal, Unrepeatable: true, Message: "the run was cancelled"}
	}
	m, _ := s.activate(stock, resolvers)
	o, errs := s.open(tenant.Identity{}, `{ orders(n: 1) { customer { name } lines { stock } } }`, "")
	if errs != nil {
		t.Fatal(errs)
	}
	got := string(o.Execute(ctx))
	if ran := m.took(); len(ran) != 2 || strings.Count(got, "the run was cancelled") != 2 {
		t.Errorf("%q ran: %s", ran, got)
	}
}
