package broker

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// initialEvents is how many events are read at a time in search of the newest that
// matches.
const initialEvents = 32

// initials gives those who are new, and want it, the newest past event of their
// channels that matches them. Those who came between the same two events share
// the search and the runs. It reports whether there were any.
func (w *walk) initials(some []*Subscription) (any bool) {
	for len(some) > 0 {
		n := 1
		for n < len(some) && some[n].progress.from == some[0].progress.from {
			n++
		}
		group := slices.DeleteFunc(slices.Clone(some[:n]), func(s *Subscription) bool { return len(s.progress.initial) == 0 })
		some = some[n:]
		for len(group) > 0 && w.ctx.Err() == nil {
			any = true
			channel := group[0].progress.initial[0]
			if !w.initial(group, channel) {
				return any // what cannot be read is tried again
			}
			for _, s := range group {
				s.progress.initial = slices.DeleteFunc(s.progress.initial, func(name string) bool { return name == channel })
			}
			group = slices.DeleteFunc(group, func(s *Subscription) bool { return len(s.progress.initial) == 0 })
		}
	}
	return any
}

// initial looks for the newest event of a channel that matches each of a group,
// who are at one position. It reports false where it could not look at all.
func (w *walk) initial(group []*Subscription, channel string) bool {
	at := group[0].progress.from
	missing := map[*Subscription]struct{}{}
	for _, s := range group {
		if slices.Contains(s.progress.initial, channel) {
			missing[s] = struct{}{}
		}
	}
	source := w.broker.config.Events
	if source == nil {
		return true
	}
	for before := event.Position(""); len(missing) > 0; {
		events, err := source.ReadLast(w.ctx, w.state.tenant.ID(), channel, before, initialEvents)
		if w.judge(err); err != nil {
			return false
		}
		if len(events) == 0 {
			return true
		}
		for i := range events {
			e := &events[i]
			if before = e.Position; e.Position > at || Precedes(w.state.tenant, e) {
				continue
			}
			w.spend()
			if w.handInitial(e, at, missing); len(missing) == 0 || w.ctx.Err() != nil {
				return true
			}
		}
	}
	return true
}

// handInitial brings an event to those of whom it is the newest that matches.
func (w *walk) handInitial(e *event.Event, at event.Position, missing map[*Subscription]struct{}) {
	var payload jsondoc.Document
	if payload.Parse(e.Payload, jsondoc.Options{}) != nil {
		return
	}
	st := w.state
	version, fields := st.matchPast(e, &payload, func(s *Subscription) bool { _, ok := missing[s]; return ok })
	defer st.release(version)
	for _, m := range fields {
		for _, p := range m.places {
			delete(missing, p.subscription)
		}
	}
	w.broker.handOut(w.ctx, st, version, fields, occasion{event: e, at: at, before: at})
}
