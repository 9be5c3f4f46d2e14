package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

func TestPlansAreSharedAndBounded(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: "type Query { a: Int }", Resolvers: []string{"Query.a"}}}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	var p plans
	prepare := func(query string, limits graph.Limits) *graph.Plan {
		t.Helper()
		known := p.prepare(schema, document{query: query}, limits)
		if known.errs != nil || known.query != query {
			t.Fatalf("%q, %v", known.query, known.errs)
		}
		return known.plan
	}
	first := prepare("{ a }", graph.Limits{})
	if prepare("{ a }", graph.Limits{}) != first {
		t.Error("an equal request has a plan of its own")
	}
	if prepare("{ a  }", graph.Limits{}) == first || prepare("{ a }", graph.Limits{QueryDepth: 3}) == first {
		t.Error("a plan serves another text or other limits")
	}
	made := p.made
	for range 3 {
		if p.prepare(schema, document{query: "{ a }"}, graph.Limits{QueryBytes: 2}).errs == nil {
			t.Error("a known text passes a limit that it is over")
		}
	}
	if p.made != made+1 {
		t.Errorf("an invalid operation was validated %d times", p.made-made)
	}
	for n := range 2 * maxPlans {
		prepare(fmt.Sprintf("{ a%s }", strings.Repeat(" ", n)), graph.Limits{})
		prepare("{ a }", graph.Limits{})
	}
	if p.order.Len() > maxPlans || len(p.known) != p.order.Len() {
		t.Errorf("%d plans are kept, %d known", p.order.Len(), len(p.known))
	}
	if prepare("{ a }", graph.Limits{}) != first {
		t.Error("the most used plan fell out")
	}
	wide := "{ a }"
	for n := range 1000 {
		wide = strings.Replace(wide, " }", fmt.Sprintf(" a%d: a }", n), 1)
	}
	for n := range 2 * maxFields / 1000 {
		prepare(wide+strings.Repeat(" ", n), graph.Limits{QueryAliases: 1000})
	}
	if p.fields > maxFields || p.fields < maxFields/2 {
		t.Errorf("plans of %d fields are kept", p.fields)
	}
	large := "{ a }" + strings.Repeat(" ", maxPlanBytes)
	prepare(large, graph.Limits{QueryBytes: 2 * maxPlanBytes})
	if p.bytes != 0 || p.fields != 0 || p.order.Len() != 0 {
		t.Errorf("after a text over the bound, %d bytes of %d plans are kept", p.bytes, p.order.Len())
	}
}
