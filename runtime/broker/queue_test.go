package broker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// work does so much work in slices as guests do.
func work(t *turn, units int64) {
	for ; units > 0 && t.ctx.Err() == nil; units -= checkUnits {
		some := min(units, checkUnits)
		time.Sleep(sliceTime * time.Duration(some) / sliceUnits)
		t.spend(some)
	}
}

// idle fails where somebody waits, has a turn, or has lost one.
func (q *queue) idle(t *testing.T, turns int, spare bool) {
	t.Helper()
	time.Sleep(100 * sliceTime) // what is under way ends
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.waiting.Load(); n != 0 || q.free != turns || q.spare != spare {
		t.Errorf("%d wait, and %d of %d turns are free, the spare one: %v", n, q.free, turns, q.spare)
	}
}

// taken is the order in which turns came.
type taken struct {
	mu   sync.Mutex
	came []string
}

func (r *taken) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came = append(r.came, name)
}

// queue has a goroutine take a turn, work and give it back, and returns when it
// waits or has it.
func (r *taken) queue(ctx context.Context, f *flow, l lane, name string, units int64) {
	go func() {
		t := f.begin(ctx, l)
		if !t.held {
			name = "not " + name
		}
		r.add(name)
		if t.held {
			work(t, units)
			t.release()
		}
	}()
	synctest.Wait()
}

// A tenant with much waiting delays another by a turn, not by all of its own; and
// one lane of it another.
func TestTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		a, b, c := newFlow(q), newFlow(q), newFlow(q)
		var r taken
		for _, name := range []string{"a1", "a2", "a3", "a4"} {
			r.queue(t.Context(), a, laneRequests, name, 1000)
		}
		r.queue(t.Context(), a, laneVersions, "a5", 1000)
		r.queue(t.Context(), b, laneEvents, "b1", 1000)
		r.queue(t.Context(), c, laneEvents, "c1", 1000)
		r.queue(t.Context(), b, laneEvents, "b2", 1000)
		time.Sleep(time.Second)
		q.idle(t, 1, false)
		if want := []string{"a1", "a2", "b1", "c1", "a5", "b2", "a3", "a4"}; !slices.Equal(r.came, want) {
			t.Errorf("turns came in the order %q, want %q", r.came, want)
		}
	})
}

// Who works without end gives way to who comes, at once where it has had a slice
// by then, and has what it worked alone not held against it.
func TestTurnsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const check = sliceTime * checkUnits / sliceUnits
		q := newQueue(1, false)
		a, b := newFlow(q), newFlow(q)
		ctx, cancel := context.WithCancel(t.Context())
		var r taken
		r.queue(ctx, a, laneEvents, "a", 1<<60)
		wait := func(units int64, most time.Duration) {
			t.Helper()
			began := time.Now()
			turn := b.begin(t.Context(), laneEvents)
			if took := time.Since(began); took > most {
				t.Errorf("the turn came after %v, want %v", took, most)
			}
			work(turn, units)
			turn.release()
		}
		wait(1000, sliceTime)
		time.Sleep(time.Second)
		wait(1000, check)
		wait(1000, sliceTime) // a slice of a's was under way
		time.Sleep(time.Second)
		wait(10*sliceUnits, check)
		// Both had as much as the other while both wanted it: a has no more of it now.
		began := time.Now()
		wait(10*sliceUnits, sliceTime)
		if took := time.Since(began); took < 18*sliceTime || took > 21*sliceTime {
			t.Errorf("ten slices took %v beside another", took)
		}
		cancel()
		q.idle(t, 1, false)
	})
}

// Who works in short turns, between which it waits for none, has its share, too.
func TestShortTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		a, b := newFlow(q), newFlow(q)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var r taken
		r.queue(ctx, a, laneEvents, "a", 1<<60)
		for ctx.Err() == nil {
			turn := b.begin(ctx, laneEvents)
			work(turn, sliceUnits/20)
			turn.release()
		}
		q.idle(t, 1, false)
		burned, _ := a.used()
		if short, _ := b.used(); short < burned/3 {
			t.Errorf("in short turns %d units were worked beside %d", short, burned)
		}
	})
}

// Where units take longer than most, a slice ends by the clock.
func TestSlicesEndByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		a, b := newFlow(q), newFlow(q)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			turn := a.begin(ctx, laneEvents)
			for ctx.Err() == nil {
				time.Sleep(sliceTime / 10) // ten times what the units are worth
				turn.spend(checkUnits)
			}
			turn.release()
		}()
		synctest.Wait()
		began := time.Now()
		turn := b.begin(t.Context(), laneEvents)
		if took := time.Since(began); took > 2*sliceTime {
			t.Errorf("the turn came after %v", took)
		}
		cancel()
		turn.release()
		q.idle(t, 1, false)
	})
}

// Who works in units that take longer than most has no more of the time than others.
func TestSlowUnitsAreChargedByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		slow, other := newFlow(q), newFlow(q)
		ctx, cancel := context.WithCancel(t.Context())
		had := time.Duration(0)
		go func() {
			turn := slow.begin(ctx, laneEvents)
			for turn.held && ctx.Err() == nil {
				time.Sleep(sliceTime / 10) // ten times what the units are worth
				had += sliceTime / 10
				turn.spend(checkUnits)
			}
			turn.release()
		}()
		var r taken
		r.queue(ctx, other, laneEvents, "other", 1<<60)
		time.Sleep(100 * sliceTime)
		cancel()
		q.idle(t, 1, false)
		if least, most := 40*sliceTime, 60*sliceTime; had < least || had > most {
			t.Errorf("it had %v of %v", had, 100*sliceTime)
		}
	})
}

// What is over a slice is owed to those who wait, also by who pauses, until a turn
// is free.
func TestWorkIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		a, b, c := newFlow(q), newFlow(q), newFlow(q)
		ctx, cancel := context.WithCancel(t.Context())
		turn := a.begin(t.Context(), laneRequests)
		var r taken
		r.queue(ctx, b, laneEvents, "b", 1<<60)
		r.queue(ctx, c, laneEvents, "c", 1<<60)
		turn.spend(1) // which sees that others wait
		turn.used += 10 * sliceUnits
		turn.release()
		time.Sleep(sliceTime / 2)
		began := time.Now()
		turn.take()
		if took := time.Since(began); took < 18*sliceTime || took > 23*sliceTime {
			t.Errorf("who owed ten slices to two waited for %v", took)
		}
		turn.release()
		// As is what was done though the turn did not come again: code that is brought back
		// for a request that has ended by then.
		before, _ := a.used()
		gone, end := context.WithCancel(t.Context())
		end()
		late := a.begin(gone, laneRequests)
		late.spend(10 * sliceUnits)
		late.release()
		late.release()
		if after, _ := a.used(); late.held || after-before != 10*sliceUnits {
			t.Errorf("%d units were counted", after-before)
		}
		began = time.Now()
		turn.take()
		if took := time.Since(began); took < 18*sliceTime || took > 23*sliceTime {
			t.Errorf("who owed ten slices without a turn waited for %v", took)
		}
		// But no more than so much of one turn.
		turn.used += 10 * maxCharge
		turn.release()
		began = time.Now()
		turn.take()
		if took, most := time.Since(began), 2*maxCharge/sliceUnits*sliceTime; took < most*9/10 || took > most*11/10 {
			t.Errorf("who owed %d slices waited for %v, want %v", 10*maxCharge/sliceUnits, took, most)
		}
		turn.release()
		cancel()
		q.idle(t, 1, false)
		// Nothing of that is left once a turn was free.
		turn.take()
		ctx, cancel = context.WithCancel(t.Context())
		r.queue(ctx, b, laneEvents, "b", 1<<60)
		turn.spend(sliceUnits)
		turn.release()
		began = time.Now()
		turn.take()
		if took := time.Since(began); took > 2*sliceTime {
			t.Errorf("who owed nothing waited for %v", took)
		}
		turn.release()
		cancel()
		q.idle(t, 1, false)
	})
}

// Who gives up leaves nothing behind, whether it waited for the first turn or gave
// way, and a turn that comes as it does goes to the next.
func TestTurnsAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		a, b := newFlow(q), newFlow(q)
		ended, cancel := context.WithCancel(t.Context())
		held := a.begin(ended, laneEvents)
		var r taken
		r.queue(ended, a, laneEvents, "a1", 1)
		r.queue(t.Context(), a, laneEvents, "a2", 1)
		r.queue(ended, b, laneEvents, "b1", 1)
		r.queue(t.Context(), b, laneEvents, "b2", 1)
		cancel()
		synctest.Wait()
		slices.Sort(r.came)
		if want := []string{"not a1", "not b1"}; !slices.Equal(r.came, want) {
			t.Errorf("%q, want %q", r.came, want)
		}
		if q.waiting.Load() != 2 {
			t.Errorf("%d wait", q.waiting.Load())
		}
		held.spend(2 * sliceUnits)
		synctest.Wait()
		if held.held {
			t.Error("a turn came though nobody waits for it any more")
		}
		held.spend(10 * sliceUnits) // what is done without a turn waits for none
		held.release()
		q.idle(t, 1, false)

		// It comes at the same moment.
		held.ctx = t.Context()
		for range 20 {
			held.take()
			late := &turn{flow: b, lane: laneEvents, ctx: ended}
			q.mu.Lock()
			q.pushLocked(late)
			q.mu.Unlock()
			r.queue(t.Context(), a, laneEvents, "a3", 1)
			held.release()
			if late.wait() { // or not: both have happened
				late.release()
			}
			q.idle(t, 1, false)
		}
		if n := len(r.came); n != 24 || r.came[n-1] != "a3" {
			t.Errorf("turns came to %q", r.came)
		}
	})
}

// Random tenants are given what a fluid that is shared out among them would give
// them: who wants little all of it and soon, who wants more the same as others. No
// turn is idle while anybody waits, and nobody waits for ever.
func TestFairShare(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fairShare(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

// tenantLoad is what one tenant wants.
type tenantLoad struct {
	*flow
	workers int
	most    int64         // units that a piece of work takes
	whole   bool          // it is not cut in slices
	pause   time.Duration // between pieces, of which there are few then
	pieces  int
	longest time.Duration // that a piece waited to begin
	mu      sync.Mutex
}

const fairTime = time.Second

func fairShare(t *testing.T, random *rand.Rand) {
	turns, spare := 1+random.IntN(3), random.IntN(2) == 0
	q := newQueue(turns, spare)
	ctx, cancel := context.WithTimeout(t.Context(), fairTime)
	defer cancel()
	loads := make([]*tenantLoad, turns+2+random.IntN(20))
	heavy := 0
	for i := range loads {
		l := &tenantLoad{flow: newFlow(q), workers: turns + 1 + random.IntN(4), most: 1 + random.Int64N(5*sliceUnits), whole: random.IntN(3) == 0}
		if i > turns && random.IntN(3) == 0 {
			l.workers, l.most, l.pause = 1, sliceUnits/50, 20*time.Millisecond
		} else {
			heavy++
		}
		loads[i] = l
	}
	var workers sync.WaitGroup
	for _, l := range loads {
		for range l.workers {
			random := rand.New(rand.NewPCG(random.Uint64(), 0))
			workers.Go(func() { l.work(ctx, random) })
		}
	}
	workers.Wait()
	q.idle(t, turns, spare)
	var all, least, most uint64
	for _, l := range loads {
		units, _ := l.used()
		all += units
		if l.pause > 0 {
			// It waits for a piece that is under way, for one more of who has credit left,
			// and for those like it.
			if bound := time.Duration(len(loads)-heavy)*sliceTime/50 + 10*sliceTime; l.longest > bound {
				t.Errorf("who wanted little waited for %v, want %v", l.longest, bound)
			}
			if float64(l.pieces) < 0.7*float64(fairTime)/float64(l.pause+10*sliceTime) {
				t.Errorf("who wanted little had %d turns", l.pieces)
			}
			continue
		}
		if least == 0 || units < least {
			least = units
		}
		most = max(most, units)
	}
	// A piece that is under way at the end, or is not cut, is five slices long at most.
	if bound := uint64(turns) * 14 * sliceUnits; most-least > bound {
		t.Errorf("%d turns, %d tenants: one had %d units, another %d", turns, len(loads), most, least)
	}
	if want := uint64(turns) * uint64(fairTime/sliceTime) * sliceUnits; float64(all) < 0.999*float64(want) {
		t.Errorf("%d units were worked in the time of %d", all, want)
	}
}

func (l *tenantLoad) work(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		units := 1 + random.Int64N(l.most)
		began := time.Now()
		turn := l.begin(ctx, laneEvents)
		if !turn.held {
			return
		}
		l.mu.Lock()
		if l.pieces > 5 { // all began at once, with credit for a slice each
			l.longest = max(l.longest, time.Since(began))
		}
		l.pieces++
		l.mu.Unlock()
		if l.whole {
			time.Sleep(sliceTime * time.Duration(units) / sliceUnits)
			turn.spend(units)
		} else {
			work(turn, units)
		}
		turn.release()
		if l.pause > 0 {
			time.Sleep(l.pause)
		}
	}
}

// A hundred tenants burn: another has its slice of each round at once.
func TestManyBurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, false)
		ctx, cancel := context.WithCancel(t.Context())
		burning := make([]*flow, 100)
		var r taken
		for i := range burning {
			burning[i] = newFlow(q)
			r.queue(ctx, burning[i], laneEvents, "burns", 1<<60)
		}
		b := newFlow(q)
		time.Sleep(time.Second)
		for range 50 {
			began := time.Now()
			turn := b.begin(t.Context(), laneEvents)
			if took := time.Since(began); took > sliceTime {
				t.Fatalf("the turn came after %v", took)
			}
			work(turn, sliceUnits/10)
			turn.release()
			time.Sleep(11 * time.Millisecond) // less than its share
		}
		// And no more than that.
		before, _ := burning[0].used()
		mine, _ := b.used()
		turn := b.begin(t.Context(), laneEvents)
		work(turn, 20*sliceUnits)
		turn.release()
		after, _ := burning[0].used()
		if total, _ := b.used(); total-mine < 20*sliceUnits || (after-before)/sliceUnits < 18 || (after-before)/sliceUnits > 22 {
			t.Errorf("for 20 slices another had %d units", after-before)
		}
		cancel()
		q.idle(t, 1, false)
	})
}

// Goroutines take, spend, give way and give up at random: nothing is lost.
func TestTurnsUnderRace(t *testing.T) {
	const turns = 2
	q := newQueue(turns, true)
	var working, most int
	var mu sync.Mutex
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		working += n
		most = max(most, working)
	}
	var workers sync.WaitGroup
	for n := range 8 {
		f := newFlow(q)
		for range 3 {
			random := rand.New(rand.NewPCG(uint64(n), rand.Uint64()))
			workers.Go(func() {
				for range 300 {
					ctx, cancel := context.WithCancel(t.Context())
					if random.IntN(3) == 0 {
						time.AfterFunc(time.Duration(random.IntN(50))*time.Microsecond, cancel)
					}
					turn := f.begin(ctx, lane(random.IntN(int(lanes))))
					for range random.IntN(5) {
						if turn.held {
							count(1)
							count(-1)
						}
						turn.spend(random.Int64N(sliceUnits))
					}
					turn.release()
					cancel()
				}
			})
		}
	}
	workers.Wait()
	if n := q.waiting.Load(); n != 0 || q.free != turns || !q.spare || most > turns+1 {
		t.Errorf("%d wait, %d turns are free, the spare one: %v, %d were had at once", n, q.free, q.spare, most)
	}
}
