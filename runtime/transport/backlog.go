package transport

import "github.com/runnel-dev/runnel/runtime/graph"

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

// set makes a copy of a response. The memory of the one before is used again where it
// is no more than twice as much as it takes, so that what counts is what is held.
func (h *heldBack) set(d *graph.Delivery, op *operation) {
	if cap(h.response) > 2*len(d.Response) {
		h.response = nil
	}
	h.response = append(h.response[:0], d.Response...)
	h.cursor = d.Cursor
	h.size = len(d.Response) + len(d.Cursor) + len(d.Key) + heldBackBytes
	if op != nil {
		h.size += len(op.id)
	}
}

// add makes a response of a key.
func (b *backlog) add(key string) *heldBack {
	h := &heldBack{key: key}
	if key == "" {
		return h
	}
	if b.latest == nil {
		b.latest = map[string]*heldBack{}
	}
	b.latest[key] = h
	return h
}

// link puts a response at the end.
func (b *backlog) link(h *heldBack) {
	h.before, h.after = b.last, nil
	if b.last != nil {
		b.last.after = h
	} else {
		b.first = h
	}
	b.last = h
}

func (b *backlog) unlink(h *heldBack) {
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
}

// pop takes the first response out.
func (b *backlog) pop(w *backlogs) *heldBack {
	h := b.first
	b.unlink(h)
	w.left(h)
	if h.key != "" {
		delete(b.latest, h.key)
	}
	return h
}

// send lets the first response into the queue.
func (b *backlog) send(to sender, w *backlogs) {
	h := b.pop(w)
	to.queueResponse(b.op, h.response, h.cursor, b.skipped)
	b.skipped = 0
}
