package transport_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// ends has one connection end, and holds that it is counted as this.
func (s *stage) ends(want transport.Ending, end func()) {
	s.Helper()
	before := s.handler.Stats().Endings
	end()
	synctest.Wait()
	for ending, n := range s.handler.Stats().Endings {
		if rise := n - before[ending]; (ending == want) != (rise == 1) {
			s.Errorf("%d connections more ended as %v, where one did as %v", rise, ending, want)
		}
	}
}

// TestEndings: each connection that ends is counted once, by why.
func TestEndings(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		closes := func(send ...string) func() {
			return func() {
				c := s.dial()
				for _, text := range send {
					c.send(text)
				}
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						return
					}
				}
			}
		}
		const initialise, refused = `{"type":"connection_init"}`, `{"type":"connection_init","payload":{"authorization":"Bearer bad"}}`
		s.ends(transport.EndClient, func() { _ = s.join().Close() })
		s.ends(transport.EndClient, func() {
			c := s.join()
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "done"), time.Time{})
			c.expectClose(1000, "")
		})
		s.ends(transport.EndInitTimeout, closes())
		s.ends(transport.EndRefused, closes(refused))
		s.ends(transport.EndInternal, closes(`{"type":"connection_init","payload":{"authorization":"Bearer broken"}}`))
		s.ends(transport.EndInternal, closes(`{"type":"connection_init","payload":{"authorization":"Bearer panic"}}`))
		s.ends(transport.EndProtocol, closes("no JSON"))
		s.ends(transport.EndProtocol, closes(initialise, initialise))
		s.ends(transport.EndProtocol, func() {
			c := s.join()
			_, _ = c.NetConn().Write([]byte{0xff, 0x80, 0, 0, 0, 0})
			_, _, _ = c.ReadMessage()
			_ = c.Close()
		})
		s.ends(transport.EndWriteTimeout, func() {
			c := s.join()
			c.subscribe("1", "subscription a")
			s.script.sub("a").next("1")
			time.Sleep(11 * time.Second)
		})
		s.ends(transport.EndKeepAlive, func() {
			c := s.join()
			c.SetPingHandler(func(string) error { return nil })
			for {
				if _, _, err := c.ReadMessage(); err != nil {
					return
				}
			}
		})
		s.limits(`{"messageBytes":1024}`)
		s.ends(transport.EndMessageTooBig, closes(initialise, strings.Repeat("x", 1025)))
		s.limits(`{"connections":0}`)
		s.ends(transport.EndLimit, closes(initialise))
		s.limits(`{"connections":10,"queueBytes":4096}`)
		s.ends(transport.EndSlowConsumer, func() {
			c := s.join()
			c.subscribe("1", "subscription slow")
			for s.script.noted("unsubscribed slow") == 0 {
				s.script.sub("slow").next(`"` + strings.Repeat("x", 1000) + `"`)
				synctest.Wait()
			}
			_ = c.Close()
		})
		s.ends(transport.EndTenantDeleted, func() {
			c := s.join()
			if err := s.deleteTenant("demo"); err != nil {
				t.Fatal(err)
			}
			c.expectClose(4403, "Forbidden")
		})
	})
	onStage(t, nil, func(s *stage) {
		s.ends(transport.EndShutdown, func() {
			c := s.join()
			go func() { _, _, _ = c.ReadMessage() }()
			if err := s.handler.Shutdown(s.Context()); err != nil {
				s.Error(err)
			}
		})
	})
}

// openStream opens an event stream and returns its connection, of which the answer's
// head was read.
func (s *stage) openStream(name string) net.Conn {
	s.Helper()
	near, far := net.Pipe()
	s.pipes <- far
	body := `{"query":"subscription ` + name + `"}`
	request, err := http.NewRequest(http.MethodPost, "http://localhost/t/demo/graphql", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	if err := request.Write(near); err != nil {
		s.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(near), request)
	if err != nil || response.StatusCode != http.StatusOK {
		s.Fatalf("%v, %v", response, err)
	}
	return near
}

func TestEndingsOfStreams(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.ends(transport.EndClient, func() { _ = s.openStream("left").Close() })
		s.ends(transport.EndWriteTimeout, func() {
			_ = s.openStream("deaf")
			s.script.sub("deaf").next("1")
			time.Sleep(11 * time.Second)
		})
		for _, c := range []struct {
			name string
			want transport.Ending
			end  func(*scriptSub)
		}{
			{"completed", transport.EndCompleted, (*scriptSub).complete},
			{"failed", transport.EndCompleted, func(sub *scriptSub) { sub.fail("gone") }},
			{"expired", transport.EndRefused, func(sub *scriptSub) { sub.fail("UNAUTHENTICATED:expired") }},
			{"slow", transport.EndSlowConsumer, func(sub *scriptSub) {
				for range 3 {
					sub.next(`"` + strings.Repeat("x", 1<<20) + `"`)
					synctest.Wait()
				}
			}},
			{"shut", transport.EndShutdown, func(*scriptSub) { go func() { _ = s.handler.Shutdown(s.Context()) }() }},
		} {
			s.ends(c.want, func() {
				conn := s.openStream(c.name)
				synctest.Wait()
				c.end(s.script.sub(c.name))
				synctest.Wait()
				go func() { _, _ = bufio.NewReader(conn).WriteTo(io.Discard) }()
			})
		}
	})
}

// TestStats: connections are counted by kind while they are there, with what
// waits for them.
func TestStats(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		early, c := s.dial(), s.join()
		c.subscribe("1", "subscription a")
		conn := s.openStream("b")
		synctest.Wait()
		if got := s.handler.Stats(); got.WebSockets != 2 || got.Unauthenticated != 1 || got.Streams != 1 || got.WaitingBytes != 0 {
			t.Errorf("got %+v", got)
		}
		const response = `"twenty-two characters"`
		s.script.sub("a").next(response)
		synctest.Wait() // it is being written: nobody reads it
		s.script.sub("a").next(response)
		frame := len(response) + len(`{"id":"1","type":"next","payload":}`) + 2
		if got := s.handler.Stats().WaitingBytes; got != int64(2*frame) {
			t.Errorf("%d bytes wait, want %d", got, 2*frame)
		}
		_, _, _ = early.Close(), c.Close(), conn.Close()
		synctest.Wait()
		if got := s.handler.Stats(); got.WebSockets != 0 || got.Unauthenticated != 0 || got.Streams != 0 || got.WaitingBytes != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
