package broker

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSlotsAgainstAModel has subscriptions come and go.
func TestSlotsAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	l := slots{serial: math.MaxUint32 - 1000}
	live := map[*Subscription]SubscriptionID{}
	used := map[SubscriptionID]bool{}
	var gone []*Subscription
	for step := range 20_000 {
		growing := step/2000%2 == 0
		if r.IntN(3) > 0 == growing {
			s := &Subscription{}
			l.put(s)
			if used[s.id()] || s.id() == 0 {
				t.Fatalf("step %d: the id %s was used before, or is none", step, s.id())
			}
			used[s.id()], live[s] = true, s.id()
		} else {
			for s := range live {
				l.remove(s)
				delete(live, s)
				gone = append(gone, s)
				break
			}
		}
		if l.taken != len(live) || len(l.all)+len(l.free) > 4*2000 {
			t.Fatalf("step %d: %d taken of %d, %d free, want %d", step, l.taken, len(l.all), len(l.free), len(live))
		}
		if step%100 > 0 {
			continue
		}
		met := 0
		for _, s := range l.all {
			if s != nil {
				met++
				if id, ok := live[s]; !ok || id != s.id() || !l.has(s) {
					t.Fatalf("step %d: %s is there, which is not live or was %s", step, s.id(), id)
				}
			}
		}
		if met != len(live) {
			t.Fatalf("step %d: %d are there, want %d", step, met, len(live))
		}
		for _, s := range gone {
			if l.has(s) {
				t.Fatalf("step %d: %s has left and is live", step, s.id())
			}
		}
	}
	for s := range live {
		l.remove(s)
	}
	if l.all != nil || l.free != nil {
		t.Errorf("when all have left, %d slots and %d free ones are kept", len(l.all), len(l.free))
	}
}
