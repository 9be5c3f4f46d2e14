// Package response writes HTTP responses whose every write has a deadline: a
// client that does not read holds nobody up.
package response

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Timeout is what a client has for each write of Write.
const Timeout = 10 * time.Second

// MaxWriteBytes is written under one deadline.
const MaxWriteBytes = 64 << 10

// Write answers with a whole body; the other headers were set before. A failed
// write is not reported: the client is gone.
func Write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = New(w, Timeout).Write(body)
}

// Writer is what a response is written through. It is used by one goroutine at
// a time.
type Writer struct {
	Control *http.ResponseController
	w       http.ResponseWriter
	timeout time.Duration
}

// New returns a Writer of a response that gives the client so much time for each
// write.
func New(w http.ResponseWriter, timeout time.Duration) Writer {
	return Writer{http.NewResponseController(w), w, timeout}
}

// Timeout is how long each write may take.
func (r Writer) Timeout() time.Duration { return r.timeout }

// Write writes the whole body, whose length the header says or whose end is the
// connection's. It leaves no deadline to the next response on the connection,
// and nothing that net/http would write without one.
func (r Writer) Write(p []byte) error {
	err := r.WriteWithin(p, func() error { return r.until(time.Now().Add(r.timeout)) })
	if err != nil {
		return err
	}
	return r.until(time.Time{})
}

// until sets the deadline. What is no connection, as in a test, has none.
func (r Writer) until(t time.Time) error {
	if err := r.Control.SetWriteDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// WriteWithin writes all of p and flushes it, piece by piece; extend gives each
// its time. Where p is empty, it is the head that is written.
func (r Writer) WriteWithin(p []byte, extend func() error) error {
	for {
		n := min(len(p), MaxWriteBytes)
		if err := extend(); err != nil {
			return err
		}
		if n > 0 {
			if _, err := r.w.Write(p[:n]); err != nil {
				return err
			}
		}
		if err := r.Control.Flush(); err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
}
