package transport

import "github.com/gorilla/websocket"

// The header of a control frame of a client, which is never fragmented: opcode,
// length with the mask bit, mask.
const (
	controlFinal   = 0x80
	controlMasked  = 0x80
	controlHeader  = 6
	maxControlData = 125
)

// takePong takes a pong of the WebSocket, where the next frame is one and is in the
// buffer as a whole.
//
// Gorilla would take it and then wait for a message, on the stack that it needs for
// that; the pongs that keep a connection alive are most of what idle clients send.
func (c *conn) takePong() bool {
	if _, ok := c.takeControl(websocket.PongMessage); !ok {
		return false
	}
	_ = c.ponged("")
	return true
}

// takePing takes a ping of the WebSocket likewise.
func (c *conn) takePing() bool {
	payload, ok := c.takeControl(websocket.PingMessage)
	if !ok {
		return false
	}
	_ = c.pinged(string(payload))
	return true
}

// takeControl takes a well-formed control frame; others are left to gorilla, and all where
// the connection is closing: the buffer may begin within a message then. The payload
// is good until the buffer is read again.
func (c *conn) takeControl(opcode byte) (payload []byte, ok bool) {
	if c.closing() {
		return nil, false
	}
	p, _ := c.buffer.Peek(c.buffer.Buffered())
	if len(p) < controlHeader || p[0] != controlFinal|opcode || p[1] < controlMasked {
		return nil, false
	}
	size := int(p[1] - controlMasked)
	if size > maxControlData || len(p) < controlHeader+size {
		return nil, false
	}
	mask := p[2:controlHeader]
	payload = p[controlHeader : controlHeader+size]
	for i := range payload {
		payload[i] ^= mask[i%len(mask)]
	}
	_, _ = c.buffer.Discard(controlHeader + size) // which are there
	return payload, true
}

// pinged answers a ping of the WebSocket, which has nothing to do with a ping
// of the protocol.
func (c *conn) pinged(payload string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.machine.heard()
	if b := c.beginLocked(); b != nil {
		b.bytes = append(b.bytes, payload...)
		c.endLocked(websocket.PongMessage, nil, false)
	}
	return nil
}

func (c *conn) ponged(string) error {
	c.mu.Lock()
	c.mu.machine.heard()
	c.mu.Unlock()
	return nil
}

// closed answers the peer's close frame, unless that frame is an answer. What
// waited is dropped: the peer has said that it will not read it.
func (c *conn) closed(code int, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.queue.sealed {
		return nil
	}
	c.dropLocked()
	c.mu.queue.seal(code, "")
	c.wakeLocked()
	return nil
}
