package graph_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// silence is a sink for subscriptions that get nothing.
type silence struct{}

func (silence) Next([]byte)        {}
func (silence) Error(graph.Errors) {}
func (silence) Complete()          {}

// BenchmarkSubscribe is a subscription whose plan is known, opened, made live
// and closed in the broker among 10,000 others, against gqlparser's parsing and validating
// of the same document, in interleaved pairs. The frame and its JSON are in neither.
func BenchmarkSubscribe(b *testing.B) {
	const types = `type Order { id: ID! customerId: ID! status: String! total: Float sentAt: Float note: String items: [Item!]! }
		type Item { sku: ID! name: String price: Float count: Int tags: [String!] }
		type Query { ping: Int } `
	served := types + `type Subscription { orderUpdated(customerId: ID): Order @on(channel: "orders") @match(path: "customerId", arg: "customerId") }`
	plain := types + `type Subscription { orderUpdated(customerId: ID): Order }`
	wide := "subscription { orderUpdated {"
	for n := range 200 {
		wide += fmt.Sprintf(" f%d: status", n)
	}
	wide += " } }"
	for _, c := range []struct{ name, query, variables string }{
		{"5 fields", `subscription { orderUpdated { id status total sentAt note } }`, ""},
		{"variable and fragment", `subscription Orders($c: ID) { orderUpdated(customerId: $c) { id status ...Rest } }
			fragment Rest on Order { total sentAt items { sku name price count } }`, `{"c":"customer-%d"}`},
		{"200 fields", wide, ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			subscribe := subscriber(b, served, c.query, c.variables)
			foreign := gqlparser.MustLoadSchema(&ast.Source{Input: plain})
			validate := func(n int) {
				for range n {
					if _, err := gqlparser.LoadQuery(foreign, c.query); err != nil {
						b.Fatal(err)
					}
				}
			}
			for b.Loop() {
				reportPairs(b, subscribe, validate)
			}
		})
	}
}

// subscriber returns what makes n subscriptions live, and closes them again.
func subscriber(b *testing.B, sdl, query, variables string) func(n int) {
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: sdl, Resolvers: []string{"Query.ping", "Subscription.orderUpdated"}}}, graph.ComposeLimits{})
	if err != nil {
		b.Fatal(err)
	}
	owner, err := tenant.New("acme", tenant.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	broke := broker.New(broker.Config{})
	broke.Activate(owner, &broker.Version{Schema: schema})
	next := 0
	one := func() *broker.Subscription {
		request := graph.Request{Query: query}
		if variables != "" {
			next++
			request.Variables = fmt.Appendf(nil, variables, next)
		}
		o, errs := broke.Open(owner, tenant.Identity{}, request)
		if errs != nil {
			b.Fatal(errs)
		}
		s, errs := o.Subscribe(silence{})
		if errs != nil {
			b.Fatal(errs)
		}
		return s
	}
	for range 10_000 {
		one()
	}
	return func(n int) {
		live := make([]*broker.Subscription, 0, n)
		for range n {
			live = append(live, one())
		}
		for _, s := range live {
			s.Close()
		}
	}
}

// reportPairs measures the two in turn, nine times, and reports the median of
// the ratios with their range.
func reportPairs(b *testing.B, subscribe, validate func(n int)) {
	const pairs, calls = 9, 1000
	took := func(f func(int)) float64 {
		start := time.Now()
		f(calls)
		return float64(time.Since(start).Nanoseconds()) / calls
	}
	var ratios, ours, theirs []float64
	for range pairs {
		a, b := took(subscribe), took(validate)
		ratios, ours, theirs = append(ratios, a/b), append(ours, a), append(theirs, b)
	}
	middle := func(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }
	b.ReportMetric(middle(ratios), "ratio")
	b.ReportMetric(slices.Min(ratios), "ratio-min")
	b.ReportMetric(slices.Max(ratios), "ratio-max")
	b.ReportMetric(0.1, "target-ratio")
	b.ReportMetric(middle(ours), "subscribe-ns")
	b.ReportMetric(middle(theirs), "gqlparser-ns")
	b.ReportMetric(0, "ns/op")
}
