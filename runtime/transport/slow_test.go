package transport_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// A client that does not read in time gets what was being written, then 1013.
func TestSlowConsumer(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "subscription b")
		response := `"` + strings.Repeat("x", 500) + `"`
		frame := len(response) + len(`{"id":"1","type":"next","payload":}`) + 4
		a := s.script.sub("a")
		a.next(response)
		synctest.Wait() // the writer has taken it and is stuck: it does not wait any more
		for range 4096 / frame {
			if !a.next(response) {
				t.Fatal("a response that fits was not taken")
			}
		}
		synctest.Wait()
		if s.script.noted("unsubscribed a") != 0 {
			t.Fatal("closed before the queue was full")
		}
		if a.next(response) {
			t.Error("a response was taken that does not fit")
		}
		s.expectNoted("unsubscribed a", "unsubscribed b")
		if a.next(response) || s.script.sub("b").next(response) {
			t.Error("a response was taken after the end")
		}
		s.script.sub("b").complete()
		c.expect(`{"id":"1","type":"next","payload":` + response + `}`)
		c.expectClose(1013, "Slow consumer: more than 4096 bytes wait (queueBytes)")
	})
}

// A queue that the writer has taken already is dropped as well, but for the
// piece that it is writing.
func TestSlowConsumerOfALargeQueue(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		a.next("0")
		synctest.Wait()
		response := `"` + strings.Repeat("x", 10<<10) + `"`
		for range 50 {
			a.next(response)
		}
		c.expect(`{"id":"1","type":"next","payload":0}`)
		synctest.Wait() // the writer has taken all 50
		for s.script.noted("unsubscribed a") == 0 {
			a.next(response)
			synctest.Wait()
		}
		for range 7 { // 64 KiB, and the rest of a frame
			c.expect(`{"id":"1","type":"next","payload":` + response + `}`)
		}
		c.expectClose(1013, "Slow consumer: more than 1048576 bytes wait (queueBytes)")
	})
}

// The frame that is being written does not count, wherever in the writer's
// batch it stands.
func TestFrameBeingWrittenDoesNotWait(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		a.next("0")
		synctest.Wait()
		var sizes []int
		for range 7 {
			sizes = append(sizes, 10<<10)
		}
		sizes = append(sizes, 900<<10)
		for _, size := range sizes {
			a.next(strings.Repeat("x", size))
		}
		c.expect(`{"id":"1","type":"next","payload":0}`)
		for _, size := range sizes[:7] {
			c.expect(`{"id":"1","type":"next","payload":` + strings.Repeat("x", size) + `}`)
		}
		synctest.Wait()
		a.next(strings.Repeat("x", 500<<10))
		for _, size := range []int{900 << 10, 500 << 10} {
			c.expect(`{"id":"1","type":"next","payload":` + strings.Repeat("x", size) + `}`)
		}
	})
}

// What waits is not sent to a peer that has closed.
func TestPeerClosesWhileFramesWait(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		s.script.sub("a").next("1")
		synctest.Wait()
		s.script.sub("a").next("2")
		if err := c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, "bye"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.expect(`{"id":"1","type":"next","payload":1}`)
		c.expectClose(1001, "")
		s.expectNoted("unsubscribed a")
	})
}

// One response may be larger than the queue; it is not a sign of slowness.
func TestLargeResponse(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		for i, size := range []int{4000, 5000, 200 << 10} {
			response := `"` + strings.Repeat("x", size) + `"`
			id := string(rune('a' + i))
			c.subscribe(id, "query "+response)
			c.expect(`{"id":"`+id+`","type":"next","payload":`+response+`}`, `{"id":"`+id+`","type":"complete"}`)
		}
	})
}

// It may be so behind frames that wait, and before others: beside the largest,
// queueBytes wait. A second one that is as large is too much.
func TestLargeResponseAmongOthers(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		small, large := `"small"`, `"`+strings.Repeat("x", 200<<10)+`"`
		next := func(response string) string { return `{"id":"1","type":"next","payload":` + response + `}` }
		a.next(small)
		synctest.Wait() // the writer is stuck with it
		for range 10 {
			a.next(small)
		}
		a.next(large)
		for range 10 {
			a.next(small)
		}
		for i := range 22 {
			want := small
			if i == 11 {
				want = large
			}
			c.expect(next(want))
		}

		a.next(small)
		synctest.Wait()
		a.next(large)
		synctest.Wait()
		if s.script.noted("unsubscribed a") != 0 {
			t.Fatal("one large response is too much")
		}
		a.next(large)
		s.expectNoted("unsubscribed a")
		c.expect(next(small))
		c.expectClose(1013, "Slow consumer: more than 4096 bytes wait (queueBytes)")
	})
}

// The largest frame leaves the account when it has left, though frames of its
// batch have not: then the next largest is what does not count.
func TestLargeResponseHasLeft(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		a.next("0")
		synctest.Wait()
		kilobyte, large := strings.Repeat("x", 1000), strings.Repeat("x", 100<<10)
		for _, response := range []string{large, kilobyte, kilobyte, kilobyte} {
			a.next(response)
		}
		for _, response := range []string{"0", large} {
			c.expect(`{"id":"1","type":"next","payload":` + response + `}`)
		}
		synctest.Wait() // the writer is stuck with the rest of what it took
		a.next(kilobyte)
		synctest.Wait()
		if s.script.noted("unsubscribed a") != 0 {
			t.Fatal("closed before the queue was full")
		}
		a.next(kilobyte)
		s.expectNoted("unsubscribed a")
	})
}

// A client that never reads is cut when the write deadline passes.
func TestWriteDeadline(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		s.script.sub("a").next("1")
		time.Sleep(10*time.Second - 1)
		synctest.Wait()
		if s.script.noted("unsubscribed a") != 0 {
			t.Fatal("cut before the deadline")
		}
		time.Sleep(time.Nanosecond)
		s.expectNoted("unsubscribed a")
		if _, _, err := c.ReadMessage(); err == nil {
			t.Error("the socket is open")
		}
	})
}

// A peer that answers pings lives on, whether the WebSocket's or the
// protocol's; one that answers neither is cut with the third beat.
func TestKeepAlive(t *testing.T) {
	onStage(t, func(c *transport.Config) { c.KeepAlive = 10 * time.Second }, func(s *stage) {
		control := s.join()
		control.subscribe("1", "subscription control")
		go func() {
			time.Sleep(10 * time.Minute)
			s.script.sub("control").next("1")
		}()
		control.expect(`{"id":"1","type":"next","payload":1}`) // no ping of the protocol before it

		mute := func(name string) *client {
			c := s.join()
			c.subscribe("1", "subscription "+name)
			c.SetPingHandler(func(string) error { return nil })
			return c
		}
		message, dead := mute("message"), mute("dead")
		go func() {
			for {
				if _, _, err := control.ReadMessage(); err != nil {
					return
				}
			}
		}()
		go func() {
			for range 30 {
				message.expect(`{"type":"ping"}`)
				message.send(`{"type":"pong"}`)
			}
			_ = message.Close()
		}()
		start := time.Now()
		dead.expect(`{"type":"ping"}`)
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("the protocol's ping after %v", d)
		}
		if _, text, err := dead.ReadMessage(); err == nil || time.Since(start) != 30*time.Second {
			t.Errorf("%s, %v after %v", text, err, time.Since(start))
		}
		s.expectNoted("unsubscribed dead")
		time.Sleep(9 * time.Minute)
		if s.script.noted("unsubscribed message") != 0 || s.script.noted("unsubscribed control") != 0 {
			t.Error("a peer that answers was cut")
		}
		time.Sleep(2 * time.Minute)
		s.expectNoted("unsubscribed message")
		_ = control.Close()
		s.expectNoted("unsubscribed control")
	})
}

// The WebSocket's own pings are answered with their payload.
func TestControlPing(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		var got string
		c.SetPongHandler(func(payload string) error { got = payload; return nil })
		if err := c.WriteControl(websocket.PingMessage, []byte("are you there"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() { _ = c.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)) }()
		c.expect(`{"type":"pong"}`)
		if got != "are you there" {
			t.Errorf("pong %q", got)
		}
	})
}

// After the client's complete nothing of the old operation leaves, though it
// waits already and its id is used again at once. Only the frame that is being
// written cannot be called back.
func TestReusedID(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription old")
		c.subscribe("2", "subscription other")
		old := s.script.sub("old")
		old.next(`"being written"`)
		synctest.Wait()
		old.next(`"waiting"`)
		s.script.sub("other").next(`"kept"`)
		old.next(`"waiting"`)
		c.send(`{"id":"1","type":"complete"}`)
		c.subscribe("1", "subscription new")
		if old.next(`"late"`) {
			t.Error("a response was taken that the client does not want")
		}
		s.script.sub("new").next(`"new"`)
		c.expect(
			`{"id":"1","type":"next","payload":"being written"}`,
			`{"id":"2","type":"next","payload":"kept"}`,
			`{"id":"1","type":"next","payload":"new"}`,
		)
		s.expectNoted("unsubscribed old")
	})
}

// The same where the server's own end still waits.
func TestReusedIDAfterCrossing(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("2", "subscription other")
		c.subscribe("1", "subscription old")
		s.script.sub("other").next(`"being written"`)
		synctest.Wait()
		s.script.sub("old").next(`"waiting"`)
		s.script.sub("old").complete()
		c.send(`{"id":"1","type":"complete"}`)
		c.subscribe("1", "subscription new")
		s.script.sub("new").next(`"new"`)
		c.expect(`{"id":"2","type":"next","payload":"being written"}`, `{"id":"1","type":"next","payload":"new"}`)
		s.script.sub("new").complete()
		c.expect(`{"id":"1","type":"complete"}`)
	})
}
