package token_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

// TestTimes moves the clock over each bound, with each clock skew.
func TestTimes(t *testing.T) {
	k := newKeys()
	for _, skew := range []time.Duration{0, 30 * time.Second, 300 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a := k.by("HS256")
			a.ClockSkew = skew
			s := newStage(t, token.Config{}, a)
			start := time.Now().Truncate(time.Second)
			at := func(name string, offset time.Duration) string {
				return fmt.Sprintf("%q:%d", name, start.Add(offset).Unix())
			}
			text := func(members ...string) string {
				return sign("HS256", k.secret, `{"alg":"HS256"}`, "{"+strings.Join(members, ",")+"}")
			}
			ends := text(at("exp", 3*time.Hour))
			begins := text(at("exp", 2*time.Hour), at("nbf", time.Hour))
			issued := text(at("exp", 2*time.Hour), at("iat", time.Hour))
			passes := func(when time.Duration, text, reason string) {
				t.Helper()
				time.Sleep(time.Until(start.Add(when)))
				if reason != "" {
					s.refuses(when.String(), text, reason)
				} else if _, err := s.verify(text); err != nil {
					t.Errorf("skew %v, at %v: %v", skew, when, err)
				}
			}
			id, err := s.verify(ends)
			if err != nil || !id.Expires().Equal(start.Add(3*time.Hour+skew)) {
				t.Errorf("skew %v: expires at %v, %v", skew, id.Expires(), err)
			}
			passes(time.Hour-skew-1, begins, "nbf is in the future")
			passes(time.Hour-skew-1, issued, "iat is in the future")
			passes(time.Hour-skew, begins, "")
			passes(time.Hour-skew, issued, "")
			passes(3*time.Hour+skew-1, ends, "")
			if err := s.tenant.Admits(id); err != nil {
				t.Errorf("skew %v: not admitted before its end: %v", skew, err)
			}
			passes(3*time.Hour+skew, ends, "the token has expired")
			if err := s.tenant.Admits(id); !errors.Is(err, tenant.ErrExpired) {
				t.Errorf("skew %v: admitted at its end: %v", skew, err)
			}
		})
	}
}

func TestTokenAge(t *testing.T) {
	k := newKeys()
	a := k.by("HS256")
	a.TokenAge = time.Hour
	s := newStage(t, token.Config{}, a)
	now := time.Now().Unix()
	text := func(claims string) string { return sign("HS256", k.secret, `{"alg":"HS256"}`, claims) }
	if _, err := s.verify(text(fmt.Sprintf(`{"exp":%d,"iat":%d}`, now+1800, now-1800))); err != nil {
		t.Error(err)
	}
	s.refuses("a second more", text(fmt.Sprintf(`{"exp":%d,"iat":%d}`, now+1800, now-1801)), "longer than maxTokenSeconds")
	s.refuses("no iat", text(fmt.Sprintf(`{"exp":%d}`, now+1800)), "iat is missing")
}

func TestIssuerAndAudience(t *testing.T) {
	k := newKeys()
	for _, c := range []struct {
		issuer   string
		audience []string
		claims   string
		reason   string
	}{
		{"https://a.example/", nil, `"iss":"https://a.example/"`, ""},
		{"https://a.example/", nil, `"iss":"https://a.example"`, `iss is "https://a.example", not`},
		{"https://a.example/", nil, `"iss":"https://A.example/"`, "iss is"},
		{"https://a.example/", nil, `"iss":"https://a.example/evil"`, "iss is"},
		{"https://a.example/", nil, `"iss":["https://a.example/"]`, `"iss" is array`},
		{"https://a.example/", nil, `"iss":null`, `"iss" is null`},
		{"https://a.example/", nil, ``, `iss is ""`},
		{"", nil, `"iss":"anybody"`, ""},
		{"", nil, `"iss":7`, `"iss" is number`},
		{"", []string{"api"}, `"aud":"api"`, ""},
		{"", []string{"api", "app"}, `"aud":"app"`, ""},
		{"", []string{"api"}, `"aud":["other","api"]`, ""},
		{"", []string{"api"}, `"aud":"other"`, "not in the settings"},
		{"", []string{"api"}, `"aud":"API"`, "not in the settings"},
		{"", []string{"api"}, `"aud":["other"]`, "not in the settings"},
		{"", []string{"api"}, `"aud":[]`, "not in the settings"},
		{"", []string{"api"}, `"aud":""`, "not in the settings"},
		{"", []string{"api"}, `"aud":{"api":1}`, `"aud" is object`},
		{"", []string{"api"}, `"aud":["api",7]`, `"aud" holds number`},
		{"", []string{"api"}, ``, "aud is missing"},
		{"", nil, `"aud":"other"`, "not in the settings"},
		{"", nil, `"aud":[]`, "not in the settings"},
		{"", nil, ``, ""},
	} {
		a := k.by("HS256")
		a.Issuer, a.Audience = c.issuer, c.audience
		s := newStage(t, token.Config{}, a)
		text := k.issue("HS256", c.claims)
		if c.reason != "" {
			s.refuses(c.claims, text, c.reason)
		} else if _, err := s.verify(text); err != nil {
			t.Errorf("issuer %q, audience %q, %s: %v", c.issuer, c.audience, c.claims, err)
		}
	}
}

// TestClaimNames has the subject and the permissions under names of the issuer's.
func TestClaimNames(t *testing.T) {
	k := newKeys()
	a := k.by("HS256")
	a.Subject, a.Permission = "https://a.example/user", "scope"
	s := newStage(t, token.Config{}, a)
	for claims, want := range map[string]struct {
		subject   string
		permitted []string
	}{
		`"sub":"s","https://a.example/user":"u","scope":"orders:read orders:write","permissions":["no"]`: {"u", []string{"orders:read", "orders:write"}},
		`"scope":["a b"]`:    {"", []string{"a b"}},
		`"scope":""`:         {"", nil},
		`"scope":"  a  a  "`: {"", []string{"a"}},
		`"sub":"s"`:          {"", nil},
	} {
		id, err := s.verify(k.issue("HS256", claims))
		if err != nil {
			t.Errorf("%s: %v", claims, err)
			continue
		}
		if id.Subject() != want.subject {
			t.Errorf("%s: subject %q", claims, id.Subject())
		}
		for _, p := range []string{"orders:read", "orders:write", "a b", "a", "no", ""} {
			wanted := false
			for _, w := range want.permitted {
				wanted = wanted || w == p
			}
			if id.Permitted(p) != wanted {
				t.Errorf("%s: permitted %q is %t", claims, p, !wanted)
			}
		}
	}
}

// TestSettingsChange has an identity end with the settings that it was given by,
// and with nothing else.
func TestSettingsChange(t *testing.T) {
	k := newKeys()
	s := newStage(t, token.Config{}, k.by("HS256"))
	text := k.issue("HS256", `"sub":"u1"`)
	id, err := s.verify(text)
	if err != nil {
		t.Fatal(err)
	}
	rechecked := s.tenant.Rechecked()
	s.set(k.by("HS256"))
	select {
	case <-rechecked:
		t.Error("the same settings have subscribers looked at")
	default:
	}
	if err := s.tenant.Admits(id); err != nil {
		t.Errorf("after the same settings: %v", err)
	}
	s.set(k.by("ES256"))
	<-rechecked
	if err := s.tenant.Admits(id); !errors.Is(err, tenant.ErrAuthChanged) {
		t.Errorf("after other settings: %v", err)
	}
	s.refuses("after other settings", text, "by the settings it is ES256")
	if _, err := s.verify(k.issue("ES256", "")); err != nil {
		t.Error(err)
	}
}

func TestRevocations(t *testing.T) {
	k := newKeys()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, token.Config{}, k.by("HS256"))
		issued := func(claims string) (string, tenant.Identity) {
			text := k.issue("HS256", claims)
			id, err := s.verify(text)
			if err != nil {
				t.Fatal(err)
			}
			return text, id
		}
		old, oldID := issued(`"sub":"u1","jti":"t1"`)
		other, otherID := issued(`"sub":"u2","jti":"t2"`)
		bare := sign("HS256", k.secret, `{"alg":"HS256"}`, fmt.Sprintf(`{"exp":%d,"sub":"u1"}`, time.Now().Unix()+3600))
		if _, err := s.verify(bare); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		revoke := func(r tenant.Revocation) {
			t.Helper()
			rechecked := s.tenant.Rechecked()
			if err := s.tenants.Revoke(t.Context(), s.tenant, r); err != nil {
				t.Fatal(err)
			}
			<-rechecked
		}
		revoke(tenant.Revocation{Subject: "u1", Before: time.Now()})
		s.refuses("issued before", old, "the token was revoked")
		s.refuses("of no known time", bare, "the token was revoked")
		if err := s.tenant.Admits(oldID); !errors.Is(err, tenant.ErrRevoked) {
			t.Errorf("a live subscriber: %v", err)
		}
		fresh, _ := issued(`"sub":"u1","jti":"t1"`)
		if err := s.tenant.Admits(otherID); err != nil {
			t.Errorf("another subscriber: %v", err)
		}
		time.Sleep(time.Minute)
		revoke(tenant.Revocation{TokenID: "t2", Before: time.Now()})
		s.refuses("by its id", other, "the token was revoked")
		if _, err := s.verify(fresh); err != nil {
			t.Error(err)
		}
		// A subject of the name of a token is nobody else's.
		if _, err := s.verify(k.issue("HS256", `"sub":"t2"`)); err != nil {
			t.Error(err)
		}
	})
}
