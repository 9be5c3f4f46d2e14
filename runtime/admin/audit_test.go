package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

type auditEntry struct {
	Time, Actor, Action, Tenant, Target string
	Status                              int
}

func (s *stage) auditLog(path string) (entries []auditEntry, next string) {
	s.t.Helper()
	w := s.do("GET", path, "", "")
	var list struct {
		Entries []auditEntry
		Next    string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	return list.Entries, list.Next
}

func (s *stage) wantAudit(path string, want ...string) {
	s.t.Helper()
	entries, _ := s.auditLog(path)
	var got []string
	for _, e := range entries {
		if e.Time == "" {
			s.t.Errorf("%+v has no time", e)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %d", e.Actor, e.Action, e.Tenant, e.Target, e.Status))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("%s:\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAudit(t *testing.T) {
	s := newStage(t)
	id, key := s.newKey(tenant.ScopeModules)
	s.do("PUT", "/v1/tenants/acme/modules/orders", "application/wasm", orders("1"), "Authorization", "Bearer "+key)
	s.do("PUT", "/v1/tenants/acme/modules/orders", "application/wasm", "no module", "Authorization", "Bearer "+key)
	s.do("PATCH", "/v1/tenants/acme", "application/json", `{"limits":{"modules":5}}`)
	s.do("GET", "/v1/tenants/acme", "", "")
	s.do("POST", "/v1/tenants/acme/events", "application/json", `{"channel":"c","payload":1}`)
	s.do("DELETE", "/v1/tenants/acme/keys/"+id, "", "", "Authorization", "Bearer wrong")
	s.wantAudit(
		"/v1/tenants/acme/audit",
		"admin PATCH /v1/tenants/{tenant} acme  200",
		"key:"+id+" PUT /v1/tenants/{tenant}/modules/{module} acme orders 422",
		"key:"+id+" PUT /v1/tenants/{tenant}/modules/{module} acme orders 201",
		"admin POST /v1/tenants/{tenant}/keys acme "+id+" 201",
	)
	s.do("POST", "/v1/tenants", "application/json", `{"id":"other"}`)
	s.do("POST", "/v1/tenants", "application/json", `{"id":"other"}`)
	s.do("DELETE", "/v1/tenants/acme", "", "")
	s.wantAudit(
		"/v1/audit",
		"admin DELETE /v1/tenants/{tenant} acme  204",
		"admin POST /v1/tenants   409",
		"admin POST /v1/tenants  other 201",
	)
	s.do("POST", "/v1/tenants", "application/json", `{"id":"acme"}`)
	s.wantAudit("/v1/tenants/acme/audit")
}

// TestAuditOfRefusals has a key try what it is not for, again and again.
// entryFirst reads the audit log when an answer begins to leave.
type entryFirst struct {
	*httptest.ResponseRecorder
	stage *stage
	log   string
}

func (w *entryFirst) WriteHeader(status int) {
	w.log = w.stage.do("GET", "/v1/tenants/acme/audit", "", "").Body.String()
	w.ResponseRecorder.WriteHeader(status)
}

// TestAuditComesBeforeTheAnswer holds that no change is acknowledged that the log
// does not have: a server may be killed right after.
func TestAuditComesBeforeTheAnswer(t *testing.T) {
	s := newStage(t)
	for _, ask := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/v1/tenants/acme/auth", `{"algorithm":"HS256","secret":"` + strings.Repeat("s", 32) + `"}`, http.StatusOK},
		{"DELETE", "/v1/tenants/acme/auth", "", http.StatusNoContent},
		{"PATCH", "/v1/tenants/acme", `{"limits":{"keys":-1}}`, http.StatusBadRequest},
	} {
		r := httptest.NewRequest(ask.method, ask.path, strings.NewReader(ask.body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := &entryFirst{httptest.NewRecorder(), s, ""}
		s.ServeHTTP(w, r)
		if want := fmt.Sprintf(`"status":%d`, ask.status); w.Code != ask.status || !strings.Contains(w.log, want) || strings.Count(w.log, want) != 1 {
			t.Errorf("%s %s: %d, when the log had %s", ask.method, ask.path, w.Code, w.log)
		}
	}
}

func TestAuditOfRefusals(t *testing.T) {
	s := newStage(t)
	id, key := s.newKey(tenant.ScopeEvents)
	for range 3 {
		for _, asked := range [][2]string{
			{"DELETE", "/v1/tenants/acme"},
			{"GET", "/v1/tenants/acme/modules/orders"},
			{"GET", "/v1/tenants/acme/nothing"}, // there is no such route
			{"GET", "/v1/audit"},                // of which it is nobody
		} {
			s.do(asked[0], asked[1], "", "", "Authorization", "Bearer "+key)
		}
	}
	s.wantAudit(
		"/v1/tenants/acme/audit",
		"key:"+id+" GET /v1/tenants/{tenant}/modules/{module} acme orders 403",
		"key:"+id+" DELETE /v1/tenants/{tenant} acme  403",
		"admin POST /v1/tenants/{tenant}/keys acme "+id+" 201",
	)
	s.wantAudit("/v1/audit")
}

func TestAuditOfRefusalsIsBounded(t *testing.T) {
	noted := 0
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var refused admin.Refusals
	for range 2 {
		for i := range 1000 {
			if refused.Note("acme", fmt.Sprint(i), now) {
				noted++
			}
		}
		if !refused.Note("other", "its own", now) {
			t.Error("one tenant's refusals keep another's out")
		}
		now = now.Add(time.Hour)
	}
	if noted != 200 {
		t.Errorf("%d refusals of a tenant are recorded in two hours, want 200", noted)
	}
}

func TestAuditOfBackups(t *testing.T) {
	s := newStage(t)
	s.do("HEAD", "/v1/backup", "", "") // takes nothing
	s.do("GET", "/v1/backup", "", "")
	s.wantAudit("/v1/audit", "admin GET /v1/backup   200")
}

func TestAuditPages(t *testing.T) {
	s := newStage(t)
	for range 7 {
		s.do("PATCH", "/v1/tenants/acme", "application/json", `{"debug":true}`)
	}
	var all []auditEntry
	path := "/v1/tenants/acme/audit?limit=3"
	for _, want := range []int{3, 3, 1} {
		entries, next := s.auditLog(path)
		if len(entries) != want {
			t.Errorf("%s: %d entries, want %d", path, len(entries), want)
		}
		all = append(all, entries...)
		if (next == "") != (want == 1) {
			t.Errorf("%s: next %q", path, next)
		}
		path = "/v1/tenants/acme/audit?limit=3&after=" + next
		s.do("PATCH", "/v1/tenants/acme", "application/json", `{"debug":true}`) // must not shift the pages
	}
	if len(all) != 7 {
		t.Errorf("%d entries in all", len(all))
	}
	s.wantProblem(s.do("GET", "/v1/audit?after=x", "", ""), http.StatusBadRequest, abi.CodeBadUserInput, "after must be")
}

func TestPages(t *testing.T) {
	s := newStage(t)
	for i := range 5 {
		s.do("POST", "/v1/tenants", "application/json", fmt.Sprintf(`{"id":"t%d"}`, i))
	}
	var ids []string
	for path := "/v1/tenants?limit=2"; path != ""; {
		w := s.do("GET", path, "", "")
		var list struct {
			Tenants []struct{ ID string }
			Next    string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Tenants) == 0 || len(list.Tenants) > 2 {
			t.Fatalf("%s: %s, %v", path, w.Body, err)
		}
		for _, one := range list.Tenants {
			ids = append(ids, one.ID)
		}
		path = ""
		if list.Next != "" {
			path = "/v1/tenants?limit=2&after=" + list.Next
		}
	}
	if got := strings.Join(ids, " "); got != "acme t0 t1 t2 t3 t4" {
		t.Errorf("the pages have %s", got)
	}
	for _, limit := range []string{"0", "1001", "-1", "x", "", "1e2"} {
		s.wantProblem(s.do("GET", "/v1/tenants?limit="+limit, "", ""), http.StatusBadRequest, abi.CodeBadUserInput, "limit must be")
	}
	if w := s.do("GET", "/v1/tenants?after=t4", "", ""); strings.TrimSpace(w.Body.String()) != `{"tenants":[]}` {
		t.Errorf("after the last: %s", w.Body)
	}
}
