package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// sizes counts what an index holds on each of its levels.
func (x *index) sizes() (channels, fields, shapes, buckets, members int) {
	for _, byField := range x.channels {
		channels++
		for _, fi := range byField {
			fields++
			for _, shape := range fi.shapes {
				shapes++
				for _, b := range shape.buckets {
					buckets++
					members += b.members()
				}
			}
		}
	}
	return channels, fields, shapes, buckets, members
}

// TestIndexKeepsNothingOfWhoLeft has subscriptions come and go, and holds that
// the index is as large as one that only ever held those that stayed.
func TestIndexKeepsNothingOfWhoLeft(t *testing.T) {
	var fields []*graph.RootField
	for n := range 3 {
		fields = append(fields, &graph.RootField{
			ResolvedField: graph.ResolvedField{Resolver: fmt.Sprintf("Subscription.f%d", n)},
			Channels:      []graph.Channel{{Name: "shared"}, {Name: fmt.Sprintf("own%d", n)}},
		})
	}
	operations := boundOperations(t)
	type live struct {
		place *place
		bound bound
		field *graph.RootField
		keys  keys
	}
	r := rand.New(rand.NewPCG(7, 8))
	x := newIndex()
	var all []live
	for round := range 2000 {
		if leaving := round >= 1500; leaving && len(all) > 0 || len(all) > 20 || len(all) > 0 && r.IntN(2) == 0 {
			i := r.IntN(len(all))
			all[i].place.remove()
			if all[i].place.entries() != 0 {
				t.Fatal("a subscription keeps entries that are gone")
			}
			all = slices.Delete(all, i, i+1)
		} else if !leaving {
			l := live{bound: operations[r.IntN(len(operations))], field: fields[r.IntN(len(fields))], keys: keys{shape: uint64(r.IntN(3))}}
			for key := range r.IntN(4) {
				l.keys.values = append(l.keys.values, fmt.Sprint("k", key*r.IntN(4)+key))
			}
			l.keys.values = slices.Compact(l.keys.values)
			l.place = x.add(&Subscription{}, l.bound, l.field, l.keys)
			all = append(all, l)
		}
		fresh := newIndex()
		for _, l := range all {
			fresh.add(&Subscription{}, l.bound, l.field, l.keys)
		}
		if got, want := len(x.operations), len(fresh.operations); got != want {
			t.Fatalf("round %d: %d operations are held, want %d", round, got, want)
		}
		if got, want := fmt.Sprint(x.sizes()), fmt.Sprint(fresh.sizes()); got != want {
			t.Fatalf("round %d: channels, fields, shapes, buckets and members are %s, want %s", round, got, want)
		}
	}
	if len(all) > 0 || len(x.channels) > 0 {
		t.Errorf("%d subscriptions, %d channels are left", len(all), len(x.channels))
	}
}

// boundOperations are two of one plan, and one of another.
func boundOperations(t *testing.T) (operations []bound) {
	t.Helper()
	schema, err := graph.Compose([]graph.Source{{
		Module: "m", SDL: `type Query { a: Int } type T { n: Int m: Int } type Subscription { f: T @on(channel: "c") }`, Resolvers: []string{"Query.a", "Subscription.f"},
	}}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	var p plans
	for _, request := range [][2]string{
		{"subscription($b: Boolean!) { f { n m @include(if: $b) } }", `{"b":true}`},
		{"subscription($b: Boolean!) { f { n m @include(if: $b) } }", `{"b":false}`},
		{"subscription { f { n } }", ""},
	} {
		known := p.prepare(schema, document{query: request[0]}, graph.Limits{})
		if known.errs != nil {
			t.Fatal(known.errs)
		}
		operation, errs := known.plan.Bind([]byte(request[1]), nil, graph.Limits{})
		if errs != nil {
			t.Fatal(errs)
		}
		operations = append(operations, bound{known, operation})
	}
	return operations
}
