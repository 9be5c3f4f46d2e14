package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// ErrIncomplete is what Refresh wraps where all serves that can, and something
// that may be well another time kept a module from it.
var ErrIncomplete = errors.New("a module cannot be loaded now")

// attempt is the first read of a tenant's modules, for which all wait who want
// them.
type attempt struct {
	done chan struct{} // closed when err is final
	err  error
}

// Load makes the tenant's modules serve on this node, unless they do. It fails
// with an *Error where the store does, and wraps tenant.ErrUnknown where the tenant was deleted.
func (r *Registry) Load(ctx context.Context, t *tenant.Tenant) error {
	_, err := r.loaded(ctx, t)
	return err
}

func (r *Registry) loaded(ctx context.Context, t *tenant.Tenant) (*shelf, error) {
	s, err := r.shelf(t)
	if err != nil || s.current.Load() != nil {
		return s, err
	}
	a, lead := s.begin()
	if lead {
		// Others wait for it, whatever becomes of who came first.
		a.err = r.refreshLocked(context.WithoutCancel(ctx), t, s)
		s.finish(a)
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("load modules: %w", context.Cause(ctx))
	}
	if s.current.Load() == nil {
		return nil, a.err
	}
	return s, nil
}

func (s *shelf) begin() (a *attempt, lead bool) {
	s.first.Lock()
	defer s.first.Unlock()
	if s.first.attempt == nil {
		s.first.attempt, lead = &attempt{done: make(chan struct{})}, true
	}
	return s.first.attempt, lead
}

func (s *shelf) finish(a *attempt) {
	s.first.Lock()
	s.first.attempt = nil
	s.first.Unlock()
	close(a.done)
}

// Refresh makes the tenant's modules serve on this node as the store has them.
// What cannot be loaded or composed any more keeps nothing else from serving: in
// its place goes on what served before, if anything did, and the module says why.
// Where that may be well another time, the error wraps ErrIncomplete; with any
// other error all is as before.
func (r *Registry) Refresh(ctx context.Context, t *tenant.Tenant) error {
	s, err := r.shelf(t)
	if err != nil {
		return err
	}
	return r.refreshLocked(ctx, t, s)
}

func (r *Registry) refreshLocked(ctx context.Context, t *tenant.Tenant, s *shelf) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	return r.refresh(ctx, t, s)
}

// refresh is Refresh for a caller that holds the lock.
func (r *Registry) refresh(ctx context.Context, t *tenant.Tenant, s *shelf) error {
	if s.removed || gone(t) {
		return errDeleted()
	}
	old := s.current.Load()
	fresh, err := r.read(ctx, t, old)
	if err != nil || fresh == old {
		return err
	}
	if old == nil {
		old = nothing
	}
	if err := r.serve(ctx, t, s, old, fresh); err != nil {
		r.discard(old, fresh)
		return err
	}
	r.replace(t, s, fresh)
	if fresh.incomplete {
		return fmt.Errorf("%w; its description says which, and why", ErrIncomplete)
	}
	return nil
}

// read returns what the store has, with what is loaded of it; old where that is
// the same.
func (r *Registry) read(ctx context.Context, t *tenant.Tenant, old *catalog) (*catalog, error) {
	fresh := &catalog{}
	err := r.view(ctx, func(tx store.Tx) (err error) {
		fresh.revision, err = readRevision(tx, t)
		if err != nil || old != nil && fresh.revision == old.revision && !old.incomplete {
			return err
		}
		fresh.modules, err = readModules(tx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if fresh.modules == nil {
		return old, nil
	}
	if old != nil {
		fresh.inherit(old)
	}
	return fresh, nil
}

// inherit takes over the versions that are loaded.
func (c *catalog) inherit(old *catalog) {
	for name, m := range c.modules {
		before := old.modules[name]
		if before == nil {
			continue
		}
		for i, v := range m.versions {
			if known := before.find(v.digest); known != nil && known.uploaded.Equal(v.uploaded) {
				m.versions[i] = known
			}
		}
	}
}

// serve decides what runs of a catalog that was just read, where old runs: the
// active versions, as far as they load and compose.
func (r *Registry) serve(ctx context.Context, t *tenant.Tenant, s *shelf, old, fresh *catalog) error {
	for _, name := range slices.Sorted(maps.Keys(fresh.modules)) {
		m := fresh.modules[name]
		if m.active == "" {
			continue
		}
		v, err := r.ready(ctx, t, s, m)
		switch {
		case err == nil:
			fresh.modules[name] = m.loaded(v)
			fresh.modules[name].serving = v
		case passing(err):
			return err
		default:
			fresh.incomplete = fresh.incomplete || !lasting(err)
			m.replaceBy(old.serving(name), err)
		}
	}
	err := fresh.settle(old)
	for name, m := range fresh.modules {
		if before := old.modules[name]; m.problem != "" && (before == nil || before.problem != m.problem) {
			r.config.Logger.Error("a module that was kept does not serve", "tenant", t.ID(), "module", name, "digest", m.active, "problem", m.problem)
		}
	}
	return err
}

// ready returns the active version of a module, loaded.
func (r *Registry) ready(ctx context.Context, t *tenant.Tenant, s *shelf, m *module) (*version, error) {
	v := m.find(m.active)
	switch {
	case v == nil:
		return nil, fmt.Errorf("%w: the active version is not among the versions", errDamaged)
	case v.module != nil:
		return v, nil
	}
	return r.load(ctx, t, s, m.name, v)
}

// serving returns what runs of a module, or nil.
func (c *catalog) serving(name string) *version {
	if m := c.modules[name]; m != nil {
		return m.serving
	}
	return nil
}

// replaceBy has another version run than the active one. The module is not a
// shelf's yet.
func (m *module) replaceBy(v *version, reason error) {
	m.serving, m.problem = v, reason.Error()
	if v != nil && v.digest == m.active {
		m.serving = nil
	}
}

// settle composes what serves. Modules that composition refuses give way: to what
// served before, and where that is refused as well, to nothing.
func (c *catalog) settle(old *catalog) error {
	for {
		versions, configs := c.same(old)
		switch {
		case versions && configs:
			c.active = old.active
			return nil
		case versions:
			c.active = c.reconfigured(old.active)
			return nil
		}
		active, err := c.compose(graph.ComposeLimits{}, "") // limits that are lower by now hold for changes
		if err == nil {
			c.active = active
			return nil
		}
		var refused *graph.ComposeError
		if !errors.As(err, &refused) {
			return fmt.Errorf("compose modules: %w", err)
		}
		c.giveWay(old, refused)
	}
}

// same tells whether the same versions serve as in old, and whether with the same
// configs.
func (c *catalog) same(old *catalog) (versions, configs bool) {
	before := old.active
	if before == nil {
		before = &Active{}
	}
	n := 0
	configs = true
	for name, m := range c.modules {
		if m.serving == nil {
			continue
		}
		n++
		if before.Modules[name].Module != m.serving.module {
			return false, false
		}
		configs = configs && before.Modules[name].Config.Version == m.config.Version
	}
	return n == len(before.Modules), configs
}

// reconfigured is a set with the configs that the modules have now.
func (c *catalog) reconfigured(a *Active) *Active {
	changed := &Active{Schema: a.Schema, Modules: maps.Clone(a.Modules)}
	for name, m := range a.Modules {
		changed.Modules[name] = ActiveModule{m.Module, c.modules[name].config}
	}
	return changed
}

// giveWay takes the modules that a composition refuses out of what serves; at
// least one is taken.
func (c *catalog) giveWay(old *catalog, refused *graph.ComposeError) {
	reasons := map[string]error{}
	for _, p := range refused.Problems {
		if m := c.modules[p.Module]; m != nil && m.serving != nil && reasons[p.Module] == nil {
			reasons[p.Module] = errors.New(p.String())
		}
	}
	if len(reasons) == 0 { // it is about all of them
		for name, m := range c.modules {
			if m.serving != nil {
				reasons[name] = refused
			}
		}
	}
	for name, reason := range reasons {
		m := c.modules[name]
		before := old.serving(name)
		if before == m.serving || m.serving.digest != m.active {
			before = nil
		}
		m.replaceBy(before, reason)
	}
}

// discard releases what was loaded for a catalog that does not come to be.
func (r *Registry) discard(old, fresh *catalog) {
	kept := old.held()
	for m := range fresh.held() {
		if _, ok := kept[m]; !ok {
			r.release(m)
		}
	}
}
