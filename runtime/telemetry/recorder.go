package telemetry

import (
	"bufio"
	"net"
	"net/http"
)

// Recorder is a ResponseWriter that remembers the status of the answer. All
// else it leaves to the one that it wraps.
type Recorder struct {
	http.ResponseWriter
	status int
}

// Record wraps w.
func Record(w http.ResponseWriter) *Recorder { return &Recorder{ResponseWriter: w} }

// Status is that of the answer so far: 101 for a connection that was taken over,
// and 200 where nothing was said.
func (r *Recorder) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Hijack implements http.Hijacker.
func (r *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, buffers, err
}
