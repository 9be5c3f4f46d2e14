package eventtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
)

// model holds random operations against a list of what was accepted.
func model(t *testing.T, s Subject) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	bus := s.Open(t)
	f := Follow(t, bus)
	accepted := map[string][]event.Event{}
	known := map[string]event.Event{}
	total := 0
	for range 300 {
		tenant := tenants[r.IntN(len(tenants))]
		of := accepted[tenant]
		switch r.IntN(4) {
		case 0, 1:
			var batch, fresh []event.Event
			refused := false
			for range r.IntN(6) + 1 {
				e := number(fmt.Sprint("c", r.IntN(4)), r.IntN(2))
				if r.IntN(2) == 0 {
					e.ID = fmt.Sprint(r.IntN(40))
				}
				batch = append(batch, e)
				key := tenant + " " + e.Channel + " " + e.ID
				if first, ok := known[key]; ok && e.ID != "" {
					refused = refused || string(first.Payload) != string(e.Payload)
					continue
				}
				i := slices.IndexFunc(fresh, func(b event.Event) bool { return e.ID != "" && b.ID == e.ID && b.Channel == e.Channel })
				if i >= 0 {
					refused = refused || string(fresh[i].Payload) != string(e.Payload)
					continue
				}
				fresh = append(fresh, e)
			}
			_, err := bus.Publish(t.Context(), tenant, batch, Keep)
			if refused != errors.Is(err, event.ErrConflict) || !refused && err != nil {
				t.Fatalf("Publish: %v, refused: %t", err, refused)
			}
			if refused {
				continue
			}
			for _, e := range fresh {
				if e.ID != "" {
					known[tenant+" "+e.Channel+" "+e.ID] = e
				}
			}
			accepted[tenant] = append(of, fresh...)
			total += len(fresh)
		case 2:
			read, gap, _ := readAll(t, bus, tenant, nil, "")
			same(t, read, of)
			if gap != nil {
				t.Fatalf("gap %v", *gap)
			}
			if len(of) > 0 {
				i := r.IntN(len(of))
				channel := fmt.Sprint("c", r.IntN(4))
				part, _, _ := readAll(t, bus, tenant, []string{channel}, read[i].Position)
				same(t, part, onChannel(of[i+1:], channel))
			}
		case 3:
			channel := fmt.Sprint("c", r.IntN(4))
			want := onChannel(of, channel)
			slices.Reverse(want)
			got, err := bus.ReadLast(t.Context(), tenant, channel, "", 5)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want[:min(5, len(want))])
		}
	}
	handed := map[string][]event.Event{}
	for _, e := range f.Wait(t, total) {
		handed[e.Tenant] = append(handed[e.Tenant], e)
	}
	for tenant, want := range accepted {
		same(t, handed[tenant], want)
		read, _, _ := readAll(t, bus, tenant, nil, "")
		sameEvents(t, tenant, handed[tenant], read)
	}
}

func onChannel(events []event.Event, channel string) (on []event.Event) {
	for _, e := range events {
		if e.Channel == channel {
			on = append(on, e)
		}
	}
	return on
}

// same compares what the publisher gave.
func same(t *testing.T, got, want []event.Event) {
	t.Helper()
	equal := func(g, w event.Event) bool {
		return g.Channel == w.Channel && string(g.Payload) == string(w.Payload) && (w.ID == "" || g.ID == w.ID)
	}
	if !slices.EqualFunc(got, want, equal) {
		t.Fatalf("got %d events, want %d, or others:\n%+v\n%+v", len(got), len(want), got, want)
	}
}
