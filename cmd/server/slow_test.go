package main

import (
	"cmp"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestSlowClients has clients that send a byte now and then, at each place where
// a server waits for one: none keeps its connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	p := start(t)
	address := strings.TrimPrefix(p.url, "http://")
	const (
		host      = " HTTP/1.1\r\nHost: localhost\r\n"
		json      = "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
		wasm      = "Content-Type: application/wasm\r\nContent-Length: 60000\r\n\r\n\x00"
		handshake = "GET /t/demo/graphql" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
		timedOut = "\x11\x38Connection initialisation timeout" // the code is 4408
	)
	var clients sync.WaitGroup
	for name, c := range map[string]slowClient{
		"request line":            {begin: "GET /heal"},
		"headers":                 {begin: "GET /healthz" + host + "X: "},
		"handshake":               {begin: handshake},
		"operation":               {begin: "POST /t/demo/graphql" + host + json, want: "the body did not arrive whole"},
		"operation, refused":      {begin: "POST /t/nobody/graphql" + host + json, want: "there is no such tenant"},
		"body of a route without": {begin: "GET /healthz" + host + json, want: "ok\n"},
		"body of the page":        {begin: "GET /" + host + json, want: "<html"},
		"body of no route":        {begin: "POST /nothing" + host + json, want: "nothing is served"},
		"upload, refused":         {begin: "PUT /v1/tenants/nobody/modules/a" + host + wasm, want: "there is no such tenant"},
		"events, refused":         {begin: "POST /v1/tenants/nobody/events" + host + json, want: "there is no such tenant"},
		// A socket's pings and the bytes of a message that it never ends gain it nothing.
		"first message":        {begin: handshake + "\r\n", drop: "\x89\x80\x00\x00\x00\x00", want: timedOut},
		"first message, begun": {begin: handshake + "\r\n", then: "\x81\xfe\x01\x00\x00\x00\x00\x00{", want: timedOut},
	} {
		clients.Go(func() { c.run(t, name, address) })
	}
	clients.Wait()

	// Somebody else was served all the time, and is now.
	s := p.dial("demo", `{}`)
	s.subscribe(map[string]string{"1": orderQuery})
	if m := s.await("1"); m.Type != "next" {
		t.Errorf("got %+v", m)
	}
	_ = s.conn.WriteControl(websocket.CloseMessage, nil, time.Now().Add(time.Second))
}

// slowClient is a client that sends bytes now and then.
type slowClient struct {
	begin string // at once
	then  string // a little later
	drop  string // from then on; "x" where empty
	want  string // in what is answered; empty where it may be anything
}

// run sends until the connection ends, which it does within what the server gives
// a client, and the time that a busy machine takes.
func (c slowClient) run(t *testing.T, name, address string) {
	const pause, most = 500 * time.Millisecond, 30 * time.Second
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	start := time.Now()
	if _, err := io.WriteString(conn, c.begin); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		drop := cmp.Or(c.drop, "x")
		for text := cmp.Or(c.then, drop); ; text = drop {
			select {
			case <-tick.C:
				_, _ = io.WriteString(conn, text) // the reader finds out
			case <-ended:
				return
			}
		}
	})
	_ = conn.SetReadDeadline(start.Add(2 * most))
	got, err := io.ReadAll(conn) // a reset is an end, too
	close(ended)
	sending.Wait()
	if took := time.Since(start); !strings.Contains(string(got), c.want) || took > most {
		t.Errorf("%s: got %q, %v after %v; want %q", name, got, err, took, c.want)
	}
}
