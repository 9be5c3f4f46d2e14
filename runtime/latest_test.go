package runtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// latestReader is a subscriber of ticks and what it has got.
type latestReader struct {
	*testing.T
	limitedSocket
	cursor    string // JSON
	newest    map[string]int
	last      int // number that came last
	delivered int
	skipped   int
}

const latestKeys = 7

func (r *latestReader) subscribe() {
	r.say(`{"type":"subscribe","id":"1","payload":{"query":"subscription { tick { k n } }","extensions":{"runnel":{"cursor":` + r.cursor + `}}}}`)
}

// read reads a message, and reports false where none comes for so long.
func (r *latestReader) read(quiet time.Duration) bool {
	_ = r.SetReadDeadline(time.Now().Add(quiet))
	_, text, err := r.ReadMessage()
	if timeout := net.Error(nil); err != nil {
		if e, ok := err.(net.Error); ok {
			timeout = e
		}
		if timeout == nil || !timeout.Timeout() {
			r.Fatal(err)
		}
		return false
	}
	var message struct {
		Type    string
		Payload struct {
			Data struct {
				Tick struct {
					K string
					N int
				}
			}
			Extensions struct {
				Runnel struct {
					Cursor  string
					Skipped int
				}
			}
			Runnel struct{ Cursors map[string]string }
		}
	}
	if err := json.Unmarshal(text, &message); err != nil {
		r.Fatalf("%s: %v", text, err)
	}
	switch p := message.Payload; message.Type {
	case "ping":
		if cursor := p.Runnel.Cursors["1"]; cursor != "" {
			r.cursor = fmt.Sprintf("%q", cursor)
		}
	case "next":
		tick := p.Data.Tick
		if tick.N <= r.last {
			r.Fatalf("%d came behind %d", tick.N, r.last)
		}
		r.last, r.newest[tick.K] = tick.N, tick.N
		r.delivered++
		r.skipped += p.Extensions.Runnel.Skipped
		r.cursor = fmt.Sprintf("%q", p.Extensions.Runnel.Cursor)
	default:
		r.Fatalf("got %s", text)
	}
	return true
}

// TestResumeLatest has two subscribers of a field with LATEST over a rate that is far below
// that of the events. Whoever stays gets the newest of each key, and his responses and those
// that he is told were skipped are all of them. Whoever breaks off at random and comes back
// with his cursor misses none that is the newest, and gets none twice.
func TestResumeLatest(t *testing.T) {
	l := newLimitedServer(t)(t, "latest")
	l.set(`{"deliveriesPerSecond":40}`)
	start := func() *latestReader {
		r := &latestReader{T: t, limitedSocket: l.join("{}"), cursor: "null", newest: map[string]int{}, last: -1}
		r.subscribe()
		for r.cursor == "null" { // until it is live
			if !r.read(time.Minute) {
				t.Fatal("it is not told where it is")
			}
		}
		return r
	}
	stays, leaves := start(), start()
	const batches, batch = 60, 20
	r := rand.New(rand.NewPCG(1, 2))
	newest := map[string]int{}
	published := make(chan struct{})
	go func() {
		defer close(published)
		for b := range batches {
			var lines strings.Builder
			for i := range batch {
				key := fmt.Sprint("k", r.IntN(latestKeys))
				newest[key] = b*batch + i
				fmt.Fprintf(&lines, `{"channel":"t","payload":{"k":%q,"n":%d}}`+"\n", key, b*batch+i)
			}
			response, err := http.Post(l.url+l.path("/events"), "application/x-ndjson", strings.NewReader(lines.String()))
			if err != nil || response.StatusCode != http.StatusAccepted {
				t.Error(response, err)
				return
			}
			_ = response.Body.Close()
		}
	}()
	for range 12 {
		for range rand.IntN(8) {
			leaves.read(time.Second)
		}
		_ = leaves.NetConn().Close()
		leaves.limitedSocket = l.join("{}")
		leaves.subscribe()
	}
	<-published
	for _, r := range []*latestReader{stays, leaves} {
		for !maps.Equal(r.newest, newest) && r.read(time.Minute) {
		}
		for r.read(time.Second) { // nothing older comes
		}
		for key, n := range newest {
			if r.newest[key] != n {
				t.Errorf("of %s the newest that came is %d, want %d", key, r.newest[key], n)
			}
		}
	}
	if sum := stays.delivered + stays.skipped; sum != batches*batch || stays.skipped == 0 {
		t.Errorf("%d delivered and %d skipped of %d", stays.delivered, stays.skipped, batches*batch)
	}
}

// TestStalledLatest has a client that stops reading while far more comes than sockets
// keep, and reads on: its connection has stayed, and the newest of each key comes last.
func TestStalledLatest(t *testing.T) {
	l := newLimitedServer(t)(t, "stalled")
	l.set(`{"queueBytes":65536,"deliveriesPerSecond":1000000}`)
	s := l.join("{}")
	s.say(`{"type":"subscribe","id":"1","payload":{"query":"subscription { tick { k n } }"}}`)
	s.say(`{"type":"ping"}`)
	s.expect(`"pong"`)
	const events, batch = 3000, 150
	pad := strings.Repeat("x", 6000)
	for b := range events / batch {
		var lines strings.Builder
		for i := range batch {
			fmt.Fprintf(&lines, `{"channel":"t","payload":{"k":"%d%s","n":%d}}`+"\n", i%3, pad, b*batch+i)
		}
		l.must(http.StatusAccepted, l.send("POST", l.path("/events"), "application/x-ndjson", lines.String()))
	}
	delivered, skipped := 0, 0
	var tail []int
	for len(tail) == 0 || tail[len(tail)-1] != events-1 {
		_, text, err := s.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			Payload struct {
				Data       struct{ Tick struct{ N int } }
				Extensions struct{ Runnel struct{ Skipped int } }
			}
		}
		if err := json.Unmarshal(text, &message); err != nil {
			t.Fatal(err)
		}
		delivered++
		skipped += message.Payload.Extensions.Runnel.Skipped
		tail = append(tail, message.Payload.Data.Tick.N)
	}
	if delivered+skipped != events || skipped == 0 {
		t.Errorf("%d delivered and %d skipped of %d", delivered, skipped, events)
	}
	if got := tail[len(tail)-3:]; got[0] != events-3 || got[1] != events-2 {
		t.Errorf("the last are %v", got)
	}
	t.Logf("%d delivered, %d skipped", delivered, skipped)
}
