package transport

import (
	"net/http"
	"net/netip"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// The limits of connections, by name.
const (
	limitConnections   = "connections"
	limitPerSubscriber = "connectionsPerSubscriber"
	limitPerAddress    = "unauthenticatedPerAddress"
	limitUnauthorized  = "unauthenticatedTotal"
)

// crowded says what each limit of a tenant's connections means to who met it.
var crowded = map[string]string{
	limitConnections:   "the tenant has as many connections as it may have",
	limitPerSubscriber: "the subscriber has as many connections as one may have",
}

// retryAfter, in seconds, is when who was refused a connection may come again.
const retryAfter = "5"

// room is the connections of one tenant. It exists while somebody is in it.
//
// Invariant: places is the sum of subjects and of the places without a subject;
// no place is more than one of inside.
type room struct {
	inside   int            // connections, and upgrades under way
	places   int            // taken: by sockets that were acknowledged, and event streams
	subjects map[string]int // of these places, by subject
	conns    map[connection]struct{}
	empty    chan struct{} // closed when the room ends
}

// arrival is a client address that has sockets which are not acknowledged yet.
type arrival struct {
	from    netip.Addr
	sockets int
}

// counted is what a connection counts toward: first its arrival, then the
// connections of its tenant. It is guarded by the handler's lock.
type counted struct {
	arrival *arrival // nil once acknowledged, and for event streams
	taken   bool     // among the tenant's connections
	subject string   // may be empty
}

// arrive lets a socket in that is not acknowledged yet, or says why not. It
// counts toward no limit of the tenant: nobody knows yet that the tenant wants it.
func (h *Handler) arrive(t *tenant.Tenant, from netip.Addr) (counted, *problem.Problem) {
	from = countedAs(from)
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.mu.arrivals[from]
	switch {
	case h.mu.draining:
		return counted{}, leaving()
	case a != nil && a.sockets >= h.config.UnauthenticatedPerAddress:
		return counted{}, refusal(http.StatusTooManyRequests, limitPerAddress, "the address has as many sockets as may wait to be acknowledged")
	case h.mu.unacknowledged >= h.config.UnauthenticatedTotal:
		return counted{}, refusal(http.StatusServiceUnavailable, limitUnauthorized, "too many sockets wait to be acknowledged")
	}
	if a == nil {
		a = &arrival{from: from}
		h.mu.arrivals[from] = a
	}
	a.sockets++
	h.mu.unacknowledged++
	h.enterLocked(t)
	return counted{arrival: a}, nil
}

// acknowledge gives a socket its place among the tenant's connections, or names
// the limit that leaves it none.
func (h *Handler) acknowledge(t *tenant.Tenant, p *counted, subject string) (limit string) {
	limits := t.Limits()
	h.mu.Lock()
	defer h.mu.Unlock()
	if limit = h.mu.rooms[t].take(p, subject, &limits); limit == "" {
		h.departLocked(p)
	}
	return limit
}

// enter takes a place for an event stream, or says why there is none.
func (h *Handler) enter(t *tenant.Tenant, subject string) (counted, *problem.Problem) {
	var p counted
	limits := t.Limits()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.draining {
		return counted{}, leaving()
	}
	r := h.enterLocked(t)
	if limit := r.take(&p, subject, &limits); limit != "" {
		h.leaveLocked(t, r)
		return counted{}, refusal(http.StatusTooManyRequests, limit, crowded[limit])
	}
	return p, nil
}

// take counts one among the room's places, or names the limit that it would be
// over.
func (r *room) take(p *counted, subject string, l *tenant.Limits) (limit string) {
	switch {
	case int64(r.places) >= l.Connections:
		return limitConnections
	case subject != "" && int64(r.subjects[subject]) >= l.ConnectionsPerSubscriber:
		return limitPerSubscriber
	}
	r.places++
	if subject != "" {
		if r.subjects == nil {
			r.subjects = make(map[string]int)
		}
		r.subjects[subject]++
	}
	p.taken, p.subject = true, subject
	return ""
}

// giveBack is the reverse of take.
func (r *room) giveBack(p *counted) {
	if !p.taken {
		return
	}
	p.taken = false
	r.places--
	if p.subject == "" {
		return
	}
	if r.subjects[p.subject]--; r.subjects[p.subject] == 0 {
		delete(r.subjects, p.subject)
	}
}

func (h *Handler) departLocked(p *counted) {
	a := p.arrival
	if a == nil {
		return
	}
	p.arrival = nil
	h.mu.unacknowledged--
	if a.sockets--; a.sockets == 0 {
		delete(h.mu.arrivals, a.from)
	}
}

func (h *Handler) enterLocked(t *tenant.Tenant) *room {
	r := h.mu.rooms[t]
	if r == nil {
		r = &room{conns: make(map[connection]struct{}), empty: make(chan struct{})}
		h.mu.rooms[t] = r
		h.serving.Go(func() { h.watch(t, r) })
	}
	r.inside++
	h.serving.Add(1)
	return r
}

func (h *Handler) leaveLocked(t *tenant.Tenant, r *room) {
	if r.inside--; r.inside == 0 {
		delete(h.mu.rooms, t)
		close(r.empty)
	}
	h.serving.Done()
}

// leave gives all back that a connection has. c is nil where there never was one.
func (h *Handler) leave(t *tenant.Tenant, c connection, p *counted) {
	if c != nil {
		ending, lost := c.out().left()
		h.counts.ended[ending].Add(1)
		h.counts.lost[ending].Add(uint64(lost))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.mu.rooms[t]
	delete(r.conns, c)
	r.giveBack(p)
	h.departLocked(p)
	h.leaveLocked(t, r)
}

// admit makes a connection known to those who end connections, or ends it where
// they have been.
func (h *Handler) admit(t *tenant.Tenant, c connection) {
	h.mu.Lock()
	h.mu.rooms[t].conns[c] = struct{}{}
	draining, cut := h.mu.draining, h.mu.cut
	h.mu.Unlock()
	c.recheck()
	select {
	case <-t.Gone():
		c.out().ends(EndTenantDeleted)
		c.close(closeForbidden, reasonForbidden)
	default:
		if draining {
			c.close(websocket.CloseGoingAway, reasonShutdown)
		}
	}
	if cut {
		c.out().ends(EndShutdown)
		c.cut()
	}
}

// watch ends a tenant's connections when the tenant is deleted, and those whose
// subscribers it does not admit any more.
func (h *Handler) watch(t *tenant.Tenant, r *room) {
	for {
		rechecked := t.Rechecked()
		for _, c := range h.connections(r) {
			c.recheck()
		}
		select {
		case <-r.empty:
			return
		case <-t.Gone():
			for _, c := range h.connections(r) {
				c.out().ends(EndTenantDeleted)
				c.close(closeForbidden, reasonForbidden)
			}
			return
		case <-rechecked:
		}
	}
}

func (h *Handler) connections(r *room) []connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.list(nil)
}

func (r *room) list(dst []connection) []connection {
	for c := range r.conns {
		dst = append(dst, c)
	}
	return dst
}

// Connections is how many connections of a tenant there are, as its limit
// connections counts them.
func (h *Handler) Connections(t *tenant.Tenant) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.mu.rooms[t]; r != nil {
		return r.places
	}
	return 0
}

// Unauthenticated is how many sockets of all tenants are not acknowledged yet.
func (h *Handler) Unauthenticated() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.unacknowledged
}

func leaving() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the server is shutting down")
	return &p
}

func refusal(status int, limit, message string) *problem.Problem {
	p := problem.New(status, abi.CodeLimitExceeded, message)
	p.Limit = limit
	return &p
}
