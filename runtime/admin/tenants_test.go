package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

type tenantBody struct {
	ID      string           `json:"id"`
	Created time.Time        `json:"created"`
	Limits  map[string]int64 `json:"limits"`
}

// A body that no limit of a tenant bounds is bounded all the same.
func TestLargeBody(t *testing.T) {
	s := newStage(t)
	w := s.do("POST", "/v1/tenants", "application/json", `{"id":"`+strings.Repeat("a", 100_000)+`"}`)
	s.wantProblem(w, http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "more than 65536 bytes; send a smaller one")
}

func TestCreateTenant(t *testing.T) {
	s := newStage(t)
	w := s.do("POST", "/v1/tenants", "application/json", ` {"limits":{"fuelPerRun":5000},"id":"beta"}`)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/tenants/beta" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	var got tenantBody
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "beta" || time.Since(got.Created) > time.Minute || len(got.Limits) != len(tenant.Definitions()) || got.Limits["fuelPerRun"] != 5000 {
		t.Errorf("got %s", w.Body)
	}
	created, ok := s.tenants.Get("beta")
	if !ok || created.Limits().FuelPerRun != 5000 {
		t.Error("the tenant is not there")
	}
	if w := s.do("GET", "/v1/tenants/beta", "", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"id":"beta"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var list struct {
		Tenants []tenantBody `json:"tenants"`
	}
	if err := json.Unmarshal(s.do("GET", "/v1/tenants", "", "").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Tenants) != 2 || list.Tenants[0].ID != "acme" || list.Tenants[1].ID != "beta" {
		t.Errorf("list %+v", list)
	}
	s.wantProblem(s.do("POST", "/v1/tenants", "application/json", `{"id":"beta"}`), http.StatusConflict, abi.CodeBadUserInput, "PATCH")
}

func TestCreateTenantRefuses(t *testing.T) {
	s := newStage(t)
	for body, want := range map[string]struct {
		part         string
		offset       int
		line, column int
	}{
		``:                               {"", 0, 1, 1},
		`{"id":"x"`:                      {"", 9, 1, 10},
		`[]`:                             {"a JSON object with id, limits, introspection, debug is wanted, not array", 0, 1, 1},
		`{}`:                             {"id is missing", 0, 1, 1},
		`{"id":7}`:                       {"id must be a string, not number", 6, 1, 7},
		`{"id":"X"}`:                     {"id must be 1 to 63", 6, 1, 7},
		"{\"id\":\"x\",\n \"ids\":1}":    {`unknown member "ids"; there are id, limits, introspection`, 12, 2, 2},
		`{"id":"x","id":"y"}`:            {`duplicate key "id"`, 10, 1, 11},
		`{"id":"x","limits":{"fuel":1}}`: {`unknown limit "fuel"`, 20, 1, 21},
		`{"id":"x","limits":{"modules":1,"versions":0}}`: {"limit versions must be", 32, 1, 33},
		`{"id":"x","introspection":"no"}`:                {"introspection must be true or false, not string", 26, 1, 27},
		`{"id":"x","limits":7}`:                          {"limits: a JSON object is wanted", 19, 1, 20},
	} {
		w := s.do("POST", "/v1/tenants", "application/json", body)
		p := s.wantProblem(w, http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		e := p.Errors[0]
		if e.Offset == nil || *e.Offset != want.offset || e.Line != want.line || e.Column != want.column {
			t.Errorf("%s: place of %s, want %+v", body, w.Body, want)
		}
	}
	if len(s.tenants.List()) != 1 {
		t.Error("a refused request made a tenant")
	}
	w := s.do("POST", "/v1/tenants", "application/json", `{"id":"`+strings.Repeat("x", 64<<10)+`"}`)
	s.wantProblem(w, http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, "65536 bytes")
}

func TestPatchTenant(t *testing.T) {
	s := newStage(t)
	for _, contentType := range []string{"application/json", "application/merge-patch+json"} {
		w := s.do("PATCH", "/v1/tenants/acme", contentType, `{"limits":{"modules":7,"versions":null}}`)
		if w.Code != http.StatusOK || s.acme.Limits().Modules != 7 || !strings.Contains(w.Body.String(), `"modules":7`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	for body, part := range map[string]string{
		`{}`:                                   "limits, introspection and debug are missing",
		`{"introspection":null}`:               "introspection must be true or false, not null",
		`{"introspection":false,"limits":7}`:   "limits: a JSON object is wanted",
		`{"id":"x"}`:                           `unknown member "id"`,
		`{"limits":{"modules":1,"nope":2}}`:    `unknown limit "nope"`,
		`{"limits":{"modules":1000000000000}}`: "limit modules must be a whole number of modules from 0 to 1000",
	} {
		s.wantProblem(s.do("PATCH", "/v1/tenants/acme", "application/json", body), http.StatusBadRequest, abi.CodeBadUserInput, part)
	}
	if s.acme.Limits().Modules != 7 || !s.acme.Introspection() {
		t.Error("a refused patch changed something")
	}
}

func TestIntrospectionOfATenant(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		tenant             string
		allowed            bool
	}{
		{"POST", "/v1/tenants", `{"id":"open"}`, http.StatusCreated, "open", true},
		{"POST", "/v1/tenants", `{"id":"shut","introspection":false}`, http.StatusCreated, "shut", false},
		{"PATCH", "/v1/tenants/shut", `{"limits":{"modules":1}}`, http.StatusOK, "shut", false},
		{"PATCH", "/v1/tenants/shut", `{"introspection":true}`, http.StatusOK, "shut", true},
		{"PATCH", "/v1/tenants/shut", `{"limits":{"modules":2},"introspection":false}`, http.StatusOK, "shut", false},
	} {
		w := s.do(c.method, c.path, "application/json", c.body)
		found, ok := s.tenants.Get(c.tenant)
		if w.Code != c.status || !ok || found.Introspection() != c.allowed || !strings.Contains(w.Body.String(), fmt.Sprintf(`"introspection":%t,`, c.allowed)) {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	if shut, _ := s.tenants.Get("shut"); shut.Limits().Modules != 2 {
		t.Error("the limit beside it did not change")
	}
}

func TestDeleteTenant(t *testing.T) {
	s := newStage(t)
	s.do("PUT", "/v1/tenants/acme/modules/orders?activate=true", "application/wasm", orders("null"))
	if w := s.do("DELETE", "/v1/tenants/acme", "", ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(s.deleted) != 1 || s.deleted[0] != s.acme {
		t.Errorf("OnDelete was called with %v", s.deleted)
	}
	<-s.acme.Gone()
	s.wantProblem(s.do("DELETE", "/v1/tenants/acme", "", ""), http.StatusNotFound, abi.CodeBadUserInput, "no such tenant")
	s.do("POST", "/v1/tenants", "application/json", `{"id":"acme"}`)
	s.want(s.do("GET", "/v1/tenants/acme/modules", "", ""), http.StatusOK, `{"modules":[]}`)
}

func TestFailuresAreNotShown(t *testing.T) {
	s := newStage(t)
	s.fail = errors.New("secret")
	w := s.do("POST", "/v1/tenants/acme/events", "application/json", `{"channel":"c","payload":1}`)
	s.wantProblem(w, http.StatusInternalServerError, abi.CodeInternal, "internal error")
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the cause is shown: %s", w.Body)
	}
	w = s.do("DELETE", "/v1/tenants/acme", "", "")
	s.wantProblem(w, http.StatusInternalServerError, abi.CodeInternal, "internal error")
}
