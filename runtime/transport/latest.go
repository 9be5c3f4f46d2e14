package transport

import (
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// lane is the way of one subscription's responses into the queue of its
// connection. It is guarded by the connection's lock.
type lane struct {
	pace    pace
	backlog *backlog // nil where nothing is held back
}

// backlog is what of one subscription is held back from the queue: what the rate
// does not allow yet, and of a field with overflow: LATEST what comes while half of
// queueBytes waits. Where something of a subscription is held back, all that
// follows is, so that nothing overtakes it. What has a key takes the place of what
// has the same, at the end of the backlog.
//
// A position stands behind all that is held back.
type backlog struct {
	lane        *lane
	op          *operation // nil for an event stream
	first, last *heldBack
	latest      map[string]*heldBack // by key
	skipped     int                  // since the last response that entered the queue
	position    string               // to tell behind them; or empty
}

// heldBack is one response of a backlog.
type heldBack struct {
	before, after *heldBack
	response      []byte // a copy
	cursor, key   string
	size          int
}

// heldBackBytes is what a response that is held back counts beside its own bytes,
// those of its key, its cursor and its operation's id: about what it takes besides, and
// more than its frame does.
const heldBackBytes = 256

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

// flow is what a tenant's limits say of the way into a queue.
type flow struct {
	queueBytes int
	perSecond  int64
}

func flowOf(t *tenant.Tenant) flow {
	bytes, perSecond := t.Flow()
	return flow{int(bytes), perSecond}
}

// sender is a connection, as the backlogs see it. It is called under the
// connection's lock.
type sender interface {
	// queueResponse puts a response into the queue, whatever waits there.
	queueResponse(op *operation, response []byte, cursor string, skipped int)
	// queuePosition does so with a position.
	queuePosition(op *operation, cursor string)
}

// admit lets a response into the queue, or holds it back. skipped tells that it
// has taken the place of another there.
func (o *outgoing) admit(l *lane, op *operation, d *graph.Delivery, f flow) (admitted, skipped bool) {
	if l.backlog == nil && (d.Key == "" || o.queue.ready(f.queueBytes)) {
		wait := l.pace.take(d.Now, f.perSecond)
		if wait == 0 {
			return true, false
		}
	}
	return false, o.hold(l, op, d)
}

// hold holds a response back.
func (o *outgoing) hold(l *lane, op *operation, d *graph.Delivery) (skipped bool) {
	if o.backlogs == nil {
		o.backlogs = &backlogs{}
	}
	w, b := o.backlogs, l.backlog
	if b == nil {
		b = &backlog{lane: l, op: op}
		l.backlog = b
		w.turns = append(w.turns, b)
	}
	h := b.latest[d.Key] // none where there is no key
	if skipped = h != nil; skipped {
		b.skipped++
		b.remove(h)
		w.left(h)
	} else {
		h = &heldBack{}
	}
	h.set(d, op)
	b.push(h)
	w.came(h)
	if d.Cursor != "" {
		b.position = "" // this is farther
	}
	return skipped
}

// set makes a copy of a response. The memory of the one before is used again where it
// is no more than twice as much as it takes, so that what counts is what is held.
func (h *heldBack) set(d *graph.Delivery, op *operation) {
	if cap(h.response) > 2*len(d.Response) {
		h.response = nil
	}
	h.response = append(h.response[:0], d.Response...)
	h.cursor, h.key = d.Cursor, d.Key
	h.size = len(d.Response) + len(d.Cursor) + len(d.Key) + heldBackBytes
	if op != nil {
		h.size += len(op.id)
	}
}

// push adds a response at the end.
func (b *backlog) push(h *heldBack) {
	h.before, h.after = b.last, nil
	if b.last != nil {
		b.last.after = h
	} else {
		b.first = h
	}
	b.last = h
	if h.key == "" {
		return
	}
	if b.latest == nil {
		b.latest = map[string]*heldBack{}
	}
	b.latest[h.key] = h
}

func (b *backlog) remove(h *heldBack) {
	if h.before != nil {
		h.before.after = h.after
	} else {
		b.first = h.after
	}
	if h.after != nil {
		h.after.before = h.before
	} else {
		b.last = h.before
	}
	if h.key != "" {
		delete(b.latest, h.key)
	}
}

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

// fits tells whether what waits is within the limit, beside the largest of it, as
// queue.add says where nothing is held back.
func (o *outgoing) fits(limit int) bool {
	w, q := o.backlogs, &o.queue
	if w == nil {
		return true
	}
	waits, most := q.size()+w.bytes, max(q.most, q.writing)
	if waits-most <= limit {
		return true
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

// release lets into the queue what may enter it by now, of each subscription a
// response in turn. It returns how long it is until the rate allows another; 0
// where nothing waits for that alone.
func (o *outgoing) release(to sender, now int64, f flow) (wait time.Duration) {
	w := o.backlogs
	for blocked := 0; w != nil && blocked < len(w.turns); w = o.backlogs {
		if !o.queue.ready(f.queueBytes) {
			return 0 // the writer comes back when it has written
		}
		b := w.turns[0]
		if len(w.turns) > 1 {
			w.turns = append(w.turns[1:], b)
		}
		if over := b.lane.pace.take(now, f.perSecond); over > 0 {
			if blocked == 0 || over < wait {
				wait = over
			}
			blocked++
			continue
		}
		blocked, wait = 0, 0
		if b.send(to, w); b.first == nil {
			o.end(b, to)
		}
	}
	return wait
}

// send lets the first response into the queue.
func (b *backlog) send(to sender, w *backlogs) {
	h := b.first
	b.remove(h)
	w.left(h)
	to.queueResponse(b.op, h.response, h.cursor, b.skipped)
	b.skipped = 0
}

// end takes a backlog out that has no response any more.
func (o *outgoing) end(b *backlog, to sender) {
	if b.position != "" {
		to.queuePosition(b.op, b.position)
	}
	o.leave(b)
}

func (o *outgoing) leave(b *backlog) {
	b.lane.backlog = nil
	w := o.backlogs
	at := slices.Index(w.turns, b)
	w.turns = slices.Delete(w.turns, at, at+1)
	if len(w.turns) == 0 {
		w.stop()
		o.backlogs = nil
	}
}

// flush lets all of a subscription into the queue: its last word follows, or the
// connection's. All of it was within the limit before.
func (o *outgoing) flush(l *lane, to sender) {
	b := l.backlog
	if b == nil {
		return
	}
	for b.first != nil {
		b.send(to, o.backlogs)
	}
	o.end(b, to)
}

// flushAll does so for all subscriptions.
func (o *outgoing) flushAll(to sender) {
	for o.backlogs != nil {
		o.flush(o.backlogs.turns[0].lane, to)
	}
}

// forget drops what of a subscription is held back, and returns how many responses those were.
func (o *outgoing) forget(l *lane) (dropped uint64) {
	b := l.backlog
	if b == nil {
		return 0
	}
	for h := b.first; h != nil; h = b.first {
		b.remove(h)
		o.backlogs.left(h)
		dropped++
	}
	o.leave(b)
	return dropped
}

// forgetAll does so for all subscriptions.
func (o *outgoing) forgetAll() (dropped uint64) {
	for o.backlogs != nil {
		dropped += o.forget(o.backlogs.turns[0].lane)
	}
	return dropped
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
