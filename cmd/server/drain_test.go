package main

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestDrain ends the server as an operator would, under 100 subscribers: they are
// sent away one by one, who comes meanwhile is told so, and requests are answered
// until all have left.
func TestDrain(t *testing.T) {
	const subscribers = 100 // a second's worth
	p := start(t)
	stream := p.stream(`{"query":"subscription { orderUpdated { id } }"}`)
	var left []time.Duration
	var mu sync.Mutex
	var reading sync.WaitGroup
	first := make(chan struct{})
	sockets := make([]*socket, subscribers)
	for i := range sockets {
		sockets[i] = p.dial("demo", `{}`)
		sockets[i].subscribe(map[string]string{"1": orderQuery})
	}
	begin := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets {
		reading.Go(func() {
			for {
				_, _, err := s.conn.ReadMessage()
				if err == nil {
					continue
				}
				var closed *websocket.CloseError
				if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway {
					t.Errorf("a socket ended with %v", err)
				}
				mu.Lock()
				left = append(left, time.Since(begin))
				if len(left) == 1 {
					close(first)
				}
				mu.Unlock()
				return
			}
		})
	}
	<-first
	p.expectDraining()
	reading.Wait()
	if text, err := io.ReadAll(stream); err != nil || strings.Contains(string(text), "event: complete") {
		t.Errorf("the event stream ended with %q, %v", text, err)
	}
	slices.Sort(left)
	if between := left[subscribers-1] - left[0]; between < 500*time.Millisecond {
		t.Errorf("all left within %v", between)
	}
	if err := <-p.exited; err != nil {
		t.Errorf("the server ended with %v; it logged:\n%s", err, p.logged())
	}
	for _, want := range []string{`level=INFO msg="sending subscribers away" sockets=100 streams=1 most=`, `level=INFO msg="all subscribers have left" took=`, "level=INFO msg=ended\n"} {
		if !strings.Contains(p.logged(), want) {
			t.Errorf("the log has no %q:\n%s", want, p.logged())
		}
	}
}

// stream opens an event stream with an operation.
func (p *process) stream(operation string) io.Reader {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.url+"/t/demo/graphql", strings.NewReader(operation))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatal(response, err)
	}
	p.t.Cleanup(func() { _ = response.Body.Close() })
	return response.Body
}

// expectDraining comes to a server that sends its subscribers away.
func (p *process) expectDraining() {
	p.t.Helper()
	_, response, err := websocket.DefaultDialer.Dial(p.socketURL("demo"), nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		p.t.Errorf("a new socket: %v, %v", response, err)
	}
	if got := p.query("demo", "{ __typename }"); !strings.Contains(got, `"Query"`) {
		p.t.Errorf("a query is answered %s", got)
	}
}
