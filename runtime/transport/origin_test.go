package transport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/transport"
)

// ask makes the requests that a page could send to a tenant: a preflight, a
// query either way, an event stream, and a WebSocket's handshake.
func ask(id, origin string) map[string]*http.Request {
	address := "/t/" + id + "/graphql"
	get := func(headers ...string) *http.Request {
		return with(httptest.NewRequest("GET", address+"?query=query+1", nil), append(headers, "Origin", origin)...)
	}
	body := httptest.NewRequest("POST", address, strings.NewReader(`{"query":"query 1"}`))
	return map[string]*http.Request{
		"preflight": with(httptest.NewRequest("OPTIONS", address, nil), "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-runnel-identity,last-event-id"),
		"get":    get(),
		"post":   with(body, "Origin", origin, "Content-Type", jsonType),
		"stream": get("Accept", "text/event-stream"),
		"socket": get("Connection", "upgrade", "Upgrade", "websocket"),
	}
}

// answered is what each gets from a tenant that lets the origin in. The
// handshake lacks its key, so it gets no further than to 400.
var answered = map[string]int{"preflight": 204, "get": 200, "post": 200, "stream": 200, "socket": 400}

func TestCrossOrigin(t *testing.T) {
	listed := func(origin string, t *tenant.Tenant) bool { return t != nil && origin == "https://"+t.ID()+".example" }
	for _, test := range []struct {
		policy  func(string, *tenant.Tenant) bool
		tenant  string
		origin  string
		allowed string // Access-Control-Allow-Origin; empty where the origin is refused
	}{
		// Any origin: the answer is the same for all, and caches need not tell them apart.
		{nil, "demo", "", "*"},
		{nil, "demo", "https://a.example", "*"},
		{nil, "demo", "null", "*"},
		{nil, "nobody", "https://a.example", "*"},
		// A tenant's origins.
		{listed, "demo", "https://demo.example", "https://demo.example"},
		{listed, "demo", "https://demo.example.evil.example", ""},
		{listed, "demo", "http://demo.example", ""},
		{listed, "demo", "https://other.example", ""},
		{listed, "demo", "null", ""},
		{listed, "nobody", "https://nobody.example", ""},
		// Dev mode: pages of this machine. Whoever is no page sends no origin.
		{transport.LoopbackOrigin, "demo", "", "none"},
		{transport.LoopbackOrigin, "demo", "http://localhost", "http://localhost"},
		{transport.LoopbackOrigin, "demo", "http://localhost:8080", "http://localhost:8080"},
		{transport.LoopbackOrigin, "demo", "http://LOCALHOST:8080", "http://LOCALHOST:8080"},
		{transport.LoopbackOrigin, "demo", "https://127.0.0.1", "https://127.0.0.1"},
		{transport.LoopbackOrigin, "demo", "https://127.8.9.1:3000", "https://127.8.9.1:3000"},
		{transport.LoopbackOrigin, "demo", "http://[::1]:3000", "http://[::1]:3000"},
		{transport.LoopbackOrigin, "demo", "http://app.localhost", "http://app.localhost"},
		{transport.LoopbackOrigin, "demo", "https://a.example", ""},
		{transport.LoopbackOrigin, "demo", "null", ""},
		{transport.LoopbackOrigin, "demo", "http://localhost.a.example", ""},
		{transport.LoopbackOrigin, "demo", "http://127.0.0.1.a.example", ""},
		{transport.LoopbackOrigin, "demo", "http://notlocalhost", ""},
		{transport.LoopbackOrigin, "demo", "file://localhost", ""},
		{transport.LoopbackOrigin, "demo", "chrome-extension://localhost", ""},
		{transport.LoopbackOrigin, "demo", "http://10.0.0.1", ""},
		{transport.LoopbackOrigin, "demo", "http://0.0.0.0", ""},
		{transport.LoopbackOrigin, "demo", "http://127.0.0.1@a.example", ""},
		{transport.LoopbackOrigin, "demo", "x", ""},
		{transport.LoopbackOrigin, "nobody", "http://localhost", "http://localhost"},
	} {
		s := newStage(t, func(c *transport.Config) { c.AllowOrigin = test.policy })
		for name, r := range ask(test.tenant, test.origin) {
			w := s.answer(r)
			h := w.Header()
			status, allowed := answered[name], test.allowed
			switch {
			case allowed == "":
				status = 403
			case allowed == "none":
				allowed = ""
			case test.tenant == "nobody" && name != "preflight":
				status = 404
			}
			if name == "stream" && status == 200 {
				status = 500 // the recorder has no deadlines
			}
			if w.Code != status || h.Get("Access-Control-Allow-Origin") != allowed {
				t.Errorf("%s from %q: %d, allows %q; want %d, %q", name, test.origin, w.Code, h.Get("Access-Control-Allow-Origin"), status, allowed)
			}
			if varies := slices.Contains(h.Values("Vary"), "Origin"); varies != (test.policy != nil) {
				t.Errorf("%s from %q: Vary %q", name, test.origin, h.Values("Vary"))
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %q: credentials mode is allowed", name, test.origin)
			}
			if name == "preflight" && status == 204 {
				checkPreflight(t, w)
			}
		}
	}
}

// checkPreflight holds an answer against what a page may need: the star stands
// for all headers but Authorization.
func checkPreflight(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Allow-Headers": "*, Authorization",
		"Access-Control-Max-Age": "600", "Allow": "GET, POST, OPTIONS",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("preflight: %s: %q, want %q", name, got, want)
		}
	}
	if w.Body.Len() != 0 {
		t.Errorf("preflight: body %q", w.Body)
	}
}

func TestTwoOrigins(t *testing.T) {
	s := newStage(t, func(c *transport.Config) { c.AllowOrigin = transport.LoopbackOrigin })
	if w := s.answer(post("", "Origin", "http://localhost", "Origin", "http://localhost")); w.Code != 403 {
		t.Errorf("got %d", w.Code)
	}
}
