package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// newKey creates a key of the tenant acme by its route.
func (s *stage) newKey(scopes ...tenant.Scope) (id, key string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"name": "test", "scopes": scopes})
	if err != nil {
		s.t.Fatal(err)
	}
	w := s.do("POST", "/v1/tenants/acme/keys", "application/json", string(body))
	var made struct{ ID, Name, Created, Key string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated || made.Name != "test" || made.Created == "" {
		s.t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	if got := w.Header().Get("Location"); got != "/v1/tenants/acme/keys/"+made.ID {
		s.t.Errorf("Location %q", got)
	}
	return made.ID, made.Key
}

func TestKeyIsShownOnce(t *testing.T) {
	s := newStage(t)
	id, key := s.newKey(tenant.ScopeRead)
	w := s.do("GET", "/v1/tenants/acme/keys", "", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), key[len(key)-26:]) {
		t.Errorf("the list: %d %s", w.Code, w.Body)
	}
	if w := s.do("DELETE", "/v1/tenants/acme/keys/"+id, "", ""); w.Code != http.StatusNoContent {
		t.Errorf("revoked: %d %s", w.Code, w.Body)
	}
	s.wantProblem(s.do("GET", "/v1/tenants/acme", "", "", "Authorization", "Bearer "+key), http.StatusUnauthorized, abi.CodeUnauthenticated, "Bearer")
	s.wantProblem(s.do("DELETE", "/v1/tenants/acme/keys/"+id, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "no such key")
}

func TestCreateKeyRefuses(t *testing.T) {
	s := newStage(t)
	for body, part := range map[string]string{
		`{}`:                                   "scopes is missing",
		`{"scopes":[]}`:                        "at least one scope",
		`{"scopes":"read"}`:                    "scopes must be an array, not string",
		`{"scopes":["admin"]}`:                 "a scope is one of modules, events, read",
		`{"scopes":[1]}`:                       "a scope is one of",
		`{"scopes":["read","read"]}`:           "twice",
		`{"scopes":["read"],"name":1}`:         "name must be a string",
		`{"scopes":["read"],"key":"x"}`:        `unknown member "key"`,
		`{"scopes":["read"],"name":"a\u0007"}`: "no control characters",
		`{"scopes":["read"],"name":"` + strings.Repeat("x", 101) + `"}`: "at most 100 bytes",
	} {
		s.wantProblem(s.do("POST", "/v1/tenants/acme/keys", "application/json", body), http.StatusBadRequest, abi.CodeBadUserInput, part)
	}
	s.limit(`{"keys":0}`)
	w := s.do("POST", "/v1/tenants/acme/keys", "application/json", `{"scopes":["read"]}`)
	if p := s.wantProblem(w, http.StatusConflict, abi.CodeLimitExceeded, "as many keys"); p.Limit != "keys" {
		t.Errorf("limit %q", p.Limit)
	}
}

// TestScopes asks for every route with a key of each scope: what the table of
// routes does not allow is 403, and nothing else is.
func TestScopes(t *testing.T) {
	for _, scope := range tenant.Scopes() {
		s := newStage(t)
		_, key := s.newKey(scope)
		allowed := 0
		for i, asked := range everyRoute {
			route := findRoute(t, i)
			w := s.do(asked.method, asked.path, "application/json", "", "Authorization", "Bearer "+key)
			switch {
			case !strings.Contains(route.Path, "{tenant}"):
				s.wantProblem(w, http.StatusUnauthorized, abi.CodeUnauthenticated, "Bearer")
			case route.Scopes == nil:
				s.wantProblem(w, http.StatusForbidden, abi.CodeForbidden, "the admin token may")
			case !contains(route.Scopes, scope):
				s.wantProblem(w, http.StatusForbidden, abi.CodeForbidden, "the key's are "+string(scope))
			default:
				allowed++
				if w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden {
					t.Errorf("%s %s with scope %s: %d", asked.method, asked.path, scope, w.Code)
				}
			}
		}
		if allowed == 0 {
			t.Errorf("scope %s is good for nothing", scope)
		}
	}
}

func contains(scopes []tenant.Scope, scope tenant.Scope) bool {
	return strings.Contains(fmt.Sprint(scopes), string(scope))
}

// findRoute returns the row of the table that everyRoute[i] is a request to.
func findRoute(t *testing.T, i int) admin.RouteInfo {
	t.Helper()
	for _, r := range admin.Routes() {
		if r.Method+" "+r.Path == routeName(i) {
			return r
		}
	}
	t.Fatalf("%s %s is no route", everyRoute[i].method, everyRoute[i].path)
	return admin.RouteInfo{}
}

func routeName(i int) string {
	names := strings.NewReplacer("acme", "{tenant}", "orders", "{module}", "abcdefghijkl", "{key}", "sha256:0", "{version}", "0000000100000002", "{subscription}")
	return everyRoute[i].method + " " + names.Replace(everyRoute[i].path)
}

// TestIsolation asks for every route of one tenant with the keys of another: the
// answer is that for a tenant that does not exist, to the byte.
func TestIsolation(t *testing.T) {
	s := newStage(t)
	if w := s.do("POST", "/v1/tenants", "application/json", `{"id":"mallory"}`); w.Code != http.StatusCreated {
		t.Fatal(w.Body)
	}
	mallory, _ := s.tenants.Get("mallory")
	_, key, err := s.tenants.CreateKey(t.Context(), mallory, "", tenant.Scopes())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string) *httptest.ResponseRecorder {
		return s.do(method, path, "application/json", `{"channel":"c","payload":1}`, "Authorization", "Bearer "+key)
	}
	for i, asked := range everyRoute {
		w := ask(asked.method, asked.path)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", asked.method, asked.path, w.Code)
		}
		nobody := ask(asked.method, strings.Replace(asked.path, "acme", "nobody", 1))
		if w.Code != nobody.Code || w.Body.String() != nobody.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(nobody.Header()) {
			t.Errorf("%s: %d %s, for no tenant %d %s", routeName(i), w.Code, w.Body, nobody.Code, nobody.Body)
		}
	}
	if _, ok := s.tenants.Get("acme"); !ok || len(s.published) > 0 {
		t.Error("a refused request had an effect")
	}
}
