package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const token = "an admin token of at least 32 characters"

// stage is the handler over a real registry and sandbox, with the tenant acme.
type stage struct {
	http.Handler
	t        *testing.T
	store    store.Store
	tenants  *tenant.Directory
	registry *registry.Registry
	logs     *telemetry.Logs
	acme     *tenant.Tenant

	published []event.Event // in order
	fail      error         // what Publish and OnDelete give
	deleted   []*tenant.Tenant
	live      live

	onActivate func() // may be nil
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageOn(t, sandbox.Config{})
}

func newStageOn(t *testing.T, c sandbox.Config) *stage {
	t.Helper()
	s := &stage{t: t, store: memory.New(), logs: telemetry.NewLogs(telemetry.LogConfig{Followers: 2})}
	s.tenants = tenant.NewDirectory(s.store)
	s.live.used.Errors = map[abi.Code]uint64{}
	engine, err := sandbox.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.registry = registry.New(registry.Config{Engine: engine, Store: s.store, OnActivate: func(*tenant.Tenant, *registry.Active) {
		if s.onActivate != nil {
			s.onActivate()
		}
	}})
	s.acme = tenanttest.Create(t, s.tenants, "acme")
	s.Handler = admin.New(admin.Config{
		Store: s.store, Tenants: s.tenants, Registry: s.registry, Publisher: s, Logs: s.logs, OnDelete: s.forget, Token: token,
		Subscriptions: &s.live, Quarantine: &s.live, Usage: &s.live, Node: "n1",
	})
	return s
}

func (s *stage) Publish(_ context.Context, t *tenant.Tenant, events []event.Event) (string, error) {
	if s.fail != nil {
		return "", s.fail
	}
	if t != s.acme {
		return "", errors.New("another tenant")
	}
	s.published = append(s.published, events...)
	return "c-1", nil
}

func (s *stage) forget(t *tenant.Tenant) error {
	s.deleted = append(s.deleted, t)
	s.logs.Remove(t)
	return errors.Join(s.fail, s.registry.Remove(t))
}

func (s *stage) limit(text string) {
	s.t.Helper()
	tenanttest.MergeLimits(s.t, s.tenants, s.acme, text)
}

// do sends a request with the admin token. headers are names and values in
// turn; the first is the body's type where contentType is set.
func (s *stage) do(method, target, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if s.fail == nil { // what the server fails with is not documented
		conform(s.t, r, w.Code, w.Header(), w.Body.Bytes())
	}
	return w
}

// want checks the status and the whole JSON body, white space aside.
func (s *stage) want(w *httptest.ResponseRecorder, status int, body string) {
	s.t.Helper()
	if w.Code != status || strings.TrimSpace(w.Body.String()) != body {
		s.t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, status, body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		s.t.Errorf("Content-Type %q", got)
	}
}

// refusal is a problem+json body.
type refusal struct {
	Status int             `json:"status"`
	Code   abi.Code        `json:"code"`
	Limit  string          `json:"limit"`
	Errors []problem.Error `json:"errors"`
}

// wantProblem checks a refusal, one of whose messages must hold part.
func (s *stage) wantProblem(w *httptest.ResponseRecorder, status int, code abi.Code, part string) refusal {
	s.t.Helper()
	var p refusal
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		s.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if got := w.Header().Get("Content-Type"); got != problem.ContentType {
		s.t.Errorf("Content-Type %q", got)
	}
	if w.Code != status || p.Status != status || p.Code != code || len(p.Errors) == 0 {
		s.t.Errorf("got %d %s; want %d %s", w.Code, w.Body, status, code)
	}
	for _, e := range p.Errors {
		if strings.Contains(e.Message, part) {
			return p
		}
	}
	s.t.Errorf("%q is in no message of %s", part, w.Body)
	return p
}

// orders is a module of one resolver; text makes its bytes differ.
func orders(text string) string {
	g := sandboxtest.New("type Order { id: ID! } type Query { order: Order }")
	return string(g.Resolver("Query.order", g.Output(text)).Bytes())
}

func module(schema string, resolvers ...string) string {
	g := sandboxtest.New(schema)
	for _, name := range resolvers {
		g.Resolver(name, g.Output("null"))
	}
	return string(g.Bytes())
}
