package registry

import (
	"context"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Activate makes a version serve under live subscriptions; the one before is
// what Rollback returns to. Activating what is active changes nothing. What
// does not go with the other active modules is refused with an *Error that
// names them, and what does not start under the limits that the tenant has now
// with one that says how it ended; the old version goes on serving.
func (r *Registry) Activate(ctx context.Context, t *tenant.Tenant, name, digest string) (Version, error) {
	return r.switchTo(ctx, t, name, func(m *module) (*version, error) {
		v := m.find(digest)
		if v == nil {
			return nil, unknown("module %s has no version %q; upload it first", name, digest)
		}
		return v, nil
	})
}

// Rollback activates the version that was active before the present one. That
// one is then what the next Rollback returns to. The config stays: it belongs to
// the name, not to a version.
func (r *Registry) Rollback(ctx context.Context, t *tenant.Tenant, name string) (Version, error) {
	return r.switchTo(ctx, t, name, func(m *module) (*version, error) {
		if m.previous == nil {
			return nil, conflict("module %s has no earlier version to roll back to", name)
		}
		return m.previous, nil
	})
}

func (r *Registry) switchTo(ctx context.Context, t *tenant.Tenant, name string, choose func(*module) (*version, error)) (result Version, err error) {
	err = r.change(t, func(old *catalog) (*catalog, error) {
		m := old.modules[name]
		if m == nil {
			return nil, errNoModule(name)
		}
		v, err := choose(m)
		if err != nil {
			return nil, err
		}
		fresh, err := old.activate(ctx, m, v, t.Limits())
		if err == nil {
			result = fresh.modules[name].describe(v)
		}
		return fresh, err
	})
	return result, err
}

// activate returns the catalog with the version v of m active, or c where it is.
func (c *catalog) activate(ctx context.Context, m *module, v *version, limits tenant.Limits) (*catalog, error) {
	if m.active == v {
		return c, nil
	}
	if v.started != startConditions(limits, m.config) {
		if err := start(ctx, m.name, v.module, limits, m.config); err != nil {
			return nil, err
		}
	}
	fresh := c.with(m.activate(v))
	active, err := fresh.compose(limits, m.name)
	if err != nil {
		return nil, composeError(Conflict, m.name, "this version of module "+m.name+" does not go with the other active modules", err)
	}
	fresh.active = active
	return fresh, nil
}

// Delete removes a module with all its versions and its config, unless another needs it: the
// *Error then names both.
func (r *Registry) Delete(t *tenant.Tenant, name string) error {
	return r.change(t, func(old *catalog) (*catalog, error) {
		m := old.modules[name]
		if m == nil {
			return nil, errNoModule(name)
		}
		fresh := old.without(name)
		if m.active == nil {
			return fresh, nil
		}
		active, err := fresh.compose(t.Limits(), name)
		if err != nil {
			return nil, composeError(Conflict, name, "module "+name+" cannot be deleted: the other active modules need it", err)
		}
		fresh.active = active
		return fresh, nil
	})
}
