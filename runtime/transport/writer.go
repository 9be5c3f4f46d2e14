package transport

import (
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/graph"
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
			c.handler.counts.unwanted.Add(c.mu.forget(&a.op.lane))
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

// nextLocked delivers a response for an operation that still wants it, and reports as Sink.Next does.
func (c *conn) nextLocked(op *operation, d *graph.Delivery) (taken, skipped bool) {
	if c.mu.queue.sealed || !c.mu.machine.delivers(op) {
		c.unwantedLocked(op)
		return false, false
	}
	return c.mu.deliver(c, &op.lane, op, d, flowOf(c.tenant))
}

// unwantedLocked counts a response that came after the end of its subscription, or of
// the connection.
func (c *conn) unwantedLocked(op *operation) {
	switch {
	case !op.subscribes():
	case op.dropped.Load():
		c.handler.counts.unwanted.Add(1)
	default:
		c.mu.queue.lost++
	}
}

// queueResponse implements sender.
func (c *conn) queueResponse(op *operation, response []byte, cursor string, skipped int) {
	b := c.mu.queue.begin()
	b.bytes = appendNext(b.bytes, op.id, response, cursor, skipped)
	c.mu.queue.endResponse(op)
	c.wakeLocked()
}

// queuePosition implements sender.
func (c *conn) queuePosition(op *operation, cursor string) {
	b := c.mu.queue.begin()
	b.bytes = appendPosition(b.bytes, op.id, cursor)
	c.mu.queue.end(websocket.TextMessage, op, false)
	c.wakeLocked()
}

// paced implements sender.
func (c *conn) paced() {
	defer c.recovered()
	c.mu.look(c, flowOf(c.tenant))
}

// dropLocked forgets all that waits.
func (c *conn) dropLocked() {
	c.mu.queue.drop()
	c.mu.forgetAll()
}

// beginLocked opens a frame; nil where nothing may be sent any more.
func (c *conn) beginLocked() *batch {
	if c.mu.queue.sealed {
		return nil
	}
	return c.mu.queue.begin()
}

// endLocked closes the frame and sees that it leaves. Where it does not fit, the
// connection ends.
func (c *conn) endLocked(opcode int, op *operation, last bool) {
	c.mu.queue.end(opcode, op, last)
	if limit := flowOf(c.tenant).queueBytes; !c.mu.fits(limit) {
		c.slowLocked(limit)
		return
	}
	c.wakeLocked()
}

// slowLocked implements sender.
func (c *conn) slowLocked(limit int) {
	c.dropLocked()
	reason := fmt.Sprintf("Slow consumer: more than %d bytes wait (queueBytes)", limit)
	c.performLocked(c.mu.machine.close(websocket.CloseTryAgainLater, reason, nil))
}

// wakeLocked sees that what waits is written, unless that is under way.
func (c *conn) wakeLocked() {
	if c.mu.writing || c.mu.queue.waiting == nil {
		return
	}
	c.mu.writing = true
	c.tasks.Add(1) // done by who has written
	if c.raw != nil {
		c.handler.writers.add(c)
	} else {
		go (&writer{conn: c}).stay()
	}
}

// take gives the writer what waits; nil where nothing does, which ends the
// writer.
func (c *conn) take() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.release(c, flowOf(c.tenant))
	if !c.waitsLocked() {
		return nil
	}
	return c.mu.queue.take()
}

// waits tells whether something waits. Where nothing does, the writer has ended.
func (c *conn) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waitsLocked()
}

func (c *conn) waitsLocked() bool {
	if c.mu.queue.waiting != nil {
		return true
	}
	_ = c.mu.queue.take() // which settles the account of what was written
	if c.mu.release(c, flowOf(c.tenant)); c.mu.queue.waiting != nil {
		return true
	}
	c.mu.writing = false
	if c.mu.queue.sealed {
		// Our close frame has left: the peer has this long to answer it.
		_ = c.net.SetReadDeadline(time.Now().Add(c.handler.config.CloseTimeout))
	}
	return false
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
	cut, passed := c.mu.queue.wrote(frames, n, start)
	if passed > 0 {
		c.handler.counts.unwanted.Add(uint64(passed))
	}
	return cut
}
