package broker

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// The queue counts work in units of fuel, of which sliceUnits are about a
// millisecond of what guests do (docs/architecture.md tells how that was measured).
const (
	sliceUnits = 2_000_000
	sliceTime  = time.Millisecond
	// maxCharge is the most that one turn is charged: what a tenant owes keeps it
	// from no more than so many slices of each other.
	maxCharge = 100 * sliceUnits
	// A tenant has the spare turn for one in spareShare of the time, and for spareBurst
	// of that at once. It looks for another after each spareUnits, or spareTime.
	spareShare = 10
	spareBurst = sliceTime
	spareUnits = sliceUnits / 10
	spareTime  = sliceTime / 10
)

// queue gives turns to work to tenants, so many at a time, by deficit round robin
// (Shreedhar and Varghese, Efficient Fair Queuing Using Deficit Round-Robin,
// SIGCOMM 1995). What a turn costs is known when it ends, so it is charged then,
// and what is over the credit is owed: the surplus variant (Adiseshu, Parulkar
// and Varghese, A Reliable and Scalable Striping Protocol, SIGCOMM 1996).
//
// Each tenant that others wait beside has credit for one slice in each round.
// Those with credit go first, in the order in which they came to have it and
// somebody waiting, so who wants little waits for no more than the slice under
// way. When there are none the round goes on, by one tenant. Credit that is left
// at the round's end is lost, what is owed stays; both are forgotten when a turn
// is free and nobody waits, since what was used by then was nobody else's.
//
// Beside these turns is a spare one, for tenants that hold none and want little.
// Who has it waits for no slice of others, which may take long to end where the
// system has something else on the processor just then (BenchmarkFairShare).
//
// A decision is O(1), since a tenant is passed over once for each slice that it
// has used.
type queue struct {
	waiting atomic.Int64 // how many wait; changed under mu

	mu    sync.Mutex
	free  int      // turns that nobody has; none while anybody waits
	spare bool     // whether there is a spare turn, and nobody has it
	ready flowList // with credit, and somebody waiting when they came here
	round flowList // all that have waited or were charged since epoch began
	epoch uint64   // counts the moments at which nothing was owed
}

// newQueue returns a queue of so many turns, and a spare one where asked to.
func newQueue(turns int, spare bool) *queue {
	return &queue{free: turns, spare: spare, ready: flowList{link: 0}, round: flowList{link: 1}, epoch: 1}
}

// lane is a kind of work of one tenant. Lanes in which somebody waits have the
// tenant's turns one after the other, so that none of them is kept by another.
type lane uint8

const (
	laneEvents   lane = iota
	laneRequests      // of subscribers: validation, queries and mutations
	laneReplays
	laneVersions // re-planning
	lanes
)

// flow is one tenant's part of a queue.
type flow struct {
	queue *queue

	// Guarded by queue.mu.
	waiting [lanes]turnList
	waits   int       // in all lanes
	last    lane      // that had a turn
	held    int       // turns, the spare one too
	spareAt time.Time // from when on it may have the spare turn
	epoch   uint64    // credit and the place in the round are of it
	credit  int64
	ready   bool     // in queue.ready
	next    [2]*flow // in the lists
	work    uint64   // units, of turns that ended
	waited  time.Duration
}

func newFlow(q *queue) *flow { return &flow{queue: q, last: lanes - 1} }

// used returns the units that the tenant has worked, and how long it has waited
// for turns, added up over those who waited.
func (f *flow) used() (work uint64, waited time.Duration) {
	f.queue.mu.Lock()
	defer f.queue.mu.Unlock()
	return f.work, f.waited
}

// enterLocked gives a flow its place in the round and the credit of one.
func (q *queue) enterLocked(f *flow) {
	if f.epoch != q.epoch {
		f.epoch, f.credit, f.ready = q.epoch, sliceUnits, false
		q.round.push(f)
	}
}

// giveSpareLocked takes the spare turn back.
func (q *queue) giveSpareLocked(t *turn) {
	f, now := t.flow, time.Now()
	if from := now.Add(-spareShare * spareBurst); f.spareAt.Before(from) {
		f.spareAt = from
	}
	f.spareAt = f.spareAt.Add(spareShare * now.Sub(t.since))
	q.spare, t.spare = true, false
}

// readyLocked has a flow wait for its turn before the round goes on, where it may.
func (q *queue) readyLocked(f *flow) {
	if !f.ready && f.waits > 0 && f.credit > 0 {
		f.ready = true
		q.ready.push(f)
	}
}

// pushLocked has a turn be waited for.
func (q *queue) pushLocked(t *turn) {
	f := t.flow
	if t.mine == nil {
		t.mine = make(chan struct{}, 1)
	}
	q.enterLocked(f)
	f.waiting[t.lane].push(t)
	f.waits++
	q.waiting.Add(1)
	q.readyLocked(f)
}

// removeLocked takes a turn from those who wait.
func (q *queue) removeLocked(t *turn) {
	t.flow.waiting[t.lane].remove(t)
	t.flow.waits--
	q.waiting.Add(-1)
}

// giveLocked takes a turn back, and gives it to whose it is then. The spare one is
// for who comes next.
func (q *queue) giveLocked(t *turn) {
	q.chargeLocked(t)
	if t.spare {
		q.giveSpareLocked(t)
		return
	}
	q.passLocked()
}

// passLocked gives a turn that has become free to whose it is.
func (q *queue) passLocked() {
	if q.waiting.Load() == 0 {
		q.free++
		q.epoch++
		q.ready, q.round = flowList{link: 0}, flowList{link: 1}
		return
	}
	f := q.nextLocked()
	f.last = f.nextLane()
	t := f.waiting[f.last].first
	q.removeLocked(t)
	f.held++
	f.credit -= sliceUnits // until it is known what the turn costs
	t.advance, t.epoch = sliceUnits, q.epoch
	t.mine <- struct{}{}
}

// nextLocked takes the flow that has the next turn from those that are ready. One
// is, or comes to be, since somebody waits.
func (q *queue) nextLocked() *flow {
	for {
		if f := q.firstLocked(); f != nil {
			q.ready.pop()
			f.ready = false
			return f
		}
		f := q.round.pop()
		if f.waits == 0 && f.held == 0 && f.credit >= 0 {
			f.epoch = 0
			continue
		}
		f.credit = min(f.credit+sliceUnits, sliceUnits)
		q.round.push(f)
		q.readyLocked(f)
	}
}

// firstLocked returns the first flow that is ready, or nil.
func (q *queue) firstLocked() *flow {
	for f := q.ready.first; f != nil; f = q.ready.first {
		if f.waits > 0 && f.credit > 0 {
			return f
		}
		q.ready.pop()
		f.ready = false
	}
	return nil
}

// nextLane is the lane whose turn it is, of those in which somebody waits.
func (f *flow) nextLane() lane {
	for l := f.last + 1; ; l++ {
		if f.waiting[l%lanes].first != nil {
			return l % lanes
		}
	}
}

// chargeLocked takes what a turn has cost from the credit. Where nobody waits,
// it has cost nobody anything.
func (q *queue) chargeLocked(t *turn) {
	f := t.flow
	f.work += uint64(t.worked)
	f.held--
	if q.waiting.Load() > 0 {
		q.enterLocked(f)
		if t.epoch == q.epoch {
			f.credit += t.advance
		}
		f.credit = min(f.credit, sliceUnits) - min(t.used, maxCharge)
		q.readyLocked(f)
	}
	t.worked, t.used, t.advance = 0, 0, 0
	t.held, t.next = false, math.MaxInt64
}

// owe charges what was worked without a turn.
func (f *flow) owe(units int64) {
	q := f.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	f.work += uint64(units)
	if q.waiting.Load() > 0 {
		q.enterLocked(f)
		f.credit -= min(units, maxCharge)
	}
}

// flowList is a list of flows, which are on it once and on one of each link.
type flowList struct {
	first, last *flow
	link        int
}

func (l *flowList) push(f *flow) {
	f.next[l.link] = nil
	if l.last == nil {
		l.first = f
	} else {
		l.last.next[l.link] = f
	}
	l.last = f
}

func (l *flowList) pop() *flow {
	f := l.first
	if f == nil {
		return nil
	}
	l.first = f.next[l.link]
	f.next[l.link] = nil
	if l.first == nil {
		l.last = nil
	}
	return f
}

// turnList is a list of turns that are waited for.
type turnList struct{ first, last *turn }

func (l *turnList) push(t *turn) {
	t.previous, t.following = l.last, nil
	if l.last == nil {
		l.first = t
	} else {
		l.last.following = t
	}
	l.last = t
}

func (l *turnList) remove(t *turn) {
	if t.previous == nil {
		l.first = t.following
	} else {
		t.previous.following = t.following
	}
	if t.following == nil {
		l.last = t.previous
	} else {
		t.following.previous = t.previous
	}
	t.previous, t.following = nil, nil
}
