package broker

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

const (
	// pageEvents is how many past events are read at a time, and urgentPageEvents while the
	// live events wait.
	pageEvents, urgentPageEvents = 1024, 256
	// closeIn is after how many pages in a row that ended where the live events had
	// been, and not where they were by then, the next one is handed out while these wait.
	closeIn = 4
	// aheadTime is after how long a cursor that is ahead of this node is asked for at
	// the bus.
	aheadTime = 10 * time.Second
	// A replay that can do nothing for the moment, since this node or the clients
	// are behind, looks again after pollTime, or where looking takes long, after
	// idleFactor times as long, but maxPollTime.
	pollTime, maxPollTime = 10 * time.Millisecond, 500 * time.Millisecond
	idleFactor            = 20
	// A replay that cannot read tries again after a pause, which doubles.
	firstReadPause, maxReadPause = 50 * time.Millisecond, 5 * time.Second
	// No read takes longer than readTime, nor one that the live events wait for than
	// urgentReadTime.
	readTime, urgentReadTime = 10 * time.Second, 500 * time.Millisecond
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
	turn   *turn                       // not held while the walk waits, or after an event
	urgent bool                        // the live events wait
	failed time.Duration               // the pause after a failure; 0 while reading succeeds
	ahead  map[*Subscription]time.Time // since when they wait for this node
}

func (b *Broker) walk(ctx context.Context, st *state) {
	w := &walk{broker: b, state: st, ctx: ctx, turn: st.flow.begin(ctx, laneReplays), ahead: map[*Subscription]time.Time{}}
	defer w.turn.release()
	for {
		some := w.begin()
		if some == nil {
			return
		}
		began := time.Now()
		if !w.round(some) {
			w.pause(min(max(pollTime, idleFactor*time.Since(began)), maxPollTime))
		}
	}
}

// work has the turn be held, where ctx has not ended.
func (w *walk) work() {
	if !w.turn.held {
		w.turn.take()
	}
}

// looked counts subscriptions that were looked at.
func (w *walk) looked(n int) { w.turn.spend(lookUnits * int64(n)) }

// begin returns those that wait, the hindmost first; nil where the walk ends.
func (w *walk) begin() []*Subscription {
	st := w.state
	w.work()
	st.mu.Lock()
	if len(st.mu.waiting) == 0 || w.ctx.Err() != nil {
		st.mu.stop()
		st.mu.stop = nil
		st.mu.Unlock()
		return nil
	}
	maps.DeleteFunc(w.ahead, func(s *Subscription, _ time.Time) bool {
		_, waiting := st.mu.waiting[s]
		return !waiting || s.progress.from <= st.mu.at
	})
	some := make([]*Subscription, 0, len(st.mu.waiting))
	for s := range st.mu.waiting { // of whom some may come and leave meanwhile
		if some = append(some, s); len(some)%sliceSubscriptions == 0 {
			st.mu.Unlock()
			w.looked(sliceSubscriptions)
			st.mu.Lock()
		}
	}
	st.mu.Unlock()
	compared := 0
	slices.SortFunc(some, func(a, b *Subscription) int {
		if compared++; compared%sliceSubscriptions == 0 {
			w.looked(sliceSubscriptions)
		}
		return comparePositions(a.progress.from, b.progress.from)
	})
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
	w.turn.release()
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

// round takes all whose sinks have room one page on at least, and reports whether
// any came farther.
func (w *walk) round(some []*Subscription) (moved bool) {
	some = slices.DeleteFunc(some, func(s *Subscription) bool { w.looked(1); return !s.ready() })
	some, moved = w.strangers(some)
	moved = w.initials(some) || moved
	some = slices.DeleteFunc(some, func(s *Subscription) bool { return len(s.progress.initial) > 0 }) // still searching
	for _, s := range some {
		s.progress.walked = true
	}
	for len(some) > 0 && w.ctx.Err() == nil {
		w.work()
		from := some[0].progress.from
		next := w.step(some)
		n := 0
		for n < len(some) && (some[n].progress.from <= next || some[n].progress.from == from) {
			some[n].progress.walked = false // what it did not see yet is not in the next page
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
		rest, moved = append(rest, s), true
	}
	return rest, moved
}

// step takes the first of some, and those that it catches up with, one page on, and
// returns where they are then. Where nothing is left for them they are live.
func (w *walk) step(some []*Subscription) event.Position {
	from, live := some[0].progress.from, w.live()
	if from == live {
		tell(w.arrive(some, from))
		return from
	}
	if from > live {
		w.wait(some, live)
		return from
	}
	page := w.page
	for _, s := range some {
		if s.progress.from == from && s.progress.missed >= closeIn {
			page = w.lastPage
			break
		}
	}
	next, reached, err := page(some, from)
	w.judge(err)
	if reached {
		tell(w.arrive(some, next))
		return next
	}
	for _, s := range some {
		if s.progress.from > next {
			break
		}
		s.progress.missed = 0 // there is more than a page to go
	}
	return next
}

// lastPage is page while the live events wait, so that those who get where these are
// become live.
func (w *walk) lastPage(some []*Subscription, from event.Position) (next event.Position, reached bool, err error) {
	var live []*Subscription
	defer func() { tell(live) }() // for which nobody needs to wait
	w.turn.release()              // which an event that is handed out may wait for
	w.state.receiving.Lock()
	defer w.state.receiving.Unlock()
	w.urgent = true
	defer func() { w.urgent = false }()
	if next, reached, err = w.page(some, from); reached {
		live = w.arrive(some, next)
	}
	return next, false, err
}

// arrive makes those of some live that are at a position, while the live events still
// are there, too. It returns them.
func (w *walk) arrive(some []*Subscription, at event.Position) (live []*Subscription) {
	w.work()
	n := 0
	for n < len(some) && some[n].progress.from == at {
		some[n].progress.missed++
		n++
	}
	for slice := range slices.Chunk(some[:n], sliceSubscriptions) {
		live = append(live, w.state.enliven(slice, at)...)
		w.turn.spend(replanUnits * int64(len(slice)))
	}
	return live
}

// tell has those told where they are who have become live.
func tell(live []*Subscription) {
	for _, s := range live {
		s.Tell()
	}
}

// wait leaves those whose cursors are ahead of this node for a later round, or
// tells them after a while that what they wait for does not come.
func (w *walk) wait(some []*Subscription, live event.Position) {
	from := some[0].progress.from
	due := some[:0:0]
	for _, s := range some {
		if s.progress.from != from {
			break
		}
		since, waiting := w.ahead[s]
		if !waiting {
			w.ahead[s] = time.Now()
		} else if time.Since(since) > aheadTime {
			due = append(due, s)
		}
	}
	if len(due) == 0 {
		return
	}
	comes := w.comes(from, live)
	for _, s := range due {
		delete(w.ahead, s)
		if !comes {
			s.loseAll(live)
		}
	}
}

// comes tells whether this node will be where a cursor is: the bus has what lies
// between, or cannot be asked.
func (w *walk) comes(at, live event.Position) bool {
	source := w.broker.config.Events
	if source == nil {
		return false
	}
	w.turn.release()
	ctx, cancel := context.WithTimeout(w.ctx, readTime)
	defer cancel()
	page, err := source.Read(ctx, w.state.tenant.ID(), nil, live, urgentPageEvents)
	return err != nil || page.More || page.Next >= at
}

// page hands out what lies behind a position, up to the live events, to all who
// have not seen it. It returns how far that was, and whether it was where the live events
// were when it was read.
func (w *walk) page(some []*Subscription, from event.Position) (next event.Position, reached bool, err error) {
	page, read, err := w.read(from)
	if err != nil {
		return from, false, err
	}
	h := handing{some: some, replays: read.replays, before: from}
	if gap := page.Gap; gap != nil {
		w.lose(some, *gap)
		h.before = max(from, gap.To)
	}
	for i := range page.Events {
		e := &page.Events[i]
		if e.Position > read.live {
			break
		}
		if !Precedes(w.state.tenant, e) && !w.handOut(&h, e) {
			w.advance(some, h.before, nil)
			return h.before, false, nil
		}
		h.before = e.Position
	}
	next = read.live // all that was handed out live can be read
	if page.More {
		next = min(page.Next, read.live)
	}
	if w.advance(some, next, read.replays) {
		return next, next == read.live, nil
	}
	w.advance(some, h.before, nil)
	return h.before, false, nil
}

// reading is what there was to read for.
type reading struct {
	replays *index
	live    event.Position
}

// read reads a page of the channels that are asked for.
func (w *walk) read(from event.Position) (event.Page, reading, error) {
	st, source := w.state, w.broker.config.Events
	st.mu.Lock()
	r := reading{st.mu.replays, st.mu.at}
	channels := make([]string, 0, len(st.mu.replays.channels))
	for name := range st.mu.replays.channels {
		channels = append(channels, name)
	}
	st.mu.Unlock()
	if len(channels) == 0 || source == nil { // whose filters match nothing
		return event.Page{}, r, nil
	}
	limit, most := readTime, pageEvents
	if w.urgent {
		limit, most = urgentReadTime, urgentPageEvents
	}
	w.turn.release()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	page, err := source.Read(ctx, st.tenant.ID(), channels, from, most)
	return page, r, err
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

// advance takes note that those of the round are at a position who were behind it. It
// reports false, and does nothing, where they were to get there under a version that is not
// active any more; nil is every version.
func (w *walk) advance(some []*Subscription, to event.Position, replays *index) bool {
	st := w.state
	w.work()
	w.looked(len(some))
	st.mu.Lock()
	defer st.mu.Unlock()
	if replays != nil && st.mu.replays != replays {
		return false
	}
	for _, s := range some {
		if s.progress.walked && s.progress.from < to {
			s.progress.from = to
		}
	}
	return true
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
	w.advance(some, gap.To, nil)
}
