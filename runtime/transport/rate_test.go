package transport_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Operations over operationsPerSecond do not reach the executor, whatever
// carries them, and the socket that sent them stays.
func TestOperationRate(t *testing.T) {
	const over = `"message":"more than 2 in a second, the limit operationsPerSecond of the tenant; try again later",` +
		`"extensions":{"code":"LIMIT_EXCEEDED","limit":"operationsPerSecond","retryAfterMs":500}`
	onStage(t, nil, func(s *stage) {
		s.limits(`{"operationsPerSecond":2}`)
		c := s.join()
		for range 2 {
			c.subscribe("1", `query {"data":1}`)
			c.expect(`{"id":"1","type":"next","payload":{"data":1}}`, `{"id":"1","type":"complete"}`)
		}
		c.subscribe("2", "subscription a")
		c.expect(`{"id":"2","type":"error","payload":[{` + over + `}]}`)
		for _, accept := range []string{jsonType, graphqlType, "text/event-stream"} {
			w := s.answer(post(`{"query":`, "Accept", accept))
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || w.Body.String() != `{"errors":[{`+over+`}]}` {
				t.Errorf("%s: %d, Retry-After %q, %s", accept, w.Code, w.Header().Get("Retry-After"), w.Body)
			}
		}
		if s.script.sub("a") != nil {
			t.Error("the operation was opened")
		}
		if n := s.script.noted("refused LIMIT_EXCEEDED"); n != 4 {
			t.Errorf("%d refused operations are counted, want 4", n)
		}
		time.Sleep(500 * time.Millisecond)
		c.subscribe("2", "subscription a")
		synctest.Wait()
		s.script.sub("a").next("1")
		c.expect(`{"id":"2","type":"next","payload":1}`)
	})
}

// A slot is given back where the rate refuses an operation.
func TestOperationRateKeepsNoSlot(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"operationsPerSecond":1,"subscriptionsPerConnection":1}`)
		c := s.join()
		c.subscribe("1", `query {"data":1}`)
		c.expect(`{"id":"1","type":"next","payload":{"data":1}}`, `{"id":"1","type":"complete"}`)
		for range 3 {
			c.subscribe("2", `query {"data":1}`)
			if _, _, err := c.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		c.subscribe("2", `query {"data":2}`)
		c.expect(`{"id":"2","type":"next","payload":{"data":2}}`)
	})
}
