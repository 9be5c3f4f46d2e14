package transport_test

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// Bits and opcodes of RFC 6455.
const (
	fin          = 0x80
	rsv1         = 0x40
	continuation = 0
	text         = 1
	binaryData   = 2
	reserved     = 3
	closeFrame   = 8
	ping         = 9
	pong         = 10
)

// frame is one frame of a client, masked with zeros.
func frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return string(append(b, 0, 0, 0, 0)) + payload
}

// fragments cuts a text into frames of n bytes each.
func fragments(message string, n int) string {
	var b strings.Builder
	opcode := byte(text)
	for ; len(message) > n; message = message[n:] {
		b.WriteString(frame(opcode, message[:n]))
		opcode = continuation
	}
	b.WriteString(frame(fin|opcode, message))
	return b.String()
}

// TestFrames sends raw bytes, and looks at what comes back: messages, or a close
// frame. Whatever ends a connection ends its operations.
func TestFrames(t *testing.T) {
	const pingMessage = `{"type":"ping","payload":{"a":"ä€🏃"}}`
	const pongMessage = `{"type":"pong","payload":{"a":"ä€🏃"}}`
	for name, c := range map[string]struct {
		bytes    string
		messages []string
		code     int
		reason   string
	}{
		"one frame":            {frame(fin|text, pingMessage), []string{pongMessage}, 0, ""},
		"fragments":            {fragments(pingMessage, 7), []string{pongMessage}, 0, ""},
		"fragments of a byte":  {fragments(pingMessage, 1), []string{pongMessage}, 0, ""},
		"empty fragments":      {frame(text, "") + frame(continuation, "") + frame(continuation, pingMessage) + frame(fin|continuation, ""), []string{pongMessage}, 0, ""},
		"control between":      {frame(text, pingMessage[:9]) + frame(fin|ping, "x") + frame(fin|pong, "") + frame(fin|continuation, pingMessage[9:]), []string{pongMessage}, 0, ""},
		"control of 125 bytes": {frame(fin|ping, strings.Repeat("x", 125)) + frame(fin|text, pingMessage), []string{pongMessage}, 0, ""},
		"unasked pong":         {frame(fin|pong, "x") + frame(fin|text, pingMessage), []string{pongMessage}, 0, ""},

		"binary":                      {frame(fin|binaryData, pingMessage), nil, 4400, "Binary messages are not supported"},
		"binary in fragments":         {frame(binaryData, pingMessage[:9]) + frame(fin|continuation, pingMessage[9:]), nil, 4400, "Binary messages are not supported"},
		"empty text":                  {frame(fin|text, ""), nil, 4400, "Message is not valid JSON: unexpected end of text at line 1, column 1"},
		"invalid UTF-8":               {frame(fin|text, "{\"type\":\"\xff\"}"), nil, 1007, "Text message is not valid UTF-8"},
		"invalid UTF-8 over two":      {frame(text, "{\"type\":\"\xc3") + frame(fin|continuation, "\xff\"}"), nil, 1007, "Text message is not valid UTF-8"},
		"cut UTF-8":                   {frame(fin|text, "\xe2\x82"), nil, 1007, "Text message is not valid UTF-8"},
		"overlong UTF-8":              {frame(fin|text, "{\"type\":\"\xc0\xaf\"}"), nil, 1007, "Text message is not valid UTF-8"},
		"surrogate in UTF-8":          {frame(fin|text, "{\"type\":\"\xed\xa0\x80\"}"), nil, 1007, "Text message is not valid UTF-8"},
		"too long":                    {frame(fin|text, strings.Repeat(" ", 1025)), nil, 1009, "Message is longer than 1024 bytes (messageBytes)"},
		"too long in fragments":       {fragments(strings.Repeat(" ", 2000), 100), nil, 1009, "Message is longer than 1024 bytes (messageBytes)"},
		"too long without end":        {frame(text, strings.Repeat(" ", 1024)) + frame(continuation, " "), nil, 1009, "Message is longer than 1024 bytes (messageBytes)"},
		"too long, said beforehand":   {"\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00" + "\x00\x00\x00\x00" + strings.Repeat(" ", 2000), nil, 1009, "Message is longer than 1024 bytes (messageBytes)"},
		"not masked":                  {"\x81\x02{}", nil, 1002, "WebSocket protocol error: bad MASK"},
		"reserved bit":                {frame(fin|rsv1|text, pingMessage), nil, 1002, "WebSocket protocol error: RSV1 set"},
		"reserved opcode":             {frame(fin|reserved, ""), nil, 1002, "WebSocket protocol error: bad opcode 3"},
		"control of 126 bytes":        {frame(fin|ping, strings.Repeat("x", 126)), nil, 1002, "WebSocket protocol error: len > 125 for control"},
		"pong of 126 bytes":           {frame(fin|pong, strings.Repeat("x", 126)), nil, 1002, "WebSocket protocol error: len > 125 for control"},
		"ping that is not masked":     {"\x89\x02{}\x00\x00\x00\x00", nil, 1002, "WebSocket protocol error: bad MASK"},
		"pong with a reserved bit":    {frame(fin|rsv1|pong, ""), nil, 1002, "WebSocket protocol error: RSV1 set"},
		"control in fragments":        {frame(ping, "x"), nil, 1002, "WebSocket protocol error: FIN not set on control"},
		"continuation of nothing":     {frame(fin|continuation, pingMessage), nil, 1002, "WebSocket protocol error: continuation after FIN"},
		"text within a message":       {frame(text, "{") + frame(fin|text, pingMessage), nil, 1002, "WebSocket protocol error: data before FIN"},
		"length over 63 bits":         {"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00", nil, 1002, "WebSocket protocol error: bad length"},
		"several faults":              {"\xf3\x02{}", nil, 1002, "WebSocket protocol error: RSV1 set, RSV2 set, RSV3 set, bad opcode 3, bad MASK"},
		"close":                       {frame(fin|closeFrame, "\x03\xe8bye"), nil, 1000, ""},
		"close of the client's own":   {frame(fin|closeFrame, "\x11\x94"), nil, 4500, ""},
		"close without a code":        {frame(fin|closeFrame, ""), nil, 1005, ""},
		"close with a reserved code":  {frame(fin|closeFrame, "\x03\xed"), nil, 1002, "WebSocket protocol error: bad close code 1005"},
		"close with a reason no text": {frame(fin|closeFrame, "\x03\xe8\xff"), nil, 1002, "WebSocket protocol error: invalid utf8 payload in close frame"},
		"close between fragments":     {frame(text, "{") + frame(fin|closeFrame, "\x03\xe8"), nil, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, nil, func(s *stage) {
				s.limits(`{"messageBytes":1024}`)
				client := s.join()
				client.subscribe("1", "subscription a")
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					_, _ = client.NetConn().Write([]byte(c.bytes)) // what follows a fault may find the socket closed
				}()
				client.expect(c.messages...)
				if c.code == 0 {
					<-sent
					if s.script.noted("unsubscribed a") != 0 {
						t.Error("the operation ended")
					}
					s.script.sub("a").next("1")
					client.expect(`{"id":"1","type":"next","payload":1}`)
					return
				}
				client.expectClose(c.code, c.reason)
				s.expectNoted("unsubscribed a")
				_ = client.Close()
				<-sent
			})
		})
	}
}

// TestPongs has pongs come whole, in pieces, and with other frames: what is read beside
// gorilla and what it reads add up.
func TestPongs(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		var answered []string
		c.SetPongHandler(func(payload string) error { answered = append(answered, payload); return nil })
		one, long := frame(fin|pong, "x"), frame(fin|pong, strings.Repeat("x", 125))
		message := frame(fin|text, `{"type":"ping"}`)
		pieces := []string{
			one, one + one, long + long + long + long, one[:1], one[1:], long[:5], long[5:], one + long[:70], long[70:] + message,
			frame(fin|ping, "a") + one + message + frame(fin|ping, "b") + one + message[:9], message[9:] + long,
			message + message + frame(fin|ping, "c")[:4], frame(fin|ping, "c")[4:] + message,
		}
		go func() {
			for _, p := range pieces {
				_, _ = c.NetConn().Write([]byte(p))
				synctest.Wait() // each piece is read by itself
			}
		}()
		for range 6 {
			c.expect(`{"type":"pong"}`)
		}
		if got := strings.Join(answered, ""); got != "abc" {
			t.Errorf("answers to %q", got)
		}
		_ = c.Close()
	})
}

// After a message that was refused before its end, what is left of it is not taken
// for frames: the peer's answer to the close frame is found behind it.
func TestRestOfARefusedMessage(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		s.limits(`{"messageBytes":1024}`)
		c := s.join()
		c.subscribe("1", "subscription a")
		fake := strings.Repeat(" ", 1025) + strings.Repeat(frame(fin|pong, "")+frame(fin|ping, "x"), 300)
		go func() { _, _ = c.NetConn().Write([]byte(frame(fin|text, fake) + frame(fin|closeFrame, "\x03\xf1"))) }()
		c.SetPongHandler(func(string) error { t.Error("a ping was taken out of a message"); return nil })
		start := time.Now()
		c.expectClose(1009, "Message is longer than 1024 bytes (messageBytes)")
		s.expectNoted("unsubscribed a")
		if _, err := c.NetConn().Read(make([]byte, 1)); err != io.EOF || time.Since(start) != 0 {
			t.Errorf("the socket ended with %v after %v", err, time.Since(start))
		}
	})
}

// A fault of the peer's frames does not break into a frame that is being
// written: the close frame waits for its turn, and for no longer than a write may.
func TestFrameFaultWhileWriting(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.join()
		c.subscribe("1", "subscription a")
		response := `"` + strings.Repeat("x", 300<<10) + `"` // in several writes
		s.script.sub("a").next(response)
		if _, err := c.NetConn().Write([]byte("\x81\x02{}")); err != nil {
			t.Fatal(err)
		}
		s.expectNoted("unsubscribed a")
		c.expect(`{"id":"1","type":"next","payload":` + response + `}`)
		c.expectClose(websocket.CloseProtocolError, "WebSocket protocol error: bad MASK")
	})
}
