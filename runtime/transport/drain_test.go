package transport_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// departures notes when clients were sent away.
type departures struct {
	start time.Time
	mu    sync.Mutex
	order []int
	after []time.Duration
}

func (d *departures) note(client int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.order = append(d.order, client)
	d.after = append(d.after, time.Since(d.start))
}

// perWindow counts the departures in each of n parts of the drain time.
func (d *departures) perWindow(n int, drainTime time.Duration) []int {
	windows := make([]int, n)
	for _, after := range d.after {
		windows[min(n-1, int(after*time.Duration(n)/drainTime))]++
	}
	return windows
}

// Connections are closed evenly over the drain time and in no order. Who is still
// there is served, and who comes is sent elsewhere.
func TestDrain(t *testing.T) {
	const clients, drainTime = 100, 10 * time.Second
	onStage(t, func(c *transport.Config) { c.DrainTime = drainTime / 20 }, func(s *stage) {
		s.drainOf(clients, drainTime/20)
	})
	onStage(t, func(c *transport.Config) { c.DrainTime = drainTime }, func(s *stage) {
		s.drainOf(clients, clients*10*time.Millisecond) // they are too few for more
	})
	onStage(t, nil, func(s *stage) {
		d := s.drainOf(clients, 0)
		if last := slices.Max(d.after); last != 0 {
			s.Errorf("without a drain time the last left after %v", last)
		}
	})
}

// drainOf has that many clients, of which every second has an event stream, and
// expects that the last leaves after such a time.
func (s *stage) drainOf(clients int, want time.Duration) *departures {
	var d departures
	var reading sync.WaitGroup
	for i := range clients {
		name := fmt.Sprint("s", i)
		if i%2 == 0 {
			response := s.stream(name, "")
			reading.Go(func() {
				rest, err := io.ReadAll(response.Body)
				d.note(i)
				if err != nil || strings.Contains(string(rest), "event: complete") {
					s.Errorf("a stream ended with %q, %v", rest, err)
				}
			})
			continue
		}
		c := s.join()
		c.subscribe("1", "subscription "+name)
		reading.Go(func() {
			c.expect(`{"id":"1","type":"next","payload":1}`) // as all who are served do
			c.expectClose(websocket.CloseGoingAway, "Server is shutting down")
			d.note(i)
		})
	}
	if s.handler.Draining() {
		s.Error("draining before Shutdown")
	}
	d.start = time.Now()
	done := make(chan error, 1)
	for i := range clients {
		s.script.sub(fmt.Sprint("s", i)).next("1")
	}
	go func() { done <- s.handler.Shutdown(context.Background()) }()
	synctest.Wait()
	if !s.handler.Draining() {
		s.Error("not draining")
	}
	if _, response, err := s.dialer().Dial(socketURL, nil); err == nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		s.Errorf("dial while draining: %v, %v", response, err)
	}
	if response := s.stream("late", ""); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		s.Errorf("a stream while draining: %d %v", response.StatusCode, response.Header)
	}
	reading.Wait()
	if err := <-done; err != nil {
		s.Error(err)
	}
	if last := slices.Max(d.after); last < want || last > want+10*time.Millisecond {
		s.Errorf("the last left after %v, want %v", last, want)
	}
	if want > 0 {
		if slices.IsSorted(d.order) {
			s.Error("the order is that of arrival")
		}
		for i, n := range d.perWindow(10, want) {
			if n < clients/10-2 || n > clients/10+2 {
				s.Errorf("%d left in part %d of the drain, want about %d", n, i, clients/10)
			}
		}
	}
	return &d
}

// What is delivered to a connection that waits for its turn arrives, and so does
// what waited when its turn came.
func TestDeliveriesDuringADrain(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.DrainTime = time.Second }, func(s *stage) {
		const clients, pause = 50, 7001 * time.Microsecond // never at the time of a wave
		var reading sync.WaitGroup
		for i := range clients {
			name := fmt.Sprint("s", i)
			c := s.join()
			c.subscribe("1", "subscription "+name)
			var delivered int // before the subscription was closed
			speaking := make(chan struct{})
			go func() {
				defer close(speaking)
				for ; s.script.noted("unsubscribed "+name) == 0; delivered++ {
					s.script.sub(name).next(fmt.Sprint(delivered))
					time.Sleep(pause)
				}
			}()
			reading.Go(func() {
				got := 0
				for ; ; got++ {
					_, text, err := c.ReadMessage()
					if err != nil {
						var closed *websocket.CloseError
						if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway {
							s.Error(err)
						}
						break
					}
					if want := fmt.Sprintf(`{"id":"1","type":"next","payload":%d}`, got); string(text) != want {
						s.Errorf("got %s, want %s", text, want)
					}
					time.Sleep(3 * pause) // slower than they come, so that some wait
				}
				<-speaking
				if got != delivered {
					s.Errorf("%d of %d arrived", got, delivered)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		if err := s.handler.Shutdown(context.Background()); err != nil {
			s.Error(err)
		}
		reading.Wait()
	})
}

// Where there is no time for all waves, the rest is cut at its end.
func TestDrainInTime(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.DrainTime = time.Minute }, func(s *stage) {
		for range 300 {
			c := s.join()
			go func() {
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						return
					}
				}
			}()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if err := s.handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		s.expectConnections(0, 0)
	})
}

// What is being upgraded when the time of a drain is over is cut as well.
func TestDrainCutsUpgrades(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		near, far := net.Pipe()
		s.pipes <- far
		_, err := io.WriteString(near, "GET /t/demo/graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the answer is being written, and nobody reads it
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		reader := bufio.NewReader(near)
		if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", response, err)
		}
		synctest.Wait()
		s.expectConnections(0, 0)
		if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
			t.Errorf("then came %q, %v", rest, err)
		}
	})
}

// secured is a connection under TLS to a peer that does not read: a word to it takes
// its time.
type secured struct{ net.Conn }

func (c secured) NetConn() net.Conn { return c.Conn }

func (c secured) Close() error {
	time.Sleep(5 * time.Second)
	return c.Conn.Close()
}

// Connections under TLS are cut together, and not one after the other.
func TestDrainCutsTLS(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		dialer := s.dialer()
		dialer.NetDialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			s.pipes <- secured{far}
			return near, nil
		}
		for range 5 {
			conn, _, err := dialer.Dial(socketURL, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if err := s.handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestDrainOverTCP sends 500 clients away, with much that waits for each of them.
func TestDrainOverTCP(t *testing.T) {
	const clients, responses, drainTime = 500, 20, 2 * time.Second
	s := newStage(t, func(c *transport.Config) { c.DrainTime, c.UnauthenticatedPerAddress = drainTime, clients })
	server := httptest.NewServer(s.handler)
	defer server.Close()
	dialer := &websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	var d departures
	var joining, reading sync.WaitGroup
	begin := make(chan struct{})
	for i := range clients {
		joining.Add(1)
		reading.Go(func() {
			conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/t/demo/graphql", nil)
			if err != nil {
				joining.Done()
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			c := &client{s, conn}
			say := func(text, answer string) {
				if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
					t.Error(err)
				}
				if _, got, err := c.ReadMessage(); err != nil || !strings.Contains(string(got), answer) {
					t.Errorf("%s is answered %s, %v", text, got, err)
				}
			}
			say(`{"type":"connection_init"}`, `"connection_ack"`)
			if err := c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"id":"1","type":"subscribe","payload":{"query":"subscription s%d"}}`, i)); err != nil {
				t.Error(err)
			}
			say(`{"type":"ping"}`, `"pong"`) // messages are taken in order: the pong says that it is live
			joining.Done()
			<-begin
			for n := 0; ; n++ {
				_, text, err := c.ReadMessage()
				if err == nil {
					if !strings.Contains(string(text), fmt.Sprintf(`"payload":{"n":%d,`, n)) {
						t.Errorf("response %d is %.60s", n, text)
					}
					continue
				}
				d.note(i)
				var closed *websocket.CloseError
				if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway || n != responses {
					t.Errorf("ended with %v after %d of %d responses", err, n, responses)
				}
				return
			}
		})
	}
	joining.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for n := range responses {
		for i := range clients {
			s.script.sub(fmt.Sprint("s", i)).next(fmt.Sprintf(`{"n":%d,"x":"%s"}`, n, strings.Repeat("x", 1000)))
		}
	}
	d.start = time.Now()
	done := make(chan error, 1)
	go func() { done <- s.handler.Shutdown(context.Background()) }()
	close(begin)
	if err := <-done; err != nil {
		t.Error(err)
	}
	reading.Wait()
	t.Logf("departures per tenth of the drain: %v", d.perWindow(10, drainTime)) // TestDrain judges them, on a clock that no machine stops
	if last := slices.Max(d.after); last < drainTime*9/10 {
		t.Errorf("the last left after %v", last)
	}
}
