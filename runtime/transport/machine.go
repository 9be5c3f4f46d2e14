package transport

import (
	"fmt"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

// The close codes of graphql-transport-ws.
const (
	closeInternal       = 4500
	closeBadRequest     = 4400
	closeUnauthorized   = 4401
	closeForbidden      = 4403
	closeSubprotocol    = 4406
	closeInitTimeout    = 4408
	closeDuplicate      = 4409
	closeTooManyInits   = 4429
	subprotocol         = "graphql-transport-ws"
	reasonForbidden     = "Forbidden"
	reasonInternal      = "Internal server error"
	limitSubscriptions  = "subscriptionsPerConnection"
	reasonTooManyInits  = "Too many initialisation requests"
	reasonInitTimeout   = "Connection initialisation timeout"
	reasonUnauthorized  = "Unauthorized"
	reasonSubprotocol   = "Subprotocol not acceptable"
	reasonShutdown      = "Server is shutting down"
	reasonUnavailable   = "Authentication is unavailable for now"
	reasonBinaryMessage = "Binary messages are not supported"
)

// phase is where a connection stands.
type phase uint8

const (
	phaseWaiting phase = iota // for connection_init
	phaseAuthenticating
	phaseReady
	phaseClosed
)

// machine is the server's side of graphql-transport-ws for one connection. It
// does nothing itself: each method takes what happened and appends what is to
// be done. After phaseClosed nothing is to be done any more.
//
// Invariants: operations is empty unless phaseReady. An id is in operations
// from its subscribe message until the client completed it, or until the frame
// that ended it has left. slots counts the operations that the executor still
// works on; at most maxOperations are started at a time.
type machine struct {
	phase         phase
	silence       int // beats since something was heard
	maxOperations int // set anew by the owner before each message
	slots         int
	operations    operations
}

// actionKind says what is to be done.
type actionKind uint8

const (
	sendAck           actionKind = iota + 1
	sendPong                     // with payload, where there is one
	sendError                    // with errors, for op
	sendComplete                 // for op
	sendPing                     // the protocol's
	sendControlPing              // the WebSocket's
	sendClose                    // with code and reason; the last to send
	startAuthenticate            // with payload
	startOperation               // op, with request
	stopOperation                // op: its executor's work is of no use any more
	dropFrames                   // of op: none that waits may leave
	terminate                    // the socket, without a close frame
)

// action is one thing to do.
type action struct {
	kind    actionKind
	op      *operation
	payload []byte // borrowed from the message
	errors  graph.Errors
	request graph.Request
	code    int
	reason  string
}

// opened begins a connection.
func (m *machine) opened(agreed bool, out []action) []action {
	if !agreed {
		return m.close(closeSubprotocol, reasonSubprotocol, out)
	}
	return out
}

// received takes a message.
func (m *machine) received(msg message, out []action) []action {
	m.heard()
	if m.phase == phaseClosed {
		return out
	}
	switch msg.kind {
	case messageInit:
		return m.init(msg.payload, out)
	case messagePing:
		return append(out, action{kind: sendPong, payload: msg.payload})
	case messageSubscribe:
		return m.subscribe(msg, out)
	case messageComplete:
		return m.completedByClient(msg.id, out)
	}
	return out // a pong, which says no more than that the peer lives
}

// violated takes a message that is none.
func (m *machine) violated(v violation, out []action) []action {
	return m.close(v.code, v.reason, out)
}

// heard takes a sign of life, such as a control frame.
func (m *machine) heard() { m.silence = 0 }

func (m *machine) init(payload []byte, out []action) []action {
	if m.phase != phaseWaiting {
		return m.close(closeTooManyInits, reasonTooManyInits, out)
	}
	m.phase = phaseAuthenticating
	return append(out, action{kind: startAuthenticate, payload: payload})
}

// authenticated takes the answer to startAuthenticate.
func (m *machine) authenticated(out []action) []action {
	if m.phase != phaseAuthenticating {
		return out
	}
	m.phase = phaseReady
	return append(out, action{kind: sendAck})
}

// refused takes the answer to startAuthenticate that ends the connection.
func (m *machine) refused(out []action) []action {
	return m.close(closeForbidden, reasonForbidden, out)
}

// expired takes the end of what the subscriber was let in for. Clients come back
// after 4403, with a fresh token.
func (m *machine) expired(out []action) []action {
	for _, op := range m.operations.list {
		if op.live {
			out = m.fail(op, graph.Errors{{Message: "The token is not valid any more", Code: abi.CodeUnauthenticated}}, out)
			out = append(out, action{kind: stopOperation, op: op})
		}
	}
	return m.close(closeForbidden, reasonForbidden, out)
}

func (m *machine) subscribe(msg message, out []action) []action {
	if m.phase != phaseReady {
		return m.close(closeUnauthorized, reasonUnauthorized, out)
	}
	if old := m.operations.get(msg.id); old != nil && old.live {
		return m.close(closeDuplicate, fmt.Sprintf("Subscriber for %s already exists", msg.id), out)
	}
	op := &operation{id: msg.id, live: true}
	m.operations.put(op)
	if m.slots >= m.maxOperations {
		return m.fail(op, tooManyOperations(m.maxOperations), out)
	}
	m.slots++
	op.slot = true
	return append(out, action{kind: startOperation, op: op, request: msg.request})
}

func tooManyOperations(limit int) graph.Errors {
	return graph.Errors{{
		Message:    fmt.Sprintf("The connection has %d operations already, which is the most", limit),
		Code:       abi.CodeLimitExceeded,
		Extensions: []byte(`{"limit":"` + limitSubscriptions + `"}`),
	}}
}

// completedByClient ends an operation without a word: the client knows. It may
// also meet one that ended meanwhile, or none.
func (m *machine) completedByClient(id string, out []action) []action {
	op := m.operations.get(id)
	if op == nil {
		return out
	}
	m.operations.remove(id)
	out = append(out, action{kind: dropFrames, op: op})
	if op.live {
		op.live = false
		out = append(out, action{kind: stopOperation, op: op})
	}
	return out
}

// delivers tells whether a response for op is to be sent.
func (m *machine) delivers(op *operation) bool { return op.live }

// fail ends an operation with errors. Nothing follows them, not even complete.
func (m *machine) fail(op *operation, errs graph.Errors, out []action) []action {
	if !op.live {
		return out
	}
	op.live = false
	return append(out, action{kind: sendError, op: op, errors: errs})
}

// complete ends an operation that has delivered all.
func (m *machine) complete(op *operation, out []action) []action {
	if !op.live {
		return out
	}
	op.live = false
	return append(out, action{kind: sendComplete, op: op})
}

// left takes note that the frame that ended op has been written, or will never
// be. A client that reuses the id from here on cannot mistake old for new.
func (m *machine) left(op *operation) {
	if !op.live && m.operations.get(op.id) == op {
		m.operations.remove(op.id)
	}
}

// released takes note that the executor is done with op.
func (m *machine) released(op *operation) {
	if op.slot {
		op.slot = false
		m.slots--
	}
}

// initTimedOut takes the end of the time for connection_init.
func (m *machine) initTimedOut(out []action) []action {
	if m.phase != phaseWaiting {
		return out
	}
	return m.close(closeInitTimeout, reasonInitTimeout, out)
}

// ticked takes the beat of the keep-alive. A peer that leaves a ping of the
// WebSocket unanswered for a whole beat is asked once more by one of the
// protocol, since some gateways keep control frames to themselves.
func (m *machine) ticked(out []action) []action {
	if m.phase == phaseClosed {
		return out
	}
	m.silence++
	switch m.silence {
	case 1:
		return append(out, action{kind: sendControlPing})
	case 2:
		return append(out, action{kind: sendPing})
	}
	return append(m.gone(out), action{kind: terminate})
}

// close ends the connection with a word to the peer.
func (m *machine) close(code int, reason string, out []action) []action {
	if m.phase == phaseClosed {
		return out
	}
	return m.gone(append(out, action{kind: sendClose, code: code, reason: reason}))
}

// gone ends the connection without one: the peer closed it, or it broke.
func (m *machine) gone(out []action) []action {
	m.phase = phaseClosed
	for _, op := range m.operations.list {
		if op.live {
			op.live = false
			out = append(out, action{kind: stopOperation, op: op})
		}
	}
	m.operations = operations{}
	return out
}
