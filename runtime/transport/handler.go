package transport

import (
	"errors"
	"net/http"
	"net/netip"
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

	writers *writers
	serving sync.WaitGroup // connections, and the watchers of rooms
	counts  counts

	mu struct {
		sync.Mutex
		draining, cut  bool // Shutdown has begun; its time was over
		rooms          map[*tenant.Tenant]*room
		arrivals       map[netip.Addr]*arrival
		unacknowledged int // sockets of all arrivals
	}
}

// connection is a WebSocket or an event stream.
type connection interface {
	// close ends it in an orderly way, with a code and a reason where it has
	// those, and soon. It may be called again, and afterwards.
	close(code int, reason string)
	// recheck ends it where its tenant does not admit its subscriber any more.
	recheck()
	// cut ends it at once.
	cut()
	out() *outgoing
}

// New returns a handler. Config says which settings are required.
func New(config Config) *Handler {
	h := &Handler{config: config.withDefaults(), writers: newWriters()}
	h.mu.rooms = make(map[*tenant.Tenant]*room)
	h.mu.arrivals = make(map[netip.Addr]*arrival)
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: h.config.WriteTimeout,
		Subprotocols:     []string{subprotocol},
		// Frames are written past gorilla, so no connection needs a buffer of its own.
		WriteBufferPool: new(sync.Pool),
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
	t, err := h.config.Tenants.Find(id)
	if !h.allowOrigin(w, r, t) {
		problem.Write(w, problem.New(http.StatusForbidden, abi.CodeForbidden, "the origin may not reach this tenant"))
		return
	}
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, h.config.WriteTimeout)
	case errors.Is(err, tenant.ErrUnread):
		w.Header().Set("Retry-After", retryAfter)
		problem.Write(w, problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the tenant cannot be served at the moment; try again later"))
	case err != nil:
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
	held, p := h.arrive(t, ClientAddr(r, h.config.TrustedProxies))
	if p != nil {
		w.Header().Set("Retry-After", retryAfter)
		problem.Write(w, *p)
		return
	}
	// The list may come in several headers, of which gorilla reads the first.
	r.Header.Set("Sec-WebSocket-Protocol", strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","))
	taken := &hijacker{ResponseWriter: w}
	socket, err := h.upgrader.Upgrade(taken, r, nil)
	if err != nil { // and answered
		h.leave(t, nil, &held)
		return
	}
	c := newConn(h, t, socket, headerCredentials(r))
	c.frames, c.buffer = taken.upgraded()
	c.net, c.raw, c.counted = c.frames.Conn, rawConn(c.frames.Conn), held
	h.admit(t, c)
	c.open()
	go c.await()
}
