package broker

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestQuarantineAgainstAModel sends random events, which end in random ways and at
// random times, through the state machine, and holds what it decides against
// what follows from their history.
func TestQuarantineAgainstAModel(t *testing.T) {
	pauses := []time.Duration{5, 10, 20, 40, 80, 160, 300, 300, 300}
	r := rand.New(rand.NewPCG(7, 8))
	begins, longest := 0, 0
	for round := range 300 {
		var q quarantine
		now := time.Unix(1e9, 0)
		var underWay []admission
		streak, probes := 0, -1 // failures in a row; probes that failed in this quarantine, or -1
		var began time.Time     // its last pause
		var passedOver uint64
		mood := 0
		for step := range 400 {
			if step%50 == 0 {
				mood = r.IntN(4) // 0 fails nearly always
			}
			if r.IntN(3) == 0 {
				now = now.Add(time.Duration(r.IntN(200)) * time.Second / 10)
			}
			probing := false
			for _, a := range underWay {
				probing = probing || a == probe
			}
			switch {
			case len(underWay) == 0 || r.IntN(2) == 0:
				want := admitted
				switch {
				case probes < 0:
				case probing || now.Before(began.Add(pauses[min(probes, len(pauses)-1)]*time.Second)):
					want = skipped
					passedOver++
				default:
					want = probe
				}
				got := q.admit(now)
				if got != want {
					t.Fatalf("round %d, step %d: admit gave %d, want %d", round, step, got, want)
				}
				if got != skipped {
					underWay = append(underWay, got)
				}
			default:
				i := r.IntN(len(underWay))
				a := underWay[i]
				underWay = append(underWay[:i], underWay[i+1:]...)
				e := failed
				if n := r.IntN(40); n < 3*mood {
					e = ending(n % 3)
				}
				changed := q.conclude(a, e, now)
				want := false
				switch e {
				case succeeded:
					want = probes >= 0
					streak, probes, passedOver = 0, -1, 0
					for i := range underWay { // a probe of a quarantine that ended is an event like others
						underWay[i] = admitted
					}
				case failed:
					streak++
					switch {
					case probes < 0 && streak >= 20:
						want, probes, began = true, 0, now
						begins++
					case probes >= 0 && a == probe:
						want, probes, began = true, probes+1, now
						longest = max(longest, probes)
					}
				}
				if changed != want {
					t.Fatalf("round %d, step %d: conclude gave %v, want %v", round, step, changed, want)
				}
			}
			if q.failures != streak || q.holds() != (probes >= 0) || q.skipped != passedOver || q.holds() && q.retryAfter(now) < time.Millisecond {
				t.Fatalf("round %d, step %d: %+v after %d failures in a row, %d failed probes and %d skipped events", round, step, q, streak, probes, passedOver)
			}
		}
	}
	if begins < 100 || longest < len(pauses) {
		t.Errorf("%d quarantines, the longest with %d probes: the test holds too little", begins, longest)
	}
}
