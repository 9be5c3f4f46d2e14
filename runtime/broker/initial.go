package broker

import (
	"context"
	"maps"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// initialEvents is how many events are read at a time in search of the newest that
// matches.
const initialEvents = 64

// search is how far some are in search of the newest past event of a channel: those who
// came between the same two events share it, and the runs.
type search struct {
	channel string
	at      event.Position // where they will go on
	before  event.Position // behind it nothing matches; empty for the end
}

// initials takes those who are new, and want the newest past event of their channels
// that matches them, a page on in search of it. It reports whether there were any for whom
// there was something to read.
func (w *walk) initials(some []*Subscription) (moved bool) {
	groups := map[search][]*Subscription{}
	for _, s := range some {
		if p := s.progress; len(p.initial) > 0 {
			k := search{p.initial[0], p.from, p.searched}
			groups[k] = append(groups[k], s)
		}
	}
	for k, group := range groups {
		if w.ctx.Err() != nil {
			break
		}
		moved = w.initial(k, group) || moved
	}
	return moved
}

// initial reads a page and hands to each of a group what is the newest that matches. It
// reports false where it could not read.
func (w *walk) initial(k search, group []*Subscription) bool {
	var events []event.Event
	if source := w.broker.config.Events; source != nil {
		w.turn.release()
		ctx, cancel := context.WithTimeout(w.ctx, readTime)
		defer cancel()
		var err error
		events, err = source.ReadLast(ctx, w.state.tenant.ID(), k.channel, k.before, initialEvents)
		if w.judge(err); err != nil {
			return false // it is tried again
		}
	}
	w.work()
	w.looked(len(group))
	missing := make(map[*Subscription]struct{}, len(group))
	for _, s := range group {
		missing[s] = struct{}{}
	}
	for i := range events {
		e := &events[i]
		if k.before = e.Position; e.Position > k.at || Precedes(w.state.tenant, e) {
			continue
		}
		if maps.DeleteFunc(missing, func(s *Subscription, _ struct{}) bool { return s.ended() }); len(missing) == 0 {
			break // they have left
		}
		w.spend()
		if w.ctx.Err() != nil {
			return false
		}
		if w.handInitial(e, k.at, missing); len(missing) == 0 {
			break
		}
	}
	for _, s := range group {
		p := s.progress
		p.searched = k.before
		if _, ok := missing[s]; !ok || len(events) == 0 {
			p.initial, p.searched = p.initial[1:], ""
		}
	}
	return true
}

// handInitial brings an event to those of whom it is the newest that matches.
func (w *walk) handInitial(e *event.Event, at event.Position, missing map[*Subscription]struct{}) {
	w.work()
	var payload jsondoc.Document
	err := payload.Parse(e.Payload, jsondoc.Options{})
	w.turn.spend(replayUnits + eventCost(&payload))
	if err != nil {
		return
	}
	st := w.state
	version, fields, _ := w.matchPast(nil, e, &payload, func(s *Subscription) bool { _, ok := missing[s]; return ok })
	defer st.release(version)
	for _, m := range fields {
		for _, p := range m.parts {
			for _, one := range p.members {
				delete(missing, one.place.subscription)
			}
		}
	}
	w.broker.handOut(w.ctx, st, version, fields, w.turn, occasion{event: e, payload: &payload, at: at, before: at})
}
