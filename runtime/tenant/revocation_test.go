package tenant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func TestRevocationJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789000, time.FixedZone("", 3600))
	for _, r := range []tenant.Revocation{{Subject: "u\"1", Before: at}, {TokenID: "t1", Before: at}} {
		text := mustJSON(t, r)
		back, err := tenant.ParseRevocation(text)
		if err != nil || back.Subject != r.Subject || back.TokenID != r.TokenID || !back.Before.Equal(at) {
			t.Errorf("%s: %+v, %v", text, back, err)
		}
	}
	for _, text := range []string{
		``, `[]`, `{}`, `{"sub":"u"}`, `{"sub":"u","jti":"t","before":"2026-01-02T03:04:05Z"}`, `{"sub":7,"before":"2026-01-02T03:04:05Z"}`, `{"sub":"u","before":"yesterday"}`,
		`{"sub":"u","before":"2026-01-02T03:04:05Z","x":"y"}`, `{"sub":[],"before":"2026-01-02T03:04:05Z"}`, `{"sub":"a\u0000","before":"2026-01-02T03:04:05Z"}`,
		`{"sub":"` + strings.Repeat("x", 1025) + `","before":"2026-01-02T03:04:05Z"}`,
	} {
		if r, err := tenant.ParseRevocation([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// identity is one that was verified by the tenant's settings.
func identity(x *tenant.Tenant, subject, id string, issued time.Time) tenant.Identity {
	return tenant.Identity{}.Verified(x.Auth(), tenant.Token{Subject: subject, ID: id, Issued: issued})
}

// TestRevocationsAreFollowed has another node of the same store know of each.
func TestRevocationsAreFollowed(t *testing.T) {
	s := memory.New()
	here, there := tenant.NewDirectory(s), tenant.NewDirectory(s)
	x := tenanttest.Create(t, here, "a")
	y, _, err := there.Refresh(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	revoke := func(r tenant.Revocation) {
		t.Helper()
		rechecked := y.Rechecked()
		if err := here.Revoke(t.Context(), x, r); err != nil {
			t.Fatal(err)
		}
		if _, _, err := there.Refresh(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		<-rechecked
	}
	check := func(subject, id string, issued time.Time, want error) {
		t.Helper()
		for _, node := range []*tenant.Tenant{x, y} {
			if err := node.Admits(identity(node, subject, id, issued)); !errors.Is(err, want) {
				t.Errorf("%s %s at %v: %v, want %v", subject, id, issued, err, want)
			}
		}
	}
	check("u1", "t1", now, nil)
	revoke(tenant.Revocation{Subject: "u1", Before: now})
	check("u1", "t1", now.Add(-1), tenant.ErrRevoked)
	check("u1", "t1", now, nil)
	check("u1", "t1", time.Time{}, tenant.ErrRevoked)
	check("u2", "t1", now.Add(-1), nil)
	check("", "", time.Time{}, nil)
	revoke(tenant.Revocation{TokenID: "t2", Before: now})
	check("u2", "t2", now.Add(-1), tenant.ErrRevoked)
	check("t2", "u1", now.Add(-1), nil)
	revoke(tenant.Revocation{Subject: "u1", Before: now.Add(time.Hour)})
	check("u1", "t1", now.Add(time.Minute), tenant.ErrRevoked)
	if err := here.Revoke(t.Context(), x, tenant.Revocation{Subject: "u1", Before: now.Add(-time.Hour)}); err != nil {
		t.Fatal(err) // an earlier one takes nothing back
	}
	check("u1", "t1", now.Add(time.Minute), tenant.ErrRevoked)

	rechecked := y.Rechecked()
	if _, _, err := there.Refresh(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-rechecked:
		t.Error("subscribers are looked at where nothing has changed")
	default:
	}
	if err := here.Delete(t.Context(), x, nil); err != nil {
		t.Fatal(err)
	}
	if err := here.Revoke(t.Context(), x, tenant.Revocation{Subject: "u1", Before: now}); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("of a tenant that is gone: %v", err)
	}
	again := tenanttest.Create(t, here, "a")
	if err := again.Admits(identity(again, "u1", "t2", now.Add(-1))); err != nil {
		t.Errorf("a tenant of the same id has revocations of the one before: %v", err)
	}
}

// TestRevocationsAreBounded fills a tenant's revocations, and lets them be
// forgotten.
func TestRevocationsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		d := tenant.NewDirectory(s)
		x := tenanttest.Create(t, d, "a")
		if err := s.Update(t.Context(), "a", fillRevocations(t, "a", tenant.MaxRevocations)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Refresh(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		issued := time.Now().Add(-time.Minute)
		if err := x.Admits(identity(x, fmt.Sprint("u", tenant.MaxRevocations-1), "", issued)); !errors.Is(err, tenant.ErrRevoked) {
			t.Errorf("the last one: %v", err)
		}
		revoke := func(subject string) error {
			return d.Revoke(t.Context(), x, tenant.Revocation{Subject: subject, Before: time.Now()})
		}
		if err := revoke("one more"); !errors.Is(err, tenant.ErrTooManyRevocations) {
			t.Errorf("one more: %v", err)
		}
		if err := revoke("u0"); err != nil {
			t.Errorf("one that is there: %v", err)
		}
		a, err := tenant.ParseAuth([]byte(`{"algorithm":"HS256","secret":"` + secret32 + `","maxTokenSeconds":3600,"clockSkewSeconds":10}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Change(t.Context(), x, func(s *tenant.Settings) error { s.Auth = &a; return nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + 10*time.Second)
		if err := revoke("one more"); !errors.Is(err, tenant.ErrTooManyRevocations) {
			t.Errorf("where a token may live still: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := revoke("one more"); err != nil {
			t.Errorf("where all have expired: %v", err)
		}
		if err := x.Admits(identity(x, "u1", "", issued)); err != nil {
			t.Errorf("what was forgotten still refuses: %v", err)
		}
	})
}

// fillRevocations puts n of them into a store at once.
func fillRevocations(t *testing.T, id string, n int) func(store.Tx) error {
	return func(tx store.Tx) error {
		for i := range n {
			r := tenant.Revocation{Subject: fmt.Sprint("u", i), Before: time.Now()}
			if err := tx.Put(store.Revocations, id, tenant.RecordOf(r), mustJSON(t, r)); err != nil {
				return err
			}
		}
		return nil
	}
}
