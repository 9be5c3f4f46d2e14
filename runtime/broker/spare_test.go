package broker

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Who wants little has the spare turn while another works, and only one at a time. A
// tenant that has a turn has not the spare one, too.
func TestSpareTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, true)
		a, b, c := newFlow(q), newFlow(q), newFlow(q)
		ctx, cancel := context.WithCancel(t.Context())
		var r taken
		r.queue(ctx, a, laneEvents, "a1", 1<<60)
		time.Sleep(sliceTime / 1000) // it does not look soon
		r.queue(ctx, a, laneRequests, "a2", 1000)
		r.queue(t.Context(), b, laneEvents, "b", spareUnits/2)
		r.queue(t.Context(), c, laneEvents, "c", 1000)
		if want := []string{"a1", "b"}; !slices.Equal(r.came, want) {
			t.Errorf("turns came in the order %q, want %q", r.came, want)
		}
		time.Sleep(10 * sliceTime)
		synctest.Wait()
		if want := []string{"a1", "b", "c", "a2"}; !slices.Equal(r.came, want) {
			t.Errorf("turns came in the order %q, want %q", r.came, want)
		}
		if work, _ := b.used(); work != spareUnits/2 {
			t.Errorf("%d units were counted", work)
		}
		cancel()
		q.idle(t, 1, true)
	})
}

// However short its turns are, a tenant has the spare one for a tenth of the time.
func TestSpareTurnIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, true)
		a, b := newFlow(q), newFlow(q)
		held := a.begin(t.Context(), laneEvents) // and never looks who waits
		const time1, all = 20 * time.Microsecond, time.Second
		had := time.Duration(0)
		for began := time.Now(); time.Since(began) < all; {
			ctx, cancel := context.WithTimeout(t.Context(), time1)
			if turn := b.begin(ctx, laneRequests); turn.held {
				time.Sleep(time1)
				had += time1
				turn.release()
			}
			cancel()
		}
		if want := all/spareShare + spareBurst; had < want-spareBurst || had > want+time1 {
			t.Errorf("it had the spare turn for %v of %v, want %v", had, all, want)
		}
		held.release()
		q.idle(t, 1, true)
	})
}

// Work that began in the spare turn looks for another after so many units, or so much
// time, and waits for it once the tenant has had its share of the spare one.
func TestSpareTurnEnds(t *testing.T) {
	for step, looks := range map[time.Duration]time.Duration{ // what checkUnits take
		time.Microsecond:      spareUnits / checkUnits * time.Microsecond,
		30 * time.Microsecond: 120 * time.Microsecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(1, true)
			a, b := newFlow(q), newFlow(q)
			held := a.begin(t.Context(), laneEvents)
			turn, began := b.begin(t.Context(), laneEvents), time.Now()
			time.Sleep(step)
			for !turn.Spend(checkUnits) {
				time.Sleep(step)
			}
			if took := time.Since(began); took != looks || !turn.spare {
				t.Errorf("it looks for another turn after %v, want %v; it has the spare one: %v", took, looks, turn.spare)
			}
			time.Sleep(spareBurst)
			time.AfterFunc(5*sliceTime, held.release)
			if began = time.Now(); !turn.GiveWay() || turn.spare || time.Since(began) != 5*sliceTime {
				t.Errorf("it has the spare turn: %v, another after %v", turn.spare, time.Since(began))
			}
			turn.release()
			q.idle(t, 1, true)
		})
	}
}
