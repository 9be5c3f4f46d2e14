package tenant_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestValidName(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "0": true, "-": true, "acme-2": true, strings.Repeat("a", 63): true,
		"": false, strings.Repeat("a", 64): false, "Acme": false, "a_b": false, "a/b": false, "a.b": false, "é": false, "a\x00": false, "{": false, "`": false,
	} {
		if got := tenant.ValidName(s); got != want {
			t.Errorf("ValidName(%q) = %t", s, got)
		}
	}
}

func TestDirectory(t *testing.T) {
	d := tenant.NewDirectory()
	b, err := d.Create("b", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Create("b", tenant.DefaultLimits()); !errors.Is(err, tenant.ErrExists) {
		t.Errorf("second Create: %v", err)
	}
	for _, id := range []string{"", "B", strings.Repeat("a", 64)} {
		if _, err := d.Create(id, tenant.DefaultLimits()); !errors.Is(err, tenant.ErrInvalidName) {
			t.Errorf("Create(%q): %v", id, err)
		}
	}
	var limits *tenant.LimitsError
	if _, err := d.Create("c", tenant.Limits{}); !errors.As(err, &limits) {
		t.Errorf("Create without limits: %v", err)
	}
	if _, err := d.Create("a", tenant.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.Get("b"); !ok || got != b || got.ID() != "b" || got.Created().IsZero() {
		t.Errorf("Get: %v, %t", got, ok)
	}
	for _, id := range []string{"", "c", "B", "b "} {
		if got, ok := d.Get(id); ok || got != nil {
			t.Errorf("Get(%q) finds %v", id, got)
		}
	}
	if list := d.List(); len(list) != 2 || list[0].ID() != "a" || list[1] != b {
		t.Errorf("List: %v", list)
	}
}

func TestDelete(t *testing.T) {
	d := tenant.NewDirectory()
	old, err := d.Create("a", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-old.Gone():
		t.Error("gone before Delete")
	default:
	}
	if err := d.Delete(old); err != nil {
		t.Error(err)
	}
	<-old.Gone()
	if err := d.Delete(old); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("second Delete: %v", err)
	}
	again, err := d.Create("a", tenant.DefaultLimits())
	if err != nil || again == old {
		t.Errorf("created again: %v, the same: %t", err, again == old)
	}
	if err := d.Delete(old); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("Delete of the one before: %v", err)
	}
	if got, ok := d.Get("a"); !ok || got != again {
		t.Error("a Delete of the one before took the new one")
	}
}

func TestLimitsAreReplacedWhole(t *testing.T) {
	x, err := tenant.New("a", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if err := x.SetLimits(tenant.Limits{}); err == nil {
		t.Error("limits out of range are set")
	}
	if x.Limits() != tenant.DefaultLimits() {
		t.Error("refused limits changed something")
	}
	var wg sync.WaitGroup
	for _, text := range []string{`{"modules":7}`, `{"versions":8}`, `{"connections":9}`, `{"instances":5}`} {
		wg.Go(func() {
			if _, err := x.MergeLimits([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := tenant.DefaultLimits()
	want.Modules, want.Versions, want.Connections, want.Instances = 7, 8, 9, 5
	if x.Limits() != want {
		t.Errorf("a concurrent merge is lost: %+v", x.Limits())
	}
	if _, err := x.MergeLimits([]byte(`{"modules":-1}`)); err == nil || x.Limits() != want {
		t.Errorf("a refused merge: %v", err)
	}
}
