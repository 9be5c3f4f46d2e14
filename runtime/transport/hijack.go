package transport

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// readSide is a connection as gorilla has it: once the handshake was answered
// it only reads. Gorilla would write a close frame where the peer's frames are
// at fault, into the midst of what the writer writes and under a deadline of its
// own; that word is kept for the connection to say in its turn.
type readSide struct {
	net.Conn
	upgraded bool
	refusal  string // what gorilla found wrong with the peer's frames
}

// closeHeaderBytes are before the reason in a close frame: the frame's header,
// which is short, and the code.
const closeHeaderBytes = 4

// Write implements net.Conn.
func (s *readSide) Write(p []byte) (int, error) {
	if !s.upgraded {
		return s.Conn.Write(p)
	}
	if len(p) > closeHeaderBytes {
		s.refusal = string(p[closeHeaderBytes:])
	}
	return len(p), nil
}

// SetWriteDeadline implements net.Conn.
func (s *readSide) SetWriteDeadline(t time.Time) error {
	if !s.upgraded {
		return s.Conn.SetWriteDeadline(t)
	}
	return nil
}

// readBufferBytes is what an idle connection holds to read into. Gorilla takes a
// buffer that is given to it only where it has more than 256. What does not fit is
// read past it.
const readBufferBytes = 288

// hijacker is a ResponseWriter that gives its connection as a readSide, with a
// small buffer in the place of net/http's.
type hijacker struct {
	http.ResponseWriter
	side   *readSide
	buffer *bufio.Reader
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.side = &readSide{Conn: conn}
	if buffers.Reader.Buffered() == 0 { // else gorilla refuses the client, who did not wait
		h.buffer = bufio.NewReaderSize(h.side, readBufferBytes)
		buffers.Reader = h.buffer
	}
	return h.side, buffers, nil
}

// upgraded ends what gorilla may write.
func (h *hijacker) upgraded() (*readSide, *bufio.Reader) {
	h.side.upgraded = true
	return h.side, h.buffer
}
