package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// socket is a subscriber with gorilla's client.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
	held []message // read while waiting for another
}

// message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// dial opens a socket to a tenant and initialises it.
func (p *process) dial(tenant, payload string) *socket {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.Dial(p.socketURL(tenant), nil)
	if err != nil {
		p.t.Fatalf("dial: %v %v", err, response)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{t: p.t, conn: conn}
	s.send(`{"type":"connection_init","payload":` + payload + `}`)
	if m := s.read(); m.Type != "connection_ack" {
		p.t.Fatalf("got %+v, want connection_ack", m)
	}
	return s
}

func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) read() message {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	var m message
	if err := s.conn.ReadJSON(&m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// await returns the next message of an operation, and keeps those of others.
func (s *socket) await(id string) message {
	s.t.Helper()
	for i, m := range s.held {
		if m.ID == id {
			s.held = append(s.held[:i], s.held[i+1:]...)
			return m
		}
	}
	for {
		m := s.read()
		if m.ID == id {
			return m
		}
		s.held = append(s.held, m)
	}
}

// subscribe starts operations and returns when all are live: messages of one
// socket are taken in order, so a query after them is answered after them.
func (s *socket) subscribe(operations map[string]string) {
	s.t.Helper()
	start := func(id, query string) {
		text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]string{"query": query}})
		if err != nil {
			s.t.Fatal(err)
		}
		s.send(string(text))
	}
	for id, query := range operations {
		start(id, query)
	}
	start("live", "{ __typename }")
	for _, want := range []string{"next", "complete"} {
		if m := s.await("live"); m.Type != want {
			s.t.Fatalf("got %s %s, want %s", m.Type, m.Payload, want)
		}
	}
}

// next holds that the next message of an operation is this response.
func (s *socket) next(id, want string) {
	s.t.Helper()
	if m := s.await(id); m.Type != "next" || string(m.Payload) != want {
		s.t.Fatalf("operation %s got %s %s, want next %s", id, m.Type, m.Payload, want)
	}
}
