package transport

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Ending is why a connection ended.
type Ending uint8

// The endings.
const (
	EndClient        Ending = iota // the client closed it, or is gone
	EndCompleted                   // an event stream whose operation is over
	EndSlowConsumer                // more than queueBytes waited
	EndWriteTimeout                // a write was not taken in time
	EndKeepAlive                   // two pings in a row were not answered
	EndInitTimeout                 // connection_init did not come in time
	EndRefused                     // the credentials were, or could not be checked
	EndExpired                     // the subscriber's token has
	EndRevoked                     // the subscriber's token was
	EndAuthChanged                 // the tenant's settings of who may subscribe are others
	EndTenantDeleted               // the tenant was
	EndLimit                       // the tenant or the subscriber has too many connections
	EndProtocol                    // the client broke the protocol
	EndMessageTooBig               // the client sent more than messageBytes
	EndShutdown                    // the server is being shut down
	EndInternal                    // the server's fault
	endings
)

var endingNames = [endings]string{
	"client", "completed", "slow_consumer", "write_timeout", "keep_alive", "init_timeout", "refused", "expired", "revoked", "auth_changed", "tenant_deleted", "limit", "protocol", "message_too_big", "shutdown", "internal",
}

// String returns the ending's name in metrics.
func (e Ending) String() string { return endingNames[e] }

// Opened tells whether a connection that ends so may have had subscriptions.
func (e Ending) Opened() bool {
	return e != EndInitTimeout && e != EndLimit && e != EndCompleted
}

// endingOfToken is the ending that an error of tenant.Tenant.Admits tells of.
func endingOfToken(err error) Ending {
	switch {
	case errors.Is(err, tenant.ErrExpired):
		return EndExpired
	case errors.Is(err, tenant.ErrRevoked):
		return EndRevoked
	}
	return EndAuthChanged
}

// counts are of all connections so far. They are safe for concurrent use.
type counts struct {
	ended     [endings]atomic.Uint64 // connections
	closed    [endings]atomic.Uint64 // subscriptions that ended with their connection
	completed atomic.Uint64          // subscriptions that their client completed
	lost      [endings]atomic.Uint64 // responses that had not left when their connection ended
	unwanted  atomic.Uint64          // responses that had not left when their client completed the subscription
}

// closes counts a subscription that this side has ended.
func (n *counts) closes(byClient bool, e Ending) {
	if byClient {
		n.completed.Add(1)
	} else {
		n.closed[e].Add(1)
	}
}

// endingOf is the ending that a close code of ours tells of.
func endingOf(code int) Ending {
	switch code {
	case websocket.CloseTryAgainLater:
		return EndSlowConsumer
	case websocket.CloseGoingAway:
		return EndShutdown
	case websocket.CloseMessageTooBig:
		return EndMessageTooBig
	case closeInitTimeout:
		return EndInitTimeout
	case closeForbidden:
		return EndRefused
	case closeInternal:
		return EndInternal
	}
	return EndProtocol
}

// Stats is a snapshot of a Handler's connections.
type Stats struct {
	WebSockets      int
	Streams         int
	Unauthenticated int // of the WebSockets, those that are not acknowledged yet
	WaitingBytes    int64
	Endings         map[Ending]uint64 // all of them, so far
	// Closed are subscriptions that ended with their connections, by why these did, and
	// Completed those that their clients completed.
	Closed    map[Ending]uint64
	Completed uint64
	// Lost are responses of subscriptions that had not left when their connection ended,
	// and Unwanted those that had not when their client completed the subscription.
	Lost     map[Ending]uint64
	Unwanted uint64
}

// Dropped are responses that did not leave, for whatever reason.
func (s Stats) Dropped() (n uint64) {
	n = s.Unwanted
	for _, lost := range s.Lost {
		n += lost
	}
	return n
}

// Stats looks at each connection for a moment, and holds nobody up longer than it
// takes to list those of one tenant.
func (h *Handler) Stats() Stats {
	s := Stats{
		Endings: make(map[Ending]uint64, endings), Closed: make(map[Ending]uint64, endings), Lost: make(map[Ending]uint64, endings),
		Completed: h.counts.completed.Load(), Unwanted: h.counts.unwanted.Load(),
	}
	for e := range endings {
		s.Endings[e] = h.counts.ended[e].Load()
		if e.Opened() {
			s.Closed[e], s.Lost[e] = h.counts.closed[e].Load(), h.counts.lost[e].Load()
		}
	}
	h.mu.Lock()
	s.Unauthenticated = h.mu.unacknowledged
	rooms := make([]*room, 0, len(h.mu.rooms))
	for _, r := range h.mu.rooms {
		rooms = append(rooms, r)
	}
	h.mu.Unlock()
	var conns []connection
	for _, r := range rooms {
		h.mu.Lock()
		conns = r.list(conns[:0])
		h.mu.Unlock()
		for _, c := range conns {
			if _, socket := c.(*conn); socket {
				s.WebSockets++
			} else {
				s.Streams++
			}
			s.WaitingBytes += int64(c.out().waiting())
		}
	}
	return s
}

// size is how many bytes wait, with those that are being written.
func (q *queue) size() int {
	n := q.taken
	if q.waiting != nil {
		n += len(q.waiting.bytes)
	}
	return n
}

// outgoing is what a connection has to send, and why it ends. It is guarded by its
// own lock, which is the connection's.
type outgoing struct {
	sync.Mutex
	queue    queue
	ending   Ending
	backlogs *backlogs // nil where nothing is held back
}

// waiting is how many bytes wait to be written, or are being written.
func (o *outgoing) waiting() int {
	o.Lock()
	defer o.Unlock()
	n := o.queue.size()
	if o.backlogs != nil {
		n += o.backlogs.bytes
	}
	return n
}

// ended is why the connection has ended, when it has.
func (o *outgoing) ended() Ending {
	o.Lock()
	defer o.Unlock()
	return o.ending
}

// left is ended of a connection that nothing leaves any more, with how many responses
// have not.
func (o *outgoing) left() (e Ending, lost int) {
	o.Lock()
	defer o.Unlock()
	return o.ending, o.queue.unsent()
}

// ends notes why the connection ends, unless it ends already.
func (o *outgoing) ends(e Ending) {
	o.Lock()
	defer o.Unlock()
	o.endsLocked(e)
}

func (o *outgoing) endsLocked(e Ending) {
	if o.ending == EndClient && !o.queue.sealed {
		o.ending = e
	}
}

// broke notes why a write failed: else than by the deadline, the client is gone.
func (o *outgoing) broke(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	o.Lock()
	defer o.Unlock()
	if o.ending == EndClient { // be it sealed: net/http says that the client has left where a write has not ended in time
		o.ending = EndWriteTimeout
	}
}
