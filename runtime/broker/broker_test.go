package broker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const orders = `
type Order { id: ID! note: String }
type Subscription {
  order(customer: ID, min: Int, kind: String): Order
    @on(channel: "orders") @match(path: "customer", arg: "customer") @match(path: "min", arg: "min") @match(path: "items.0.kind", arg: "kind")
  mine: Order @on(channel: "orders") @match(path: "customer", claim: "customers")
  large: Order @on(channel: "orders") @match(path: "size", in: ["L", "XL", "3", "2.5e-1", "true", "null", "[3]", " 4"])
  all: Order @on(channel: "orders") @on(channel: "returns")
}
type Query { ping: Int  sum(a: Int!, b: Int!): Int! }
type Mutation { say(text: String!): Boolean }
`

func echo(g *reader, r *sandbox.Result) { output(r, "%s", g.event()) }

func orderResolvers() map[string]resolver {
	return map[string]resolver{
		"Subscription.order": echo, "Subscription.mine": echo, "Subscription.large": echo, "Subscription.all": echo,
		"Query.ping": func(_ *reader, r *sandbox.Result) { output(r, "1") },
		"Query.sum":  func(g *reader, r *sandbox.Result) { output(r, "%d", len(g.argument("a"))+len(g.argument("b"))) },
		"Mutation.say": func(g *reader, r *sandbox.Result) {
			output(r, "true")
			r.Published = []sandbox.Published{{Channel: "orders", Payload: []byte(`{"id":` + g.argument("text") + `}`)}, {Channel: "orders", Payload: []byte("2")}}
		},
	}
}

func TestMatch(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	for _, c := range []struct {
		claims, field, payload string
		want                   bool
	}{
		{`{}`, `order`, `{"id":"1"}`, true},
		{`{}`, `order(customer: null)`, `{"id":"1"}`, true},
		{`{}`, `order(customer: "c1")`, `{"id":"1","customer":"c1"}`, true},
		{`{}`, `order(customer: "c1")`, `{"id":"1","customer":"c2"}`, false},
		{`{}`, `order(customer: "c1")`, `{"id":"1"}`, false},
		{`{}`, `order(customer: "c1")`, `{"id":"1","customer":null}`, false},
		{`{}`, `order(customer: "c1")`, `{"id":"1","customer":{"c1":1}}`, false},
		{`{}`, `order(customer: "c1")`, `{"id":"1","Customer":"c1"}`, false},
		{`{}`, `order(customer: "42")`, `{"id":"1","customer":42}`, true},
		{`{}`, `order(customer: 42)`, `{"id":"1","customer":42}`, true},
		{`{}`, `order(customer: 42)`, `{"id":"1","customer":"42"}`, true},
		{`{}`, `order(customer: "042")`, `{"id":"1","customer":42}`, false},
		{`{}`, `order(kind: "42")`, `{"id":"1","items":[{"kind":42}]}`, false},
		{`{}`, `order(min: 10)`, `{"id":"1","min":10}`, true},
		{`{}`, `order(min: 10)`, `{"id":"1","min":1e1}`, true},
		{`{}`, `order(min: 10)`, `{"id":"1","min":10.0}`, true},
		{`{}`, `order(min: 10)`, `{"id":"1","min":"10"}`, false},
		{`{}`, `order(min: 0)`, `{"id":"1","min":-0.0}`, false}, // decided below
		{`{}`, `order(min: 10, customer: "c1")`, `{"id":"1","min":10,"customer":"c1"}`, true},
		{`{}`, `order(min: 10, customer: "c1")`, `{"id":"1","min":11,"customer":"c1"}`, false},
		{`{}`, `order(kind: "tea")`, `{"id":"1","items":[{"kind":"tea"}]}`, true},
		{`{}`, `order(kind: "tea")`, `{"id":"1","items":[{"kind":"milk"},{"kind":"tea"}]}`, false},
		{`{}`, `order(kind: "tea")`, `{"id":"1","items":{"0":{"kind":"tea"}}}`, true},
		{`{}`, `order(kind: "tea")`, `{"id":"1","items":[]}`, false},
		{`{}`, `mine`, `{"id":"1","customer":"c1"}`, false},
		{`{"customers":"c1"}`, `mine`, `{"id":"1","customer":"c1"}`, true},
		{`{"customers":["c0","c1","c1",null,{}]}`, `mine`, `{"id":"1","customer":"c1"}`, true},
		{`{"customers":["c0"]}`, `mine`, `{"id":"1","customer":"c1"}`, false},
		{`{"customers":[]}`, `mine`, `{"id":"1"}`, false},
		{`{"customers":null}`, `mine`, `{"id":"1","customer":null}`, false},
		{`{"customers":true}`, `mine`, `{"id":"1","customer":true}`, true},
		{`{"customers":7.50}`, `mine`, `{"id":"1","customer":7.5}`, true},
		{`{}`, `large`, `{"id":"1","size":"XL"}`, true},
		{`{}`, `large`, `{"id":"1","size":"S"}`, false},
		{`{}`, `large`, `{"id":"1","size":3}`, true},
		{`{}`, `large`, `{"id":"1","size":3.0}`, true},
		{`{}`, `large`, `{"id":"1","size":30e-1}`, true},
		{`{}`, `large`, `{"id":"1","size":"3"}`, true},
		{`{}`, `large`, `{"id":"1","size":"3.0"}`, false},
		{`{}`, `large`, `{"id":"1","size":0.25}`, true},
		{`{}`, `large`, `{"id":"1","size":"2.5e-1"}`, true},
		{`{}`, `large`, `{"id":"1","size":4}`, false},
		{`{}`, `large`, `{"id":"1","size":true}`, true},
		{`{}`, `large`, `{"id":"1","size":"true"}`, true},
		{`{}`, `large`, `{"id":"1","size":false}`, false},
		{`{}`, `large`, `{"id":"1","size":null}`, false},
		{`{}`, `large`, `{"id":"1","size":[3]}`, false},
		{`{}`, `large`, `{"id":"1"}`, false},
	} {
		if strings.Contains(c.payload, "-0.0") {
			c.want = true // -0 equals 0 by value
		}
		sub := s.subscribe(identity(t, c.claims), "subscription { "+c.field+" { id } }", "")
		s.publish("orders", c.payload)
		if got := len(sub.take()) == 1; got != c.want {
			t.Errorf("%s with claims %s and event %s: %v, want %v", c.field, c.claims, c.payload, got, c.want)
		}
		sub.Close()
	}
}

func TestChannels(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	all := s.subscribe(tenant.Identity{}, "subscription { all { id } }", "")
	one := s.subscribe(tenant.Identity{}, "subscription { order { id } }", "")
	s.publish("orders", `{"id":"1"}`)
	s.publish("returns", `{"id":"2"}`)
	s.publish("Orders", `{"id":"3"}`)
	if got, want := all.take(), []string{`{"data":{"all":{"id":"1"}}}`, `{"data":{"all":{"id":"2"}}}`}; !slices.Equal(got, want) {
		t.Errorf("all got %q", got)
	}
	if got, want := one.take(), []string{`{"data":{"order":{"id":"1"}}}`}; !slices.Equal(got, want) {
		t.Errorf("one got %q", got)
	}
}

func TestCloseEndsDelivery(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(orders, orderResolvers())
	subs := make([]*subscriber, 10)
	for i := range subs {
		subs[i] = s.subscribe(tenant.Identity{}, `subscription { order(customer: "c") { id } }`, "")
	}
	for i, sub := range subs {
		s.publish("orders", `{"id":"1","customer":"c"}`)
		for j, other := range subs {
			if got, want := len(other.take()), 1; j >= i && got != want || j < i && got != 0 {
				t.Fatalf("after %d left, subscriber %d got %d events", i, j, got)
			}
		}
		sub.Close()
		sub.Close()
	}
	m.count()
	s.publish("orders", `{"id":"1","customer":"c"}`)
	if n := m.count(); n != 0 {
		t.Errorf("%d runs for nobody", n)
	}
}

func TestSharedRuns(t *testing.T) {
	s := newStage(t)
	sdl := `type Subscription { f(a: Int, b: Int): String @on(channel: "c") }`
	for name, c := range map[string]struct {
		resolver resolver
		want     int // runs for 200 subscribers: b in 0..99, with and without permission p, claim u in 0..9
	}{
		"reads nothing":                {func(_ *reader, r *sandbox.Result) { output(r, "1") }, 1},
		"reads the event":              {func(g *reader, r *sandbox.Result) { output(r, "%q", g.event()) }, 1},
		"one permission":               {func(g *reader, r *sandbox.Result) { output(r, `"%v"`, g.permitted("p")) }, 2},
		"one argument":                 {func(g *reader, r *sandbox.Result) { output(r, "%q", g.argument("b")) }, 100},
		"an argument that nobody gave": {func(g *reader, r *sandbox.Result) { output(r, "%q", g.argument("a")) }, 1},
		"one claim":                    {func(g *reader, r *sandbox.Result) { output(r, "%q", g.claim("u")) }, 10},
		"claim and permission": {func(g *reader, r *sandbox.Result) {
			output(r, `"%s %v"`, strings.Trim(g.claim("u"), `"`), g.permitted("p"))
		}, 20},
		"a branch": {func(g *reader, r *sandbox.Result) {
			if g.permitted("p") {
				output(r, "%q", g.claim("u"))
				return
			}
			output(r, `"none"`)
		}, 11},
		"all arguments": {func(g *reader, r *sandbox.Result) { output(r, "%q", g.arguments()) }, 100},
		"a failure of the host": {func(_ *reader, r *sandbox.Result) {
			r.Fault = &sandbox.Fault{Code: abi.CodeInternal, Message: "no"}
		}, 200},
		"a failure": {func(g *reader, r *sandbox.Result) {
			g.permitted("p")
			r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "no"}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := s.activate(sdl, map[string]resolver{"Subscription.f": c.resolver})
			var subs []*subscriber
			for n := range 200 {
				var permissions []string
				if n < 100 {
					permissions = []string{"p"}
				}
				id := identity(t, fmt.Sprintf(`{"u":"u%d"}`, n%10), permissions...)
				subs = append(subs, s.subscribe(id, `subscription($b: Int) { f(b: $b) }`, fmt.Sprintf(`{"b":%d}`, n%100)))
			}
			m.count()
			s.publish("c", `{"x":1}`)
			if n := m.count(); n != c.want {
				t.Errorf("%d runs, want %d", n, c.want)
			}
			for n, sub := range subs {
				if got := sub.take(); len(got) != 1 || name == "one argument" && got[0] != fmt.Sprintf(`{"data":{"f":"%d"}}`, n%100) {
					t.Fatalf("subscriber %d got %q", n, got)
				}
				sub.Close()
			}
		})
	}
}

func TestNoByteCrossesBetweenProjections(t *testing.T) {
	s := newStage(t)
	s.activate(`
		type Thing { open: String secret: String @requires(permission: "see") more: String }
		type Subscription { thing: Thing @on(channel: "c") }`,
		map[string]resolver{"Subscription.thing": func(_ *reader, r *sandbox.Result) { output(r, `{"open":"o","secret":"s","more":"m"}`) }})
	query := `subscription($more: Boolean!) { thing { open secret more @include(if: $more) } }`
	may, mayNot := identity(t, "{}", "see"), identity(t, "{}")
	var subs []*subscriber
	for range 2 { // twice, so that some come second to each projection
		for _, id := range []tenant.Identity{may, mayNot} {
			for _, more := range []string{"true", "false"} {
				subs = append(subs, s.subscribe(id, query, `{"more":`+more+`}`))
			}
		}
	}
	s.publish("c", "1")
	const refused = `{"errors":[{"message":"not permitted to read Thing.secret","locations":[{"line":1,"column":46}],` +
		`"path":["thing","secret"],"extensions":{"code":"FORBIDDEN"}}],`
	want := []string{
		`{"data":{"thing":{"open":"o","secret":"s","more":"m"}}}`,
		`{"data":{"thing":{"open":"o","secret":"s"}}}`,
		refused + `"data":{"thing":{"open":"o","secret":null,"more":"m"}}}`,
		refused + `"data":{"thing":{"open":"o","secret":null}}}`,
	}
	for n, sub := range subs {
		if got := strings.Join(sub.take(), ""); got != want[n%4] {
			t.Errorf("subscriber %d got %s, want %s", n, got, want[n%4])
		}
	}
}

// keeper is a sink that keeps the response itself.
type keeper struct{ response []byte }

func (k *keeper) Next(d graph.Delivery) (taken, skipped bool) {
	k.response = d.Response
	return true, false
}

func (k *keeper) Error(graph.Errors) {}
func (*keeper) Position(string)      {}
func (*keeper) Ready() bool          { return true }
func (k *keeper) Complete()          {}

func TestEqualOperationsShareTheirResponse(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	keepers := make([]*keeper, 3)
	for i, query := range []string{"subscription { all { id } }", "subscription { all { id } }", "subscription { all { id }}"} {
		o, errs := s.open(tenant.Identity{}, query, "")
		if errs != nil {
			t.Fatal(errs)
		}
		keepers[i] = &keeper{}
		if _, errs := o.Subscribe(keepers[i], broker.Resume{}); errs != nil {
			t.Fatal(errs)
		}
	}
	s.publish("orders", `{"id":"1"}`)
	if &keepers[0].response[0] != &keepers[1].response[0] {
		t.Error("equal operations were projected twice")
	}
	if string(keepers[2].response) != string(keepers[0].response) {
		t.Errorf("%s and %s", keepers[0].response, keepers[2].response)
	}
}

func TestVerdictsReachTheSink(t *testing.T) {
	s := newStage(t)
	verdict := func(v abi.Verdict, out string, f sandbox.Failure) resolver {
		return func(_ *reader, r *sandbox.Result) {
			r.Verdict, r.Failure = v, f
			if out != "" {
				r.Output, r.HasOutput = []byte(out), true
			}
		}
	}
	for name, c := range map[string]struct {
		resolver resolver
		want     []string // each contained in one message
		over     bool
	}{
		"skip":          {verdict(abi.Skip, "", sandbox.Failure{}), nil, false},
		"deliver":       {verdict(abi.Deliver, "7", sandbox.Failure{}), []string{`{"data":{"f":7}}`}, false},
		"failed":        {verdict(abi.Failed, "", sandbox.Failure{Message: "no\n", Extensions: []byte(`{"code":"OUT","left":0}`)}), []string{`"message":"no\n"`, `"code":"OUT"`, `"left":0`, `"path":["f"]`, `"data":{"f":null}`}, false},
		"failed plain":  {verdict(abi.Failed, "", sandbox.Failure{Message: "no"}), []string{`RESOLVER_ERROR`}, false},
		"complete":      {verdict(abi.Complete, "", sandbox.Failure{}), []string{"complete"}, true},
		"complete with": {verdict(abi.Complete, "7", sandbox.Failure{}), []string{`{"data":{"f":7}}`, "complete"}, true},
		"no JSON":       {verdict(abi.Deliver, "{", sandbox.Failure{}), []string{"BAD_OUTPUT", `"data":{"f":null}`}, false},
		"wrong type":    {verdict(abi.Deliver, `"x"`, sandbox.Failure{}), []string{"BAD_OUTPUT", `"data":{"f":null}`}, false},
		"fault": {func(_ *reader, r *sandbox.Result) {
			r.Fault = &sandbox.Fault{Code: abi.CodeFuelExhausted, Limit: "fuelPerRun", Message: "used up"}
		}, []string{`"code":"FUEL_EXHAUSTED"`, `"limit":"fuelPerRun"`, `"message":"used up"`, `"incident":"`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := s.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": c.resolver})
			sub := s.subscribe(tenant.Identity{}, "subscription { f }", "")
			s.publish("c", "1")
			got := strings.Join(sub.take(), "|")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			if c.want == nil && got != "" {
				t.Errorf("got %s", got)
			}
			m.count()
			s.publish("c", "1")
			if runs := m.count(); (runs == 0) != c.over {
				t.Errorf("%d runs for the next event", runs)
			}
			sub.Close()
		})
	}
}

func TestExecute(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	o, errs := s.open(tenant.Identity{}, `query { p: ping sum(a: 10, b: 200) __typename }`, "")
	if errs != nil {
		t.Fatal(errs)
	}
	if got, want := string(o.Execute(context.Background())), `{"data":{"p":1,"sum":5,"__typename":"Query"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o, errs = s.open(tenant.Identity{}, `mutation { a: say(text: "x") b: say(text: "y") }`, "")
	if errs != nil {
		t.Fatal(errs)
	}
	if got, want := string(o.Execute(context.Background())), `{"data":{"a":true,"b":true}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	ids := map[string]bool{}
	var payloads []string
	for _, e := range s.bus.events {
		ids[e.ID] = true
		payloads = append(payloads, string(e.Payload))
	}
	if want := []string{`{"id":"x"}`, "2", `{"id":"y"}`, "2"}; !slices.Equal(payloads, want) || len(ids) != 4 || s.bus.events[0].Tenant != "acme" {
		t.Errorf("published %q under %v", payloads, ids)
	}
}

func TestActivateUnderLiveSubscriptions(t *testing.T) {
	s := newStage(t)
	first := func(n int) map[string]resolver {
		return map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `{"a":%d,"b":%d}`, n, n) }}
	}
	_, old := s.activate(`type T { a: Int b: Int } type Subscription { f: T @on(channel: "c") }`, first(1))
	retired := false
	old.Retire = func() { retired = true }
	a := s.subscribe(tenant.Identity{}, "subscription { f { a } }", "")
	b := s.subscribe(tenant.Identity{}, "subscription { f { b } }", "")
	pending, errs := s.open(tenant.Identity{}, "subscription { f { a } }", "")
	if errs != nil {
		t.Fatal(errs)
	}
	s.publish("c", "1")
	s.activate(`type T { a: Int } type Subscription { f: T @on(channel: "d") }`, first(2))
	if retired {
		t.Error("the old version was retired while an operation was open under it")
	}
	late := &subscriber{}
	if late.Subscription, errs = pending.Subscribe(late, broker.Resume{}); errs != nil {
		t.Fatal(errs)
	}
	if !retired {
		t.Error("the old version was not retired")
	}
	s.publish("c", "1")
	s.publish("d", "1")
	if got, want := a.take(), []string{`{"data":{"f":{"a":1}}}`, `{"data":{"f":{"a":2}}}`}; !slices.Equal(got, want) {
		t.Errorf("a got %q", got)
	}
	if got := b.take(); len(got) != 2 || !strings.Contains(got[1], "error ") || !strings.Contains(got[1], `"b"`) {
		t.Errorf("b got %q", got)
	}
	if got, want := late.take(), []string{`{"data":{"f":{"a":2}}}`}; !slices.Equal(got, want) {
		t.Errorf("late got %q", got)
	}
	a.Close()
	b.Close()
}

// TestActivationBetweenOpenAndSubscribe holds that a subscription goes live under
// the version of that moment: its channels, and its rules.
func TestActivationBetweenOpenAndSubscribe(t *testing.T) {
	s := newStage(t)
	resolvers := map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `{"a":1,"b":2}`) }}
	s.activate(`type T { a: Int b: Int } type Subscription { f: T @on(channel: "old") }`, resolvers)
	var pending []*broker.Operation
	for _, query := range []string{"subscription { f { a } }", "subscription { f { b } }"} {
		o, errs := s.open(tenant.Identity{}, query, "")
		if errs != nil {
			t.Fatal(errs)
		}
		pending = append(pending, o)
	}
	s.activate(`type T { a: Int } type Subscription { f: T @on(channel: "new") }`, resolvers)
	sub := &subscriber{}
	var errs graph.Errors
	if sub.Subscription, errs = pending[0].Subscribe(sub, broker.Resume{}); errs != nil {
		t.Fatal(errs)
	}
	s.publish("old", "1")
	if got := sub.take(); got != nil {
		t.Errorf("the old version's channel gives %q", got)
	}
	s.publish("new", "1")
	if got := sub.take(); !slices.Equal(got, []string{`{"data":{"f":{"a":1}}}`}) {
		t.Errorf("the new version's channel gives %q", got)
	}
	if _, errs := pending[1].Subscribe(&subscriber{}, broker.Resume{}); errs == nil || errs[0].Code != abi.CodeValidationFailed || !strings.Contains(errs.Error(), `"b"`) {
		t.Errorf("an operation that the new version refuses: %v", errs)
	}
	sub.Close()
}

// TestActivationOfNothing has the last module deleted: all is as if there had never been
// one.
func TestActivationOfNothing(t *testing.T) {
	s := newStage(t)
	s.activate(`type T { a: Int } type Subscription { f: T @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `{"a":1}`) }})
	sub := s.subscribe(tenant.Identity{}, "subscription { f { a } }", "")
	pending, errs := s.open(tenant.Identity{}, "subscription { f { a } }", "")
	if errs != nil {
		t.Fatal(errs)
	}
	s.broker.Activate(s.tenant, &broker.Version{})
	const want = "the tenant has no active module"
	if got := sub.take(); len(got) != 1 || !strings.HasPrefix(got[0], "error ") || !strings.Contains(got[0], want) {
		t.Errorf("the subscription got %q", got)
	}
	if _, errs := pending.Subscribe(&subscriber{}, broker.Resume{}); errs == nil || !strings.Contains(errs.Error(), want) {
		t.Errorf("one that was opened before: %v", errs)
	}
	for _, query := range []string{"{ __typename }", "subscription { f { a } }"} {
		if _, errs := s.open(tenant.Identity{}, query, ""); errs == nil || errs[0].Code != abi.CodeValidationFailed || !strings.Contains(errs.Error(), want) {
			t.Errorf("%s: %v", query, errs)
		}
	}
	s.publish("c", "1")
	sub.Close()
}

func TestNoSchema(t *testing.T) {
	s := newStage(t)
	if _, errs := s.open(tenant.Identity{}, "{ __typename }", ""); errs == nil || errs[0].Code != abi.CodeValidationFailed {
		t.Errorf("%v", errs)
	}
	s.publish("c", "1")
}

func TestRemoveEndsSubscriptions(t *testing.T) {
	s := newStage(t)
	_, v := s.activate(orders, orderResolvers())
	retired := false
	v.Retire = func() { retired = true }
	sub := s.subscribe(tenant.Identity{}, "subscription { all { id } }", "")
	s.broker.Remove(s.tenant)
	if got := sub.take(); len(got) != 1 || !strings.HasPrefix(got[0], "error ") || !retired {
		t.Errorf("got %q, retired %v", got, retired)
	}
	sub.Close()
	if _, errs := s.open(tenant.Identity{}, "{ ping }", ""); errs == nil {
		t.Error("a deleted tenant serves")
	}
}

func TestSubscriptionLimit(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	l := s.tenant.Limits()
	l.Subscriptions = 1
	tenanttest.SetLimits(t, s.owners, s.tenant, l)
	first := s.subscribe(tenant.Identity{}, "subscription { all { id } }", "")
	o, errs := s.open(tenant.Identity{}, "subscription { all { id } }", "")
	if errs != nil {
		t.Fatal(errs)
	}
	if _, errs = o.Subscribe(&subscriber{}, broker.Resume{}); errs == nil || errs[0].Code != abi.CodeLimitExceeded || string(errs[0].Extensions) != `{"limit":"subscriptions"}` {
		t.Errorf("%v", errs)
	}
	first.Close()
	s.subscribe(tenant.Identity{}, "subscription { all { id } }", "")
}

var _ broker.Runner = (*module)(nil)

func TestABugEndsOneEventOnly(t *testing.T) {
	s := newStage(t)
	s.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
		if g.event() == "1" {
			panic("a bug")
		}
		output(r, "%s", g.event())
	}})
	sub := s.subscribe(tenant.Identity{}, "subscription { f }", "")
	s.publish("c", "1")
	s.publish("c", "2")
	if got := sub.take(); len(got) != 1 || got[0] != `{"data":{"f":2}}` {
		t.Errorf("got %q", got)
	}
}
