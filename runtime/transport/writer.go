package transport

import (
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/response"
)

// performLocked does what the machine asked for outside of the reader.
func (c *conn) performLocked(todo []action) {
	c.sendLocked(todo)
	var stops []*operation
	for i := range todo {
		if todo[i].kind == stopOperation {
			stops = append(stops, todo[i].op)
		}
	}
	if stops == nil {
		return
	}
	// The caller may be within a sink's call, where nothing can be stopped.
	c.tasks.Go(func() {
		for _, op := range stops {
			c.stop(op)
		}
	})
}

// sendLocked does what of the machine's actions only fills the queue.
func (c *conn) sendLocked(todo []action) {
	for i := range todo {
		switch a := &todo[i]; a.kind {
		case sendAck, sendPong, sendPing, sendControlPing:
			c.sendOwnLocked(a)
		case sendError:
			c.sendErrorLocked(a)
		case sendComplete:
			c.mu.flush(&a.op.lane, c)
			if b := c.beginLocked(); b != nil {
				b.bytes = appendComplete(b.bytes, a.op.id)
				c.endLocked(websocket.TextMessage, a.op, true)
			}
		case dropFrames:
			a.op.dropped.Store(true)
			c.handler.dropped.Add(c.mu.forget(&a.op.lane))
		case sendClose:
			c.mu.endsLocked(endingOf(a.code))
			c.mu.flushAll(c)
			c.mu.queue.seal(a.code, a.reason)
			c.cancel()
			c.wakeLocked()
		case terminate:
			c.mu.endsLocked(EndKeepAlive)
			c.dropLocked()
			c.mu.queue.sealed = true
			c.cancel()
			c.cut()
		}
	}
}

func (c *conn) sendOwnLocked(a *action) {
	b := c.beginLocked()
	if b == nil {
		return
	}
	opcode := websocket.TextMessage
	switch a.kind {
	case sendAck:
		b.bytes = appendAck(b.bytes)
	case sendPong:
		b.bytes = appendPong(b.bytes, a.payload)
	case sendPing:
		b.bytes = appendPing(b.bytes)
	case sendControlPing:
		opcode = websocket.PingMessage
	}
	c.endLocked(opcode, nil, false)
}

func (c *conn) sendErrorLocked(a *action) {
	c.mu.flush(&a.op.lane, c)
	if b := c.beginLocked(); b != nil {
		b.bytes = appendError(b.bytes, a.op.id, a.errors)
		c.endLocked(websocket.TextMessage, a.op, true)
	}
}

// nextLocked queues a response for an operation that still wants it, or holds it back, and
// reports as Sink.Next does. It is the one way that every delivered event takes: it copies
// the response and allocates nothing once buffers have grown, BenchmarkNext.
func (c *conn) nextLocked(op *operation, d *graph.Delivery) (taken, skipped bool) {
	if c.mu.queue.sealed || !c.mu.machine.delivers(op) {
		return false, false
	}
	f := flowOf(c.tenant)
	admitted, skipped := c.mu.admit(&op.lane, op, d, f)
	if admitted {
		b := c.mu.queue.begin()
		b.bytes = appendNext(b.bytes, op.id, d.Response, d.Cursor, 0)
		return c.endWithinLocked(websocket.TextMessage, op, false, f.queueBytes), false
	}
	if !c.mu.fits(f.queueBytes) {
		c.slowLocked(f.queueBytes)
		return false, false
	}
	if c.mu.stands() {
		c.releaseLocked(f)
	}
	return true, skipped
}

// queueResponse implements sender.
func (c *conn) queueResponse(op *operation, response []byte, cursor string, skipped int) {
	b := c.mu.queue.begin()
	b.bytes = appendNext(b.bytes, op.id, response, cursor, skipped)
	c.mu.queue.end(websocket.TextMessage, op, false, 0)
	c.wakeLocked()
}

// queuePosition implements sender.
func (c *conn) queuePosition(op *operation, cursor string) {
	b := c.mu.queue.begin()
	b.bytes = appendPosition(b.bytes, op.id, cursor)
	c.mu.queue.end(websocket.TextMessage, op, false, 0)
	c.wakeLocked()
}

// releaseLocked queues what was held back and need not be any more.
func (c *conn) releaseLocked(f flow) {
	now := time.Now().UnixNano()
	if wait := c.mu.release(c, now, f); wait > 0 {
		c.mu.backlogs.wakeIn(wait, now, c.paced)
	}
}

// paced is called when the rate allows more.
func (c *conn) paced() {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.woke() {
		c.releaseLocked(flowOf(c.tenant))
	}
}

// dropLocked forgets all that waits.
func (c *conn) dropLocked() {
	c.mu.queue.drop()
	c.handler.dropped.Add(c.mu.forgetAll())
}

// beginLocked opens a frame; nil where nothing may be sent any more.
func (c *conn) beginLocked() *batch {
	if c.mu.queue.sealed {
		return nil
	}
	return c.mu.queue.begin()
}

// endLocked closes the frame and sees that it leaves. Where it does not fit, it
// reports false: the peer is too slow, and the connection ends.
func (c *conn) endLocked(opcode int, op *operation, last bool) bool {
	return c.endWithinLocked(opcode, op, last, flowOf(c.tenant).queueBytes)
}

func (c *conn) endWithinLocked(opcode int, op *operation, last bool, limit int) bool {
	if c.mu.queue.end(opcode, op, last, limit) && c.mu.fits(limit) {
		c.wakeLocked()
		return true
	}
	c.slowLocked(limit)
	return false
}

// slowLocked ends the connection: the peer is too slow.
func (c *conn) slowLocked(limit int) {
	c.dropLocked()
	reason := fmt.Sprintf("Slow consumer: more than %d bytes wait (queueBytes)", limit)
	c.performLocked(c.mu.machine.close(websocket.CloseTryAgainLater, reason, nil))
}

// wakeLocked starts a writer unless one runs.
func (c *conn) wakeLocked() {
	if c.mu.writing || c.mu.queue.waiting == nil {
		return
	}
	c.mu.writing = true
	c.tasks.Go(c.write)
}

// write writes until nothing waits. There is one at a time, and none while a
// connection is idle: its stack would be most of what the connection costs.
func (c *conn) write() {
	for b := c.take(); b != nil; b = c.take() {
		if err := b.write(c); err != nil {
			c.mu.broke(err)
			_ = c.net.Close() // the reader ends then, and all else with it
			return            // with writing set: there is no other writer
		}
		b.recycle()
	}
}

// take gives the writer what waits, or ends it.
func (c *conn) take() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.backlogs != nil {
		c.releaseLocked(flowOf(c.tenant))
	}
	b := c.mu.queue.take()
	if b != nil {
		return b
	}
	c.mu.writing = false
	if c.mu.queue.sealed {
		// Our close frame has left: the peer has this long to answer it.
		_ = c.net.SetReadDeadline(time.Now().Add(c.handler.config.CloseTimeout))
	}
	return nil
}

func (c *conn) writeBytes(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), response.MaxWriteBytes)
		if err := c.net.SetWriteDeadline(time.Now().Add(c.handler.config.WriteTimeout)); err != nil {
			return err
		}
		if _, err := c.net.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// wrote also lets the machine know which operations have said their last word.
func (c *conn) wrote(frames []frame, n, start int) (cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range frames[:n] {
		if f := &frames[i]; f.last {
			c.mu.machine.left(f.op)
		}
	}
	return c.mu.queue.wrote(frames, n, start)
}
