package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/transport"
)

func TestSubscription(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		for i := range 3 {
			s.script.sub("a").next(fmt.Sprintf(`{"data":{"a":%d}}`, i))
		}
		c.expect(
			`{"id":"1","type":"next","payload":{"data":{"a":0}}}`,
			`{"id":"1","type":"next","payload":{"data":{"a":1}}}`,
			`{"id":"1","type":"next","payload":{"data":{"a":2}}}`,
		)
		s.script.sub("a").complete()
		c.expect(`{"id":"1","type":"complete"}`)
		c.subscribe("1", "subscription b")
		s.script.sub("b").fail("revoked")
		c.expect(`{"id":"1","type":"error","payload":[{"message":"revoked"}]}`)
		c.subscribe("1", "subscription c")
		c.send(`{"id":"1","type":"complete"}`)
		s.expectNoted("unsubscribed c")
	})
}

func TestQueriesAndErrors(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", `query {"data":1}`)
		c.expect(`{"id":"1","type":"next","payload":{"data":1}}`, `{"id":"1","type":"complete"}`)
		c.subscribe("2", `mutation {"data":2}`)
		c.expect(`{"id":"2","type":"next","payload":{"data":2}}`, `{"id":"2","type":"complete"}`)
		c.subscribe("3", "refuse no such field")
		c.expect(`{"id":"3","type":"error","payload":[{"message":"no such field","locations":[{"line":1,"column":2}],` +
			`"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)
		c.subscribe("3", "unsubscribable")
		c.expect(`{"id":"3","type":"error","payload":[{"message":"no"}]}`)
		c.subscribe("4", "wait")
		c.send(`{"id":"4","type":"complete"}`)
		s.expectNoted("cancelled")
		c.send(`{"type":"ping","payload":{"n":1}}`)
		c.expect(`{"type":"pong","payload":{"n":1}}`)
	})
}

// Ids are scoped to their connection: neither reads or ends the other's.
func TestIDsOfTwoConnections(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		one, two := s.join(), s.join()
		one.subscribe("1", "subscription one")
		two.subscribe("1", "subscription two")
		s.script.sub("one").next("1")
		s.script.sub("two").next("2")
		one.expect(`{"id":"1","type":"next","payload":1}`)
		two.expect(`{"id":"1","type":"next","payload":2}`)
		one.send(`{"id":"1","type":"complete"}`)
		s.expectNoted("unsubscribed one")
		s.script.sub("two").next("3")
		two.expect(`{"id":"1","type":"next","payload":3}`)
	})
}

func TestSubprotocol(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for _, offered := range [][]string{nil, {"graphql-ws"}} {
			dialer := s.dialer()
			dialer.Subprotocols = offered
			conn, _, err := dialer.Dial("ws://localhost/t/demo/graphql", nil)
			if err != nil {
				t.Fatal(err)
			}
			(&client{s, conn}).expectClose(4406, "Subprotocol not acceptable")
		}
		dialer := s.dialer()
		dialer.Subprotocols = nil
		conn, response, err := dialer.Dial("ws://localhost/t/demo/graphql",
			http.Header{"Sec-Websocket-Protocol": {"graphql-ws", "graphql-transport-ws"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "graphql-transport-ws" {
			t.Errorf("agreed on %q", got)
		}
		_ = conn.Close()
	})
}

func TestInitTimeout(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.InitTimeout = 3 * time.Second }, func(s *stage) {
		c, start := s.dial(), time.Now()
		c.expectClose(4408, "Connection initialisation timeout")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestAuthentication(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		for authorization, want := range map[string]struct {
			code   int
			reason string
		}{
			`"Bearer bad"`: {4403, "Forbidden"}, `"Bearer broken"`: {4500, "Internal server error"},
			`"Bearer garbled"`:         {4400, "Message connection_init: it is garbled" + strings.Repeat("!", 123-38)},
			`"Bearer panic"`:           {4500, "Internal server error"},
			`1`:                        {4400, "Message connection_init: 'authorization' must be a string, but it is a number"},
			`"x","authorization":"x" `: {4400, "Message connection_init: more than one 'authorization'"},
		} {
			c := s.dial()
			c.send(`{"type":"connection_init","payload":{"Authorization":` + authorization + `}}`)
			c.expectClose(want.code, want.reason)
		}
		c := s.dial()
		c.send(`{"type":"connection_init","payload":{"aUTHORIZATION":"Bearer x","more":1}}`)
		c.expect(`{"type":"connection_ack"}`)
		if got := s.door.credentials(); string(got.Details) != `{"aUTHORIZATION":"Bearer x","more":1}` {
			t.Errorf("details %s", got.Details)
		}
		c.subscribe("1", "subscription a")
		if got := subject(s.script.who); got != `"Bearer x"` {
			t.Errorf("the operation is %q's", got)
		}
	})
}

func TestHeaderAuthorization(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		conn, _, err := s.dialer().Dial("ws://localhost/t/demo/graphql?authorization=url",
			http.Header{"Authorization": {"Bearer h"}, "Origin": {"https://a.example"}, "Cookie": {"authorization=cookie"}})
		if err != nil {
			t.Fatal(err)
		}
		c := &client{s, conn}
		c.send(`{"type":"connection_init","payload":{}}`)
		c.expect(`{"type":"connection_ack"}`)
		if got := s.door.credentials(); got.Authorization != "Bearer h" || got.Origin != "https://a.example" {
			t.Errorf("credentials %+v", got)
		}
	})
}

// While the authenticator thinks, pings are answered, and only an ack opens the
// way for operations.
func TestSlowAuthentication(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		slow := `{"type":"connection_init","payload":{"authorization":"Bearer slow"}}`
		c, start := s.dial(), time.Now()
		c.send(slow)
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong"}`)
		if d := time.Since(start); d != 0 {
			t.Errorf("pong after %v", d)
		}
		c.expect(`{"type":"connection_ack"}`)

		c = s.dial()
		c.send(slow)
		c.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription a"}}`)
		c.expectClose(4401, "Unauthorized")

		c = s.dial()
		c.send(slow)
		c.send(`{"type":"connection_init"}`)
		c.expectClose(4429, "Too many initialisation requests")

		synctest.Wait()
		c, start = s.dial(), time.Now()
		c.send(slow)
		before := s.door.cancelled.Load()
		_ = c.Close()
		synctest.Wait()
		if n := s.door.cancelled.Load() - before; n != 1 || time.Since(start) != 0 {
			t.Errorf("cancelled %d times when the client left", n)
		}
	})
}

func TestMessageLimit(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"messageBytes":1024}`)
		c := s.join()
		ping := func(size int) string {
			frame := `{"type":"ping","payload":{"x":""}}`
			return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
		}
		c.send(ping(1024))
		if _, got, err := c.ReadMessage(); err != nil || len(got) != 1024 {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
		go func() { _ = c.WriteMessage(websocket.TextMessage, []byte(ping(1<<20))) }()
		c.expectClose(1009, "Message is longer than 1024 bytes (messageBytes)")
		_ = c.Close()
	})
}

func TestBadFrames(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		if err := c.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		c.expectClose(4400, "Binary messages are not supported")
		c = s.join()
		c.send("{\"type\":\"ping\xff\"}")
		c.expectClose(1007, "Text message is not valid UTF-8")
		c = s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("1", "subscription b")
		c.expectClose(4409, "Subscriber for 1 already exists")
		s.expectNoted("unsubscribed a")
		if s.script.sub("b") != nil {
			t.Error("the second operation was opened")
		}
	})
}

func TestPanics(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "panic")
		c.expectClose(4500, "Internal server error")
		s.expectNoted("unsubscribed a")
	})
}

func TestOperationLimit(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"subscriptionsPerConnection":2}`)
		c := s.join()
		over := `,"type":"error","payload":[{"message":"The connection has 2 operations already, which is the most",` +
			`"extensions":{"code":"LIMIT_EXCEEDED","limit":"subscriptionsPerConnection"}}]}`
		c.subscribe("1", "subscription a")
		c.subscribe("2", "wait")
		c.subscribe("3", "subscription c")
		c.expect(`{"id":"3"` + over)
		s.script.sub("a").complete()
		c.expect(`{"id":"1","type":"complete"}`)
		c.subscribe("3", "subscription c")
		c.subscribe("4", "subscription d")
		c.expect(`{"id":"4"` + over)
		c.send(`{"id":"2","type":"complete"}`)
		synctest.Wait()
		if n := s.script.noted("refused LIMIT_EXCEEDED"); n != 2 {
			t.Errorf("%d refused operations are counted, want 2", n)
		}
		c.subscribe("4", "subscription d")
		s.limits(`{"subscriptionsPerConnection":3}`)
		c.subscribe("5", "refuse x")
		c.subscribe("5", `query {"data":5}`)
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
		c.expect(`{"id":"5","type":"next","payload":{"data":5}}`)
	})
}

// A client that vanishes, with or without a close frame, leaves nothing behind.
func TestClientLeaves(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "wait")
		_ = c.Close()
		s.expectNoted("unsubscribed a", "cancelled")
		s.script.sub("a").next("late")

		c = s.join()
		c.subscribe("1", "subscription b")
		if err := c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "bye"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		c.expectClose(1000, "")
		s.expectNoted("unsubscribed b")
	})
}

// An operation may end before the executor has said that it began.
func TestOperationsThatEndEarly(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"subscriptionsPerConnection":1}`)
		c := s.join()
		for range 2 {
			c.subscribe("1", "brief a")
			c.expect(`{"id":"1","type":"next","payload":1}`, `{"id":"1","type":"complete"}`)
		}
		c.send(`{"id":"2","type":"subscribe","payload":{"query":"linger b"}}`)
		other := s.join()
		other.send(`{"id":"2","type":"subscribe","payload":{"query":"dawdle"}}`)
		synctest.Wait()
		if err := s.deleteTenant("demo"); err != nil {
			t.Fatal(err)
		}
		c.expectClose(4403, "Forbidden")
		other.expectClose(4403, "Forbidden")
		time.Sleep(3 * time.Second)
		s.expectNoted("unsubscribed b", "closed dawdle")
	})
}

func TestShutdown(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c, silent := s.join(), s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "wait")
		start, done := time.Now(), make(chan error)
		go func() { done <- s.handler.Shutdown(context.Background()) }()
		c.expectClose(1001, "Server is shutting down")
		s.expectNoted("unsubscribed a", "cancelled")
		// The silent one is given the time of a write, then it is cut.
		if err := <-done; err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("shutdown: %v after %v", err, time.Since(start))
		}
		if _, _, err := silent.ReadMessage(); err == nil {
			t.Error("the silent client's socket is open")
		}
		if _, response, err := s.dialer().Dial("ws://localhost/t/demo/graphql", nil); err == nil || response.StatusCode != 503 {
			t.Errorf("dial after shutdown: %v", err)
		}
	})
}

func TestShutdownInTime(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.join()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.handler.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTenantDeleted(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		if _, err := s.tenants.Create(s.Context(), "other", tenant.DefaultSettings()); err != nil {
			t.Fatal(err)
		}
		c := s.join()
		c.subscribe("1", "subscription a")
		if err := s.deleteTenant("other"); err != nil {
			t.Fatal(err)
		}
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong"}`)
		if err := s.deleteTenant("demo"); err != nil {
			t.Fatal(err)
		}
		c.expectClose(4403, "Forbidden")
		s.expectNoted("unsubscribed a")
	})
}

// Many speak at once: each subscription's responses arrive in their order.
func TestConcurrentSinks(t *testing.T) {
	const subscriptions, responses = 20, 200
	onStage(t, nil, func(s *stage) {
		c := s.join()
		var speakers sync.WaitGroup
		for i := range subscriptions {
			name := fmt.Sprint("s", i)
			c.subscribe(name, "subscription "+name)
			speakers.Go(func() {
				for n := range responses {
					s.script.sub(name).next(fmt.Sprint(n))
				}
				s.script.sub(name).complete()
			})
		}
		seen := map[string]int{}
		for ended := 0; ended < subscriptions; {
			_, text, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			id := strings.Split(string(text), `"`)[3]
			want := fmt.Sprintf(`{"id":"%s","type":"next","payload":%d}`, id, seen[id])
			if seen[id] == responses {
				want = fmt.Sprintf(`{"id":"%s","type":"complete"}`, id)
				ended++
			}
			if string(text) != want {
				t.Fatalf("got %s, want %s", text, want)
			}
			seen[id]++
		}
		speakers.Wait()
	})
}
