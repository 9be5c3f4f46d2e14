package broker

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

const (
	// pageEvents is how many past events are read at a time.
	pageEvents = 256
	// closeIn is after how many pages in a row that did not reach the live events
	// the next one is handed out while these wait.
	closeIn = 4
	// aheadTime is how long this node may be behind a cursor that another gave.
	aheadTime = 10 * time.Second
	// A replay that can do nothing for the moment, since this node or the clients
	// are behind, looks again after pollTime.
	pollTime = 10 * time.Millisecond
	// A replay that cannot read tries again after a pause, which doubles.
	firstReadPause, maxReadPause = 50 * time.Millisecond, 5 * time.Second
)

// walk brings the subscriptions of one tenant that wait to where the live events
// are. It takes them along together: where one catches up with another, they share
// from then on what is read and run. It ends when none wait.
//
// Each round takes every subscription one page on at least, the hindmost first,
// so that none is kept by those that are farther behind.
type walk struct {
	broker *Broker
	state  *state
	ctx    context.Context
	missed int                         // pages in a row that did not reach the live events
	urgent bool                        // the live events wait
	failed time.Duration               // the pause after a failure; 0 while reading succeeds
	ahead  map[*Subscription]time.Time // since when they wait for this node
}

func (b *Broker) walk(ctx context.Context, st *state) {
	w := &walk{broker: b, state: st, ctx: ctx, ahead: map[*Subscription]time.Time{}}
	for {
		some := w.begin()
		if some == nil {
			return
		}
		if !w.round(some) {
			w.pause(pollTime)
		}
	}
}

// begin returns those that wait, the hindmost first; nil where the walk ends.
func (w *walk) begin() []*Subscription {
	st := w.state
	st.mu.Lock()
	if len(st.mu.waiting) == 0 || w.ctx.Err() != nil {
		st.mu.stop()
		st.mu.stop = nil
		st.mu.Unlock()
		return nil
	}
	maps.DeleteFunc(w.ahead, func(s *Subscription, _ time.Time) bool {
		_, waiting := st.mu.waiting[s]
		return !waiting
	})
	some := make([]*Subscription, 0, len(st.mu.waiting))
	for s := range st.mu.waiting {
		s.progress.walked = true
		some = append(some, s)
	}
	st.mu.Unlock()
	slices.SortFunc(some, func(a, b *Subscription) int { return comparePositions(a.progress.from, b.progress.from) })
	return some
}

func comparePositions(a, b event.Position) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (w *walk) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.ctx.Done():
	}
}

// live is where the tenant's live events are.
func (w *walk) live() event.Position {
	w.state.mu.Lock()
	defer w.state.mu.Unlock()
	return w.state.mu.at
}

// round takes all one page on at least, and reports whether any came farther.
func (w *walk) round(some []*Subscription) (moved bool) {
	some, moved = w.strangers(some)
	moved = w.initials(some) || moved
	some = slices.DeleteFunc(some, func(s *Subscription) bool { return len(s.progress.initial) > 0 }) // they could not be read
	for len(some) > 0 && w.ctx.Err() == nil {
		from := some[0].progress.from
		next := w.step(some)
		n := 0
		for n < len(some) && (some[n].progress.from <= next || some[n].progress.from == from) {
			n++
		}
		moved = moved || next > from
		some = some[n:]
	}
	return moved
}

// strangers makes those live whose cursors say nothing here, and tells them that
// what lies between is lost.
func (w *walk) strangers(some []*Subscription) (rest []*Subscription, moved bool) {
	live := w.live()
	for _, s := range some {
		p := s.progress
		if p.foreign == "" && (len(p.from) == len(live) || p.from == "") {
			rest = append(rest, s)
			continue
		}
		s.loseAll(live)
		p.foreign = ""
		w.set([]*Subscription{s}, live)
		rest, moved = append(rest, s), true
	}
	return rest, moved
}

// step takes the first of some, and those that it catches up with, one page on, and
// returns where they are then. Where nothing is left for them they are live.
func (w *walk) step(some []*Subscription) event.Position {
	from, live := some[0].progress.from, w.live()
	if from == live {
		return w.arrive(some, from)
	}
	if from > live {
		w.wait(some, live)
		return from
	}
	delete(w.ahead, some[0])
	if w.missed >= closeIn {
		w.missed = 0
		w.state.receiving.Lock()
		defer w.state.receiving.Unlock()
		w.urgent = true
		defer func() { w.urgent = false }()
		live = w.live()
	}
	next := w.page(some, from, live)
	if next < live {
		w.missed = 0 // there is more than a page to go
		return next
	}
	w.missed++
	return w.arrive(some, next)
}

// arrive makes those live that are where the live events are.
func (w *walk) arrive(some []*Subscription, at event.Position) event.Position {
	n := 0
	for n < len(some) && some[n].progress.from == at {
		n++
	}
	live := w.state.enliven(some[:n], at)
	if live != nil {
		w.missed = 0
	}
	for _, s := range live {
		delete(w.ahead, s)
		s.Tell()
	}
	return at
}

// wait leaves those whose cursors are ahead of this node for a later round, or
// tells them after a while that what they wait for does not come.
func (w *walk) wait(some []*Subscription, live event.Position) {
	from := some[0].progress.from
	for _, s := range some {
		if s.progress.from != from {
			return
		}
		since, waiting := w.ahead[s]
		if !waiting {
			w.ahead[s] = time.Now()
		} else if time.Since(since) > aheadTime {
			delete(w.ahead, s)
			s.loseAll(live)
			w.set([]*Subscription{s}, live)
		}
	}
}

// page hands out what lies behind a position, up to the live events, to all who
// have not seen it, and returns how far that was.
func (w *walk) page(some []*Subscription, from, live event.Position) event.Position {
	page, err := w.read(from)
	if err != nil {
		return from
	}
	next := min(page.Next, live)
	if gap := page.Gap; gap != nil {
		w.lose(some, *gap)
	}
	before := from
	for i := range page.Events {
		e := &page.Events[i]
		if e.Position > live {
			break
		}
		if w.ctx.Err() != nil || !Precedes(w.state.tenant, e) && !w.handOut(some, e, before) {
			next = before
			break
		}
		before = e.Position
	}
	w.advance(some, next)
	return next
}

// read reads a page of the channels that are asked for.
func (w *walk) read(from event.Position) (event.Page, error) {
	st, source := w.state, w.broker.config.Events
	st.mu.Lock()
	channels := make([]string, 0, len(st.mu.replays.channels))
	for name := range st.mu.replays.channels {
		channels = append(channels, name)
	}
	live := st.mu.at
	st.mu.Unlock()
	if len(channels) == 0 || source == nil { // whose filters match nothing
		return event.Page{Next: live}, nil
	}
	page, err := source.Read(w.ctx, st.tenant.ID(), channels, from, pageEvents)
	w.judge(err)
	return page, err
}

// judge takes note of how reading went, and waits where it failed.
func (w *walk) judge(err error) {
	switch {
	case err == nil:
		w.failed = 0
	case w.ctx.Err() != nil:
	default:
		if w.failed == 0 {
			w.failed = firstReadPause
			w.broker.config.Logger.LogAttrs(w.ctx, slog.LevelWarn, "past events cannot be read; trying again",
				slog.String("tenant", w.state.tenant.ID()), slog.String("error", err.Error()))
		}
		w.pause(w.failed)
		w.failed = min(2*w.failed, maxReadPause)
	}
}

// handOut brings a past event to those of some who have not seen it. It reports false
// where nobody is left who could take it for now.
func (w *walk) handOut(some []*Subscription, e *event.Event, before event.Position) bool {
	any := false
	for _, s := range some {
		if s.progress.from >= e.Position {
			break
		}
		if s.progress.walked && !s.ready() {
			s.progress.walked = false
			w.set([]*Subscription{s}, max(s.progress.from, before))
		}
		any = any || s.progress.walked
	}
	if !any {
		return false
	}
	w.spend()
	var payload jsondoc.Document
	if err := payload.Parse(e.Payload, jsondoc.Options{}); err != nil {
		return true // Receive has said so
	}
	st := w.state
	version, fields := st.matchPast(e, &payload, func(s *Subscription) bool {
		return s.progress.walked && s.progress.from < e.Position
	})
	defer st.release(version)
	w.broker.handOut(w.ctx, st, version, fields, occasion{event: e, at: e.Position, before: before})
	return true
}

// ready tells whether the sink has room. One that has ended has.
func (s *Subscription) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sink == nil || s.mu.sink.Ready()
}

// spend counts a past event toward the tenant's limit, and waits where it is over.
func (w *walk) spend() {
	for w.ctx.Err() == nil && !w.urgent {
		over := w.state.tenant.TakeReplayed()
		if over == nil {
			return
		}
		w.pause(over.RetryAfter)
	}
}

// matchPast collects those whom a past event reaches.
func (st *state) matchPast(e *event.Event, payload *jsondoc.Document, wanted func(*Subscription) bool) (*Version, []*matched) {
	st.mu.Lock()
	defer st.mu.Unlock()
	fields := collect(st.mu.replays, e.Channel, payload, wanted)
	return st.useLocked(), slices.DeleteFunc(fields, func(m *matched) bool { return len(m.places) == 0 })
}

// advance takes note that those of the round are at a position who were behind it.
func (w *walk) advance(some []*Subscription, to event.Position) {
	st := w.state
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, s := range some {
		if s.progress.walked && s.progress.from < to {
			s.progress.from = to
		}
	}
}

// set puts some at a position, be it behind theirs.
func (w *walk) set(some []*Subscription, to event.Position) {
	st := w.state
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, s := range some {
		s.progress.from = to
	}
}

// lose tells those who are in a gap of what they will not get.
func (w *walk) lose(some []*Subscription, gap event.Gap) {
	for _, s := range some {
		if s.progress.from >= gap.To {
			return
		}
		if field, _ := w.state.reached(s); field != "" {
			s.lose(field, event.Gap{From: max(s.progress.from, gap.From), To: gap.To}, true)
		}
	}
	w.advance(some, gap.To)
}
