package transport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/transport"
)

// next is the message that a response comes in.
func next(id, response string) string {
	return `{"id":"` + id + `","type":"next","payload":` + response + `}`
}

// skipping is a response that tells of skipped ones.
func skipping(response string, n int) string {
	return fmt.Sprintf(`%s,"extensions":{"runnel":{"skipped":%d}}}`, strings.TrimSuffix(response, "}"), n)
}

// stall fills half of a queue of 4 KiB for a client that does not read. It returns what will
// be read of that.
func (s *scriptSub) stall(id string) (frames []string) {
	filler := `{"data":"` + strings.Repeat("x", 600) + `"}`
	s.next(`{"data":0}`)
	synctest.Wait() // the writer is stuck with it
	frames = append(frames, next(id, `{"data":0}`))
	for range 4 {
		s.next(filler)
		frames = append(frames, next(id, filler))
	}
	return frames
}

func wantTaken(t testing.TB, s *scriptSub, key, response string, wantSkipped bool) {
	t.Helper()
	if taken, skipped := s.latest(key, response); !taken || skipped != wantSkipped {
		t.Errorf("%s: taken %v, skipped %v", response, taken, skipped)
	}
}

// A client that does not read in time gets the newest of each key, in the order in which
// these came, and is told how many it does not get. What has no key is all sent. Other
// subscriptions of the connection are as they were.
func TestLatest(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "subscription b")
		a, b := s.script.sub("a"), s.script.sub("b")
		want := a.stall("1")
		wantTaken(t, a, "x", `{"data":1}`, false)
		wantTaken(t, a, "y", `{"data":2}`, false)
		wantTaken(t, a, "x", `{"data":3}`, true)
		wantTaken(t, a, "", `{"data":null}`, false)
		wantTaken(t, a, "y", `{"data":4}`, true)
		wantTaken(t, a, "y", `{"data":5}`, true)
		b.next(`{"data":"b"}`)
		wantTaken(t, b, "x", `{"data":"bx"}`, false)
		if a.ready() {
			t.Error("there is room for past events")
		}
		want = append(want, next("2", `{"data":"b"}`),
			next("1", skipping(`{"data":3}`, 3)), next("2", `{"data":"bx"}`), next("1", `{"data":null}`), next("1", `{"data":5}`))
		c.expect(want...)
		synctest.Wait()
		if !a.ready() {
			t.Error("there is no room for past events")
		}
		wantTaken(t, a, "x", `{"data":6}`, false)
		c.expect(next("1", `{"data":6}`))
		synctest.Wait()
		if n := s.handler.Stats(); n.Dropped() != 0 || n.WaitingBytes != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// More keys than queueBytes hold are too much, as is what waits without one.
func TestLatestOfManyKeys(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		a.stall("1")
		for range 100 {
			for _, key := range []string{"a", "b", "c", "d"} {
				if taken, _ := a.latest(key, `{"data":1}`); !taken {
					t.Fatal("four keys are too much")
				}
			}
		}
		if n := s.handler.Stats().WaitingBytes; n > 4096+700 {
			t.Errorf("%d bytes wait", n)
		}
		taken := true
		for i := 0; taken && i < 10; i++ {
			taken, _ = a.latest(fmt.Sprint("key ", i), `{"data":1}`)
		}
		if taken {
			t.Error("ten more keys are not too much")
		}
		s.expectNoted("unsubscribed a")
		c.expect(next("1", `{"data":0}`))
		c.expectClose(1013, "Slow consumer: more than 4096 bytes wait (queueBytes)")
		synctest.Wait() // until the connection has ended
		if n := s.handler.Stats().Dropped(); n < 4 || n > 14 {
			t.Errorf("%d dropped", n)
		}
	})
}

// A response that is larger than queueBytes may wait, too, and does so no longer than others
// of its key.
func TestLatestLarge(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"queueBytes":4096}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		want := a.stall("1")
		large := `{"data":"` + strings.Repeat("x", 50_000) + `"}`
		wantTaken(t, a, "x", large, false)
		wantTaken(t, a, "y", `{"data":1}`, false)
		wantTaken(t, a, "x", large, true)
		wantTaken(t, a, "z", `{"data":2}`, false)
		c.expect(append(want, next("1", skipping(`{"data":1}`, 1)), next("1", large), next("1", `{"data":2}`))...)
	})
}

// Over deliveriesPerSecond the newest of each key wait for the rate alone.
func TestLatestOverTheRate(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":4}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		c.subscribe("2", "subscription b")
		a, start := s.script.sub("a"), time.Now()
		go func() {
			for i := range 10 {
				a.latest(fmt.Sprint(i%3), fmt.Sprintf(`{"data":%d}`, i))
			}
		}()
		for i := range 4 {
			c.expect(next("1", fmt.Sprintf(`{"data":%d}`, i)))
		}
		for i, want := range []string{skipping(`{"data":7}`, 3), `{"data":8}`, `{"data":9}`} {
			c.expect(next("1", want))
			if passed, due := time.Since(start), time.Duration(i+1)*250*time.Millisecond; passed < due || passed > due+5*time.Millisecond {
				t.Errorf("%s after %v, want %v", want, passed, due)
			}
			s.script.sub("b").next(fmt.Sprintf(`{"data":%d}`, i)) // has a rate of its own
			c.expect(next("2", fmt.Sprintf(`{"data":%d}`, i)))
		}
		time.Sleep(time.Second)
		start = time.Now()
		a.next(`{"data":10}`)
		c.expect(next("1", `{"data":10}`))
		if d := time.Since(start); d != 0 {
			t.Errorf("after %v, though there was room", d)
		}
	})
}

// What has no key waits within queueBytes, in order, and is closed over it.
func TestOverTheRate(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":100,"queueBytes":65536}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a, start := s.script.sub("a"), time.Now()
		go func() {
			for i := range 250 {
				if !a.next(fmt.Sprintf(`{"data":%d}`, i)) {
					t.Error("was not taken")
				}
			}
		}()
		for i := range 250 {
			c.expect(next("1", fmt.Sprintf(`{"data":%d}`, i)))
		}
		if d := time.Since(start); d < 1500*time.Millisecond || d > 1510*time.Millisecond {
			t.Errorf("250 took %v", d)
		}
		go func() {
			for a.next(`{"data":"more"}`) {
			}
		}()
		for {
			_, _, err := c.ReadMessage()
			if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
				if closed.Code != 1013 {
					t.Error(err)
				}
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // until the connection has ended
		if d := s.handler.Stats().Dropped(); d < 100 {
			t.Errorf("%d dropped", d)
		}
	})
}

// Another rate counts from the next response on.
func TestRateChanges(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":1}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a, start := s.script.sub("a"), time.Now()
		go func() {
			a.next(`{"data":1}`)
			a.next(`{"data":2}`)
			s.limits(`{"deliveriesPerSecond":1000}`)
		}()
		c.expect(next("1", `{"data":1}`), next("1", `{"data":2}`))
		if d := time.Since(start); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// The end of an operation comes behind what is held back.
func TestEndsComeBehind(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":1}`)
		c := s.join()
		for id, end := range map[string]struct {
			say  func(*scriptSub)
			want string
		}{
			"c": {(*scriptSub).complete, `{"id":"c","type":"complete"}`},
			"e": {func(sub *scriptSub) { sub.fail("no more") }, `{"id":"e","type":"error","payload":[{"message":"no more"}]}`},
		} {
			c.subscribe(id, "subscription "+id)
			sub, start := s.script.sub(id), time.Now()
			go func() {
				sub.latest("x", `{"data":1}`)
				sub.latest("x", `{"data":2}`)
				sub.latest("x", `{"data":3}`)
				end.say(sub)
			}()
			c.expect(next(id, `{"data":1}`), next(id, skipping(`{"data":3}`, 1)), end.want)
			if d := time.Since(start); d != 0 {
				t.Errorf("a last word came after %v", d)
			}
			if taken, _ := sub.latest("x", `{"data":4}`); taken {
				t.Error("a response was taken after the end")
			}
		}
	})
}

// What is held back of an operation that the client ends is forgotten; its id may be
// used again at once.
func TestLatestIsForgotten(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":1}`)
		c := s.join()
		c.subscribe("1", "subscription old")
		old := s.script.sub("old")
		go func() {
			old.latest("x", `{"data":1}`)
			old.latest("x", `{"data":2}`)
			old.latest("y", `{"data":3}`)
		}()
		c.expect(next("1", `{"data":1}`))
		c.send(`{"id":"1","type":"complete"}`)
		c.subscribe("1", "subscription new")
		if n := s.handler.Stats(); n.Dropped() != 2 || n.WaitingBytes != 0 {
			t.Errorf("%+v", n)
		}
		go s.script.sub("new").latest("x", `{"data":"new"}`)
		c.expect(next("1", `{"data":"new"}`))
		time.Sleep(5 * time.Second)
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong"}`)
	})
}

// Connections that end without a word of the server's drop what they hold back; one
// that the server closes sends it first.
func TestHeldBackAtTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(*stage, *client)
		dropped uint64
	}{
		"hang up":    {func(_ *stage, c *client) { _ = c.Close() }, 1},
		"close":      {func(_ *stage, c *client) { c.closeWith(1000) }, 1},
		"keep-alive": {func(*stage, *client) { time.Sleep(90 * time.Second) }, 6}, // with those in the queue
		"shutdown": {func(s *stage, c *client) {
			go func() { _ = s.handler.Shutdown(context.Background()) }()
			c.expect(next("1", `{"data":2}`))
			c.expectClose(1001, "Server is shutting down")
		}, 0},
		"violation": {func(_ *stage, c *client) {
			c.send(`{"type":"nothing"}`)
			c.expect(next("1", `{"data":2}`))
			_, _, _ = c.ReadMessage()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(c *transport.Config) { c.KeepAlive = 20 * time.Second }, func(s *stage) {
				s.limits(`{"deliveriesPerSecond":1}`)
				c := s.join()
				c.subscribe("1", "subscription a")
				a := s.script.sub("a")
				if name == "keep-alive" { // the rate would send it before
					s.limits(`{"queueBytes":4096,"deliveriesPerSecond":1000}`)
					a.stall("1")
				} else {
					go a.next(`{"data":1}`)
					c.expect(next("1", `{"data":1}`))
				}
				wantTaken(t, a, "x", `{"data":2}`, false)
				test.end(s, c)
				s.expectNoted("unsubscribed a")
				if got := s.handler.Stats(); got.Dropped() != test.dropped || got.WaitingBytes != 0 {
					t.Errorf("%+v, want %d dropped", got, test.dropped)
				}
			})
		})
	}
}

func (c *client) closeWith(code int) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Time{})
	_, _, _ = c.ReadMessage()
}

// Positions do not overtake what is held back, and the one that is told behind it is the last.
func TestPositionsComeBehind(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":1}`)
		c := s.join()
		c.subscribeFrom("1", "subscription a", `{"runnel":{"cursor":null}}`)
		a := s.script.sub("a")
		go func() {
			for i, key := range []string{"x", "x", "y", "x"} {
				a.goes(fmt.Sprint("c", i))
				a.latest(key, fmt.Sprintf(`{"data":%d}`, i))
				a.goes(fmt.Sprint("p", i))
				a.Tell()
			}
		}()
		with := func(response, extensions string) string {
			return next("1", strings.TrimSuffix(response, "}")+`,"extensions":{"runnel":{`+extensions+`}}}`)
		}
		c.expect(
			with(`{"data":0}`, `"cursor":"c0"`), position("1", "p0"),
			with(`{"data":2}`, `"cursor":"c2","skipped":1`), with(`{"data":3}`, `"cursor":"c3"`), position("1", "p3"),
		)
	})
}

// Past events wait while much is held back, and until there is clearly room.
func TestReadyWhileHeldBack(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"deliveriesPerSecond":100,"queueBytes":40960}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		a := s.script.sub("a")
		var left int
		go func() {
			for range 100 {
				a.next(`{"data":1}`)
			}
			for left = 0; a.ready(); left++ {
				a.next(`{"data":2}`)
			}
		}()
		for range 100 {
			c.expect(next("1", `{"data":1}`))
		}
		synctest.Wait()
		const size = 256 + len(`1{"data":2}`)
		if most := 40960/2/size + 1; left < most-20 || left > most {
			t.Errorf("%d past events were taken, at most %d fit", left, most)
		}
		for !a.ready() {
			c.expect(next("1", `{"data":2}`))
			synctest.Wait()
			left--
		}
		if most := 40960 / 4 / size; left > most || left < most-1 {
			t.Errorf("there is room when %d are left, want %d", left, most)
		}
	})
}
