package broker

import (
	"fmt"
	"sync"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Sink receives what a subscription has to say. Its methods are called one at a
// time and must not block; nothing follows Error or Complete.
type Sink interface {
	// Next delivers one response, and reports whether it was taken: what comes when
	// there is nobody to send it to any more is not. skipped tells that one of the same
	// key, which was taken before, will not be sent.
	Next(d graph.Delivery) (taken, skipped bool)
	// Position tells where the subscription goes on, behind events that did not match, where
	// cursors were asked for. Nothing is told twice.
	Position(cursor string)
	// Ready tells whether there is room for responses of past events, which can be
	// had later. It is called at any time.
	Ready() bool
	// Error ends the subscription.
	Error(errs graph.Errors)
	// Complete ends the subscription.
	Complete()
}

// Subscription is one live operation. It is safe for concurrent use. There may
// be many: BenchmarkSubscriptionMemory measures what one takes.
type Subscription struct {
	state     *state
	variables string // as the request has them
	identity  tenant.Identity
	created   seconds
	serial    uint32    // with the slot, its SubscriptionID
	slot      uint32    // in state.mu.live, while it is there; guarded by state.mu before
	resumes   bool      // it has cursors, or does not begin with what happens from now on
	place     *place    // in the index; guarded by state.mu
	progress  *progress // with resumes there is one and it stays; without, it is made by the first drop and guarded by mu

	mu struct {
		sync.Mutex
		sink      Sink    // nil once the subscription has ended
		last      seconds // of the last response that the sink took; 0 before
		delivered counter
	}
}

// Close ends the subscription, and reports whether it did. No call into the sink is under
// way or follows when it returns, so it must not be called from within one. Calling it again
// does nothing.
func (s *Subscription) Close() (ended bool) {
	ended = s.end(nil)
	s.leave()
	return ended
}

// leave takes the subscription out of the tenant's index.
func (s *Subscription) leave() {
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	st.dropLocked(s)
}

// dropLocked takes a subscription out of all that leads to it; one that is not
// live any more is in nothing.
func (st *state) dropLocked(s *Subscription) {
	if !st.mu.live.has(s) {
		return
	}
	st.mu.live.remove(s)
	delete(st.mu.waiting, s)
	s.place.remove()
	s.place = nil
	if int(s.slot) < len(st.mu.ahead) && st.mu.ahead[s.slot] != nil {
		st.mu.ahead[s.slot].remove()
		st.mu.ahead[s.slot] = nil
	}
}

// end says a last word, and reports true, unless the subscription has ended
// before.
func (s *Subscription) end(last func(Sink)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.mu.sink != nil
	if live && last != nil {
		last(s.mu.sink)
	}
	s.mu.sink = nil
	return live
}

// fail ends the subscription with errors, and reports true, unless it has ended before.
func (s *Subscription) fail(errs graph.Errors, why Ending) bool {
	live := s.end(func(sink Sink) { sink.Error(errs) })
	if live {
		s.state.counters.ended[why].Add(1)
	}
	return live
}

// deliver hands a response to the sink, where there is one, and ends the
// subscription after the verdict complete. It reports as the sink does, and
// whether nothing more will be delivered. at is the position of the event, and
// empty where the response stands for none.
func (s *Subscription) deliver(verdict abi.Verdict, d graph.Delivery, at event.Position) (taken, skipped, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil {
		return false, false, true
	}
	if s.resumes && at != "" {
		s.progress.reach(at)
	}
	if d.Response != nil {
		if d.Cursor != "" {
			s.progress.told = s.progress.position()
		}
		if taken, skipped = s.mu.sink.Next(d); taken {
			s.mu.last = secondsOf(d.Now)
		}
		s.countLocked(taken, skipped)
	}
	if verdict == abi.Complete {
		s.mu.sink.Complete()
		s.mu.sink = nil
		s.state.counters.ended[EndResolver].Add(1)
	}
	return taken, skipped, s.mu.sink == nil
}

// countLocked counts a response. One that takes the place of another is counted as that
// was, and the other dropped.
func (s *Subscription) countLocked(taken, skipped bool) {
	switch {
	case skipped:
		s.keptLocked().dropped.add()
	case taken:
		s.mu.delivered.add()
	}
}

// keptLocked is the progress, which is made where there is none.
func (s *Subscription) keptLocked() *progress {
	if s.progress == nil {
		s.progress = &progress{}
	}
	return s.progress
}

// drop counts an event that is not run for the subscription, and reports whether
// it is the first of that quarantine, which the subscription has to be told of. The
// subscription's cursor stays in front of it: before, or farther where the
// subscription is, which is returned.
func (s *Subscription) drop(quarantine uint32, before event.Position) (first bool, held event.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil {
		return false, ""
	}
	p := s.keptLocked()
	if s.resumes {
		if p.held == "" {
			p.held = max(p.at, before)
		}
		held = p.held
	}
	p.dropped.add()
	s.state.counters.quarantined.Add(1)
	first = p.quarantine != quarantine
	p.quarantine = quarantine
	return first, held
}

// ended reports whether nothing more will be delivered.
func (s *Subscription) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sink == nil
}

// subscribe makes a subscription live under the tenant's active version, which
// may be a newer one than v, which the operation was bound under. Where another
// version is being activated, it takes its place under both.
func (st *state) subscribe(t *turn, variables []byte, id tenant.Identity, v *Version, b bound, p *progress, sink Sink) (*Subscription, graph.Errors) {
	s := &Subscription{state: st, variables: string(variables), identity: id, created: secondsNow(), resumes: p != nil, progress: p}
	s.mu.sink = sink
	active := candidateOf(b, &s.identity)
	var pending *replanning
	var ahead candidate
	for {
		st.mu.Lock()
		switch {
		case st.mu.version == nil:
			st.mu.Unlock()
			return nil, noSchema()
		case st.mu.version != v:
			v = st.mu.version
			st.mu.Unlock()
			active = v.candidate(st, t, s, b.planned.document)
		case st.mu.next != pending:
			pending = st.mu.next
			st.mu.Unlock()
			if pending != nil {
				ahead = pending.version.candidate(st, t, s, b.planned.document)
			}
		default:
			errs := st.joinLocked(s, &active, &ahead)
			st.mu.Unlock()
			units := joinUnits + active.units() + ahead.units()
			if t != nil {
				t.spend(units)
			} else {
				st.flow.owe(units)
			}
			if errs != nil {
				return nil, errs
			}
			return s, nil
		}
	}
}

// joinLocked enters a subscription, under the version that is being activated
// as well where there is one.
func (st *state) joinLocked(s *Subscription, active, ahead *candidate) graph.Errors {
	if active.errs != nil {
		return active.errs
	}
	if limit := st.tenant.Limits().Subscriptions; int64(st.mu.live.taken) >= limit {
		return limitErrors("subscriptions", fmt.Sprintf("the tenant has %d live subscriptions, which is its limit", limit))
	}
	st.mu.live.put(s)
	index := st.mu.index
	if st.waitLocked(s) {
		index = st.mu.replays
	}
	s.place = index.add(s, active.bound, active.field, active.keys)
	if r := st.mu.next; r != nil {
		r.enterLocked(s, *ahead)
	}
	return nil
}

func limitErrors(limit, message string) graph.Errors {
	return graph.Errors{{Message: message, Code: abi.CodeLimitExceeded, Extensions: []byte(`{"limit":"` + limit + `"}`)}}
}

func noSchema() graph.Errors {
	return graph.Errors{{Message: "the tenant has no active module, so there is no schema", Code: abi.CodeValidationFailed}}
}
