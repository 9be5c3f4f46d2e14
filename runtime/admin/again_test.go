package admin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// pausing is a body before whose last byte something happens.
type pausing struct {
	text  string
	pause func()
}

func (p *pausing) Read(b []byte) (int, error) {
	if len(p.text) == 1 && p.pause != nil {
		p.pause()
		p.pause = nil
	}
	part := p.text
	if len(part) > 1 {
		part = part[:len(part)-1]
	}
	n := copy(b, part)
	p.text = p.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// send sends a request during whose body something happens.
func (s *stage) send(method, path, contentType, body, token string, during func()) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, &pausing{body, during})
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// state is all that the store has, but for the audit log and what the pauses change.
func (s *stage) state() string {
	s.t.Helper()
	var text strings.Builder
	err := s.store.View(s.t.Context(), func(tx store.Tx) error {
		for _, table := range []store.Table{store.Tenants, store.Modules, store.Binaries, store.Revocations} {
			for _, id := range []string{"", "acme"} {
				records, err := tx.Scan(table, id, "", 100)
				if err != nil {
					return err
				}
				for _, r := range records {
					text.WriteString(r.ID + " " + string(r.Value) + "\n")
				}
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return text.String()
}

var withBody = []struct{ method, path, contentType, body string }{
	{"PUT", "/v1/tenants/acme/modules/orders?activate=true", "application/wasm", orders("2")},
	{"PUT", "/v1/tenants/acme/modules/orders?activate=true", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"module\"\r\n\r\n" + orders("2") + "\r\n--b--\r\n"},
	{"PUT", "/v1/tenants/acme/modules/orders/config", "application/json", `{"a":1}`},
	{"POST", "/v1/tenants/acme/events", "application/json", `{"channel":"c","payload":1}`},
	{"POST", "/v1/tenants/acme/events", "application/x-ndjson", `{"channel":"c","payload":1}` + "\n"},
	{"POST", "/v1/tenants/acme/keys", "application/json", `{"scopes":["read"]}`},
	{"PUT", "/v1/tenants/acme/auth", "application/json", `{"mode":"anonymous","origins":["https://a.example"]}`},
	{"POST", "/v1/tenants/acme/revocations", "application/json", `{"sub":"a"}`},
	{"PATCH", "/v1/tenants/acme", "application/json", `{"debug":true}`},
}

// TestKeysRevokedDuringTheBody holds that a key which is revoked while the body of
// its request arrives has no effect any more.
func TestKeysRevokedDuringTheBody(t *testing.T) {
	for _, asked := range withBody[:5] {
		s := newStage(t)
		s.push(ordersPath, orders("1"))
		id, key := s.newKey(tenant.Scopes()...)
		before := s.state()
		w := s.send(asked.method, asked.path, asked.contentType, asked.body, key, func() {
			if err := s.tenants.DeleteKey(t.Context(), s.acme, id); err != nil {
				t.Fatal(err)
			}
		})
		s.wantProblem(w, http.StatusUnauthorized, abi.CodeUnauthenticated, "Bearer")
		if w.Header().Get("WWW-Authenticate") == "" {
			t.Error("no WWW-Authenticate")
		}
		if s.state() != before || len(s.published) > 0 {
			t.Errorf("%s %s of %s took effect", asked.method, asked.path, asked.contentType)
		}
	}
}

// TestTenantsDeletedDuringTheBody has another tenant of the same id take the place.
func TestTenantsDeletedDuringTheBody(t *testing.T) {
	for _, asked := range withBody {
		for actor, want := range map[string]int{"admin": http.StatusNotFound, "key": http.StatusUnauthorized} {
			s := newStage(t)
			presented := token
			if actor == "key" {
				if _, presented = s.newKey(tenant.Scopes()...); asked.method == "PATCH" || strings.HasSuffix(asked.path, "auth") || strings.HasSuffix(asked.path, "keys") || strings.HasSuffix(asked.path, "revocations") {
					continue // for the admin token alone
				}
			}
			var before string
			w := s.send(asked.method, asked.path, asked.contentType, asked.body, presented, func() {
				s.do("DELETE", "/v1/tenants/acme", "", "")
				s.do("POST", "/v1/tenants", "application/json", `{"id":"acme"}`)
				before = s.state()
			})
			if w.Code != want || s.state() != before || len(s.published) > 0 {
				t.Errorf("%s %s by %s: %d %s", asked.method, asked.path, actor, w.Code, w.Body)
			}
			if next, _ := s.tenants.Get("acme"); len(next.Keys()) > 0 {
				t.Errorf("%s by %s gave the next tenant a key", asked.path, actor)
			}
		}
	}
}

// begun is a context that tells when somebody begins to watch it.
type begun struct {
	context.Context
	watched func()
}

func (c begun) Done() <-chan struct{} {
	c.watched()
	return c.Context.Done()
}

// TestKeysRevokedWhileWaiting holds that a change which waits for another when its
// key is revoked is given up at once.
func TestKeysRevokedWhileWaiting(t *testing.T) {
	s := newStage(t)
	id, key := s.newKey(tenant.ScopeModules)
	s.push(ordersPath+"?activate=true", orders("1"))
	activating, release := make(chan struct{}), make(chan struct{})
	s.onActivate = sync.OnceFunc(func() {
		close(activating)
		<-release
	})
	first := make(chan struct{})
	go func() {
		defer close(first)
		s.push(ordersPath+"?activate=true", orders("2"))
	}()
	<-activating
	before := s.state()
	waits := make(chan struct{})
	r := httptest.NewRequestWithContext(begun{t.Context(), sync.OnceFunc(func() { close(waits) })}, "POST", ordersPath+"/rollback", nil)
	r.Header.Set("Authorization", "Bearer "+key)
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answered <- w
	}()
	<-waits
	if err := s.tenants.DeleteKey(t.Context(), s.acme, id); err != nil {
		t.Fatal(err)
	}
	select {
	case w := <-answered:
		s.wantProblem(w, http.StatusUnauthorized, abi.CodeUnauthenticated, "Bearer")
	case <-time.After(20 * time.Second):
		t.Error("it still waits")
	}
	close(release)
	<-first
	if s.state() != before {
		t.Error("the roll-back took effect")
	}
}
