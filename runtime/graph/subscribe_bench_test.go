package graph_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// silence is a sink for subscriptions that get nothing.
type silence struct{}

func (silence) Next(graph.Delivery) (taken, skipped bool) { return true, false }
func (silence) Error(graph.Errors)                        {}
func (silence) Position(string)                           {}
func (silence) Ready() bool                               { return true }
func (silence) Complete()                                 {}

// BenchmarkSubscribe is a subscription whose plan is known, opened and made live
// in the broker among 10,000 others, against gqlparser's parsing and validating
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
			all := rules.NewDefaultRules().GetInner()
			validate := bench.Each(func() error { return parseAndValidate(foreign, all, c.query) })
			for b.Loop() {
				compared, err := bench.Interleave(9, [2]bench.Side{subscribe, validate})
				if err != nil {
					b.Fatal(err)
				}
				report(b, compared[0])
			}
		})
	}
}

// parseAndValidate is gqlparser.LoadQueryWithRules without sorting the rules for
// each document, which would be half of its time for a small one.
func parseAndValidate(schema *ast.Schema, all map[string]core.RuleFunc, query string) error {
	document, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return err
	}
	var errs gqlerror.List
	observers := &core.Events{}
	for _, rule := range all {
		rule(observers, func(options ...core.ErrorOption) {
			e := &gqlerror.Error{}
			for _, o := range options {
				o(e)
			}
			errs = append(errs, e)
		})
	}
	core.Walk(schema, document, observers)
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// subscriber makes subscriptions live, and closes them again, which does not
// count.
func subscriber(b *testing.B, sdl, query, variables string) bench.Side {
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
	requests := func(n int) []graph.Request {
		r := make([]graph.Request, n)
		for i := range r {
			r[i].Query = query
			if variables != "" {
				next++
				r[i].Variables = fmt.Appendf(nil, variables, next)
			}
		}
		return r
	}
	one := func(request graph.Request) *broker.Subscription {
		o, errs := broke.Open(b.Context(), owner, tenant.Identity{}, request)
		if errs != nil {
			b.Fatal(errs)
		}
		s, errs := o.Subscribe(silence{}, broker.Resume{})
		if errs != nil {
			b.Fatal(errs)
		}
		return s
	}
	for _, r := range requests(10_000) {
		one(r)
	}
	return func(n int) (time.Duration, error) {
		coming, live := requests(n), make([]*broker.Subscription, 0, n)
		start := bench.ProcessorTime()
		for _, r := range coming {
			live = append(live, one(r))
		}
		took := bench.ProcessorTime() - start
		for _, s := range live {
			s.Close()
		}
		return took, nil
	}
}

// report shows the median of the ratios with their range.
func report(b *testing.B, c bench.Comparison) {
	ratios := c.Ratios()
	b.ReportMetric(bench.Median(ratios), "ratio")
	b.ReportMetric(slices.Min(ratios), "ratio-min")
	b.ReportMetric(slices.Max(ratios), "ratio-max")
	b.ReportMetric(0.1, "target-ratio")
	b.ReportMetric(bench.Median(c.A), "subscribe-ns")
	b.ReportMetric(bench.Median(c.B), "gqlparser-ns")
	b.ReportMetric(0, "ns/op")
}
