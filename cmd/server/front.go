package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Time limits of the HTTP server. There is none for writing or reading whole
// bodies: sockets live long, and handlers set deadlines of their own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	startingTimeout   = 5 * time.Second // for a whole request before the server has started
	maxHeaderBytes    = 32 << 10
)

// front is one address that is served. Before open it answers that the server
// is not ready, so that who watches it sees it live while tenants are loaded.
type front struct {
	listener net.Listener
	server   http.Server
	handler  atomic.Pointer[http.Handler]
}

// listen makes a front whose requests end with ctx. certificate is nil without
// TLS.
func listen(ctx context.Context, address string, certificate *certificate, logger *slog.Logger) (*front, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	f := &front{listener: sockets{listener}}
	f.server = http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx }, // so that no query keeps the end waiting
		Handler:     f, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	if certificate != nil {
		f.server.TLSConfig = certificate.config()
		f.listener = tls.NewListener(f.listener, f.server.TLSConfig)
	}
	return f, nil
}

// sockets are the connections of a listener, each with a bound on what the kernel holds for it.
type sockets struct{ net.Listener }

// Accept implements net.Listener.
func (l sockets) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		limitUnsent(c)
	}
	return c, err
}

func (f *front) address() string { return f.listener.Addr().String() }

// serve serves until the server is shut down or closed.
func (f *front) serve() error {
	if err := f.server.Serve(f.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", f.address(), err)
	}
	return nil
}

// open serves what h serves from now on.
func (f *front) open(h http.Handler) { f.handler.Store(&h) }

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := f.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	control, until := http.NewResponseController(w), time.Now().Add(startingTimeout)
	_, _ = control.SetReadDeadline(until), control.SetWriteDeadline(until) // a connection has both
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path == "/healthz" {
		_, _ = io.WriteString(w, "ok\n") // whoever asked has left
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "the server is starting: tenants are being loaded\n")
}
