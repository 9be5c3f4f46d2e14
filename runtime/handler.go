package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/transport"
)

// The routes beside those of package admin. They stand in metrics as they do
// here.
const (
	graphqlRoute = "/t/{tenant}/graphql"
	adminRoute   = "/v1/"
	profileRoute = "/debug/pprof/"
)

// bodyTimeout is how long a request's body may take to arrive, on routes that
// don't say otherwise. The rest of a body is read even where its request is
// refused, so a slow one would hold its connection for ever. It is read while the answer
// is being written, and has less time than that.
const bodyTimeout = 8 * time.Second

// Handler returns the handler of all routes but /debug/pprof, which is the server
// itself. With Config.AdminApart it serves subscribers and /healthz and
// /readyz, and answers 404 for what operators use.
func (s *Server) Handler() http.Handler { return s }

// AdminHandler returns the handler of what operators use: /v1, which asks for
// its token, and /metrics and /debug/pprof, which ask for none. It is for an address that
// operators alone can reach.
func (s *Server) AdminHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(s.operators, w, r) })
}

// ServeHTTP implements http.Handler as Handler says. Whatever is written has a
// deadline.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { serve(s.handler, w, r) }

// serve gives a request's body its time, and what net/http writes by itself. A
// write deadline of HTTP/2 ends the stream when it comes, whether or not something is
// being written, so there is none but of writes.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	until := time.Now().Add(bodyTimeout)
	// What is no connection, as in a test, has no deadline.
	if r.Body != nil && r.Body != http.NoBody {
		_ = control.SetReadDeadline(until)
	}
	if r.ProtoMajor == 1 {
		_ = control.SetWriteDeadline(until) // of "100 Continue", and redirects of a ServeMux
	}
	h.ServeHTTP(w, r)
}

// timed gives a handler the time of one write for its answer.
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(response.Timeout))
		next.ServeHTTP(w, r)
	})
}

// route puts the handlers of all routes together: those of Handler, and those of
// AdminHandler.
func (s *Server) route() (all, operators http.Handler) {
	control := admin.New(admin.Config{
		Store: s.store, Tenants: s.tenants, Registry: s.registry, Publisher: publisher{s}, Logs: s.logs, BeforeDelete: s.removeEvents, OnDelete: s.forget,
		Subscriptions: s.broker, Quarantine: s.broker, Usage: usage{s}, Node: s.config.Node,
		Token: s.config.AdminToken, Dev: s.config.Dev, Logger: s.config.Logger, OnAnswer: s.answered,
	})
	public, private := http.NewServeMux(), http.NewServeMux()
	s.handle(public, "/t/", graphqlRoute, s.transport)
	if s.config.Root != nil {
		s.handle(public, "GET /{$}", "/", timed(s.config.Root))
	}
	s.handle(private, "GET /metrics", "/metrics", localOnly(timed(s.metrics.Handler())))
	s.handle(private, "GET "+profileRoute, profileRoute, localOnly(telemetry.Profiles(profileRoute)))
	s.handle(private, "GET /openapi.json", "/openapi.json", http.HandlerFunc(admin.ServeOpenAPI))
	if !s.config.AdminApart {
		s.handle(public, "GET /openapi.json", "/openapi.json", http.HandlerFunc(admin.ServeOpenAPI))
		scrape := timed(s.metrics.Handler())
		if !s.config.Dev {
			scrape = admin.Guard(s.config.AdminToken, scrape)
		}
		s.handle(public, "GET /metrics", "/metrics", scrape)
	}
	for _, mux := range []*http.ServeMux{public, private} {
		s.handle(mux, "GET /healthz", "/healthz", http.HandlerFunc(healthy))
		s.handle(mux, "/", "other", http.HandlerFunc(nothing))
	}
	s.handle(public, "GET /readyz", "/readyz", http.HandlerFunc(s.serveReady))
	s.handle(private, "GET /readyz", "/readyz", http.HandlerFunc(s.serveReadyNamed))
	all, operators = public, direct(control, private)
	if !s.config.AdminApart {
		all = direct(control, public)
	}
	if s.config.Dev {
		return loopbackOnly(all), loopbackOnly(operators)
	}
	return all, operators
}

// direct serves /v1 beside a mux, which would redirect paths that are not clean.
func direct(control http.Handler, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, adminRoute) {
			control.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// handle adds a route whose requests are counted under its name.
func (s *Server) handle(mux *http.ServeMux, pattern, route string, h http.Handler) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		answer := telemetry.Record(w)
		h.ServeHTTP(answer, r)
		s.metrics.Request(route, answer.Status())
	})
}

// answered counts an answer of /v1, and logs it: what was asked for by whom,
// nothing of what was sent.
func (s *Server) answered(ctx context.Context, a admin.Answer) {
	route := adminRoute
	if a.Route != "" {
		route = a.Method + " " + a.Route
	}
	s.metrics.Request(route, a.Status)
	if a.Route == admin.EventsRoute && a.Code != "" {
		s.metrics.PublishRefused(string(a.Code))
	}
	level := slog.LevelInfo
	if a.Route == admin.EventsRoute && a.Status < http.StatusBadRequest {
		level = slog.LevelDebug // what the server is for is no news, and there is much of it
	}
	s.config.Logger.LogAttrs(ctx, level, "request",
		slog.String("method", a.Method), slog.String("route", a.Route), slog.String("tenant", a.Tenant), slog.Int("status", a.Status),
		slog.String("code", string(a.Code)), slog.String("actor", a.Actor), slog.Duration("duration", a.Duration))
}

func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

func plain(w http.ResponseWriter, status int, text string) {
	response.Write(w, status, "text/plain; charset=utf-8", []byte(text+"\n"))
}

func nothing(w http.ResponseWriter, r *http.Request) {
	problem.Write(w, problem.New(http.StatusNotFound, abi.CodeBadUserInput, fmt.Sprintf("nothing is served at %q", r.URL.Path)))
}

// loopbackOnly refuses requests that a page of another machine could have sent:
// by a name that resolves to this one, or from an origin that is not this one.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !transport.LoopbackHost(r.Host) {
			problem.Write(w, problem.New(http.StatusForbidden, abi.CodeForbidden, fmt.Sprintf("a server in dev mode answers to loopback names only, not to %q", r.Host)))
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			if !transport.LoopbackOrigin(origin, nil) {
				problem.Write(w, problem.New(http.StatusForbidden, abi.CodeForbidden, fmt.Sprintf("a server in dev mode serves pages of this machine only, not of %q", origin)))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// misnamed tells whether a request came by loopback with a name that is not this
// machine's.
func misnamed(r *http.Request) bool {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return at != nil && at.IP.IsLoopback() && !transport.LoopbackHost(r.Host)
}

// localOnly refuses, where a request came by loopback, names that are not this
// machine's: a page in an operator's browser could else read what asks for no
// token, by a name that resolves to this machine.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if misnamed(r) {
			problem.Write(w, problem.New(http.StatusForbidden, abi.CodeForbidden, fmt.Sprintf("on loopback this route answers to loopback names only, not to %q", r.Host)))
			return
		}
		next.ServeHTTP(w, r)
	})
}
