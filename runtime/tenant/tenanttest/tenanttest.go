// Package tenanttest gives tests tenants whose limits they change.
package tenanttest

import (
	"testing"

	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Directory returns an empty directory on a store of its own.
func Directory() *tenant.Directory { return tenant.NewDirectory(memory.New()) }

// Create adds a tenant with default settings.
func Create(tb testing.TB, d *tenant.Directory, id string) *tenant.Tenant {
	tb.Helper()
	t, err := d.Create(tb.Context(), id, tenant.DefaultSettings())
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// SetLimits replaces all limits of a tenant.
func SetLimits(tb testing.TB, d *tenant.Directory, t *tenant.Tenant, l tenant.Limits) {
	tb.Helper()
	if err := d.Change(tb.Context(), t, func(s *tenant.Settings) error { s.Limits = l; return nil }); err != nil {
		tb.Fatal(err)
	}
}

// MergeLimits changes the limits that the JSON object names.
func MergeLimits(tb testing.TB, d *tenant.Directory, t *tenant.Tenant, object string) {
	tb.Helper()
	l, err := t.Limits().Merge([]byte(object))
	if err != nil {
		tb.Fatal(err)
	}
	SetLimits(tb, d, t, l)
}
