package transport_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// subscribeFrom subscribes with the JSON of extensions.
func (c *client) subscribeFrom(id, query, extensions string) {
	c.Helper()
	c.send(`{"id":"` + id + `","type":"subscribe","payload":{"query":"` + query + `","extensions":` + extensions + `}}`)
	synctest.Wait()
}

func position(id, cursor string) string {
	return `{"type":"ping","payload":{"runnel":{"cursors":{"` + id + `":"` + cursor + `"}}}}`
}

// TestCursorsOverASocket has them in each next and, where the position has moved without,
// in a ping at the keep-alive; for those who asked alone.
func TestCursorsOverASocket(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		var controls int
		c.SetPingHandler(func(text string) error {
			controls++
			return c.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(time.Second))
		})
		c.subscribeFrom("1", "subscription a", `{"runnel":{"cursor":null}}`)
		c.subscribeFrom(`q\"`, "subscription b", `{"runnel":{"cursor":"MQ"}}`)
		c.subscribe("3", "subscription plain")
		s.expectNoted("b goes on behind MQ")
		a, b, plain := s.script.sub("a"), s.script.sub("b"), s.script.sub("plain")
		for _, sub := range []*scriptSub{a, b, plain} {
			sub.goes("Mg")
		}
		a.Tell() // as the executor does once it is live
		plain.Tell()
		plain.next(`{"data":0}`)
		a.next(`{"data":1}`)
		a.goes("Mw")
		a.next(`{"data":null,"errors":[{"message":"events were lost between these cursors","extensions":{"code":"GAP","from":"MQ","to":"Mw"}}]}`)
		c.expect(
			position("1", "Mg"),
			`{"id":"3","type":"next","payload":{"data":0}}`,
			`{"id":"1","type":"next","payload":{"data":1,"extensions":{"runnel":{"cursor":"Mg"}}}}`,
			`{"id":"1","type":"next","payload":{"data":null,"errors":[{"message":"events were lost between these cursors","extensions":{"code":"GAP","from":"MQ","to":"Mw"}}],`+
				`"extensions":{"runnel":{"cursor":"Mw"}}}}`,
		)
		go func() { // a control frame is read with what follows it
			time.Sleep(61 * time.Second)
			a.next(`{"data":2}`)
			time.Sleep(12 * time.Second)
			a.goes("NA")
			time.Sleep(12 * time.Second)
			plain.next(`{"data":3}`)
		}()
		c.expect(
			position(`q\"`, "Mg"),
			`{"id":"1","type":"next","payload":{"data":2,"extensions":{"runnel":{"cursor":"Mw"}}}}`,
			position("1", "NA"),
			`{"id":"3","type":"next","payload":{"data":3}}`,
		)
		if controls < 5 {
			t.Errorf("%d pings of the WebSocket", controls)
		}
		c.send(`{"type":"pong","payload":{"runnel":{"cursors":{"1":"NA"}}}}`)
		c.send(`{"id":"1","type":"complete"}`)
		s.expectNoted("unsubscribed a")
	})
}

// TestBadCursorsOverASocket are errors of their operation, and of nothing else.
func TestBadCursorsOverASocket(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		for _, bad := range []struct{ extensions, message string }{
			{`{"runnel":{"cursor":"bad"}}`, "the cursor is none"},
			{`{"runnel":{"cursor":1}}`, "'extensions.runnel.cursor' must be a string or null, but it is a number"},
			{`{"runnel":{"cursor":{}}}`, "'extensions.runnel.cursor' must be a string or null, but it is an object"},
			{`{"runnel":{"cursor":["MQ"]}}`, "'extensions.runnel.cursor' must be a string or null, but it is an array"},
			{`{"runnel":{"cursor":true}}`, "'extensions.runnel.cursor' must be a string or null, but it is a boolean"},
			{`{"runnel":{"cursor":""}}`, "'extensions.runnel.cursor' must not be empty; leave out what is not known yet, or give null"},
			{`{"runnel":[]}`, "'extensions.runnel' must be an object or null, but it is an array"},
			{`{"runnel":"MQ"}`, "'extensions.runnel' must be an object or null, but it is a string"},
		} {
			c.subscribeFrom("1", "subscription a", bad.extensions)
			c.expect(fmt.Sprintf(`{"id":"1","type":"error","payload":[{"message":%q,"extensions":{"code":"BAD_USER_INPUT"}}]}`, bad.message))
		}
		for i, none := range []string{`null`, `{}`, `{"runnel":null}`, `{"runnel":{}}`, `{"other":{"cursor":1}}`} {
			c.subscribeFrom("1", fmt.Sprint("subscription n", i), none)
			sub := s.script.sub(fmt.Sprint("n", i))
			sub.goes("MQ")
			sub.next(`{"data":1}`)
			c.expect(`{"id":"1","type":"next","payload":{"data":1}}`)
			c.send(`{"id":"1","type":"complete"}`)
			s.expectNoted(fmt.Sprint("unsubscribed n", i))
		}
		// What is no object is none of the protocol's.
		c.subscribeFrom("2", "subscription a", `[]`)
		_, _, err := c.ReadMessage()
		if err == nil || !strings.Contains(err.Error(), "4400") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPositionsOfWhatHasEnded are not told.
func TestPositionsOfWhatHasEnded(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribeFrom("1", "subscription a", `{"runnel":{"cursor":null}}`)
		a := s.script.sub("a")
		a.goes("MQ")
		c.send(`{"id":"1","type":"complete"}`)
		s.expectNoted("unsubscribed a")
		a.mu.Lock()
		a.sink.Position("MQ")
		a.mu.Unlock()
		c.subscribeFrom("2", "subscription b", `{"runnel":{"cursor":null}}`)
		b := s.script.sub("b")
		b.complete()
		b.mu.Lock()
		b.sink.Position("MQ")
		b.mu.Unlock()
		c.expect(`{"id":"2","type":"complete"}`)
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong"}`)
	})
}
