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
					members += len(b.members)
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
	type live struct {
		place *place
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
			l := live{field: fields[r.IntN(len(fields))], keys: keys{shape: uint64(r.IntN(3))}}
			for key := range r.IntN(4) {
				l.keys.values = append(l.keys.values, fmt.Sprint("k", key*r.IntN(4)+key))
			}
			l.keys.values = slices.Compact(l.keys.values)
			l.place = x.add(&Subscription{}, bound{}, l.field, l.keys)
			all = append(all, l)
		}
		fresh := newIndex()
		for _, l := range all {
			fresh.add(&Subscription{}, bound{}, l.field, l.keys)
		}
		if got, want := fmt.Sprint(x.sizes()), fmt.Sprint(fresh.sizes()); got != want {
			t.Fatalf("round %d: channels, fields, shapes, buckets and members are %s, want %s", round, got, want)
		}
	}
	if len(all) > 0 || len(x.channels) > 0 {
		t.Errorf("%d subscriptions, %d channels are left", len(all), len(x.channels))
	}
}
