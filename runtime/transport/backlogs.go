package transport

import "time"

// backlogs are those of one connection. There are none where nothing is held back.
//
// Invariant: while there are some, the queue has a frame or a writer, or the timer
// runs; so they end.
type backlogs struct {
	turns   []*backlog // each has something; the first is the next whose response enters the queue
	bytes   int
	most    int  // at least the bytes of the largest response
	unsure  bool // it may be less
	halted  bool // past events wait until there is clearly room
	timer   *time.Timer
	timerAt int64 // when it fires, in nanoseconds since 1970; 0 where it does not run
}

// timerPause is the least time between looks at what the rate held back, so that a high rate costs
// few of them, and what it allows leaves in one write.
const timerPause = 5 * time.Millisecond

// came takes a response into the account.
func (w *backlogs) came(h *heldBack) {
	w.bytes += h.size
	if h.size >= w.most {
		w.most, w.unsure = h.size, false
	}
}

// left takes a response out of the account.
func (w *backlogs) left(h *heldBack) {
	w.bytes -= h.size
	w.unsure = w.unsure || h.size == w.most
}

// fits tells whether what waits is within the limit, beside the largest of it: else the
// consumer is slow. The largest does not count, wherever it stands: one response is not a
// sign of a slow consumer because it is large, nor because something was queued just before it.
func (o *outgoing) fits(limit int) bool {
	w, q := o.backlogs, &o.queue
	waits, most := q.size(), max(q.most, q.writing)
	if w != nil {
		waits += w.bytes
	}
	if w == nil || waits-most <= limit {
		return waits-most <= limit
	}
	if w.unsure {
		w.measure()
	}
	return waits-max(most, w.most) <= limit
}

// measure finds the largest response.
func (w *backlogs) measure() {
	w.most, w.unsure = 0, false
	for _, b := range w.turns {
		for h := b.first; h != nil; h = h.after {
			w.most = max(w.most, h.size)
		}
	}
}

// ready tells whether there is room for responses of past events: less than half of the
// limit waits. While responses are held back they leave one by one, and each look for past events
// reads many: from then on there is room once less than a quarter waits.
func (o *outgoing) ready(limit int) bool {
	w := o.backlogs
	if w == nil || o.queue.sealed {
		return o.queue.ready(limit)
	}
	room := limit / 2
	if w.halted {
		room = limit / 4
	}
	w.halted = o.queue.size()+w.bytes > room
	return !w.halted
}

// stands tells whether nothing will look at what is held back: neither the writer,
// which has nothing to write, nor the timer.
func (o *outgoing) stands() bool { return o.queue.size() == 0 && o.backlogs.timerAt == 0 }

// woke takes note that the timer has fired, and reports whether there is something to
// look at.
func (o *outgoing) woke() bool {
	if o.backlogs == nil {
		return false
	}
	o.backlogs.timerAt = 0
	return true
}

// wakeIn sees that look is called when that time has passed, unless it is before.
func (w *backlogs) wakeIn(wait time.Duration, now int64, look func()) {
	wait = max(wait, timerPause)
	at := now + int64(wait)
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(wait, look)
	case w.timerAt == 0 || w.timerAt > at:
		w.timer.Reset(wait)
	default:
		return
	}
	w.timerAt = at
}

func (w *backlogs) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}
