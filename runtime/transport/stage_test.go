package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
	"github.com/runnel-dev/runnel/runtime/transport"
)

// script is an Executor whose operations do what their query says:
//
//	subscription NAME   lives until it is closed; the test speaks through its sink
//	brief NAME          a subscription that ends while it is made
//	linger NAME         a subscription that takes three seconds to open
//	dawdle              a query that does
//	query JSON          gives the response
//	mutation JSON       likewise
//	wait                a query that ends when it is cancelled
//	refuse MESSAGE      fails to open
//	unsubscribable      opens, and fails to subscribe
//	panic               panics
//	crash               a query that does when it is executed
type script struct {
	mu   sync.Mutex
	subs map[string]*scriptSub
	log  []string
	last graph.Request
	who  tenant.Identity
}

func newScript() *script { return &script{subs: map[string]*scriptSub{}} }

func (s *script) note(line string) {
	s.mu.Lock()
	s.log = append(s.log, line)
	s.mu.Unlock()
}

// noted tells how often a line was noted.
func (s *script) noted(line string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.log {
		if l == line {
			n++
		}
	}
	return n
}

func (s *script) sub(name string) *scriptSub {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[name]
}

func (s *script) Open(_ context.Context, t *tenant.Tenant, id tenant.Identity, r graph.Request) (transport.Operation, graph.Errors) {
	s.mu.Lock()
	s.last, s.who = r, id
	s.mu.Unlock()
	verb, rest, _ := strings.Cut(r.Query, " ")
	switch verb {
	case "refuse":
		code := abi.CodeValidationFailed
		if c, after, ok := strings.Cut(rest, ":"); ok {
			code, rest = abi.Code(c), after
		}
		return nil, graph.Errors{{Message: rest, Code: code, Locations: []graph.Location{{Line: 1, Column: 2}}}}
	case "panic":
		panic("as the script says")
	case "linger", "dawdle":
		time.Sleep(3 * time.Second)
	}
	return &scriptOperation{script: s, verb: verb, rest: rest}, nil
}

func (s *script) Refused(_ *tenant.Tenant, code abi.Code) { s.note("refused " + string(code)) }

type scriptOperation struct {
	script     *script
	verb, rest string
}

func (o *scriptOperation) Kind() graph.OperationKind {
	switch o.verb {
	case "subscription", "brief", "linger", "unsubscribable":
		return graph.Subscription
	case "mutation":
		return graph.Mutation
	}
	return graph.Query
}

func (o *scriptOperation) Close() { o.script.note("closed " + o.verb) }

func (o *scriptOperation) Execute(ctx context.Context) []byte {
	if o.verb == "wait" {
		<-ctx.Done()
		o.script.note("cancelled")
		return []byte(`{"data":null}`)
	}
	if o.verb == "crash" {
		panic("as the script says")
	}
	return []byte(o.rest)
}

func (o *scriptOperation) Subscribe(sink transport.Sink, resume transport.Resume) (transport.Subscription, graph.Errors) {
	if o.verb == "unsubscribable" {
		return nil, graph.Errors{{Message: "no"}}
	}
	if resume.Cursor == "bad" {
		return nil, graph.Errors{{Message: "the cursor is none", Code: abi.CodeBadUserInput}}
	}
	if resume.Cursor != "" {
		o.script.note(o.rest + " goes on behind " + resume.Cursor)
	}
	sub := &scriptSub{script: o.script, name: o.rest, sink: sink, cursors: resume.Cursors}
	o.script.mu.Lock()
	o.script.subs[o.rest] = sub
	o.script.mu.Unlock()
	if o.verb == "brief" {
		sub.next("1")
		sub.complete()
	}
	return sub, nil
}

// scriptSub calls its sink and is closed under one lock, as a broker might: a
// Close from within the sink's call deadlocks.
type scriptSub struct {
	script *script
	name   string
	mu     sync.Mutex
	sink   transport.Sink
	closed bool
	over   bool // the script has ended it

	cursors  bool
	at, told string // the position, where the test has set one, and the last that the sink knows
}

func (s *scriptSub) Close() (ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	s.script.note("unsubscribed " + s.name)
	return !s.over
}

// Tell tells a position once.
func (s *scriptSub) Tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursors && !s.closed && s.at != s.told {
		s.told = s.at
		s.sink.Position(s.at)
	}
}

// goes sets the position.
func (s *scriptSub) goes(at string) {
	s.mu.Lock()
	s.at = at
	s.mu.Unlock()
}

func (s *scriptSub) next(response string) (taken bool) {
	taken, _ = s.latest("", response)
	return taken
}

// latest delivers a response that stands for an event of a key.
func (s *scriptSub) latest(key, response string) (taken, skipped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cursor := ""
	if s.cursors {
		cursor, s.told = s.at, s.at
	}
	return s.sink.Next(graph.Delivery{Response: []byte(response), Cursor: cursor, Key: key, Now: time.Now().UnixNano()})
}

// ready tells whether there is room for past events.
func (s *scriptSub) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink.Ready()
}

func (s *scriptSub) complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.sink.Complete()
}

func (s *scriptSub) fail(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	e := &graph.Error{Message: message}
	if code, after, ok := strings.Cut(message, ":"); ok {
		e.Code, e.Message = abi.Code(code), after
	}
	s.sink.Error(graph.Errors{e})
}

// doorkeeper is an Authenticator that goes by the authorization.
type doorkeeper struct {
	cancelled atomic.Int32

	meanwhile func() // called where an identity was verified and nobody knows of it yet

	mu     sync.Mutex
	last   transport.Credentials
	issued time.Time // of tokens
}

func (d *doorkeeper) Authenticate(ctx context.Context, t *tenant.Tenant, c transport.Credentials) (tenant.Identity, error) {
	d.mu.Lock()
	d.last = c
	d.mu.Unlock()
	if text, ok := strings.CutPrefix(c.Authorization, "Bearer for "); ok {
		return d.verified(t, text)
	}
	switch c.Authorization {
	case "Bearer away":
		return tenant.Identity{}, fmt.Errorf("no keys: %w", transport.ErrUnavailable)
	case "Bearer bad":
		return tenant.Identity{}, errors.Join(errors.New("expired"), transport.ErrRefused)
	case "Bearer garbled":
		return tenant.Identity{}, fmt.Errorf("at the door: %w", &transport.CredentialsError{Message: "it is garbled" + strings.Repeat("!", 200)})
	case "Bearer broken":
		return tenant.Identity{}, errors.New("the key server is away")
	case "Bearer slow":
		select {
		case <-ctx.Done():
			d.cancelled.Add(1)
			return tenant.Identity{}, ctx.Err()
		case <-time.After(3 * time.Second):
		}
	case "Bearer panic":
		panic("as the test says")
	}
	return tenant.NewIdentity(map[string]json.RawMessage{"sub": fmt.Appendf(nil, "%q", c.Authorization)}, nil)
}

// verified is an identity that lasts for a duration, of the subject "u1".
func (d *doorkeeper) verified(t *tenant.Tenant, text string) (tenant.Identity, error) {
	lasts, err := time.ParseDuration(text)
	if err != nil {
		return tenant.Identity{}, err
	}
	d.mu.Lock()
	issued := d.issued
	d.mu.Unlock()
	id := tenant.Identity{}.Verified(t.Auth(), tenant.Token{Subject: "u1", ID: "t1", Issued: issued, Expires: time.Now().Add(lasts)})
	if d.meanwhile != nil {
		d.meanwhile()
	}
	return id, nil
}

// subject is the claim that the doorkeeper made of a credential, quoted.
func subject(id tenant.Identity) string {
	text, _ := id.Claim("sub")
	return string(text)
}

func (d *doorkeeper) credentials() transport.Credentials {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// stage is a server in memory, for one test in a synctest bubble.
type stage struct {
	*testing.T
	script  *script
	door    *doorkeeper
	tenants *tenant.Directory
	handler *transport.Handler
	pipes   chan net.Conn
	stop    context.CancelFunc // ends the context of all requests
	from    string             // address and port of the clients that dial, where it matters
}

// onStage runs a test in a bubble: time is simulated, and the test fails where
// a goroutine is left at its end.
func onStage(t *testing.T, change func(*transport.Config), test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, change)
		base, stop := context.WithCancel(context.Background())
		defer stop()
		s.stop = stop
		server := &http.Server{Handler: s.handler, BaseContext: func(net.Listener) context.Context { return base }, Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(pipeListener{s.pipes})
		}()
		defer func() { // after a Fatal too, lest it be hidden by what it left
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := s.handler.Shutdown(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
			_ = server.Close()
			<-served
		}()
		test(s)
	})
}

func newStage(t *testing.T, change func(*transport.Config)) *stage {
	s := &stage{T: t, script: newScript(), door: &doorkeeper{}, tenants: tenanttest.Directory(), pipes: make(chan net.Conn)}
	tenanttest.Create(t, s.tenants, "demo")
	config := transport.Config{Executor: s.script, Authenticator: s.door, Tenants: s.tenants}
	if change != nil {
		change(&config)
	}
	s.handler = transport.New(config)
	return s
}

func (s *stage) limits(object string) {
	s.Helper()
	t, _ := s.tenants.Get("demo")
	tenanttest.MergeLimits(s, s.tenants, t, object)
}

type pipeListener struct{ pipes chan net.Conn }

func (l pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l.pipes
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l pipeListener) Close() error   { close(l.pipes); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// client is a WebSocket client on the stage. Nothing is read but by its methods:
// a pipe has no buffer, so a client that does not read stops the writer.
type client struct {
	*stage
	*websocket.Conn
}

func (s *stage) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		Subprotocols: []string{"graphql-transport-ws"},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			s.pipes <- peer{far, s.from}
			return near, nil
		},
	}
}

// peer is a connection from an address.
type peer struct {
	net.Conn
	from string
}

func (p peer) RemoteAddr() net.Addr {
	if p.from == "" {
		return p.Conn.RemoteAddr()
	}
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(p.from))
}

func (s *stage) dial() *client {
	s.Helper()
	conn, _, err := s.dialer().Dial("ws://localhost/t/demo/graphql", nil)
	if err != nil {
		s.Fatal(err)
	}
	return &client{s, conn}
}

// join dials and initialises.
func (s *stage) join() *client {
	s.Helper()
	c := s.dial()
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

func (c *client) send(text string) {
	c.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.Fatalf("send %s: %v", text, err)
	}
}

func (c *client) subscribe(id, query string) {
	c.Helper()
	c.send(`{"id":"` + id + `","type":"subscribe","payload":{"query":"` + strings.ReplaceAll(query, `"`, `\"`) + `"}}`)
	synctest.Wait()
}

func (c *client) expect(want ...string) {
	c.Helper()
	for _, w := range want {
		_, got, err := c.ReadMessage()
		if err != nil {
			c.Fatalf("got %v, want %s", err, w)
		}
		if string(got) != w {
			c.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

// expectClose reads to the close frame.
func (c *client) expectClose(code int, reason string) {
	c.Helper()
	_, got, err := c.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code || closed.Text != reason {
		c.Fatalf("got %s %v, want close %d %s", got, err, code, reason)
	}
}

// expectNoted waits until nothing moves, and looks at the script's log.
func (s *stage) expectNoted(lines ...string) {
	s.Helper()
	synctest.Wait()
	for _, line := range lines {
		if n := s.script.noted(line); n != 1 {
			s.Errorf("%q happened %d times, want once", line, n)
		}
	}
}

// deleteTenant deletes the tenant of that id.
func (s *stage) deleteTenant(id string) error {
	t, ok := s.tenants.Get(id)
	if !ok {
		return tenant.ErrUnknown
	}
	return s.tenants.Delete(s.Context(), t, nil)
}
