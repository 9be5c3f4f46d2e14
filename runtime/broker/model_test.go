package broker_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// decision is a random deterministic guest: it asks, and goes on by the answer.
type decision struct {
	question int
	then     []*decision // by the answer
	result   string      // at the end; "" means skip
}

func randomDecision(r *rand.Rand, depth int) *decision {
	if depth == 0 || r.IntN(4) == 0 {
		results := []string{"", `"a"`, `"b"`, "null", "{", "!", "fault"}
		return &decision{question: -1, result: results[r.IntN(len(results))]}
	}
	d := &decision{question: r.IntN(5)}
	for range 3 {
		d.then = append(d.then, randomDecision(r, depth-1))
	}
	return d
}

func (d *decision) run(g *reader, r *sandbox.Result) {
	for d.question >= 0 {
		var answer string
		switch d.question {
		case 0:
			answer = g.argument("a")
		case 1:
			answer = g.argument("b")
		case 2:
			answer = g.claim("c")
		case 3:
			answer = fmt.Sprint(g.permitted("p"))
		case 4:
			answer = g.arguments()
		}
		d = d.then[len(answer)%len(d.then)]
	}
	switch d.result {
	case "":
		r.Verdict = abi.Skip
	case "!":
		r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no"}
	case "fault":
		r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "trap"}
	default:
		output(r, "%s", d.result)
	}
}

// TestSharingChangesNothing holds that every subscriber among many gets the
// bytes that it gets alone, whatever the resolver asks.
func TestSharingChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		d := randomDecision(r, 4)
		sdl := `type Subscription { f(a: Int, b: String): String @on(channel: "c") }`
		resolvers := map[string]resolver{"Subscription.f": d.run}
		together := newStage(t)
		m, _ := together.activate(sdl, resolvers)
		var subs []*subscriber
		var alone []string
		for range 30 {
			id := tenant.Identity{}
			if r.IntN(2) == 0 {
				id = identity(t, fmt.Sprintf(`{"c":%d}`, r.IntN(200)), "p")
			}
			variables := fmt.Sprintf(`{"a":%d,"b":"%s"}`, r.IntN(200), strings.Repeat("x", r.IntN(3)))
			query := `subscription($a: Int, $b: String) { f(a: $a, b: $b) }`
			subs = append(subs, together.subscribe(id, query, variables))
			single := newStage(t)
			single.activate(sdl, resolvers)
			sub := single.subscribe(id, query, variables)
			single.publish("c", "1")
			alone = append(alone, withoutIncident(sub.take()))
		}
		together.publish("c", "1")
		for i, sub := range subs {
			if got := withoutIncident(sub.take()); got != alone[i] {
				t.Fatalf("round %d: subscriber %d got %s, alone %s", round, i, got, alone[i])
			}
		}
		if n := m.count(); n > len(subs) {
			t.Fatalf("round %d: %d runs for %d subscribers", round, n, len(subs))
		}
	}
}

// TestSharingBatchesChangesNothing holds the same for fields of object types,
// with resolvers that ask what they like, for operations and permissions of
// different kinds.
func TestSharingBatchesChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	shared := 0
	for round := range 60 {
		resolvers := map[string]resolver{}
		for name, wrap := range map[string]string{"Subscription.f": `{"id":%s}`, "T.s": "[%s]", "T.n": `[{"id":%s}]`, "T.g": "[%s]"} {
			d := randomDecision(r, 3)
			readsParents := r.IntN(2) == 0
			resolvers[name] = func(g *reader, r *sandbox.Result) {
				if readsParents && strings.Contains(g.parents(), `"b"`) {
					output(r, `[{"@error":{"message":"of b"}}]`)
					return
				}
				d.run(g, r)
				r.Fuel = int64(len(g.r.Reads)) * 100
				if r.HasOutput {
					r.Output = fmt.Appendf(nil, wrap, r.Output)
				}
			}
		}
		sdl := `type T { id: String s(a: Int, b: String): String n(a: Int): T g: String @requires(permission: "p") } type Subscription { f(a: Int, b: String): T @on(channel: "c") }`
		limit := tenant.DefaultLimits()
		limit.FuelPerOperation = int64(1000 + r.IntN(1000))
		together := newStage(t)
		together.limit(func(l *tenant.Limits) { *l = limit })
		m, _ := together.activate(sdl, resolvers)
		var subs []*subscriber
		var alone []string
		runs := 0
		for range 20 {
			id := tenant.Identity{}
			if r.IntN(2) == 0 {
				id = identity(t, fmt.Sprintf(`{"c":%d}`, r.IntN(200)), "p")
			}
			variables := fmt.Sprintf(`{"a":%d,"b":"%s","i":%v}`, 9+r.IntN(2), strings.Repeat("x", r.IntN(2)), r.IntN(2) == 0)
			query := []string{
				`subscription($a: Int, $b: String, $i: Boolean!) { f(a: $a) { id s(a: $a, b: $b) n { g @include(if: $i) s } } }`,
				`subscription($a: Int, $b: String, $i: Boolean!) { f(b: $b) { g n(a: $a) @skip(if: $i) { n { s(a: 1) id } } } }`,
			}[r.IntN(2)]
			subs = append(subs, together.subscribe(id, query, variables))
			single := newStage(t)
			single.limit(func(l *tenant.Limits) { *l = limit })
			own, _ := single.activate(sdl, resolvers)
			sub := single.subscribe(id, query, variables)
			single.publish("c", "1")
			alone = append(alone, withoutIncident(sub.take()))
			runs += own.count()
		}
		together.publish("c", "1")
		for i, sub := range subs {
			if got := withoutIncident(sub.take()); got != alone[i] {
				t.Fatalf("round %d: subscriber %d got %s, alone %s", round, i, got, alone[i])
			}
		}
		n := m.count()
		if n > runs {
			t.Fatalf("round %d: %d runs, and %d for subscribers alone", round, n, runs)
		}
		shared += runs - n
	}
	if shared < 1000 {
		t.Errorf("only %d runs were shared", shared)
	}
}

// incidents are the ids of incidents, which differ by intention.
var incidents = regexp.MustCompile(`"incident":"[^"]*"`)

// withoutIncident joins messages and takes out the ids of incidents.
func withoutIncident(messages []string) string {
	return incidents.ReplaceAllString(strings.Join(messages, "|"), `"incident":""`)
}

// TestIndexAgainstAModel enters and takes out subscriptions at random, and holds
// each event's receivers against a plain scan.
func TestIndexAgainstAModel(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	type live struct {
		*subscriber
		customer, min, kind string // JSON texts; "" where omitted
	}
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	var subs []live
	for range 2000 {
		switch {
		case len(subs) > 0 && r.IntN(3) == 0:
			i := r.IntN(len(subs))
			subs[i].Close()
			subs = slices.Delete(subs, i, i+1)
		case r.IntN(2) == 0:
			l := live{customer: pick("", `"a"`, `"b"`), min: pick("", "1", "2"), kind: pick("", `"x"`)}
			var arguments []string
			for name, v := range map[string]string{"customer": l.customer, "min": l.min, "kind": l.kind} {
				if v != "" {
					arguments = append(arguments, name+": "+v)
				}
			}
			field := "order"
			if len(arguments) > 0 {
				field += "(" + strings.Join(arguments, ", ") + ")"
			}
			l.subscriber = s.subscribe(tenant.Identity{}, "subscription { "+field+" { id } }", "")
			subs = append(subs, l)
		default:
			customer, least, kind := pick(`"a"`, `"b"`, `"c"`, "null"), pick("1", "2", "3"), pick(`"x"`, `"y"`)
			s.publish("orders", fmt.Sprintf(`{"id":"1","customer":%s,"min":%s,"items":[{"kind":%s}]}`, customer, least, kind))
			for _, l := range subs {
				fits := func(own, event string) bool { return own == "" || own == event }
				want := 0
				if fits(l.customer, customer) && fits(l.min, least) && fits(l.kind, kind) {
					want = 1
				}
				if got := len(l.take()); got != want {
					t.Fatalf("%+v got %d of an event with %s %s %s", l, got, customer, least, kind)
				}
			}
		}
	}
}
