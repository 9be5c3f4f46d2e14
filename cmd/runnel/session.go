package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

const (
	protocol = "graphql-transport-ws"
	// maxMessageBytes bounds one message of the server.
	maxMessageBytes = 64 << 20
	writeTimeout    = 10 * time.Second
	closeTimeout    = 2 * time.Second
)

// message is one message of graphql-transport-ws, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// session is one connection that speaks graphql-transport-ws. One goroutine
// reads it; everything else happens on the goroutine that uses the session.
type session struct {
	conn     *websocket.Conn
	interval time.Duration // between pings; the server is given up after three without a word
	ticker   *time.Ticker

	incoming chan message  // closed when reading has ended
	failure  error         // why reading ended; set before incoming is closed
	left     chan struct{} // closed when nobody takes messages any more
}

// dial connects and has the connection acknowledged. ctx bounds the dialing
// alone. Without an error the caller closes the session.
func dial(ctx context.Context, target *url.URL, initPayload json.RawMessage, interval time.Duration) (*session, error) {
	conn, response, err := handshake(ctx, target)
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, refusedHandshake(response)
	}
	if err != nil {
		return nil, unreachable(target, err)
	}
	s := &session{
		conn: conn, interval: interval, ticker: time.NewTicker(interval),
		incoming: make(chan message), left: make(chan struct{}),
	}
	conn.SetReadLimit(maxMessageBytes)
	go s.read()
	if err := s.initialize(ctx, initPayload); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// handshake opens the socket. The library heeds deadlines but would wait for the
// answer even after ctx was cancelled, so it gets a context without an end, and
// the connection is closed under it.
func handshake(ctx context.Context, target *url.URL) (*websocket.Conn, *http.Response, error) {
	var stop func() bool
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, Subprotocols: []string{protocol}}
	dialer.NetDialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
		if err == nil {
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
	conn, response, err := dialer.DialContext(context.WithoutCancel(ctx), target.String(), nil)
	if stop != nil {
		stop()
	}
	return conn, response, err
}

func (s *session) initialize(ctx context.Context, payload json.RawMessage) error {
	if got := s.conn.Subprotocol(); got != protocol {
		return fmt.Errorf("the server speaks the sub-protocol %q, not %s", got, protocol)
	}
	if err := s.send(message{Type: "connection_init", Payload: payload}); err != nil {
		return err
	}
	m, err := s.receive(ctx)
	if err == nil && m.Type != "connection_ack" {
		err = fmt.Errorf("the server sent %q before connection_ack", m.Type)
	}
	return err
}

// read hands on messages until the connection ends. Each sign of life moves the
// deadline; every server has to answer the pings of receive.
func (s *session) read() {
	defer close(s.incoming)
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(3 * s.interval)) // an error comes back from the read
		_, text, err := s.conn.ReadMessage()
		if err != nil {
			s.failure = s.explain(err)
			return
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			s.failure = fmt.Errorf("the server sent a message that cannot be read: %w", err)
			return
		}
		select {
		case s.incoming <- m:
		case <-s.left:
			// What is under way when the user leaves is read up to the close frame.
		}
	}
}

// receive returns the next message that concerns an operation, and keeps the
// connection alive meanwhile. It gives up when ctx ends.
func (s *session) receive(ctx context.Context) (message, error) {
	for {
		select {
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-s.ticker.C:
			if err := s.send(message{Type: "ping"}); err != nil {
				return message{}, err
			}
		case m, ok := <-s.incoming:
			switch {
			case !ok:
				return message{}, s.failure
			case m.Type == "pong":
			case m.Type == "ping":
				if err := s.send(message{Type: "pong"}); err != nil {
					return message{}, err
				}
			default:
				return m, nil
			}
		}
	}
}

// send writes one message. Only the goroutine that uses the session calls it.
func (s *session) send(m message) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error comes back from the write
	err := s.conn.WriteMessage(websocket.TextMessage, marshal(m))
	if errors.Is(err, websocket.ErrCloseSent) {
		// The reading goroutine has answered the server's close frame: it knows why.
		for range s.incoming {
			continue
		}
		return s.failure
	}
	if err != nil {
		return fmt.Errorf("send %s: %w", m.Type, err)
	}
	return nil
}

// close shakes hands on the end where the server still listens, and waits for
// the reading goroutine.
func (s *session) close() {
	s.ticker.Stop()
	close(s.left)
	deadline := time.Now().Add(closeTimeout)
	// The connection is being given up: there is nothing to do about an error.
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), deadline)
	timer := time.AfterFunc(closeTimeout, func() { _ = s.conn.Close() })
	for range s.incoming {
		continue // a message that was on its way between read and receive
	}
	timer.Stop()
	_ = s.conn.Close()
}
