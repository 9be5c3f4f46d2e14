package transport_test

import (
	"bufio"
	"context"
	"errors"
	"io"
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

// TestTCP goes through the kernel's sockets: a client with a good network, and
// one that stalls. Afterwards none of our goroutines is left.
func TestTCP(t *testing.T) {
	s := newStage(t, func(c *transport.Config) { c.WriteTimeout, c.CloseTimeout = time.Second, time.Second })
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // so that what is stuck is little
		}
	}
	server.Start()
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/t/demo/graphql"
	dialer := &websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}

	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{s, conn}
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
	c.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription a"}}`)
	c.send(`{"id":"2","type":"subscribe","payload":{"query":"refuse x"}}`)
	if _, text, err := c.ReadMessage(); err != nil || !strings.Contains(string(text), `"error"`) {
		t.Fatalf("got %s, %v", text, err)
	}
	// The second operation was answered, so the first is live.
	large := `"` + strings.Repeat("x", 200<<10) + `"`
	for range 3 {
		s.script.sub("a").next(large)
		c.expect(`{"id":"1","type":"next","payload":` + large + `}`)
	}

	stall(t, s, dialer, url)
	fault(t, s, dialer, url)

	if err := s.handler.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.expectClose(1001, "Server is shutting down")
	server.Close()
	expectNoGoroutines(t)
}

// expectNoGoroutines looks until those that have said their last word are gone.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	for start := time.Now(); ; runtime.Gosched() {
		var stacks strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
			t.Fatal(err)
		}
		if s := stacks.String(); !strings.Contains(s, "transport.(*conn)") && !strings.Contains(s, "transport.(*Handler)") {
			return
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("left behind:\n%s", stacks.String())
		}
	}
}

// stall subscribes with a client that stops reading, and speaks until its queue
// is full. What the client finds when it reads again ends in 1013.
func stall(t *testing.T, s *stage, dialer *websocket.Dialer, url string) {
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{s, conn}
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
	c.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription slow"}}`)
	c.send(`{"id":"2","type":"subscribe","payload":{"query":"refuse x"}}`)
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	response := `"` + strings.Repeat("x", 10<<10) + `"`
	sent := 0
	for s.script.noted("unsubscribed slow") == 0 {
		s.script.sub("slow").next(response)
		if sent++; sent > 100_000 {
			t.Fatal("the queue has no end")
		}
	}
	for {
		_, _, err := c.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case err == nil:
		case errors.As(err, &closed) && closed.Code == 1013:
			return
		case errors.Is(err, io.ErrUnexpectedEOF):
			t.Fatal("cut without a close frame")
		default:
			t.Fatal(err)
		}
	}
}

// fault sends a frame that is none, and much behind it that nobody will read:
// the close frame arrives all the same.
func fault(t *testing.T, s *stage, dialer *websocket.Dialer, url string) {
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{s, conn}
	if _, err := c.NetConn().Write([]byte("\x81\x02{}" + strings.Repeat("x", 1<<20))); err != nil {
		t.Fatal(err)
	}
	c.expectClose(websocket.CloseProtocolError, "WebSocket protocol error: bad MASK")
	_ = c.Close()
}

// TestStreamOverHTTP2 has two streams on one connection, as browsers do.
func TestStreamOverHTTP2(t *testing.T) {
	s := newStage(t, nil)
	server := httptest.NewUnstartedServer(s.handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	open := func(name string) *bufio.Reader {
		r, err := http.NewRequest("GET", server.URL+"/t/demo/graphql?query=subscription+"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		if response.ProtoMajor != 2 || response.StatusCode != 200 || response.Close {
			t.Fatalf("%s %s, close %t", response.Proto, response.Status, response.Close)
		}
		return bufio.NewReader(response.Body)
	}
	expect := func(r *bufio.Reader, want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	a, b := open("a"), open("b")
	s.script.sub("b").next("2")
	s.script.sub("a").next("1")
	expect(a, ":\n\nevent: next\ndata: 1\n\n")
	expect(b, ":\n\nevent: next\ndata: 2\n\n")
	s.script.sub("a").complete()
	expect(a, "event: complete\ndata:\n\n")
	if err := s.handler.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*bufio.Reader{a, b} {
		if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
			t.Errorf("the stream ended with %q, %v", rest, err)
		}
	}
}
