package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const (
	authPath        = "/v1/tenants/acme/auth"
	revocationsPath = "/v1/tenants/acme/revocations"
	hmacSecret      = "0123456789abcdef0123456789abcdef"
	withoutVerifier = `{"mode":"required","clockSkewSeconds":30,"claims":{"subject":"sub","permissions":"permissions"}}`
)

func TestAuth(t *testing.T) {
	s := newStage(t)
	put := func(body string) { s.t.Helper(); s.do("PUT", authPath, "application/json", body) }
	s.want(s.do("GET", authPath, "", ""), http.StatusOK, withoutVerifier)
	w := s.do("PUT", authPath, "application/json", `{"algorithm":"HS256","secret":"`+hmacSecret+`","issuer":"i","audience":"api","claims":{"permissions":"scope"},"origins":["https://a.example"]}`)
	const shown = `{"mode":"required","algorithm":"HS256","secretSet":true,"issuer":"i","audience":["api"],"clockSkewSeconds":30,"claims":{"subject":"sub","permissions":"scope"},"origins":["https://a.example"]}`
	s.want(w, http.StatusOK, shown)
	s.want(s.do("GET", authPath, "", ""), http.StatusOK, shown)
	if a := s.acme.Auth(); string(a.Secret) != hmacSecret || a.Permission != "scope" {
		t.Errorf("the tenant has %+v", a)
	}
	before := s.acme.Auth()
	put(`{"algorithm":"HS256","secret":"` + hmacSecret + `","issuer":"i","audience":["api"],"claims":{"subject":"sub","permissions":"scope"},"origins":["https://a.example"]}`)
	if s.acme.Auth() != before {
		t.Error("the same settings again are others")
	}
	put(`{"mode":"anonymous","origins":["https://a.example"]}`)
	s.want(s.do("GET", authPath, "", ""), http.StatusOK, `{"mode":"anonymous","clockSkewSeconds":30,"claims":{"subject":"sub","permissions":"permissions"},"origins":["https://a.example"]}`)
	for range 2 {
		if w := s.do("DELETE", authPath, "", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		s.want(s.do("GET", authPath, "", ""), http.StatusOK, withoutVerifier)
	}
	log := s.do("GET", "/v1/tenants/acme/audit", "", "").Body.String()
	if strings.Contains(log, hmacSecret) || !strings.Contains(log, "PUT /v1/tenants/{tenant}/auth") {
		t.Errorf("the audit log says %s", log)
	}
}

// TestAuthRefuses has every mistake named with its place, and changes nothing.
func TestAuthRefuses(t *testing.T) {
	s := newStage(t)
	w := s.do("PUT", authPath, "application/json", "{\"mode\":\"open\",\n \"algorithm\":\"HS256\",\n \"secret\":\"short\",\n \"clockSkewSeconds\":301, \"colour\":1}")
	p := s.wantProblem(w, http.StatusBadRequest, abi.CodeBadUserInput, "mode must be")
	for i, want := range []struct {
		part         string
		line, column int
	}{
		{`mode must be "required" or "anonymous"`, 1, 9},
		{"secret must have 32 to 1024 bytes, not 5", 3, 11},
		{"clockSkewSeconds must be a whole number from 0 to 300", 4, 21},
		{`unknown member "colour"`, 4, 26},
	} {
		if i >= len(p.Errors) || !strings.HasPrefix(p.Errors[i].Message, want.part) || p.Errors[i].Line != want.line || p.Errors[i].Column != want.column {
			t.Errorf("mistake %d of %s, want %+v", i, w.Body, want)
		}
	}
	s.wantProblem(s.do("PUT", authPath, "application/json", ""), http.StatusBadRequest, abi.CodeBadUserInput, "unexpected end")
	s.wantProblem(s.do("PUT", authPath, "text/plain", "{}"), http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "application/json")
	s.wantProblem(s.do("PUT", "/v1/tenants/other/auth", "application/json", "{}"), http.StatusNotFound, abi.CodeBadUserInput, "no such tenant")
	s.want(s.do("GET", authPath, "", ""), http.StatusOK, withoutVerifier)
}

func TestRevocations(t *testing.T) {
	s := newStage(t)
	admits := func(subject, id string, issued time.Time) error {
		return s.acme.Admits(tenant.Identity{}.Verified(s.acme.Auth(), tenant.Token{Subject: subject, ID: id, Issued: issued}))
	}
	start := time.Now()
	for _, body := range []string{
		`{"sub":"u1"}`, // until now
		`{"jti":"t1","before":"2026-01-02T03:04:05Z"}`,
		`{"sub":"u2","before":"2026-01-02T03:04:05.5+01:00"}`,
		`{"sub":"u2","before":"2026-01-02T03:04:05.5+01:00"}`,
	} {
		if w := s.do("POST", revocationsPath, "application/json", body); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		subject, id string
		issued      time.Time
		want        error
	}{
		{"u1", "", start, tenant.ErrRevoked},
		{"u1", "", time.Now(), nil},
		{"u9", "t1", at.Add(-1), tenant.ErrRevoked},
		{"u9", "t1", at, nil},
		{"u2", "", at.Add(-time.Hour), tenant.ErrRevoked},
		{"u2", "", at, nil},
	} {
		if err := admits(c.subject, c.id, c.issued); !errors.Is(err, c.want) {
			t.Errorf("%s %s, issued %v: %v, want %v", c.subject, c.id, c.issued, err, c.want)
		}
	}
	for body, want := range map[string]struct {
		part   string
		offset int
	}{
		`{}`:                              {"either sub or jti is wanted", 0},
		`{"sub":"a","jti":"b"}`:           {"either sub or jti is wanted", 0},
		`{"sub":""}`:                      {"sub must not be empty", 7},
		`{"sub":7}`:                       {"sub must be a string", 7},
		`{"sub":"a","before":1700000000}`: {"before must be a string", 20},
		`{"sub":"a","before":"tomorrow"}`: {"before must be a time such as", 20},
		`{"sub":"a","before":"1969-12-31T00:00:00Z"}`: {"before must be a time from 1970", 0},
		`{"sub":"a","until":"x"}`:                     {`unknown member "until"`, 11},
		`{"sub":["a"]}`:                               {"more than 1 levels of nesting", 7},
		`{"sub":"` + strings.Repeat("x", 1025) + `"}`: {"sub or jti has 1025 bytes", 0},
	} {
		p := s.wantProblem(s.do("POST", revocationsPath, "application/json", body), http.StatusBadRequest, abi.CodeBadUserInput, want.part)
		if e := p.Errors[0]; e.Offset == nil || *e.Offset != want.offset {
			t.Errorf("%s: place %v, want %d", body, e.Offset, want.offset)
		}
	}
}
