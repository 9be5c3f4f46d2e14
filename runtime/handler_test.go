package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
)

const handlerToken = "0123456789abcdef0123456789abcdef"

// newHandlers makes a server that is shut down with the test.
func newHandlers(t *testing.T, config runtime.Config) *runtime.Server {
	t.Helper()
	config.AdminToken, config.CompileInProcess = handlerToken, true
	s, err := runtime.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request to a handler and returns status and body.
func ask(t *testing.T, h http.Handler, method, path string, header ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// TestWhoServesWhat holds which routes are on which handler, and which of them ask for
// the admin token.
func TestWhoServesWhat(t *testing.T) {
	together, apart := newHandlers(t, runtime.Config{}), newHandlers(t, runtime.Config{AdminApart: true})
	for _, c := range []struct {
		path                       string
		together, withToken        int // of Handler, with and without the admin token
		publicApart, operatorsOnly int // of Handler and AdminHandler where they are apart, without it
	}{
		{"/healthz", 200, 200, 200, 200},
		{"/v1/tenants", 401, 200, 404, 401},
		{"/v1/nothing", 401, 404, 404, 401},
		{"/metrics", 401, 200, 404, 200},
		{"/openapi.json", 200, 200, 404, 200},
		{"/debug/pprof/", 404, 404, 404, 200},
		{"/debug/pprof/heap", 404, 404, 404, 200},
		{"/debug/pprof/cmdline", 404, 404, 404, 404},
		{"/debug/pprof/goroutine?debug=3", 404, 404, 404, 400},
		{"/debug/pprof/profile?seconds=301", 404, 404, 404, 400},
		{"/debug/pprof/profile?seconds=0.01", 404, 404, 404, 200},
		{"/debug/pprof/trace?seconds=0.01", 404, 404, 404, 200},
		{"/t/acme/graphql", 404, 404, 404, 404},
		{"/", 404, 404, 404, 404},
	} {
		for _, one := range []struct {
			what   string
			h      http.Handler
			header []string
			want   int
		}{
			{"all", together.Handler(), nil, c.together},
			{"all, with the token", together.Handler(), []string{"Authorization", "Bearer " + handlerToken}, c.withToken},
			{"public", apart.Handler(), nil, c.publicApart},
			{"public, with the token", apart.Handler(), []string{"Authorization", "Bearer " + handlerToken}, c.publicApart},
			{"operators", apart.AdminHandler(), nil, c.operatorsOnly},
		} {
			if got, body := ask(t, one.h, "GET", c.path, one.header...); got != one.want {
				t.Errorf("%s of %s: %d %s, want %d", c.path, one.what, got, body, one.want)
			}
		}
	}
	if status, _ := ask(t, apart.AdminHandler(), "POST", "/t/acme/graphql"); status != http.StatusNotFound {
		t.Errorf("the handler for operators serves subscribers: %d", status)
	}
	if _, pattern := http.DefaultServeMux.Handler(httptest.NewRequest("GET", "/debug/pprof/", nil)); pattern != "" {
		t.Errorf("http.DefaultServeMux serves %s: who embeds the server did not ask for that", pattern)
	}
}

// TestRebinding: what asks for no token does not answer, on loopback, to a name
// that somebody has let resolve to this machine.
func TestRebinding(t *testing.T) {
	s := newHandlers(t, runtime.Config{AdminApart: true})
	web := httptest.NewServer(s.AdminHandler())
	defer web.Close()
	for _, c := range []struct {
		path, host string
		want       int
	}{
		{"/metrics", "", 200},
		{"/metrics", "localhost:9", 200},
		{"/metrics", "rebound.example", 403},
		{"/debug/pprof/heap", "rebound.example:80", 403},
		{"/v1/tenants", "rebound.example", 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", web.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			r.Host = c.host
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s of %q: %d, want %d", c.path, c.host, response.StatusCode, c.want)
		}
	}
}

// TestReady: the server says that it is ready while Run brings it events.
func TestReady(t *testing.T) {
	s, err := runtime.New(runtime.Config{AdminToken: handlerToken, CompileInProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want int, reason string) {
		t.Helper()
		if status, body := ask(t, s, "GET", "/readyz"); status != want || strings.TrimSpace(body) != reason {
			t.Errorf("/readyz: %d %s, want %d %s", status, body, want, reason)
		}
		if status, _ := ask(t, s, "GET", "/healthz"); status != http.StatusOK {
			t.Errorf("/healthz: %d", status)
		}
	}
	expect(503, "the server is starting")
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	for s.Ready() != nil {
		select {
		case err := <-ended:
			t.Fatalf("Run: %v", err)
		default:
		}
	}
	expect(200, "ready")
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(503, "the server is shutting down")
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// logLines collects a log of JSON.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// TestAccessLog: a request to /v1 is one line, of what was asked for by whom.
func TestAccessLog(t *testing.T) {
	var lines logLines
	s := newHandlers(t, runtime.Config{Logger: slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err := s.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, token                            string
		wantMethod, route, tenant, actor, code, status string
	}{
		{"GET", "/v1/tenants/acme?x=y", handlerToken, "GET", "/v1/tenants/{tenant}", "acme", "admin", "BAD_USER_INPUT", "400"},
		{"HEAD", "/v1/tenants/acme", handlerToken, "GET", "/v1/tenants/{tenant}", "acme", "admin", "", "200"},
		{"GET", "/v1/tenants/forged%0aline", handlerToken, "GET", "/v1/tenants/{tenant}", "", "admin", "BAD_USER_INPUT", "404"},
		{"GET", "/v1/forged", handlerToken, "GET", "", "", "admin", "BAD_USER_INPUT", "404"},
		{"FORGED", "/v1/tenants", handlerToken, "OTHER", "", "", "admin", "BAD_USER_INPUT", "405"},
		{"POST", "/v1/tenants/acme/events", handlerToken, "POST", "/v1/tenants/{tenant}/events", "acme", "admin", "BAD_USER_INPUT", "415"},
		{"POST", "/v1/tenants/acme/events", "nobodys", "POST", "/v1/tenants/{tenant}/events", "acme", "", "UNAUTHENTICATED", "401"},
	} {
		lines.text.Reset()
		ask(t, s, c.method, c.path, "Authorization", "Bearer "+c.token)
		if n := strings.Count(lines.text.String(), "\n"); n != 1 {
			t.Errorf("%s %s: %d lines, want one:\n%s", c.method, c.path, n, lines.text.String())
			continue
		}
		var line struct {
			Msg, Level, Method, Route, Tenant, Actor, Code string
			Status                                         json.Number
			Duration                                       json.Number
		}
		if err := json.Unmarshal(lines.text.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Msg != "request" || line.Level != "INFO" || line.Method != c.wantMethod || line.Route != c.route || line.Tenant != c.tenant ||
			line.Actor != c.actor || line.Code != c.code || line.Status.String() != c.status || line.Duration == "" || strings.Contains(lines.text.String(), "orged") {
			t.Errorf("%s %s: %s", c.method, c.path, lines.text.String())
		}
	}

	lines.text.Reset()
	r := httptest.NewRequest("POST", "http://localhost/v1/tenants/acme/events", strings.NewReader(`{"channel":"c","payload":1}`))
	r.Header.Set("Authorization", "Bearer "+handlerToken)
	r.Header.Set("Content-Type", "application/json")
	s.ServeHTTP(httptest.NewRecorder(), r)
	if line := lines.text.String(); !strings.Contains(line, `"level":"DEBUG"`) || !strings.Contains(line, `"status":202`) {
		t.Errorf("an accepted event: %s", line)
	}
}

// TestMetrics: what happens to a server is counted, over HTTP.
func TestMetrics(t *testing.T) {
	s := newHandlers(t, runtime.Config{AdminApart: true})
	if err := s.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Push(t.Context(), "acme", "orders", []byte("no module")); err == nil {
		t.Fatal("no module was accepted")
	}
	ask(t, s.AdminHandler(), "GET", "/v1/tenants/acme")
	ask(t, s.AdminHandler(), "POST", "/v1/tenants/acme/events", "Authorization", "Bearer "+handlerToken)
	ask(t, s.Handler(), "GET", "/t/acme/graphql?query={f}")
	ask(t, s.Handler(), "GET", "/favicon.ico")
	_, text := ask(t, s.AdminHandler(), "GET", "/metrics")
	for _, want := range []string{
		`runnel_http_requests_total{route="GET /v1/tenants/{tenant}",status="4xx"} 1`,
		`runnel_http_requests_total{route="/t/{tenant}/graphql",status="4xx"} 1`,
		`runnel_http_requests_total{route="other",status="4xx"} 1`,
		`runnel_publish_refused_total{code="BAD_USER_INPUT"} 1`,
		`runnel_uploads_total{outcome="refused"} 1`,
		`runnel_compile_duration_seconds_count{outcome="refused"} 1`,
		`runnel_ready 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
