package transport

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Handler serves /t/{tenant}/graphql for all tenants: WebSockets, HTTP, and
// server-sent events. It is an http.Handler, safe for concurrent use. WebSockets
// outlive ServeHTTP and http.Server.Shutdown; Shutdown of the Handler ends them.
// Event streams end with the request's context as well. http.Server.Shutdown
// waits for them: give the http.Server a BaseContext that ends before.
type Handler struct {
	config   Config
	upgrader websocket.Upgrader

	serving sync.WaitGroup // connections, and the watchers of rooms

	mu struct {
		sync.Mutex
		closed bool
		rooms  map[*tenant.Tenant]*room
	}
}

// room is the connections of one tenant. It exists while it has a place taken.
type room struct {
	places int // taken: connections, and upgrades under way
	conns  map[connection]struct{}
	empty  chan struct{} // closed when the room ends
}

// connection is a WebSocket or an event stream.
type connection interface {
	// close ends it in an orderly way, with a code and a reason where it has
	// those, and soon. It may be called again, and afterwards.
	close(code int, reason string)
	// cut ends it at once.
	cut()
}

// New returns a handler. Config says which settings are required.
func New(config Config) *Handler {
	h := &Handler{config: config.withDefaults()}
	h.mu.rooms = make(map[*tenant.Tenant]*room)
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: h.config.WriteTimeout,
		Subprotocols:     []string{subprotocol},
		// Frames are written past gorilla, so no connection needs a buffer of its own.
		WriteBufferPool: new(sync.Pool),
		ReadBufferSize:  1 << 10,
		CheckOrigin:     func(*http.Request) bool { return true }, // decided before
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			w.Header().Set("Sec-WebSocket-Version", "13")
			problem.Write(w, problem.New(status, abi.CodeBadUserInput, reason.Error()))
		},
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, ok := tenantOf(r.URL.EscapedPath())
	if !ok {
		problem.Write(w, problem.New(http.StatusNotFound, abi.CodeBadUserInput, "there is nothing at this path"))
		return
	}
	t, known := h.config.Tenants.Get(id)
	if !h.allowOrigin(w, r, t) {
		problem.Write(w, problem.New(http.StatusForbidden, abi.CodeForbidden, "the origin may not reach this tenant"))
		return
	}
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, h.config.WriteTimeout)
	case !known:
		problem.Write(w, problem.New(http.StatusNotFound, abi.CodeBadUserInput, "there is no such tenant"))
	case websocket.IsWebSocketUpgrade(r):
		h.upgrade(w, r, t)
	default:
		h.serveHTTP(w, r, t)
	}
}

// tenantOf finds the tenant's id in /t/{tenant}/graphql.
func tenantOf(path string) (id string, ok bool) {
	id, ok = strings.CutPrefix(path, "/t/")
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(id, "/graphql")
	return id, ok && id != "" && !strings.Contains(id, "/")
}

func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request, t *tenant.Tenant) {
	if p := h.enter(t); p != nil {
		w.Header().Set("Retry-After", "5")
		problem.Write(w, *p)
		return
	}
	// The list may come in several headers, of which gorilla reads the first.
	r.Header.Set("Sec-WebSocket-Protocol", strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","))
	taken := &hijacker{ResponseWriter: w}
	socket, err := h.upgrader.Upgrade(taken, r, nil)
	if err != nil { // and answered
		h.leave(t, nil)
		return
	}
	c := newConn(h, t, socket, taken.upgraded(), headerCredentials(r))
	h.admit(t, c)
	go func() {
		defer h.leave(t, c)
		c.serve()
	}()
}

// enter takes a place among the tenant's connections, or says why there is none.
func (h *Handler) enter(t *tenant.Tenant) *problem.Problem {
	limit := t.Limits().Connections
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.closed {
		p := problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the server is shutting down")
		return &p
	}
	r := h.mu.rooms[t]
	if r == nil && limit > 0 {
		r = &room{conns: make(map[connection]struct{}), empty: make(chan struct{})}
		h.mu.rooms[t] = r
		h.serving.Go(func() { h.watch(t, r) })
	}
	if r == nil || int64(r.places) >= limit {
		p := problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, "the tenant has as many connections as it may have")
		p.Limit = "connections"
		return &p
	}
	r.places++
	h.serving.Add(1)
	return nil
}

// admit makes a connection known to those who end connections, or ends it where
// they have been.
func (h *Handler) admit(t *tenant.Tenant, c connection) {
	h.mu.Lock()
	h.mu.rooms[t].conns[c] = struct{}{}
	closed := h.mu.closed
	h.mu.Unlock()
	select {
	case <-t.Gone():
		c.close(closeForbidden, reasonForbidden)
	default:
		if closed {
			c.close(websocket.CloseGoingAway, reasonShutdown)
		}
	}
}

// leave gives a place back.
func (h *Handler) leave(t *tenant.Tenant, c connection) {
	defer h.serving.Done()
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.mu.rooms[t]
	delete(r.conns, c)
	if r.places--; r.places == 0 {
		delete(h.mu.rooms, t)
		close(r.empty)
	}
}

// watch ends a tenant's connections when the tenant is deleted.
func (h *Handler) watch(t *tenant.Tenant, r *room) {
	select {
	case <-r.empty:
		return
	case <-t.Gone():
	}
	h.mu.Lock()
	conns := r.list(nil)
	h.mu.Unlock()
	for _, c := range conns {
		c.close(closeForbidden, reasonForbidden)
	}
}

func (r *room) list(dst []connection) []connection {
	for c := range r.conns {
		dst = append(dst, c)
	}
	return dst
}

// Shutdown refuses new connections, closes sockets with 1001, ends the responses
// of event streams, and returns when all have ended. When ctx ends first it cuts
// them and returns ctx's error. Requests over plain HTTP are http.Server's to
// drain.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.mu.closed = true
	var conns []connection
	for _, r := range h.mu.rooms {
		conns = r.list(conns)
	}
	h.mu.Unlock()
	for _, c := range conns {
		c.close(websocket.CloseGoingAway, reasonShutdown)
	}
	ended := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	for _, c := range conns {
		c.cut()
	}
	return ctx.Err()
}
