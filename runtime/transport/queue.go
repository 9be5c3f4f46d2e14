package transport

import (
	"sync"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/response"
)

// frame is one WebSocket frame of a batch, or one event of a stream.
type frame struct {
	end  int        // of its bytes in the batch
	most int        // bytes of the largest of it and those behind it; known once the writer has the batch
	op   *operation // whose frame it is; nil for the connection's own
	last bool       // it ends op

	response bool // of a subscription, to be counted where it does not leave
	passed   bool // it was passed over: its client did not want it any more
}

// batch is frames that leave together, ready to be written. Whoever holds it
// owns it.
type batch struct {
	bytes     []byte
	frames    []frame
	responses int // frames that are
}

// Batches that grew beyond keepBatchBytes are left to the collector.
const keepBatchBytes = 64 << 10

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) recycle() {
	if cap(b.bytes) > keepBatchBytes {
		return
	}
	clear(b.frames)
	b.bytes, b.frames, b.responses = b.bytes[:0], b.frames[:0], 0
	batches.Put(b)
}

// queue holds what waits for one socket or one event stream. It is guarded by the connection's
// lock. An idle connection's queue holds no memory.
//
// Invariant: waiting is nil or has a frame.
type queue struct {
	waiting *batch
	most    int  // bytes of the largest frame that waits
	taken   int  // bytes that the writer took and has not written
	writing int  // bytes of the largest frame among them
	cut     bool // what the writer took is not to be written any further
	sealed  bool // nothing enters any more

	taking int // responses among what the writer took and has not written
	lost   int // responses that will not leave
}

// open gives the batch to append to, as it is.
func (q *queue) open() *batch {
	if q.waiting == nil {
		q.waiting = batches.Get().(*batch)
	}
	return q.waiting
}

// begin opens the next WebSocket frame: its content is to be appended to the
// batch.
func (q *queue) begin() *batch {
	b := q.open()
	b.bytes = beginFrame(b.bytes)
	return b
}

// end closes the frame that begin opened, and adds it.
func (q *queue) end(opcode int, op *operation, last bool) {
	b := q.waiting
	b.bytes = endFrame(b.bytes, b.end(), opcode)
	q.add(op, last)
}

// endResponse is end for a response.
func (q *queue) endResponse(op *operation) {
	b := q.waiting
	b.bytes = endFrame(b.bytes, b.end(), websocket.TextMessage)
	q.addResponse(op)
}

// end is where the frames so far end.
func (b *batch) end() int {
	if n := len(b.frames); n > 0 {
		return b.frames[n-1].end
	}
	return 0
}

// add makes a frame of what was appended.
func (q *queue) add(op *operation, last bool) {
	b := q.waiting
	q.most = max(q.most, len(b.bytes)-b.end())
	b.frames = append(b.frames, frame{end: len(b.bytes), op: op, last: last})
}

// addResponse is add for a response. One of a subscription is counted where it does not
// leave.
func (q *queue) addResponse(op *operation) {
	q.add(op, false)
	if op == nil || op.subscribes() {
		q.waiting.frames[len(q.waiting.frames)-1].response = true
		q.waiting.responses++
	}
}

// unsent is how many responses have not left, of a connection that nothing leaves any
// more.
func (q *queue) unsent() int {
	n := q.lost + q.taking
	if q.waiting != nil {
		n += q.waiting.responses
	}
	return n
}

// ready tells whether less than half of the limit waits. It does where nothing
// enters any more.
func (q *queue) ready(limit int) bool {
	return q.sealed || q.size() <= limit/2
}

// drop forgets what waits, and what the writer took and has not begun.
func (q *queue) drop() {
	if q.waiting != nil {
		q.lost += q.waiting.responses
		q.waiting.recycle()
		q.waiting, q.most = nil, 0
	}
	q.cut = q.taken > 0
}

// seal puts a close frame behind what waits, and lets nothing follow, be it another.
// It has no limit: the connection ends.
func (q *queue) seal(code int, reason string) {
	if q.sealed {
		return
	}
	b := q.begin()
	b.bytes = appendClose(b.bytes, code, reason)
	q.end(websocket.CloseMessage, nil, false)
	q.sealed = true
}

// take gives all that waits to the writer; nil where nothing does.
func (q *queue) take() *batch {
	b := q.waiting
	q.waiting, q.most, q.cut, q.taken, q.writing = nil, 0, false, 0, 0
	q.lost, q.taking = q.lost+q.taking, 0 // of what was cut
	if b != nil {
		q.taking = b.responses
		b.measure()
		q.taken, q.writing = len(b.bytes), b.frames[0].most
	}
	return b
}

// measure finds the largest of each frame and those behind it.
func (b *batch) measure() {
	most := 0
	for i := len(b.frames) - 1; i >= 0; i-- {
		start := 0
		if i > 0 {
			start = b.frames[i-1].end
		}
		most = max(most, b.frames[i].end-start)
		b.frames[i].most = most
	}
}

// wrote takes the first n frames out of the account; they begin at start. It
// reports true where the others are not to be written, and how many responses were passed
// over.
func (q *queue) wrote(frames []frame, n, start int) (cut bool, passed int) {
	for i := range frames[:n] {
		if f := &frames[i]; f.response {
			q.taking--
			if f.passed {
				passed++
			}
		}
	}
	q.taken -= frames[n-1].end - start
	q.writing = 0
	if n < len(frames) {
		q.writing = frames[n].most
	}
	return q.cut, passed
}

// outlet is where a batch goes. Its writer alone calls it.
type outlet interface {
	// writeBytes writes all of p, each piece under a deadline of its own.
	writeBytes(p []byte) error
	// wrote is told of the first n frames, which begin at start: they have left, or
	// were passed over. It reports true where the others are not to be written.
	wrote(frames []frame, n, start int) (cut bool)
}

// write writes the frames of a batch but for those that may not leave any more.
func (b *batch) write(to outlet) error {
	start := 0
	for rest := b.frames; len(rest) > 0; {
		n, end := 0, start
		for n < len(rest) && end-start < response.MaxWriteBytes && !rest[n].mayNotLeave() {
			end = rest[n].end
			n++
		}
		if err := to.writeBytes(b.bytes[start:end]); err != nil {
			return err
		}
		for n < len(rest) && rest[n].mayNotLeave() {
			rest[n].passed = true
			end = rest[n].end
			n++
		}
		if to.wrote(rest, n, start) {
			return nil
		}
		start, rest = end, rest[n:]
	}
	return nil
}

func (f *frame) mayNotLeave() bool { return f.op != nil && f.op.dropped.Load() }
