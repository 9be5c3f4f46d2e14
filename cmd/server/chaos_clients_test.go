package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// parts is how many filters there are: an event has one of the parts in front of the
// last, which no event has.
const parts = 9

// number is what an event says: which one of its channel it is.
type number struct {
	Channel string `json:"channel"`
	N       int    `json:"n"`
	Part    int    `json:"part"`
}

func (n number) id() string { return fmt.Sprint(n.Channel, "-", n.N) }

// publisher publishes the numbers of a channel in their order, in batches, each
// again and again until it is accepted.
type publisher struct {
	channel   string
	random    *rand.Rand
	urls      []string
	client    *http.Client
	record    *record
	accepted  int // numbers
	tries     int // that were not accepted
	mostTries int // of one batch
}

// work publishes until ctx ends, and ends behind a whole batch.
func (p *publisher) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.batch(1 + p.random.IntN(12)); err != nil {
			return err
		}
		pause(ctx, time.Duration(p.random.Int64N(int64(700*time.Millisecond))))
	}
	return p.batch(4 * parts) // one at least for each filter
}

func (p *publisher) batch(size int) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for range size {
		n := number{Channel: p.channel, N: p.accepted, Part: p.random.IntN(parts - 1)}
		if size > parts {
			n.Part = n.N % (parts - 1)
		}
		p.record.published(n)
		_ = encoder.Encode(map[string]any{"channel": n.Channel, "id": n.id(), "payload": n}) // can't fail
		p.accepted++
	}
	for try := 0; ; try++ {
		accepted, err := p.send(body.Bytes())
		if accepted || err != nil {
			return err
		}
		p.tries++
		p.mostTries = max(p.mostTries, try+1)
		if try == 1000 {
			return fmt.Errorf("channel %s: a batch is not accepted after %d tries", p.channel, try)
		}
		time.Sleep(time.Duration(p.random.Int64N(int64(100 * time.Millisecond))))
	}
}

// send sends a batch to one of the servers, and reports whether it was accepted for all that
// is known. An error is an answer that ends the test.
func (p *publisher) send(body []byte) (accepted bool, _ error) {
	url := p.urls[p.random.IntN(len(p.urls))] + "/v1/tenants/acme/events"
	answer, err := p.client.Post(url, "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return false, nil // there may have been no server, or its answer was lost
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode == http.StatusAccepted:
		return true, nil
	case err != nil, answer.StatusCode == http.StatusServiceUnavailable, answer.StatusCode == http.StatusTooManyRequests:
		return false, nil
	}
	return false, fmt.Errorf("publish: %d %s", answer.StatusCode, text)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// delivery is a number that a subscriber got, with its position.
type delivery struct {
	number
	at string
}

// gap is what a subscriber was told to have lost: behind from, up to and with to. It is late
// where the subscriber was behind it before: a bus that lost what it had accepted, and
// accepted more before a node looked, is found out later. The node can't know then what
// of it the subscriber had got from others.
type gap struct {
	from, to string
	late     bool
}

// subscriber keeps the last cursor that it was told, connects to any node
// whenever it has lost its connection, and resumes.
type subscriber struct {
	index  int
	part   int // of which it wants the numbers; -1 for all
	away   time.Duration
	random *rand.Rand
	urls   []string

	mu          sync.Mutex
	conn        *websocket.Conn // nil while it has none
	cursor      string
	got         []delivery
	gaps        []gap
	connections int
	node        int // of the last connection
	trail       []string
	refused     error // what no subscriber must be told
}

func (s *subscriber) wants(n number) bool { return s.part < 0 || s.part == n.Part }

// work is connected, one connection after the other, until ctx ends.
func (s *subscriber) work(ctx context.Context) {
	const first, most = 20 * time.Millisecond, 500 * time.Millisecond
	wait := first
	for ctx.Err() == nil {
		if s.connect(ctx) {
			wait = first
			pause(ctx, s.away)
		}
		pause(ctx, wait/2+time.Duration(s.random.Int64N(int64(wait))))
		wait = min(2*wait, most)
	}
}

// connect is one connection, until it ends. It reports whether it became live.
func (s *subscriber) connect(ctx context.Context) (live bool) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 5 * time.Second, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10}
	node := s.random.IntN(len(s.urls))
	url := s.urls[node]
	conn, _, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(url, "http")+"/t/acme/graphql", nil)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	s.mu.Lock()
	s.conn, s.node = conn, node
	s.connections++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
	}()
	if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`)) != nil {
		return false
	}
	for {
		var m message
		// The server pings every 12 s.
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		if conn.ReadJSON(&m) != nil {
			return live
		}
		answer := ""
		switch m.Type {
		case "connection_ack":
			answer = s.subscribe()
		case "ping":
			live = s.ping(m.Payload) || live
			answer = `{"type":"pong"}`
		case "next":
			live = true
			s.next(m.Payload)
		default:
			s.refuse("%s %s", m.Type, m.Payload)
		}
		if answer != "" && conn.WriteMessage(websocket.TextMessage, []byte(answer)) != nil {
			return live
		}
	}
}

// cut ends the connection, as a network does.
func (s *subscriber) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.NetConn().Close()
	}
}

// note keeps what has happened, of which a failure tells the end.
func (s *subscriber) note(format string, arguments ...any) {
	const most = 200
	if len(s.trail) == most {
		s.trail = append(s.trail[:0], s.trail[most/2:]...)
	}
	s.trail = append(s.trail, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, arguments...))
}

func (s *subscriber) refuse(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = fmt.Errorf(format, arguments...)
	}
}

func (s *subscriber) subscribe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var cursor, part any // null
	if s.cursor != "" {
		cursor = s.cursor
	}
	if s.part >= 0 {
		part = s.part
	}
	s.note("connection %d, node %d: subscribe from %s", s.connections, s.node, positionOf(s.cursor))
	text, _ := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{ // can't fail
		"query":      "subscription($part: Int) { numbers(part: $part) { event { channel n part } meta { id } } }",
		"variables":  map[string]any{"part": part},
		"extensions": map[string]any{"runnel": map[string]any{"cursor": cursor}},
	}})
	return string(text)
}

// ping takes the cursor that a ping tells, if it does.
func (s *subscriber) ping(payload []byte) bool {
	var p struct {
		Runnel struct{ Cursors map[string]string }
	}
	if len(payload) == 0 || json.Unmarshal(payload, &p) != nil || p.Runnel.Cursors["1"] == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = p.Runnel.Cursors["1"]
	s.note("at %s", positionOf(s.cursor))
	return true
}

func (s *subscriber) next(payload []byte) {
	var p struct {
		Data *struct {
			Numbers struct {
				Event number
				Meta  struct{ ID string }
			}
		}
		Errors []struct {
			Message    string
			Extensions struct{ Code, From, To string }
		}
		Extensions struct{ Runnel struct{ Cursor string } }
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		s.refuse("%v: %s", err, payload)
		return
	}
	at := positionOf(p.Extensions.Runnel.Cursor)
	switch {
	case at == "":
		s.refuse("a response without a cursor: %s", payload)
		return
	case p.Data != nil && len(p.Errors) == 0 && p.Data.Numbers.Meta.ID == p.Data.Numbers.Event.id():
		s.mu.Lock()
		s.got = append(s.got, delivery{p.Data.Numbers.Event, at})
		s.note("%s at %s", p.Data.Numbers.Event.id(), at)
	case p.Data == nil && len(p.Errors) == 1 && p.Errors[0].Extensions.Code == "GAP":
		s.mu.Lock()
		g := gap{from: positionOf(p.Errors[0].Extensions.From), to: positionOf(p.Errors[0].Extensions.To)}
		g.late = positionOf(s.cursor) >= g.to
		s.gaps = append(s.gaps, g)
		s.note("gap %s to %s, at %s", g.from, g.to, at)
	default:
		s.refuse("%s", payload)
		return
	}
	s.cursor = p.Extensions.Runnel.Cursor
	s.mu.Unlock()
}

// positionOf returns the position in a cursor, which lies behind its version and the name of
// its key, and in front of what signs it; empty where it is no cursor.
func positionOf(cursor string) string {
	const front, behind = 1 + 4, 16
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= front+behind {
		return ""
	}
	return string(raw[front : len(raw)-behind])
}
