package transport_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

const socketURL = "ws://localhost/t/demo/graphql"

// refused dials and expects an answer with a status and the name of a limit.
func (s *stage) refused(status int, limit string, header http.Header) {
	s.Helper()
	conn, response, err := s.dialer().Dial(socketURL, header)
	if err == nil {
		_ = conn.Close()
		s.Fatalf("let in, want %d %s", status, limit)
	}
	s.expectRefusal(response, status, limit)
}

func (s *stage) expectRefusal(response *http.Response, status int, limit string) {
	s.Helper()
	body, _ := io.ReadAll(response.Body)
	var problem struct{ Code, Limit string }
	if err := json.Unmarshal(body, &problem); err != nil || response.StatusCode != status || problem.Code != "LIMIT_EXCEEDED" || problem.Limit != limit {
		s.Errorf("got %d %s, want %d with the limit %s", response.StatusCode, body, status, limit)
	}
	if h := response.Header; h.Get("Retry-After") != "5" || h.Get("Content-Type") != "application/problem+json" {
		s.Errorf("the headers are %v", h)
	}
}

// initAs sends a credential.
func (c *client) initAs(authorization string) {
	c.Helper()
	c.send(`{"type":"connection_init","payload":{"authorization":"` + authorization + `"}}`)
}

// stream opens an event stream that lives until the test ends.
func (s *stage) stream(name, authorization string) *http.Response {
	s.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: s.dialer().NetDialContext}}
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://localhost/t/demo/graphql?query=subscription+"+name, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", authorization)
	response, err := client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func (s *stage) expectConnections(places, unauthenticated int) {
	s.Helper()
	synctest.Wait()
	t, _ := s.tenants.Get("demo")
	if p, u := s.handler.Connections(t), s.handler.Unauthenticated(); p != places || u != unauthenticated {
		s.Errorf("%d connections and %d sockets not acknowledged, want %d and %d", p, u, places, unauthenticated)
	}
}

// Sockets and event streams take places; a socket for which there is none is
// told so instead of its acknowledgement, with a code that clients retry.
func TestConnectionLimit(t *testing.T) {
	const reason = "LIMIT_EXCEEDED: the tenant has as many connections as it may have (connections)"
	onStage(t, nil, func(s *stage) {
		s.limits(`{"connections":2}`)
		c := s.join()
		a := s.stream("a", "")
		s.expectConnections(2, 0)
		late := s.dial()
		s.expectConnections(2, 1)
		late.initAs("Bearer late")
		late.expectClose(websocket.CloseTryAgainLater, reason)
		s.expectRefusal(s.stream("b", ""), http.StatusTooManyRequests, "connections")
		_ = c.Close()
		s.expectConnections(1, 0)
		s.join()
		_ = a.Body.Close()
		s.expectConnections(1, 0)
		s.join()
		s.limits(`{"connections":0}`)
		late = s.dial()
		late.initAs("Bearer late")
		late.expectClose(websocket.CloseTryAgainLater, reason)
		s.expectConnections(2, 0)
	})
}

// The connections of one subject are counted together, whatever they are, and
// those without one are not.
func TestConnectionsPerSubscriber(t *testing.T) {
	const reason = "LIMIT_EXCEEDED: the subscriber has as many connections as one may have (connectionsPerSubscriber)"
	onStage(t, nil, func(s *stage) {
		s.limits(`{"connectionsPerSubscriber":2}`)
		first := s.dial()
		first.initAs("Bearer a")
		first.expect(`{"type":"connection_ack"}`)
		s.stream("a", "Bearer a")
		third := s.dial()
		third.initAs("Bearer a")
		third.expectClose(websocket.CloseTryAgainLater, reason)
		s.expectRefusal(s.stream("b", "Bearer a"), http.StatusTooManyRequests, "connectionsPerSubscriber")
		other := s.dial()
		other.initAs("Bearer b")
		other.expect(`{"type":"connection_ack"}`)
		for range 3 { // without a subject
			s.join()
		}
		s.expectConnections(6, 0)
		_ = first.Close()
		synctest.Wait()
		third = s.dial()
		third.initAs("Bearer a")
		third.expect(`{"type":"connection_ack"}`)
	})
}

// Sockets that nobody acknowledged count per address and in all, never toward
// the tenant, and leave when their time is over.
func TestUnauthenticatedSockets(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.UnauthenticatedPerAddress, c.UnauthenticatedTotal = 2, 3 }, func(s *stage) {
		s.limits(`{"connections":1}`)
		s.from = "192.0.2.1:1000"
		idle := []*client{s.dial(), s.dial()}
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
		s.from = "[::ffff:192.0.2.1]:1000" // the same
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
		s.from = "192.0.2.2:1000"
		s.expectConnections(0, 2)
		s.join() // the tenant's place is free
		idle = append(idle, s.dial())
		s.from = "192.0.2.3:1000"
		s.refused(http.StatusServiceUnavailable, "unauthenticatedTotal", nil)
		s.expectConnections(1, 3)
		for _, c := range idle {
			c.expectClose(4408, "Connection initialisation timeout")
		}
		s.expectConnections(1, 0)
		s.from = "192.0.2.1:1000"
		s.dial()
		s.dial()
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
	})
}

// A socket that is refused is there until its close frame was answered, or its
// time is over; one that is acknowledged makes room at once.
func TestUnauthenticatedSocketsEnd(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.UnauthenticatedPerAddress = 1 }, func(s *stage) {
		for range 3 {
			s.join()
		}
		s.expectConnections(3, 0)
		c := s.dial()
		c.initAs("Bearer bad")
		synctest.Wait()
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
		c.expectClose(4403, "Forbidden")
		s.expectConnections(3, 0)
		c = s.dial()
		c.initAs("Bearer slow") // takes three seconds
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
		_ = c.Close()
		s.expectConnections(3, 0)
		// An upgrade that fails leaves nothing.
		w := s.answer(get("", "Connection", "Upgrade", "Upgrade", "websocket"))
		if w.Code != http.StatusBadRequest {
			t.Errorf("an upgrade without a key: %d", w.Code)
		}
		s.expectConnections(3, 0)
	})
}

func TestUnauthenticatedSocketsOfIPv6(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.UnauthenticatedPerAddress = 1 }, func(s *stage) {
		s.from = "[2001:db8:0:1::1]:1"
		s.dial()
		s.from = "[2001:db8:0:1:ffff::2]:1"
		s.refused(http.StatusTooManyRequests, "unauthenticatedPerAddress", nil)
		s.from = "[2001:db8:0:2::1]:1"
		s.dial()
		time.Sleep(time.Minute)
	})
}
