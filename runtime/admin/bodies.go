package admin

import (
	"io"
	"net/http"
	"sync"
)

// How many bytes of bodies are in memory at once.
const (
	maxBodiesInAll    = 256 << 20
	maxBodiesOfTenant = 64 << 20 // or one request, whatever it has
	leastOfTenant     = 1 << 20  // whatever others have
)

// bodies counts the bytes of requests, from their arrival to the answer: who sends many
// large ones at once must not take the server's memory, nor keep other tenants out.
type bodies struct {
	inAll, ofTenant, least int64

	mu      sync.Mutex
	all     int64
	tenants map[string]*arrived // those with requests; "" has what is no tenant's
}

type arrived struct {
	bytes    int64
	requests int
}

func newBodies() bodies {
	return bodies{inAll: maxBodiesInAll, ofTenant: maxBodiesOfTenant, least: leastOfTenant, tenants: map[string]*arrived{}}
}

// countedBody is the body of a request.
type countedBody struct {
	io.ReadCloser
	answer http.Header
	bodies *bodies
	tenant string
	bytes  int64
}

// count has the body of a call count toward its tenant until end is called.
func (b *bodies) count(w http.ResponseWriter, r *call) (end func()) {
	tenant := r.params["tenant"]
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[tenant]
	if t == nil {
		t = &arrived{}
		b.tenants[tenant] = t
	}
	t.requests++
	c := &countedBody{ReadCloser: r.Body, answer: w.Header(), bodies: b, tenant: tenant}
	r.Body = c
	return c.end
}

// Read implements io.Reader.
func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n == 0 {
		return n, err
	}
	if full := c.add(int64(n)); full != nil {
		c.answer.Set("Retry-After", retryFull)
		return 0, full
	}
	return n, err
}

func (c *countedBody) add(n int64) error {
	b := c.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[c.tenant]
	others, mine := t.bytes-c.bytes, t.bytes+n
	switch {
	case others > 0 && mine > b.ofTenant:
		return &bodiesError{"of this tenant"}
	case mine > b.least && b.all+n > b.inAll:
		return &bodiesError{"on this server"}
	}
	c.bytes, t.bytes, b.all = c.bytes+n, mine, b.all+n
	return nil
}

func (c *countedBody) end() {
	b := c.bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[c.tenant]
	t.bytes, b.all = t.bytes-c.bytes, b.all-c.bytes
	if t.requests--; t.requests == 0 {
		delete(b.tenants, c.tenant)
	}
}

// bodiesError refuses a body for which there is no room at the moment.
type bodiesError struct{ whose string }

func (e *bodiesError) Error() string {
	return "the requests " + e.whose + " that are under way have too many bytes together; nothing of this one took effect, send it again later"
}
