package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// peer is the server's end of one scripted conversation.
type peer struct {
	*websocket.Conn
}

// expect reads one message and compares its text.
func (p peer) expect(want string) error {
	_, got, err := p.ReadMessage()
	if err == nil && string(got) != want {
		err = fmt.Errorf("received %s, want %s", got, want)
	}
	return err
}

func (p peer) say(messages ...string) error {
	for _, m := range messages {
		if err := p.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			return err
		}
	}
	return nil
}

// expectClose reads up to the client's close frame, which has to be next.
func (p peer) expectClose() error {
	_, got, err := p.ReadMessage()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return nil
	}
	return fmt.Errorf("received %q, %v; want the close frame", got, err)
}

// greet takes the client to where its subscribe message, with that payload, was
// read.
func (p peer) greet(payload string) error {
	return errors.Join(
		p.expect(`{"type":"connection_init"}`),
		p.say(`{"type":"connection_ack"}`),
		p.expect(`{"id":"1","type":"subscribe","payload":`+payload+`}`),
	)
}

const simple = `{"query":"{a}"}`

// serve runs a conversation with each client. The test fails where it does.
func serve(t *testing.T, talk func(peer) error) (url string) {
	upgrader := websocket.Upgrader{Subprotocols: []string{protocol}}
	talks := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		talks <- struct{}{}
		defer func() { <-talks }()
		if r.URL.Path != "/t/demo/graphql" || r.Header.Get("Origin") != "" {
			t.Errorf("dialed %s from %q", r.URL, r.Header.Get("Origin"))
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if err := talk(peer{conn}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(func() {
		server.Close()
		for range cap(talks) {
			talks <- struct{}{} // hijacked connections are not waited for otherwise
		}
	})
	return server.URL
}
