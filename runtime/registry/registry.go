// Package registry keeps the modules of tenants and their versions. Uploading
// goes through size, admission and composition; activating swaps a tenant's
// whole schema at once, or leaves the old one serving.
package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Active is what serves a tenant: its composed schema, and the modules that it
// is composed of, by name. It is immutable.
type Active struct {
	Schema  *graph.Schema
	Modules map[string]*sandbox.Module
}

// Config holds what a Registry works with. Both are required.
type Config struct {
	// Engine admits and compiles modules.
	Engine *sandbox.Engine
	// OnActivate makes a new set serve. The calls for one tenant come one at a
	// time, in the order of the changes.
	OnActivate func(t *tenant.Tenant, a *Active)
}

// Registry keeps modules in memory. It is safe for concurrent use: the changes
// to one tenant are made one after the other.
type Registry struct {
	config Config

	mu struct {
		sync.Mutex
		tenants map[*tenant.Tenant]*shelf
	}
}

// shelf holds the modules of one tenant.
type shelf struct {
	mu      sync.Mutex
	modules map[string]*module
	schema  *graph.Schema // of the active modules; nil before the first activation
	removed bool
}

// module is a name with its versions.
type module struct {
	name     string
	versions []*version // in the order of their upload
	active   *version   // nil where none is
	previous *version   // what roll-back returns to; nil where there is nothing
}

// version is one uploaded artifact.
type version struct {
	module   *sandbox.Module
	uploaded time.Time
}

// New returns an empty Registry.
func New(config Config) *Registry {
	r := &Registry{config: config}
	r.mu.tenants = map[*tenant.Tenant]*shelf{}
	return r
}

func (r *Registry) shelf(t *tenant.Tenant) *shelf {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.mu.tenants[t]
	if s == nil {
		s = &shelf{modules: map[string]*module{}}
		r.mu.tenants[t] = s
	}
	return s
}

// Remove forgets the modules of a tenant that was deleted. What serves it must
// have stopped, since their code is freed.
func (r *Registry) Remove(t *tenant.Tenant) error {
	s := r.shelf(t)
	r.mu.Lock()
	delete(r.mu.tenants, t)
	r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = true
	var errs []error
	for _, m := range s.modules {
		for _, v := range m.versions {
			errs = append(errs, v.module.Release())
		}
	}
	s.modules, s.schema = map[string]*module{}, nil
	return errors.Join(errs...)
}

// Upload admits a module, holds it against the schema of the others that are
// active, and keeps it as a version of the name; with activate it becomes the
// active one. The same bytes again are the same version, and not created. A
// refusal is an *Error and changes nothing. The bytes are not kept.
func (r *Registry) Upload(ctx context.Context, t *tenant.Tenant, name string, binary []byte, activate bool) (v Version, created bool, err error) {
	limits := t.Limits()
	if !tenant.ValidName(name) {
		return Version{}, false, invalid("module name %q: 1 to %d of the characters a-z 0-9 - are allowed", name, tenant.MaxNameBytes)
	}
	if int64(len(binary)) > limits.ModuleBytes {
		return Version{}, false, over("moduleBytes", "the module has %d bytes, the limit is %d", len(binary), limits.ModuleBytes)
	}
	loaded, err := r.config.Engine.Load(ctx, binary)
	if err != nil {
		return Version{}, false, admissionError(name, err)
	}
	if need := loaded.MemoryBytes(); need > limits.MemoryBytes {
		return Version{}, false, errors.Join(over("memoryBytes", "the module starts with %d bytes of memory, the limit is %d", need, limits.MemoryBytes), loaded.Release())
	}
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, created, err := r.keepLocked(t, s, name, loaded, activate)
	if err != nil || !created {
		err = errors.Join(err, loaded.Release())
	}
	if err != nil {
		return Version{}, false, err
	}
	return s.modules[name].describe(kept), created, nil
}

// keepLocked stores a loaded module, unless its digest is known.
func (r *Registry) keepLocked(t *tenant.Tenant, s *shelf, name string, loaded *sandbox.Module, activate bool) (*version, bool, error) {
	if s.removed {
		return nil, false, unknown("the tenant was deleted")
	}
	m := s.modules[name]
	if m == nil {
		if limit := t.Limits().Modules; int64(len(s.modules)) >= limit {
			return nil, false, over("modules", "the tenant has %d modules, which is its limit", len(s.modules))
		}
		m = &module{name: name}
	}
	if known := m.find(loaded.Digest()); known != nil {
		if activate && known != m.active {
			return known, false, r.activateLocked(t, s, m, known)
		}
		return known, false, nil
	}
	v := &version{module: loaded, uploaded: time.Now().UTC()}
	composed, err := s.compose(t, name, loaded)
	if err != nil {
		return nil, false, composeError(Invalid, name, "module "+name+" does not compose with the tenant's other modules", err)
	}
	s.modules[name] = m
	m.versions = append(m.versions, v)
	if activate {
		r.swapLocked(t, s, m, v, composed)
	}
	return v, true, m.dropOldest(t.Limits().Versions)
}

// Activate makes a version serve under live subscriptions; the one before is
// what Rollback returns to. What needs another version of it keeps the old one
// serving, and the *Error names both.
func (r *Registry) Activate(t *tenant.Tenant, name, digest string) (Version, error) {
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modules[name]
	if m == nil {
		return Version{}, unknown("no module %q", name)
	}
	v := m.find(digest)
	if v == nil {
		return Version{}, unknown("module %s has no version %q; upload it first", name, digest)
	}
	if v != m.active {
		if err := r.activateLocked(t, s, m, v); err != nil {
			return Version{}, err
		}
	}
	return m.describe(v), nil
}

// Rollback activates the version that was active before.
func (r *Registry) Rollback(t *tenant.Tenant, name string) (Version, error) {
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modules[name]
	if m == nil {
		return Version{}, unknown("no module %q", name)
	}
	if m.previous == nil {
		return Version{}, conflict("module %s has no earlier version to roll back to", name)
	}
	v := m.previous
	if err := r.activateLocked(t, s, m, v); err != nil {
		return Version{}, err
	}
	return m.describe(v), nil
}

func (r *Registry) activateLocked(t *tenant.Tenant, s *shelf, m *module, v *version) error {
	composed, err := s.compose(t, m.name, v.module)
	if err != nil {
		return composeError(Conflict, m.name, "this version of module "+m.name+" does not go with the other active modules", err)
	}
	r.swapLocked(t, s, m, v, composed)
	return nil
}

// swapLocked makes a version the active one.
func (r *Registry) swapLocked(t *tenant.Tenant, s *shelf, m *module, v *version, a *Active) {
	m.previous, m.active = m.active, v
	s.schema = a.Schema
	r.config.OnActivate(t, a)
}

// Delete removes a module with all its versions, unless another needs it.
func (r *Registry) Delete(t *tenant.Tenant, name string) error {
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modules[name]
	if m == nil {
		return unknown("no module %q", name)
	}
	if m.active != nil {
		a, err := s.compose(t, name, nil)
		if err != nil {
			return composeError(Conflict, name, "module "+name+" cannot be deleted: the other active modules need it", err)
		}
		s.schema = a.Schema
		r.config.OnActivate(t, a)
	}
	delete(s.modules, name)
	var errs []error
	for _, v := range m.versions {
		errs = append(errs, v.module.Release())
	}
	return errors.Join(errs...)
}

// compose composes the active modules, with change in place of the one of that
// name, or without it where change is nil.
func (s *shelf) compose(t *tenant.Tenant, name string, change *sandbox.Module) (*Active, error) {
	a := &Active{Modules: map[string]*sandbox.Module{}}
	for _, m := range s.modules {
		if m.active != nil && m.name != name {
			a.Modules[m.name] = m.active.module
		}
	}
	if change != nil {
		a.Modules[name] = change
	}
	var sources []graph.Source
	for module, loaded := range a.Modules {
		sources = append(sources, graph.Source{Module: module, SDL: loaded.Schema(), Resolvers: loaded.Resolvers()})
	}
	slices.SortFunc(sources, func(x, y graph.Source) int { return strings.Compare(x.Module, y.Module) })
	limits := t.Limits()
	var err error
	a.Schema, err = graph.Compose(sources, graph.ComposeLimits{SchemaBytes: int(limits.SchemaBytes), SchemaTypes: int(limits.SchemaTypes)})
	if err != nil {
		return nil, fmt.Errorf("compose the schema: %w", err)
	}
	return a, nil
}

// Schema returns the tenant's composed schema; nil before the first activation.
func (r *Registry) Schema(t *tenant.Tenant) *graph.Schema {
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schema
}
