package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// shutdownTimeout is what the last subscribers that are sent away have, and again what is left
// then.
const shutdownTimeout = 10 * time.Second

// run is the whole program: it returns the exit code once ctx has ended and all
// is shut down, or something failed. 2 is for settings that are wrong.
func run(ctx context.Context, arguments []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(arguments, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		writeHelp(stdout)
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "runnel-server: the settings are wrong; runnel-server --help lists them all\n%s\n", err)
		return 2
	case o.checkConfig:
		_, _ = fmt.Fprintln(stdout, "the settings are good")
		return 0
	}
	logger := newLogger(o, stderr)
	work := runServer
	if o.restore != "" {
		work = restore
	}
	if err := work(ctx, o, logger, stdout); err != nil {
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

// runServer opens what the server keeps and serves from it until ctx ends.
func runServer(ctx context.Context, o options, logger *slog.Logger, stdout io.Writer) (err error) {
	kept, err := openStorage(ctx, o, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	bus, err := event.Open(ctx, o.bus, event.Options{Logger: logger})
	if err != nil {
		return fmt.Errorf("--bus: %w", err)
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	// What the server does goes on while it is being shut down.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	requests, endRequests := context.WithCancel(work)
	defer endRequests()
	fronts, err := listenAll(requests, o, logger)
	if err != nil {
		return err
	}
	t := newTasks()
	for _, f := range fronts {
		t.start(f.serve)
	}
	server, err := startServer(work, o, kept, bus, t, logger)
	if err == nil {
		announce(o, server, fronts, logger, stdout)
		select {
		case <-ctx.Done():
		case err = <-t.ended:
			t.running--
		}
		err = errors.Join(err, shutDown(server, fronts, endRequests, o.drain))
	}
	for _, f := range fronts {
		err = errors.Join(err, f.server.Close())
	}
	stop()
	if err = errors.Join(err, t.wait()); err == nil {
		logger.Info("ended")
	}
	return err
}

// listenAll opens the address for all, and the one for operators where there is
// one.
func listenAll(ctx context.Context, o options, logger *slog.Logger) ([]*front, error) {
	var pair *certificate
	if o.tlsCert != "" {
		var err error
		if pair, err = loadCertificate(o.tlsCert, o.tlsKey, logger); err != nil {
			return nil, err
		}
	}
	var fronts []*front
	for _, address := range []string{o.listen, o.adminListen} {
		if address == "" {
			continue
		}
		f, err := listen(ctx, address, pair, logger)
		if err != nil {
			for _, f := range fronts {
				err = errors.Join(err, f.listener.Close())
			}
			return nil, err
		}
		fronts = append(fronts, f)
	}
	return fronts, nil
}

func (o options) runtime(kept *storage, logger *slog.Logger) runtime.Config {
	config := runtime.Config{
		Dev: o.dev, AdminToken: o.adminToken, AdminApart: o.adminListen != "",
		Store: kept.store, Node: o.node, CacheDir: kept.cacheDir, MetricsTenants: o.metricsTenants, Logger: logger,
		TrustedProxies: o.trustedProxies, UnauthenticatedPerAddress: o.unauthenticatedPerAddress, JWKSAllow: o.jwksAllow, DrainTime: o.drain,
	}
	if o.dev {
		config.Root = http.HandlerFunc(servePage)
	}
	return config
}

// startServer makes the server and has it run until ctx ends.
func startServer(ctx context.Context, o options, kept *storage, bus event.Bus, t *tasks, logger *slog.Logger) (*runtime.Server, error) {
	config := o.runtime(kept, logger)
	config.Bus = bus
	server, err := runtime.New(config)
	if err != nil {
		return nil, err
	}
	t.start(func() error { return server.Run(ctx) })
	if o.dev {
		if err := startDemo(ctx, server); err != nil {
			return nil, errors.Join(err, server.Shutdown(ctx))
		}
		t.start(func() error { return trickle(ctx, server, logger) })
	}
	return server, nil
}

// announce opens the fronts to the server, and says so.
func announce(o options, server *runtime.Server, fronts []*front, logger *slog.Logger, stdout io.Writer) {
	fronts[0].open(server.Handler())
	for _, f := range fronts[1:] {
		f.open(server.AdminHandler())
		logger.Info("serving operators", "address", f.address(), "tls", o.tlsCert != "")
	}
	if o.dev {
		greet(stdout, o.scheme()+fronts[0].address(), o.scheme()+fronts[len(fronts)-1].address())
	}
	logger.Info("serving", "address", fronts[0].address(), "tls", o.tlsCert != "", "dev", o.dev)
}

// shutDown ends a server in order: subscribers are sent away while events still
// reach those who are left and new ones are told to go elsewhere; then requests
// under way are ended, and runs.
func shutDown(server *runtime.Server, fronts []*front, endRequests context.CancelFunc, drainTime time.Duration) error {
	drain, cancel := context.WithTimeout(context.Background(), drainTime+shutdownTimeout)
	defer cancel()
	err := server.Drain(drain)
	endRequests()
	rest, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	for _, f := range fronts {
		err = errors.Join(err, f.server.Shutdown(rest))
	}
	return errors.Join(err, server.Shutdown(rest))
}

// scheme is what the URLs of the server begin with.
func (o options) scheme() string {
	if o.tlsCert != "" {
		return "https://"
	}
	return "http://"
}
