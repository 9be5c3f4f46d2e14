package broker

import (
	"context"
	"math"
	"runtime"
	"time"
)

// checkUnits is how much work is done between two looks at whether others wait: as
// much as a guest's slice of fuel.
const checkUnits = 25_000

// aheadUnits is by how much more credit another is given way to within a slice: who
// works in many short turns would else wait for a slice of others for each.
const aheadUnits = sliceUnits / 10

// turn is a goroutine's leave to work for a tenant. Whoever waits for a bus or a
// quota gives it back before. It is for one goroutine at a time, and made by begin.
type turn struct {
	flow  *flow
	lane  lane
	ctx   context.Context // ends waiting
	held  bool
	spare bool // it is the spare one

	used   int64     // units to be charged
	next   int64     // of used, when to look next
	worked int64     // units since the turn came
	yields int64     // of worked, when other goroutines are let run at the latest
	since  time.Time // when it was first seen that others wait, zero before; when the spare turn came

	// Guarded by queue.mu.
	advance             int64         // charged before the turn, in an epoch
	epoch               uint64        // of the queue
	mine                chan struct{} // tells that it is the turn; nil before the first wait
	previous, following *turn         // in the list of those who wait
}

// begin waits for a turn, until ctx ends. Then it is not held.
func (f *flow) begin(ctx context.Context, l lane) *turn {
	t := &turn{flow: f, lane: l, ctx: ctx, next: math.MaxInt64}
	t.take()
	return t
}

// take waits for the turn, which is not held, and reports false where ctx ends first.
func (t *turn) take() bool {
	q, f := t.flow.queue, t.flow
	q.mu.Lock()
	t.spare = q.free == 0 && q.spare && f.held == 0 && !time.Now().Before(f.spareAt)
	switch {
	case t.spare:
		q.spare = false
	case q.free > 0:
		q.free--
	default:
		q.pushLocked(t)
		q.mu.Unlock()
		return t.wait()
	}
	f.held++
	q.mu.Unlock()
	t.start()
	return true
}

// start begins a slice.
func (t *turn) start() {
	t.held, t.next, t.yields, t.since = true, checkUnits, sliceUnits, time.Time{}
	if t.spare {
		t.since = time.Now()
	}
}

// wait waits until it is the turn.
func (t *turn) wait() bool {
	q, began, came := t.flow.queue, time.Now(), true
	select {
	case <-t.mine:
	case <-t.ctx.Done():
		came = false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t.flow.waited += time.Since(began)
	if came {
		t.start()
		return true
	}
	select {
	case <-t.mine: // it came meanwhile
		q.giveLocked(t)
	default:
		q.removeLocked(t)
	}
	return false
}

// release gives the turn back, where it is held. It may be taken again. What was worked
// without it, since ctx has ended, is owed.
func (t *turn) release() {
	if !t.held {
		if t.worked > 0 {
			t.flow.owe(t.worked)
			t.worked, t.used = 0, 0
		}
		return
	}
	q := t.flow.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveLocked(t)
}

// spend counts work that was done, and gives way where it is time to. Without the
// turn, it only counts.
func (t *turn) spend(units int64) {
	if t.Spend(units) {
		t.GiveWay()
	}
}

// Spend implements sandbox.Pace.
func (t *turn) Spend(units int64) bool {
	t.worked += units
	t.used += units
	return t.used >= t.next && t.check()
}

// check reports whether the slice is used up: in units, or by the clock where they
// take longer than most.
func (t *turn) check() bool {
	if t.spare {
		t.next = t.used + checkUnits
		return t.used >= spareUnits || time.Since(t.since) >= spareTime
	}
	if t.flow.queue.waiting.Load() == 0 {
		// What is over the slice is nobody else's.
		t.used, t.since = min(t.used, sliceUnits), time.Time{}
		t.next = t.used + checkUnits
		return t.worked >= t.yields
	}
	t.next = t.used + checkUnits
	if t.used >= sliceUnits {
		return true
	}
	if t.since.IsZero() {
		t.since = time.Now()
	}
	took := time.Since(t.since)
	byClock := max(t.used, min(int64(took)*sliceUnits/int64(sliceTime), sliceUnits))
	if took < sliceTime && !t.behind(byClock) {
		return false
	}
	t.used = byClock // or who has slow units would have more of the processors
	return true
}

// behind reports whether one who waits has more credit left than who has used so
// many units in this turn.
func (t *turn) behind(used int64) bool {
	q, f := t.flow.queue, t.flow
	q.mu.Lock()
	defer q.mu.Unlock()
	credit := int64(sliceUnits)
	if f.epoch == q.epoch && t.epoch == q.epoch {
		credit = f.credit + t.advance
	}
	first := q.firstLocked()
	if first == f {
		first = f.next[q.ready.link]
	}
	return first != nil && first.waits > 0 && first.credit >= credit-used+aheadUnits
}

// GiveWay implements sandbox.Pace: those of others who wait have their turns first,
// and other goroutines run. It reports false where ctx ends before it is the turn again.
func (t *turn) GiveWay() bool {
	q := t.flow.queue
	if t.spare {
		t.release()
		return t.take()
	}
	q.mu.Lock()
	if q.waiting.Load() == 0 {
		q.mu.Unlock()
		t.yields = t.worked + sliceUnits
		runtime.Gosched()
		return true
	}
	q.chargeLocked(t)
	q.pushLocked(t)
	q.passLocked()
	q.mu.Unlock()
	return t.wait()
}
