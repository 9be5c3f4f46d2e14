package broker

import (
	"context"
	"errors"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
)

// progress returns what a subscription begins with; nil where it needs none.
func (o *Operation) progress(r Resume) (*progress, graph.Errors) {
	field := o.operation.Roots()[0].Field
	p := &progress{cursors: r.Cursors || r.Cursor != ""}
	if r.Cursor != "" {
		var err error
		p.from, err = o.broker.cursors.verify(o.state.tenant, field.Name, r.Cursor)
		switch {
		case errors.Is(err, errForeignKey):
			p.foreign = r.Cursor
		case err != nil:
			return nil, graph.Errors{{Message: "extensions.runnel.cursor: " + err.Error(), Code: abi.CodeBadUserInput}}
		}
		return p, nil
	}
	for _, c := range field.Channels {
		if c.Initial {
			p.initial = append(p.initial, c.Name)
		}
	}
	if !p.cursors && p.initial == nil {
		return nil, nil
	}
	return p, nil
}

// waitLocked puts a subscription that is about to enter among those that have
// to be brought to what is live first, and reports whether it has to.
func (st *state) waitLocked(s *Subscription) bool {
	p := s.progress
	switch {
	case !s.resumes:
		return false
	case p.from == "" && p.foreign == "":
		p.from = st.mu.at
		p.waiting = p.initial != nil
	default:
		p.waiting = p.foreign != "" || p.from != st.mu.at
	}
	p.at = p.from
	if p.waiting {
		st.mu.waiting[s] = struct{}{}
	}
	return p.waiting
}

// waits tells whether a subscription's place is in the index of replays. The
// tenant's lock is held.
func (s *Subscription) waits() bool { return s.resumes && s.progress.waiting }

// begin has a new subscription told where it is, or starts its replay, which tells when
// it is live.
func (b *Broker) begin(s *Subscription) {
	if !s.resumes {
		return
	}
	if !b.startWalk(s) {
		s.Tell()
	}
}

// startWalk starts the walk of a tenant's replays, unless it is under way, where a
// subscription waits for it, and reports whether it does.
func (b *Broker) startWalk(s *Subscription) (waits bool) {
	b.closing.RLock()
	defer b.closing.RUnlock()
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.mu.waiting) > 0 && st.mu.stop == nil && b.ctx.Err() == nil {
		var ctx context.Context
		ctx, st.mu.stop = context.WithCancel(b.ctx)
		b.replays.Go(func() { b.walk(ctx, st) })
	}
	_, waits = st.mu.waiting[s]
	return waits
}

// enliven makes subscriptions live that have seen all up to a position, if that is
// where the tenant's live events are. It returns those that are live.
func (st *state) enliven(some []*Subscription, at event.Position) (live []*Subscription) {
	for _, s := range some {
		s.mu.Lock()
		s.progress.at = max(s.progress.at, at)
		s.mu.Unlock()
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mu.at != at {
		return nil
	}
	for _, s := range some {
		if _, waiting := st.mu.waiting[s]; waiting {
			st.enlivenLocked(s)
			live = append(live, s)
		}
	}
	return live
}

// enlivenLocked moves a subscription to the index of those that are live, under the
// version that is being activated as well.
func (st *state) enlivenLocked(s *Subscription) {
	delete(st.mu.waiting, s)
	s.progress.waiting = false
	if int(s.slot) < len(st.mu.ahead) && st.mu.ahead[s.slot] != nil {
		index := st.mu.index
		if st.mu.next != nil {
			index = st.mu.next.index
		}
		st.mu.ahead[s.slot] = st.mu.ahead[s.slot].moveTo(index)
	}
	// Right after another version was activated it may be a place under the version
	// before, which is about to be forgotten.
	if s.place.shared.index == st.mu.replays {
		s.place = s.place.moveTo(st.mu.index)
	}
}
