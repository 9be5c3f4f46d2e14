package broker

import (
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// handing is a page that is being handed out.
type handing struct {
	some    []*Subscription // the hindmost first, as they were when it was read
	reached int             // so many of them have events of the page to see
	passed  int             // so many of these have left, or take no more for now
	replays *index          // that it was read for
	before  event.Position  // in front of the next event
}

// isWanted tells whether one who has not seen an event is still there and could take it.
func (h *handing) isWanted(e *event.Event) bool {
	for h.reached < len(h.some) && h.some[h.reached].progress.from < e.Position {
		h.reached++
	}
	for h.passed < h.reached && (!h.some[h.passed].progress.walked || h.some[h.passed].ended()) {
		h.passed++
	}
	return h.passed < h.reached
}

// handOut brings a past event to those who have not seen it. It reports false where
// nobody is left who could take it for now, or another version was activated, which may
// have them on other channels.
func (w *walk) handOut(h *handing, e *event.Event) bool {
	if !h.isWanted(e) {
		return h.reached < len(h.some) // those who are farther
	}
	w.spend()
	if w.ctx.Err() != nil {
		return false
	}
	if !h.isWanted(e) { // they have left meanwhile
		return h.reached < len(h.some)
	}
	w.work()
	var payload jsondoc.Document
	err := payload.Parse(e.Payload, jsondoc.Options{})
	w.turn.spend(replayUnits + eventCost(&payload))
	if err != nil {
		return true // Receive has said so
	}
	version, fields, ok := w.matchPast(h.replays, e, &payload, func(s *Subscription) bool {
		return s.progress.walked && s.progress.from < e.Position && w.takes(h.before, s)
	})
	if !ok {
		return false
	}
	defer w.state.release(version)
	return w.broker.handOut(w.ctx, w.state, version, fields, w.turn, occasion{event: e, payload: &payload, at: e.Position, before: h.before})
}

// takes tells whether the sink of a subscription has room for an event. Without, the
// subscription stays in front of it until the next round.
func (w *walk) takes(before event.Position, s *Subscription) bool {
	if s.ready() {
		return true
	}
	w.set([]*Subscription{s}, max(s.progress.from, before))
	s.progress.walked = false
	return false
}

// ready tells whether the sink has room. One that has ended has.
func (s *Subscription) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sink == nil || s.mu.sink.Ready()
}

// spend counts a past event toward the tenant's limit, and waits where it is over, or the
// tenant owes what earlier events have used.
func (w *walk) spend() {
	if !w.urgent {
		w.turn.release()
		w.state.tenant.AwaitReplayed(w.ctx)
	}
}

// matchPast collects those of whom a past event reaches that are wanted. It reports
// false where what is read was asked for under another version; nil is every one.
func (w *walk) matchPast(replays *index, e *event.Event, payload *jsondoc.Document, wanted func(*Subscription) bool) (_ *Version, fields []*matched, ok bool) {
	st := w.state
	version, fields, lender, ok := st.matchPast(w.turn, replays, e, payload)
	if !ok {
		return nil, nil, false
	}
	defer st.giveBack(lender) // what is wanted is copied
	return version, w.choose(fields, wanted), true
}

// matchPast collects whom a past event reaches, as match does.
func (st *state) matchPast(t *turn, replays *index, e *event.Event, payload *jsondoc.Document) (_ *Version, fields []*matched, lender *index, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	fields, lender = st.collectLocked(t, &st.mu.replays, e, payload)
	if replays == nil || st.mu.replays == replays {
		return st.useLocked(), fields, lender, true
	}
	if lender != nil {
		lender.giveBack()
	}
	return nil, nil, nil, false
}

// choose returns fields with copies of those members that are wanted, where there are
// any.
func (w *walk) choose(fields []*matched, wanted func(*Subscription) bool) (chosen []*matched) {
	for _, m := range fields {
		some := &matched{field: m.field}
		for _, p := range m.parts {
			var members []member
			for _, one := range p.members {
				if w.looked(1); wanted(one.place.subscription) {
					members = append(members, one)
				}
			}
			if p.members = members; len(members) > 0 {
				some.parts = append(some.parts, p)
			}
		}
		if len(some.parts) > 0 {
			chosen = append(chosen, some)
		}
	}
	return chosen
}
