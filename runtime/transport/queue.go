package transport

import (
	"sync"

	"github.com/gorilla/websocket"
)

// frame is one WebSocket frame of a batch.
type frame struct {
	end  int        // of its bytes in the batch
	op   *operation // whose frame it is; nil for the connection's own
	last bool       // it ends op
}

// batch is frames that leave together, ready to be written. Whoever holds it
// owns it.
type batch struct {
	bytes  []byte
	frames []frame
}

// Batches that grew beyond keepBatchBytes are left to the collector.
const keepBatchBytes = 64 << 10

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) recycle() {
	if cap(b.bytes) > keepBatchBytes {
		return
	}
	clear(b.frames)
	b.bytes, b.frames = b.bytes[:0], b.frames[:0]
	batches.Put(b)
}

// queue holds what waits for one socket. It is guarded by the connection's
// lock. An idle connection's queue holds no memory.
//
// Invariant: waiting is nil or has a frame.
type queue struct {
	waiting *batch
	taken   int  // bytes that the writer took and has not written
	first   int  // how many of them are the frame that is written next
	cut     bool // what the writer took is not to be written any further
	sealed  bool // nothing enters any more
}

// begin opens the next frame: its content is to be appended to the batch.
func (q *queue) begin() *batch {
	if q.waiting == nil {
		q.waiting = batches.Get().(*batch)
	}
	b := q.waiting
	b.bytes = beginFrame(b.bytes)
	return b
}

// end closes the frame. It reports false where more than limit bytes wait
// behind the first frame: the queue is of no use then but to be dropped. The
// first does not count, for it is being written: a response is not a sign of a
// slow consumer because it is large.
func (q *queue) end(opcode int, op *operation, last bool, limit int) bool {
	b := q.waiting
	start := 0
	if n := len(b.frames); n > 0 {
		start = b.frames[n-1].end
	}
	b.bytes = endFrame(b.bytes, start, opcode)
	b.frames = append(b.frames, frame{end: len(b.bytes), op: op, last: last})
	first := q.first
	if q.taken == 0 {
		first = b.frames[0].end
	}
	return q.taken+len(b.bytes)-first <= limit
}

// drop forgets what waits, and what the writer took and has not begun.
func (q *queue) drop() {
	if q.waiting != nil {
		q.waiting.recycle()
		q.waiting = nil
	}
	q.cut = q.taken > 0
}

// seal puts a close frame behind what waits, and lets nothing follow. It has no
// limit: the connection ends.
func (q *queue) seal(code int, reason string) {
	b := q.begin()
	b.bytes = appendClose(b.bytes, code, reason)
	q.end(websocket.CloseMessage, nil, false, 0)
	q.sealed = true
}

// take gives all that waits to the writer; nil where nothing does.
func (q *queue) take() *batch {
	b := q.waiting
	q.waiting, q.cut, q.taken = nil, false, 0
	if b != nil {
		q.taken, q.first = len(b.bytes), b.frames[0].end
	}
	return b
}
