package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// conn is one WebSocket connection. The goroutine of serve reads and owns it;
// tasks are all others that it started.
type conn struct {
	handler     *Handler
	tenant      *tenant.Tenant
	socket      *websocket.Conn
	frames      *readSide // below socket
	net         net.Conn  // below frames; only write writes to it
	credentials Credentials
	counted     counted         // guarded by the handler's lock
	ctx         context.Context // ends with the connection
	cancel      context.CancelFunc
	tasks       sync.WaitGroup

	mu struct {
		outgoing
		machine   machine
		writing   bool // a writer runs
		identity  tenant.Identity
		initTimer *time.Timer
		beat      *time.Timer
		expiry    *time.Timer // nil where the identity does not end by itself
	}
}

func newConn(h *Handler, t *tenant.Tenant, socket *websocket.Conn, frames *readSide, credentials Credentials) *conn {
	c := &conn{handler: h, tenant: t, socket: socket, frames: frames, net: frames.Conn, credentials: credentials}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	socket.SetPingHandler(c.pinged)
	socket.SetPongHandler(c.ponged)
	socket.SetCloseHandler(c.closed)
	return c
}

// serve runs the connection until all of it has ended.
func (c *conn) serve() {
	c.open()
	err := c.read()
	c.shut(err)
}

func (c *conn) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.opened(c.socket.Subprotocol() == subprotocol, nil))
	if c.mu.machine.phase == phaseWaiting {
		c.mu.initTimer = time.AfterFunc(c.handler.config.InitTimeout, c.initTimedOut)
		c.mu.beat = time.AfterFunc(c.handler.config.KeepAlive, c.tick)
	}
}

// shut ends what the connection still has. err is why reading ended.
func (c *conn) shut(err error) {
	c.cancel()
	c.mu.Lock()
	stops := c.mu.machine.gone(nil)
	c.handler.dropped.Add(c.mu.forgetAll())
	c.mu.queue.sealed = true
	if c.mu.initTimer != nil {
		c.mu.initTimer.Stop()
		c.mu.beat.Stop()
	}
	if c.mu.expiry != nil {
		c.mu.expiry.Stop()
	}
	c.mu.Unlock()
	var peer *websocket.CloseError
	if !errors.As(err, &peer) {
		// Nobody is there to read what waits; a writer that hangs gives up.
		_ = c.net.Close()
	}
	for _, a := range stops {
		c.stop(a.op)
	}
	c.tasks.Wait()
	_ = c.net.Close()
}

func (c *conn) initTimedOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.initTimedOut(nil))
}

func (c *conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.ticked(nil))
	if c.mu.machine.phase == phaseClosed {
		return
	}
	c.mu.beat.Reset(c.handler.config.KeepAlive)
	if told := c.mu.machine.operations.withCursors(); told != nil {
		c.tasks.Go(func() { c.tell(told) })
	}
}

// tell has clients told how far their operations are.
func (c *conn) tell(operations []*operation) {
	defer c.recovered()
	for _, op := range operations {
		c.mu.Lock()
		s := op.subscription
		c.mu.Unlock()
		if s != nil {
			s.Tell()
		}
	}
}

// close ends the connection from outside of it.
func (c *conn) close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.close(code, reason, nil))
}

// cut implements connection. Under TLS a word to the peer would take its time where
// the peer does not read.
func (c *conn) cut() {
	if secured, ok := c.net.(interface{ NetConn() net.Conn }); ok {
		_ = secured.NetConn().Close()
		return
	}
	_ = c.net.Close()
}

// out implements connection.
func (c *conn) out() *outgoing { return &c.mu.outgoing }

// recovered turns a panic, which is a bug, into the end of this one connection.
func (c *conn) recovered() {
	if p := recover(); p != nil {
		c.handler.config.Logger.Error("panic while serving a connection",
			"tenant", c.tenant.ID(), "panic", p, "stack", string(debug.Stack()))
		c.close(closeInternal, reasonInternal)
	}
}

func (c *conn) identity() tenant.Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.identity
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

// scratch is what reading one message takes.
type scratch struct {
	text bytes.Buffer
	doc  jsondoc.Document
}

// Scratches that grew beyond these are left to the collector.
const (
	keepTextBytes = 64 << 10
	keepNodes     = 4 << 10
)

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) recycle() {
	if s.text.Cap() <= keepTextBytes && cap(s.doc.Nodes) <= keepNodes {
		s.text.Reset()
		scratches.Put(s)
	}
}

// read takes messages until there can be no more. After a close frame of ours
// it waits for the peer's, for as long as the read deadline allows.
func (c *conn) read() error {
	defer c.recovered()
	for {
		kind, r, err := c.socket.NextReader()
		if err != nil {
			return c.broken(err)
		}
		if c.closing() {
			continue // NextReader skips what is left of a message
		}
		if kind != websocket.TextMessage {
			c.violated(violation{closeBadRequest, reasonBinaryMessage})
			continue
		}
		s := scratches.Get().(*scratch)
		if err := c.readMessage(s, r); err != nil {
			return c.broken(err)
		}
		s.recycle()
	}
}

// broken takes the end of reading. Where the peer's frames were at fault, it is
// told, and what it still sends is taken until it hangs up or the read deadline
// passes: else the kernel might drop our close frame with what nobody read.
func (c *conn) broken(err error) error {
	problem := c.frames.refusal
	if errors.Is(err, websocket.ErrReadLimit) { // there is none but the format's
		problem = "bad length"
	}
	if problem == "" {
		return err
	}
	c.violated(violation{websocket.CloseProtocolError, "WebSocket protocol error: " + problem})
	_, _ = io.Copy(io.Discard, c.net) // whatever ends it, the connection ends
	return err
}

func (c *conn) readMessage(s *scratch, r io.Reader) error {
	limit := c.tenant.Limits().MessageBytes
	if _, err := s.text.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return err
	}
	if int64(s.text.Len()) > limit {
		c.violated(violation{websocket.CloseMessageTooBig, fmt.Sprintf("Message is longer than %d bytes (messageBytes)", limit)})
		return nil
	}
	msg, bad := decode(&s.doc, s.text.Bytes())
	if bad != nil {
		c.violated(*bad)
		return nil
	}
	c.received(msg)
	return nil
}

func (c *conn) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.machine.phase == phaseClosed
}

func (c *conn) violated(v violation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.violated(v, nil))
}

// received lets the machine take a message, and does what only the reader does.
func (c *conn) received(msg message) {
	var few [4]action
	todo := c.advance(msg, few[:0])
	for i := range todo {
		switch a := &todo[i]; a.kind {
		case startAuthenticate:
			c.authenticate(a.payload)
		case startOperation:
			c.start(a.op, a.request)
		case stopOperation:
			c.stop(a.op)
		case sendError: // it is one too many
			c.handler.config.Executor.Refused(c.tenant, abi.CodeLimitExceeded)
		}
	}
}

func (c *conn) advance(msg message, todo []action) []action {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.machine.maxOperations = int(c.tenant.Limits().SubscriptionsPerConnection)
	todo = c.mu.machine.received(msg, todo)
	c.sendLocked(todo)
	return todo
}
