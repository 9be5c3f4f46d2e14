package transport

import (
	"errors"
	"net/http"
	"time"
)

// response is what an HTTP response is written through, so that no write lacks a
// deadline.
type response struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // for each write
}

func (h *Handler) respond(w http.ResponseWriter) response {
	return response{w, http.NewResponseController(w), h.config.WriteTimeout}
}

// write writes the whole body, whose length the header says or whose end is the
// connection's. It leaves no deadline to the next response on the connection.
func (r response) write(p []byte) error {
	err := r.writeWithin(p, func() error { return r.until(time.Now().Add(r.timeout)) })
	if err != nil {
		return err
	}
	return r.until(time.Time{})
}

// until sets the deadline. What is no connection, as in a test, has none.
func (r response) until(t time.Time) error {
	if err := r.control.SetWriteDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// writeWithin writes all of p and flushes it, piece by piece; extend gives each
// its time.
func (r response) writeWithin(p []byte, extend func() error) error {
	for len(p) > 0 {
		n := min(len(p), maxWriteBytes)
		if err := extend(); err != nil {
			return err
		}
		if _, err := r.w.Write(p[:n]); err != nil {
			return err
		}
		if err := r.control.Flush(); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
