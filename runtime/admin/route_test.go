package admin_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// everyRoute is a request to each route; all answer something else than 401,
// 404 for the path, and 405. TestEveryRouteIsHere holds that none is missing.
var everyRoute = []struct{ method, path string }{
	{"GET", "/v1/audit"},
	{"GET", "/v1/backup"},
	{"GET", "/v1/tenants/acme/audit"},
	{"POST", "/v1/tenants/acme/keys"},
	{"GET", "/v1/tenants/acme/keys"},
	{"DELETE", "/v1/tenants/acme/keys/abcdefghijkl"},
	{"POST", "/v1/tenants"},
	{"GET", "/v1/tenants"},
	{"GET", "/v1/tenants/acme"},
	{"PATCH", "/v1/tenants/acme"},
	{"GET", "/v1/tenants/acme/auth"},
	{"PUT", "/v1/tenants/acme/auth"},
	{"DELETE", "/v1/tenants/acme/auth"},
	{"POST", "/v1/tenants/acme/revocations"},
	{"GET", "/v1/tenants/acme/modules"},
	{"PUT", "/v1/tenants/acme/modules/orders"},
	{"GET", "/v1/tenants/acme/modules/orders"},
	{"POST", "/v1/tenants/acme/modules/orders/activate"},
	{"POST", "/v1/tenants/acme/modules/orders/rollback"},
	{"PUT", "/v1/tenants/acme/modules/orders/config"},
	{"GET", "/v1/tenants/acme/modules/orders/config"},
	{"DELETE", "/v1/tenants/acme/modules/orders/config"},
	{"DELETE", "/v1/tenants/acme/modules/orders"},
	{"DELETE", "/v1/tenants/acme/modules/orders/quarantine"},
	{"DELETE", "/v1/tenants/acme/modules/orders/versions/sha256:0"},
	{"GET", "/v1/tenants/acme/schema"},
	{"GET", "/v1/tenants/acme/logs"},
	{"GET", "/v1/tenants/acme/subscriptions"},
	{"DELETE", "/v1/tenants/acme/subscriptions/0000000100000002"},
	{"GET", "/v1/tenants/acme/usage"},
	{"POST", "/v1/tenants/acme/events"},
	{"DELETE", "/v1/tenants/acme"},
}

func TestEveryRouteIsHere(t *testing.T) {
	var here []string
	for i := range everyRoute {
		here = append(here, routeName(i))
	}
	for _, r := range admin.Routes() {
		if !slices.Contains(here, r.Method+" "+r.Path) {
			t.Errorf("%s %s is not in everyRoute", r.Method, r.Path)
		}
	}
	if len(here) != len(admin.Routes()) {
		t.Errorf("%d routes are tested, there are %d", len(here), len(admin.Routes()))
	}
}

func TestEveryRouteNeedsTheToken(t *testing.T) {
	s := newStage(t)
	for _, values := range [][]string{
		nil,
		{""},
		{"Bearer"},
		{"Bearer "},
		{"Bearer " + token[1:]},
		{"Bearer " + token + "x"},
		{"Bearer " + strings.ToUpper(token)},
		{"Basic " + token},
		{token},
		{"Bearer " + token, "Bearer " + token},
	} {
		for _, route := range append(everyRoute, struct{ method, path string }{"GET", "/v1/nothing"}) {
			r := httptest.NewRequest(route.method, route.path, nil)
			r.Header["Authorization"] = values
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			s.wantProblem(w, http.StatusUnauthorized, abi.CodeUnauthenticated, "Bearer")
			if w.Header().Get("WWW-Authenticate") != `Bearer realm="runnel"` {
				t.Errorf("%s %s: WWW-Authenticate %q", route.method, route.path, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
	if _, ok := s.tenants.Get("acme"); !ok {
		t.Error("a refused request deleted the tenant")
	}
	w := s.do("GET", "/v1/tenants", "", "", "Authorization", "bearer   "+token)
	if w.Code != http.StatusOK {
		t.Errorf("the scheme in lower case: %d", w.Code)
	}
}

func TestAnEmptyTokenMatchesNothing(t *testing.T) {
	for _, value := range []string{"", "Bearer", "Bearer ", "Bearer x"} {
		r := httptest.NewRequest("GET", "/v1/tenants", nil)
		r.Header.Set("Authorization", value)
		w := httptest.NewRecorder()
		admin.New(admin.Config{Store: memory.New(), Tenants: tenanttest.Directory()}).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", value, w.Code)
		}
	}
}

func TestDevAsksForNoToken(t *testing.T) {
	w := httptest.NewRecorder()
	admin.New(admin.Config{Store: memory.New(), Tenants: tenanttest.Directory(), Dev: true}).ServeHTTP(w, httptest.NewRequest("GET", "/v1/tenants", nil))
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPathsAndMethods(t *testing.T) {
	s := newStage(t)
	for path, allow := range map[string]string{
		"/v1/tenants":                                "GET, HEAD, POST",
		"/v1/tenants/acme":                           "DELETE, GET, HEAD, PATCH",
		"/v1/tenants/acme/modules":                   "GET, HEAD",
		"/v1/tenants/acme/modules/orders":            "DELETE, GET, HEAD, PUT",
		"/v1/tenants/acme/modules/orders/activate":   "POST",
		"/v1/tenants/acme/modules/orders/rollback":   "POST",
		"/v1/tenants/acme/modules/orders/quarantine": "DELETE",
		"/v1/tenants/acme/modules/orders/versions/x": "DELETE",
		"/v1/tenants/acme/modules/orders/config":     "DELETE, GET, HEAD, PUT",
		"/v1/tenants/acme/logs":                      "GET, HEAD",
		"/v1/tenants/acme/subscriptions":             "GET, HEAD",
		"/v1/tenants/acme/subscriptions/x":           "DELETE",
		"/v1/tenants/acme/usage":                     "GET, HEAD",
		"/v1/tenants/acme/schema":                    "GET, HEAD",
		"/v1/tenants/acme/events":                    "POST",
		"/v1/tenants/acme/keys":                      "GET, HEAD, POST",
		"/v1/tenants/acme/keys/x":                    "DELETE",
		"/v1/audit":                                  "GET, HEAD",
	} {
		for _, method := range []string{"OPTIONS", "TRACE", "PROPFIND", "get"} {
			w := s.do(method, path, "", "")
			s.wantProblem(w, http.StatusMethodNotAllowed, abi.CodeBadUserInput, allow)
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s: Allow %q, want %q", path, got, allow)
			}
		}
	}
	for _, path := range []string{
		"/", "/v1", "/v1/", "/v1/tenants/", "/v1/tenants//modules", "/v1/tenants/acme/", "/v1/tenants/acme/modules/",
		"/v1/tenants/acme/keys/", "/v1/tenants/acme%2Fmodules%2Forders", "/v1/tenants/acme/modules/orders/configs", "//v1/tenants", "/V1/tenants",
	} {
		want := "nothing at this path"
		if strings.Contains(path, "%") { // no slash of the path, but of a name, which none has
			want = "no such tenant"
		}
		s.wantProblem(s.do("GET", path, "", ""), http.StatusNotFound, abi.CodeBadUserInput, want)
	}
	if w := s.do("HEAD", "/v1/tenants", "", ""); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestUnknownTenant(t *testing.T) {
	s := newStage(t)
	for _, route := range everyRoute {
		for _, id := range []string{"other", "ACME", "%00", strings.Repeat("a", 64)} {
			path := strings.Replace(route.path, "acme", id, 1)
			if path == route.path {
				continue
			}
			s.wantProblem(s.do(route.method, path, "application/json", "{}"), http.StatusNotFound, abi.CodeBadUserInput, "no such tenant")
		}
	}
}

func TestEveryRouteRefusesWhatItDoesNotKnow(t *testing.T) {
	s := newStage(t)
	for _, route := range everyRoute {
		for query, part := range map[string]string{
			"?activat=true":                       `unknown query parameter "activat"`,
			"?a=%zz":                              "the query cannot be read",
			"?a;b":                                "the query cannot be read",
			"?" + strings.Repeat("x", 500) + "=1": "xxx…",
		} {
			s.wantProblem(s.do(route.method, route.path+query, "", ""), http.StatusBadRequest, abi.CodeBadUserInput, part)
		}
		w := s.do(route.method, route.path, "application/json", "{}", "Content-Encoding", "gzip")
		s.wantProblem(w, http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "Content-Encoding")
	}
	if _, ok := s.tenants.Get("acme"); !ok {
		t.Error("a refused request deleted the tenant")
	}
}

func TestContentTypes(t *testing.T) {
	s := newStage(t)
	for path, types := range map[string]string{
		"POST /v1/tenants":                              "application/json",
		"PATCH /v1/tenants/acme":                        "application/json or application/merge-patch+json",
		"PUT /v1/tenants/acme/modules/orders":           "application/wasm or multipart/form-data",
		"POST /v1/tenants/acme/modules/orders/activate": "application/json",
		"POST /v1/tenants/acme/events":                  "application/json or application/x-ndjson",
		"POST /v1/tenants/acme/keys":                    "application/json",
	} {
		method, target, _ := strings.Cut(path, " ")
		for _, sent := range []string{"", "text/plain", "application/jsonx", "application/json; charset=latin1", "application/json; charset", "/"} {
			s.wantProblem(s.do(method, target, sent, "{}"), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "send "+types)
		}
	}
	if w := s.do("PATCH", "/v1/tenants/acme", "Application/JSON; Charset=UTF-8", `{"limits":{}}`); w.Code != http.StatusOK {
		t.Errorf("a type with a charset: %d %s", w.Code, w.Body)
	}
}
