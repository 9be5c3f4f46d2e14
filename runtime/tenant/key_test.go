package tenant_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func TestKeys(t *testing.T) {
	s := memory.New()
	here, there := tenant.NewDirectory(s), tenant.NewDirectory(s)
	acme, other := tenanttest.Create(t, here, "acme"), tenanttest.Create(t, here, "other")
	k, text, err := here.CreateKey(t.Context(), acme, "deploy", []tenant.Scope{tenant.ScopeModules})
	if err != nil {
		t.Fatal(err)
	}
	second, secondText, err := here.CreateKey(t.Context(), acme, "", []tenant.Scope{tenant.ScopeRead, tenant.ScopeEvents})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := acme.Key(text); !ok || got.ID != k.ID || got.Name != "deploy" || !got.Allows(tenant.ScopeModules) || got.Allows(tenant.ScopeEvents) {
		t.Errorf("Key: %+v, %t", got, ok)
	}
	if list := acme.Keys(); len(list) != 2 || list[0].ID > list[1].ID {
		t.Errorf("Keys: %+v", list)
	}
	swapped := strings.Replace(text, k.ID, second.ID, 1)
	for _, bad := range []string{
		"", "rnl_", "rnl__", text + "A", text[:len(text)-1], strings.ToLower(text), swapped, "rnl_" + k.ID, "rnl_" + k.ID + "_",
		strings.TrimPrefix(text, "rnl_"), strings.Replace(text, k.ID, "aaaaaaaaaaaa", 1), "rnl_aaaaaaaaaaaa_", " " + text,
	} {
		if got, ok := acme.Key(bad); ok {
			t.Errorf("Key(%q) is %+v", bad, got)
		}
	}
	if got, ok := other.Key(text); ok {
		t.Errorf("another tenant takes the key: %+v", got)
	}
	theirs, _, err := there.Refresh(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := theirs.Key(text); !ok {
		t.Error("another node does not know the key")
	}
	if err := here.DeleteKey(t.Context(), acme, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := acme.Key(text); ok {
		t.Error("a revoked key is taken")
	}
	if _, ok := acme.Key(secondText); !ok {
		t.Error("another key went with it")
	}
	if _, _, err := there.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if _, ok := theirs.Key(text); ok {
		t.Error("another node takes the revoked key")
	}
	if err := here.DeleteKey(t.Context(), acme, k.ID); !errors.Is(err, tenant.ErrUnknownKey) {
		t.Errorf("deleted again: %v", err)
	}
}

// TestKeysAreKeptHashed reads all that the store has of a key.
func TestKeysAreKeptHashed(t *testing.T) {
	s := memory.New()
	d := tenant.NewDirectory(s)
	acme := tenanttest.Create(t, d, "acme")
	_, text, err := d.CreateKey(t.Context(), acme, "", tenant.Scopes())
	if err != nil {
		t.Fatal(err)
	}
	secret := text[strings.LastIndex(text, "_")+1:]
	if len(secret) < 26 {
		t.Errorf("a secret of %d characters", len(secret))
	}
	for _, table := range store.Tables() {
		for _, owner := range []string{"", "acme"} {
			err := s.View(t.Context(), func(tx store.Tx) error {
				records, err := tx.Scan(table, owner, "", 100)
				for _, r := range records {
					if bytes.Contains(r.Value, []byte(secret)) || strings.Contains(r.ID, secret) {
						t.Errorf("table %s has the secret", table)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestKeyLimit(t *testing.T) {
	d := tenanttest.Directory()
	acme := tenanttest.Create(t, d, "acme")
	tenanttest.MergeLimits(t, d, acme, `{"keys":1}`)
	if _, _, err := d.CreateKey(t.Context(), acme, "", tenant.Scopes()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.CreateKey(t.Context(), acme, "", tenant.Scopes()); !errors.Is(err, tenant.ErrTooManyKeys) {
		t.Errorf("over the limit: %v", err)
	}
	if err := d.Delete(t.Context(), acme, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.CreateKey(t.Context(), acme, "", tenant.Scopes()); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("for a tenant that is gone: %v", err)
	}
	if again := tenanttest.Create(t, d, "acme"); len(again.Keys()) != 0 {
		t.Errorf("the tenant of the old id has keys: %+v", again.Keys())
	}
}
