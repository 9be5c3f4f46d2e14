package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/transport"
)

const notValid = `[{"message":"The token is not valid any more","extensions":{"code":"UNAUTHENTICATED"}}]`

// enter joins with a token.
func (s *stage) enter(authorization string) *client {
	s.Helper()
	c := s.dial()
	c.send(`{"type":"connection_init","payload":{"authorization":"` + authorization + `"}}`)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

// ended holds that one connection has ended, and why.
func (s *stage) ended(why transport.Ending) {
	s.Helper()
	synctest.Wait()
	for ending, n := range s.handler.Stats().Endings {
		if (ending == why) != (n == 1) {
			s.Errorf("%d connections ended as %s", n, ending)
		}
	}
}

func (s *stage) demo() *tenant.Tenant {
	t, _ := s.tenants.Get("demo")
	return t
}

// TestExpiry holds what becomes of a connection when its token expires: each
// operation gets an error and is stopped, then the socket closes.
func TestExpiry(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.enter("Bearer for 10s")
		lasting := s.enter("Bearer for 1h")
		c.subscribe("1", "subscription a")
		lasting.subscribe("1", "subscription b")
		c.subscribe("2", "wait")
		time.Sleep(10*time.Second - 1)
		s.script.sub("b").next("1")
		lasting.expect(`{"id":"1","type":"next","payload":1}`)
		if s.script.noted("cancelled") > 0 {
			t.Error("an operation is stopped before its time")
		}
		time.Sleep(time.Nanosecond)
		c.expect(`{"id":"1","type":"error","payload":`+notValid+`}`, `{"id":"2","type":"error","payload":`+notValid+`}`)
		c.expectClose(4403, "Forbidden")
		s.expectNoted("unsubscribed a", "cancelled")
		s.ended(transport.EndExpired)
		s.script.sub("a").next("2")
		s.script.sub("b").next("2")
		lasting.expect(`{"id":"1","type":"next","payload":2}`)
	})
}

// TestExpiryOfManyOperations has errors for a peer that does not read: they are
// bounded like all that waits, and the socket closes.
func TestExpiryOfManyOperations(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.enter("Bearer for 10s")
		ids := strings.Split(strings.Repeat("x", 99), "x")
		for n := range ids {
			c.subscribe(string(rune('a'+n%26))+strings.Repeat("i", n/26), "subscription a")
		}
		time.Sleep(11 * time.Second)
		for {
			_, _, err := c.ReadMessage()
			if err != nil {
				if !websocket.IsCloseError(err, 4403) {
					t.Errorf("the socket ended with %v", err)
				}
				break
			}
		}
		synctest.Wait()
		if n := s.script.noted("unsubscribed a"); n != len(ids) {
			t.Errorf("%d operations were stopped, of %d", n, len(ids))
		}
	})
}

// TestExpiredAtOnce has a token expire between its verification and the ack.
func TestExpiredAtOnce(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.door.meanwhile = func() { time.Sleep(time.Minute) }
		c := s.dial()
		c.send(`{"type":"connection_init","payload":{"authorization":"Bearer for 30s"}}`)
		c.expectClose(4403, "Forbidden")
	})
}

// TestRevocation ends the connections of one subscriber, and refuses a token that
// was verified just before.
func TestRevocation(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.door.issued = time.Now()
		old := s.enter("Bearer for 1h")
		old.subscribe("1", "subscription old")
		time.Sleep(time.Second)
		s.door.issued = time.Now()
		fresh := s.enter("Bearer for 1h")
		fresh.subscribe("1", "subscription fresh")
		other := s.join()
		other.subscribe("1", "subscription other")
		if err := s.tenants.Revoke(s.Context(), s.demo(), tenant.Revocation{Subject: "u1", Before: time.Now()}); err != nil {
			t.Fatal(err)
		}
		old.expect(`{"id":"1","type":"error","payload":` + notValid + `}`)
		old.expectClose(4403, "Forbidden")
		s.expectNoted("unsubscribed old")
		for name, c := range map[string]*client{"fresh": fresh, "other": other} {
			s.script.sub(name).next("1")
			c.expect(`{"id":"1","type":"next","payload":1}`)
		}
		time.Sleep(time.Second)
		s.door.meanwhile = func() {
			if err := s.tenants.Revoke(s.Context(), s.demo(), tenant.Revocation{TokenID: "t1", Before: time.Now()}); err != nil {
				t.Error(err)
			}
		}
		late := s.dial()
		late.send(`{"type":"connection_init","payload":{"authorization":"Bearer for 1h"}}`)
		late.expectClose(4403, "Forbidden")
		fresh.expect(`{"id":"1","type":"error","payload":` + notValid + `}`)
		fresh.expectClose(4403, "Forbidden")
	})
}

// TestSettingsEndConnections has other settings of who may subscribe end what the
// old ones let in, and the same settings end nothing.
func TestSettingsEndConnections(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		set := func(origins ...string) {
			t.Helper()
			err := s.tenants.Change(s.Context(), s.demo(), func(all *tenant.Settings) error {
				a := tenant.DefaultAuth()
				a.Origins = origins
				all.Auth = &a
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		c := s.enter("Bearer for 1h")
		unverified := s.join()
		set()
		c.subscribe("1", "subscription a")
		unverified.subscribe("1", "subscription b")
		set("https://a.example")
		c.expect(`{"id":"1","type":"error","payload":` + notValid + `}`)
		c.expectClose(4403, "Forbidden")
		s.script.sub("b").next("1")
		unverified.expect(`{"id":"1","type":"next","payload":1}`)
	})
}

// TestUnavailableAuthentication tells clients to come back.
func TestUnavailableAuthentication(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.dial()
		c.send(`{"type":"connection_init","payload":{"authorization":"Bearer away"}}`)
		c.expectClose(1013, "Authentication is unavailable for now")
		s.ended(transport.EndRefused)
	})
	s := newStage(t, nil)
	w := s.answer(post(`{"query":"query 1"}`, "Authorization", "Bearer away"))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "60" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = s.answer(post(`{"query":"query 1"}`, "Authorization", "Bearer for 1h", "Authorization", "Bearer for 1h"))
	if w.Code == http.StatusOK {
		t.Errorf("two tokens: %d %s", w.Code, w.Body)
	}
}

// revoke revokes all tokens of the subject "u1".
func (s *stage) revoke() {
	if err := s.tenants.Revoke(s.Context(), s.demo(), tenant.Revocation{Subject: "u1", Before: time.Now()}); err != nil {
		s.Error(err)
	}
	time.Sleep(time.Nanosecond) // for those who look at connections to do so
}

// TestRevokedBeforeTheStream has a token revoked when the operation is being opened and
// the response has not begun.
func TestRevokedBeforeTheStream(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.join() // so that the tenant's connections were looked at before
		s.door.issued = time.Now()
		s.door.meanwhile = func() {
			go func() {
				time.Sleep(time.Second)
				s.revoke()
			}()
		}
		played := playStream(s, "header Authorization: Bearer for 1h\nPOST {\"query\":\"linger a\"}\npass 4s")
		if !strings.Contains(played, "\n  end\n  executor: unsubscribed a") {
			t.Errorf("played\n%s", played)
		}
		s.ended(transport.EndRevoked)
	})
}

// TestRevokedDuringTheBody has a token revoked when it was verified and the body of the
// request has not arrived.
func TestRevokedDuringTheBody(t *testing.T) {
	for _, accept := range []string{jsonType, graphqlType, "text/event-stream"} {
		onStage(t, nil, func(s *stage) {
			s.door.issued = time.Now()
			s.door.meanwhile = func() {
				time.Sleep(time.Second)
				s.revoke()
			}
			w := s.answer(post(`{"query":"mutation 1"}`, "Authorization", "Bearer for 1h", "Accept", accept))
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %d %s", accept, w.Code, w.Body)
			}
			if s.script.last.Query != "" {
				t.Error("the operation was opened")
			}
		})
	}
}
