package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// conn is one WebSocket connection. Its reader, which is await and read by turns, owns
// it; tasks are all other goroutines that it started.
type conn struct {
	mu struct { // what a delivery needs comes first: it is in few cache lines
		outgoing
		writing   bool // a writer runs, or is to
		machine   machine
		identity  tenant.Identity
		initTimer *time.Timer // nil once the phase is over that it limits
		beat      *time.Timer
		expiry    *time.Timer // nil where the identity does not end by itself
	}

	socket *websocket.Conn
	buffer *bufio.Reader      // socket reads from it
	frames *readSide          // below buffer
	cancel context.CancelFunc // of ctx

	// What the writer needs.
	handler *Handler
	tenant  *tenant.Tenant
	raw     syscall.RawConn // of net; nil where all writes may wait
	behind  *conn           // whose turn to be written is next; guarded by the writers' lock
	tasks   sync.WaitGroup

	net         net.Conn        // below frames; only its writer writes to it
	ctx         context.Context // ends with the connection
	credentials *Credentials    // nil once the client has authenticated
	counted     counted         // guarded by the handler's lock
}

func newConn(h *Handler, t *tenant.Tenant, socket *websocket.Conn, credentials Credentials) *conn {
	c := &conn{handler: h, tenant: t, socket: socket, credentials: &credentials}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	socket.SetPingHandler(c.pinged)
	socket.SetPongHandler(c.ponged)
	socket.SetCloseHandler(c.closed)
	return c
}

// await is the reader while the client says nothing but that it lives, on a
// goroutine that does nothing else: the least stack holds it, which is most of what an
// idle connection costs. A goroutine that has taken a message needs more, and keeps it.
func (c *conn) await() {
	for {
		if _, err := c.buffer.Peek(1); err != nil || !c.takePong() {
			go c.read(err)
			return
		}
	}
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
	c.mu.forgetAll()
	c.mu.queue.sealed = true
	for _, t := range [...]*time.Timer{c.mu.initTimer, c.mu.beat, c.mu.expiry} {
		if t != nil {
			t.Stop()
		}
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
		s := op.work
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

// read is the reader while there is something to read. err is how waiting for it
// failed. When reading has ended, all of the connection ends.
func (c *conn) read(err error) {
	if err == nil {
		if err = c.readMessages(); err == nil {
			go c.await()
			return
		}
	}
	c.shut(err)
	c.handler.leave(c.tenant, c, &c.counted)
}

// errPanicked ends a reader that had a bug.
var errPanicked = errors.New("panic while reading")

// readMessages takes messages until it would have to wait for the next, or there
// can be no more. After a close frame of ours those are for the peer's, for as long
// as the read deadline allows.
func (c *conn) readMessages() (err error) {
	err = errPanicked
	defer c.recovered()
	for c.buffer.Buffered() > 0 {
		if c.takePong() || c.takePing() {
			continue
		}
		if err := c.readFrames(); err != nil {
			return c.broken(err)
		}
	}
	return nil
}

// readFrames takes frames up to and with a message.
func (c *conn) readFrames() error {
	kind, r, err := c.socket.NextReader()
	switch {
	case err != nil:
		return err
	case c.closing():
		return nil // NextReader skips what is left of a message
	case kind != websocket.TextMessage:
		c.violated(violation{closeBadRequest, reasonBinaryMessage})
		return nil
	}
	s := scratches.Get().(*scratch)
	if err := c.readMessage(s, r); err != nil {
		return err
	}
	s.recycle()
	return nil
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
