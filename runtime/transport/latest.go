package transport

import (
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// flow is what a tenant's limits say of the way into a queue.
type flow struct {
	queueBytes int
	perSecond  int64
}

func flowOf(t *tenant.Tenant) flow {
	bytes, perSecond := t.Flow()
	return flow{int(bytes), perSecond}
}

// sender is a connection, as what is outgoing sees it. It is called under the
// connection's lock.
type sender interface {
	// queueResponse puts a response into the queue, whatever waits there.
	queueResponse(op *operation, response []byte, cursor string, skipped int)
	// queuePosition does so with a position.
	queuePosition(op *operation, cursor string)
	// slowLocked ends the connection: more than limit bytes wait.
	slowLocked(limit int)
	// paced calls outgoing.look. It is called when the rate allows more, without the lock.
	paced()
}

// position tells a position behind what is held back, or at once.
func (o *outgoing) position(to sender, l *lane, op *operation, cursor string, f flow) {
	if l.backlog != nil {
		l.backlog.position = cursor
		return
	}
	if to.queuePosition(op, cursor); !o.fits(f.queueBytes) {
		to.slowLocked(f.queueBytes)
	}
}

// deliver lets a response into the queue, or holds it back, and reports as Sink.Next does. It is the
// one way that every delivered event takes: it copies the response and allocates nothing once buffers
// have grown, BenchmarkNext and BenchmarkNextEvent.
func (o *outgoing) deliver(to sender, l *lane, op *operation, d *graph.Delivery, f flow) (taken, skipped bool) {
	admitted, skipped := o.admit(l, op, d, f)
	if admitted {
		to.queueResponse(op, d.Response, d.Cursor, 0)
	}
	if !o.fits(f.queueBytes) {
		o.lost(skipped)
		to.slowLocked(f.queueBytes)
		return false, false
	}
	if !admitted && o.stands() {
		o.release(to, f)
	}
	return true, skipped
}

// admit lets a response into the queue, or holds it back. skipped tells that it
// has taken the place of another there.
func (o *outgoing) admit(l *lane, op *operation, d *graph.Delivery, f flow) (admitted, skipped bool) {
	if l.backlog == nil && (d.Key == "" || o.queue.ready(f.queueBytes)) && l.pace.take(d.Now, f.perSecond) == 0 {
		return true, false
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
		b.unlink(h)
		w.left(h)
	} else {
		h = b.add(d.Key)
	}
	h.set(d, op)
	b.link(h)
	w.came(h)
	if d.Cursor != "" {
		b.position = "" // this is farther
	}
	return skipped
}

// release lets what was held back into the queue, as far as it may by now, and sees that the rest
// follows.
func (o *outgoing) release(to sender, f flow) {
	if o.backlogs == nil {
		return
	}
	now := time.Now().UnixNano()
	if wait := o.releaseAt(to, now, f); wait > 0 {
		o.backlogs.wakeIn(wait, now, to.paced)
	}
}

// look releases what the rate allows by now.
func (o *outgoing) look(to sender, f flow) {
	o.Lock()
	defer o.Unlock()
	if o.woke() {
		o.release(to, f)
	}
}

// releaseAt lets into the queue what may enter it at a time, of each subscription a
// response in turn. It returns how long it is until the rate allows another; 0
// where nothing waits for that alone.
func (o *outgoing) releaseAt(to sender, now int64, f flow) (wait time.Duration) {
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
	at := len(w.turns) - 1 // as a rule
	if w.turns[at] != b {
		at = slices.Index(w.turns, b)
	}
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

// flushAll does so for all subscriptions, the last first, as it is the soonest found.
func (o *outgoing) flushAll(to sender) {
	for o.backlogs != nil {
		o.flush(o.backlogs.turns[len(o.backlogs.turns)-1].lane, to)
	}
}

// forget drops what of a subscription is held back, and returns how many responses those were.
func (o *outgoing) forget(l *lane) (dropped uint64) {
	b := l.backlog
	if b == nil {
		return 0
	}
	for ; b.first != nil; dropped++ {
		b.pop(o.backlogs)
	}
	o.leave(b)
	return dropped
}

// forgetAll does so for all subscriptions, of a connection that ends.
func (o *outgoing) forgetAll() {
	for o.backlogs != nil {
		o.queue.lost += int(o.forget(o.backlogs.turns[len(o.backlogs.turns)-1].lane))
	}
}

// lost takes account of a response that will not leave, where there is one.
func (o *outgoing) lost(one bool) {
	if one {
		o.queue.lost++
	}
}
