// Package registry keeps the modules of tenants and their versions, in memory.
// An upload goes through size, admission, compilation, start and composition
// before it is kept. An activation replaces a tenant's whole schema at once, or leaves
// the old one serving.
package registry

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Active is what serves a tenant: its composed schema, and the modules that it
// is composed of, by name. It is immutable. A module may be released when it is
// no longer active; whoever runs it goes on through a pool, which keeps its code.
type Active struct {
	Schema  *graph.Schema
	Modules map[string]ActiveModule
}

// ActiveModule is a module that serves, with the config that it does so with.
// Both belong to the set: a change of either makes another set, so that one event
// meets one of them.
type ActiveModule struct {
	*sandbox.Module
	Config ModuleConfig
}

// Config holds what a Registry works with. Engine and OnActivate are required.
type Config struct {
	// Engine admits and compiles modules.
	Engine *sandbox.Engine
	// OnActivate makes a new set serve. The calls for one tenant come one at a
	// time, in the order of the changes; none comes after Remove has returned. It
	// must not change the tenant's modules. The modules of the set before are kept
	// until it returns.
	OnActivate func(t *tenant.Tenant, a *Active)
	// Uploads is how many uploads are compiled and tried at the same time, one of
	// each tenant at most. 0 means 1.
	Uploads int
	// OnUpload is told what Upload returns, each time. May be nil.
	OnUpload func(created bool, err error)
	// Logger receives what goes wrong with modules that were dropped. Nil discards.
	Logger *slog.Logger
}

// Registry keeps modules in memory. It is safe for concurrent use: the changes
// to one tenant are made one after the other; who only reads waits for nobody.
type Registry struct {
	config Config
	turns  *turns

	mu struct {
		sync.RWMutex
		tenants map[*tenant.Tenant]*shelf
	}
}

// shelf holds the modules of one tenant.
type shelf struct {
	current atomic.Pointer[catalog] // never nil

	changing sync.Mutex // held while the next catalog is made and handed on
	removed  bool       // guarded by changing
}

var empty = &catalog{}

// New returns an empty Registry.
func New(config Config) *Registry {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{config: config, turns: newTurns(max(config.Uploads, 1))}
	r.mu.tenants = map[*tenant.Tenant]*shelf{}
	return r
}

// Remove forgets the modules of a tenant that was deleted from its directory.
// It waits for the change under way; later ones are refused.
func (r *Registry) Remove(t *tenant.Tenant) error {
	r.mu.Lock()
	s := r.mu.tenants[t]
	delete(r.mu.tenants, t)
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.removed = true
	var errs []error
	for _, m := range s.current.Swap(empty).dropped(empty) {
		errs = append(errs, m.Release())
	}
	return errors.Join(errs...)
}

// now returns what the tenant has.
func (r *Registry) now(t *tenant.Tenant) *catalog {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if s := r.mu.tenants[t]; s != nil {
		return s.current.Load()
	}
	return empty
}

// shelf returns the tenant's place, making it where there is none. A deleted
// tenant gets none: nothing would remove it.
func (r *Registry) shelf(t *tenant.Tenant) (*shelf, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.mu.tenants[t]; s != nil {
		return s, nil
	}
	if gone(t) {
		return nil, errDeleted()
	}
	s := &shelf{}
	s.current.Store(empty)
	r.mu.tenants[t] = s
	return s, nil
}

// change replaces the tenant's catalog by the one that next makes of it. Where
// next fails or returns the same, nothing changes.
func (r *Registry) change(t *tenant.Tenant, next func(old *catalog) (*catalog, error)) error {
	s, err := r.shelf(t)
	if err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.removed || gone(t) {
		return errDeleted()
	}
	old := s.current.Load()
	fresh, err := next(old)
	if err != nil || fresh == old {
		return err
	}
	s.current.Store(fresh)
	if fresh.active != old.active {
		r.config.OnActivate(t, fresh.active)
	}
	for _, m := range old.dropped(fresh) {
		r.release(m)
	}
	return nil
}

// release gives up a module after a change that has succeeded without it.
func (r *Registry) release(m *sandbox.Module) {
	if err := m.Release(); err != nil {
		r.config.Logger.Error("release a module", "digest", m.Digest(), "error", err)
	}
}

func gone(t *tenant.Tenant) bool {
	select {
	case <-t.Gone():
		return true
	default:
		return false
	}
}

func errDeleted() error { return fmt.Errorf("%w: it was deleted", tenant.ErrUnknown) }
