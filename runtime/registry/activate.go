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
	return r.switchTo(ctx, t, name, func(m *module) (string, error) {
		if m.find(digest) == nil {
			return "", unknown("module %s has no version %q; upload it first", name, digest)
		}
		return digest, nil
	})
}

// Rollback activates the version that was active before the present one. That
// one is then what the next Rollback returns to. The config stays: it belongs to
// the name, not to a version.
func (r *Registry) Rollback(ctx context.Context, t *tenant.Tenant, name string) (Version, error) {
	return r.switchTo(ctx, t, name, func(m *module) (string, error) {
		if m.previous == "" {
			return "", conflict("module %s has no earlier version to roll back to; activate another by its digest", name)
		}
		return m.previous, nil
	})
}

func (r *Registry) switchTo(ctx context.Context, t *tenant.Tenant, name string, choose func(*module) (digest string, err error)) (result Version, err error) {
	err = r.change(ctx, t, nil, func(e *edit) (*catalog, error) {
		m := e.old.modules[name]
		if m == nil {
			return nil, errNoModule(name)
		}
		digest, err := choose(m)
		if err != nil {
			return nil, err
		}
		fresh, err := e.activate(ctx, m, digest, t.Limits())
		if err == nil {
			m = fresh.modules[name]
			result = m.describe(m.find(digest))
		}
		return fresh, err
	})
	return result, err
}

// activate returns the catalog with a version of m active, or the one that there
// is where it serves already.
func (e *edit) activate(ctx context.Context, m *module, digest string, limits tenant.Limits) (*catalog, error) {
	if m.active == digest && m.serving != nil && m.serving.digest == digest {
		return e.old, nil
	}
	m, v, err := e.load(ctx, m, digest)
	if err != nil {
		return nil, err
	}
	if v.started != startConditions(limits, m.config) {
		if err := start(ctx, e.tenant, m.name, v.module, limits, m.config); err != nil {
			return nil, err
		}
	}
	fresh := e.old.with(m.activate(v))
	active, err := fresh.compose(composeLimits(limits), m.name)
	if err != nil {
		return nil, composeError(Conflict, m.name, "this version of module "+m.name+" does not go with the other active modules", err)
	}
	fresh.active = active
	return fresh, nil
}

// DeleteVersion removes a version of a module that is not active. What Rollback
// would have activated is then nothing.
func (r *Registry) DeleteVersion(ctx context.Context, t *tenant.Tenant, name, digest string) error {
	return r.change(ctx, t, nil, func(e *edit) (*catalog, error) {
		m := e.old.modules[name]
		switch {
		case m == nil:
			return nil, errNoModule(name)
		case m.find(digest) == nil:
			return nil, unknown("module %s has no such version; GET …/modules/%s lists them", name, name)
		case m.active == digest:
			return nil, conflict("this version of module %s is active; activate another one first, or delete the module with all its versions", name)
		}
		return e.old.with(m.without(digest)), nil
	})
}

// Delete removes a module with all its versions and its config, unless another needs it: the
// *Error then names both.
func (r *Registry) Delete(ctx context.Context, t *tenant.Tenant, name string) error {
	return r.change(ctx, t, nil, func(e *edit) (*catalog, error) {
		m := e.old.modules[name]
		if m == nil {
			return nil, errNoModule(name)
		}
		fresh := e.old.without(name)
		if m.serving == nil {
			return fresh, nil
		}
		active, err := fresh.compose(composeLimits(t.Limits()), name)
		if err != nil {
			return nil, composeError(Conflict, name, "module "+name+" cannot be deleted: the other active modules need it", err)
		}
		fresh.active = active
		return fresh, nil
	})
}
