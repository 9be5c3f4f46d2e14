package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// overTCP runs a test on the kernel's sockets, whose buffers are small and stay so: the system
// gives a client who reads quickly room for megabytes.
func overTCP(t *testing.T, change func(*transport.Config), test func(s *stage, join func() *client)) {
	s := newStage(t, change)
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
		}
	}
	server.Start()
	defer server.Close()
	dialer := &websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	test(s, func() *client {
		conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/t/demo/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute)) // long before the test's own end
		c := &client{s, conn}
		c.send(`{"type":"connection_init"}`)
		c.expect(`{"type":"connection_ack"}`)
		return c
	})
	if err := s.handler.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	server.Close()
	expectNoGoroutines(t)
}

// listen subscribes and returns when that is live.
func (c *client) listen(name string) *scriptSub {
	c.Helper()
	c.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription ` + name + `"}}`)
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
	return c.script.sub(name)
}

// awaitGoroutines waits until so many have a function on their stacks.
func awaitGoroutines(t *testing.T, function string, want int) {
	t.Helper()
	for start := time.Now(); ; runtime.Gosched() {
		var stacks strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
			t.Fatal(err)
		}
		got := strings.Count(stacks.String(), "transport."+function+"(")
		if got == want {
			return
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("%d goroutines in %s, want %d:\n%s", got, function, want, stacks.String())
		}
	}
}

// TestPartialWrites has sockets take what is written piece by piece: all of it
// arrives, in order, and who has taken it is written to without waiting again.
func TestPartialWrites(t *testing.T) {
	overTCP(t, nil, func(s *stage, join func() *client) {
		s.limits(`{"queueBytes":8388608}`)
		c := join()
		sub := c.listen("a")
		for round := range 4 {
			var sent []string
			for i := range 60 {
				response := fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", i*i*i*round%70_000))
				sent = append(sent, `{"id":"1","type":"next","payload":`+response+`}`)
				if !sub.next(response) {
					t.Fatal("a response was not taken")
				}
			}
			if round > 0 {
				awaitGoroutines(t, "(*conn).writeBytes", 1) // it is stuck
			}
			c.expect(sent...)
			awaitGoroutines(t, "(*writer).run", 0)
		}
		_ = c.Close()
	})
}

// TestStalledReaders has more clients that read nothing than writers: each keeps
// a writer of its own waiting, and nobody else.
func TestStalledReaders(t *testing.T) {
	overTCP(t, func(c *transport.Config) { c.WriteTimeout = time.Minute }, func(s *stage, join func() *client) {
		s.limits(`{"queueBytes":8388608}`)
		quick := join()
		sub := quick.listen("quick")
		stalled := make([]*client, 2*runtime.GOMAXPROCS(0)+1)
		for i := range stalled {
			stalled[i] = join()
			stalled[i].listen(fmt.Sprint("stalled", i))
		}
		large := `"` + strings.Repeat("x", 3<<20) + `"`
		for i := range stalled {
			s.script.sub(fmt.Sprint("stalled", i)).next(large)
		}
		awaitGoroutines(t, "(*conn).writeBytes", len(stalled))
		for i := range 100 {
			sub.next(fmt.Sprint(i))
			quick.expect(fmt.Sprintf(`{"id":"1","type":"next","payload":%d}`, i))
		}
		awaitGoroutines(t, "(*conn).writeBytes", len(stalled))
		for _, c := range stalled {
			c.expect(`{"id":"1","type":"next","payload":` + large + `}`)
			_ = c.Close()
		}
		_ = quick.Close()
	})
}

// TestManySockets has all writers at work: what waits for a socket leaves in order,
// while more comes.
func TestManySockets(t *testing.T) {
	overTCP(t, func(c *transport.Config) { c.UnauthenticatedPerAddress = 1000 }, func(s *stage, join func() *client) {
		const sockets, responses = 40, 200
		var clients []*client
		var subs []*scriptSub
		for i := range sockets {
			c := join()
			clients, subs = append(clients, c), append(subs, c.listen(fmt.Sprint("s", i)))
		}
		done := make(chan error, sockets)
		for _, c := range clients {
			go func() {
				for i := range responses {
					want := fmt.Sprintf(`{"id":"1","type":"next","payload":%d}`, i)
					if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
						done <- fmt.Errorf("got %s, %v, want %s", got, err, want)
						return
					}
				}
				done <- nil
			}()
		}
		for _, sub := range subs[:sockets/2] {
			go func() {
				for i := range responses {
					sub.next(fmt.Sprint(i))
				}
			}()
		}
		for i := range responses {
			for _, sub := range subs[sockets/2:] {
				sub.next(fmt.Sprint(i))
			}
		}
		for range sockets {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range clients {
			_ = c.Close()
		}
	})
}

// TestRaceDetectorSeesWrites has the race detector know that what was done before a delivery
// comes before what its client, in the same process, does after it.
func TestRaceDetectorSeesWrites(t *testing.T) {
	overTCP(t, nil, func(s *stage, join func() *client) {
		c := join()
		sub := c.listen("a")
		done := false
		go func() {
			done = true
			sub.next("1")
		}()
		c.expect(`{"id":"1","type":"next","payload":1}`)
		if !done {
			t.Error("it came before it was sent")
		}
		_ = c.Close()
	})
}

// TestNoCompression: an extension that is asked for is not agreed to.
func TestNoCompression(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		dialer := s.dialer()
		dialer.EnableCompression = true
		conn, response, err := dialer.Dial("ws://localhost/t/demo/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Values("Sec-WebSocket-Extensions"); len(got) > 0 {
			t.Errorf("the server agreed to %q", got)
		}
		_ = conn.Close()
	})
}
