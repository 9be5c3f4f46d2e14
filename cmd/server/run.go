package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime"
)

// Time limits of the HTTP server. There is none for writing or reading whole
// bodies: sockets live long, and handlers set deadlines of their own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	drainTime         = 10 * time.Second // to send all subscribers away
	shutdownTimeout   = 10 * time.Second // for the last of them, and again for what is left
	maxHeaderBytes    = 32 << 10
)

// run is the whole program: it returns the exit code once ctx has ended and all
// is shut down, or something failed. 2 is for settings that are wrong.
func run(ctx context.Context, arguments []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(arguments, getenv, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "runnel-server:", err)
		return 2
	case o.checkConfig:
		_, _ = fmt.Fprintln(stdout, "the settings are good")
		return 0
	}
	logger := newLogger(o, stderr)
	if err := serve(ctx, o, logger, stdout); err != nil {
		logger.Error("stopped", "error", err)
		return 1
	}
	return 0
}

func newLogger(o options, w io.Writer) *slog.Logger {
	settings := &slog.HandlerOptions{Level: o.logLevel}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, settings))
	}
	return slog.New(slog.NewTextHandler(w, settings))
}

// serve runs the server until ctx ends, then shuts it down. What the server does
// goes on meanwhile, so it does not end with ctx.
func serve(ctx context.Context, o options, logger *slog.Logger, stdout io.Writer) error {
	config := runtime.Config{Dev: o.dev, AdminToken: o.adminToken, DrainTime: drainTime, Logger: logger}
	if o.dev {
		config.Root = http.HandlerFunc(servePage)
	}
	server, err := runtime.New(config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), server.Shutdown(context.Background()))
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	requests, endRequests := context.WithCancel(work)
	defer endRequests()
	failed := make(chan error, 3)
	background := []func() error{func() error { return server.Run(work) }}
	if o.dev {
		if err := startDemo(ctx, server); err != nil {
			return errors.Join(err, listener.Close(), server.Shutdown(context.Background()))
		}
		background = append(background, func() error { return trickle(work, server, logger) })
		greet(stdout, listener.Addr().String())
	}
	web := &http.Server{
		BaseContext: func(net.Listener) context.Context { return requests }, // so that no query keeps its end waiting
		Handler:     server, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	background = append(background, func() error { return web.Serve(listener) })
	for _, task := range background {
		go func() { failed <- task() }()
	}
	logger.Info("serving", "address", listener.Addr().String(), "dev", o.dev)

	running := len(background)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	err = errors.Join(err, shutDown(server, web, endRequests))
	stop()
	for range running {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// shutDown ends a server in order: subscribers are sent away while events still
// reach those who are left and new ones are told to go elsewhere; then requests
// under way are ended, and runs.
func shutDown(server *runtime.Server, web *http.Server, endRequests context.CancelFunc) error {
	drain, cancel := context.WithTimeout(context.Background(), drainTime+shutdownTimeout)
	defer cancel()
	err := server.Drain(drain)
	endRequests()
	rest, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(err, web.Shutdown(rest), server.Shutdown(rest))
}
