// Package registry keeps the modules of tenants and their versions in a store.
// An upload goes through size, admission, compilation, start and composition
// before it is kept. An activation replaces a tenant's whole schema at once, or leaves
// the old one serving. The store is the truth: what a node holds in memory of a
// tenant follows it, whichever node made a change.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Active is what serves a tenant: its composed schema, and the modules that it
// is composed of, by name. It is immutable. A module may be released when it is
// no longer active; whoever runs it goes on through a pool, which keeps its code.
type Active struct {
	Schema  *graph.Schema // nil where there are no modules
	Modules map[string]ActiveModule
}

// ActiveModule is a module that serves, with the config that it does so with.
// Both belong to the set: a change of either makes another set, so that one event
// meets one of them.
type ActiveModule struct {
	*sandbox.Module
	Config ModuleConfig
}

// Config holds what a Registry works with. Engine, Store and OnActivate are
// required.
type Config struct {
	// Engine admits and compiles modules.
	Engine *sandbox.Engine
	// Store keeps modules and their versions. Other nodes may use it as well.
	Store store.Store
	// OnActivate makes a new set serve. The calls for one tenant come one at a
	// time, in the order in which the store has the changes; none comes after Remove
	// has returned. It must not change the tenant's modules. The modules of the set
	// before are kept until it returns.
	OnActivate func(t *tenant.Tenant, a *Active)
	// Uploads is how many modules are compiled and tried at the same time, one of
	// each tenant at most. 0 means 1.
	Uploads int
	// OnUpload is told what Upload returns, each time. May be nil.
	OnUpload func(created bool, err error)
	// Logger receives what goes wrong with modules that were kept or dropped. Nil
	// discards.
	Logger *slog.Logger
}

// Registry keeps modules. It is safe for concurrent use: the changes to one
// tenant are made one after the other; who only reads waits for nobody, but for
// the first use of a tenant.
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
	current atomic.Pointer[catalog] // nil until they were read from the store

	changing chan struct{} // full while the next catalog is made and handed on
	removed  bool          // guarded by changing

	// ended ends when the shelf is to be removed, and with it what is compiled for
	// it.
	ended context.Context
	end   context.CancelFunc

	first struct {
		sync.Mutex
		attempt *attempt // to read them for the first time; nil where none is under way
	}
}

// New returns a Registry of what the store has. It reads a tenant's modules when
// they are first asked for.
func New(config Config) *Registry {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{config: config, turns: newTurns(max(config.Uploads, 1))}
	r.mu.tenants = map[*tenant.Tenant]*shelf{}
	return r
}

// Remove forgets the modules of a tenant that was deleted from its directory,
// or that this node serves no more. The store keeps what it has. It waits for the
// change under way; later ones are refused.
func (r *Registry) Remove(t *tenant.Tenant) error {
	r.mu.Lock()
	s := r.mu.tenants[t]
	delete(r.mu.tenants, t)
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	s.end()
	_ = s.lock(context.Background()) // which does not end
	defer s.unlock()
	s.removed = true
	var errs []error
	for m := range s.current.Swap(nothing).held() {
		errs = append(errs, m.Release())
	}
	return errors.Join(errs...)
}

// now returns what the tenant has, reading it where this is its first use.
func (r *Registry) now(ctx context.Context, t *tenant.Tenant) (*catalog, error) {
	s, err := r.loaded(ctx, t)
	if err != nil {
		return nil, err
	}
	return s.current.Load(), nil
}

// shelf returns the tenant's place, making it where there is none. A deleted
// tenant gets none: nothing would remove it.
func (r *Registry) shelf(t *tenant.Tenant) (*shelf, error) {
	r.mu.RLock()
	s := r.mu.tenants[t]
	r.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.mu.tenants[t]; s != nil {
		return s, nil
	}
	if gone(t) {
		return nil, errDeleted()
	}
	s = &shelf{changing: make(chan struct{}, 1)}
	s.ended, s.end = context.WithCancel(context.Background())
	r.mu.tenants[t] = s
	return s, nil
}

// lock keeps others from changing the catalog until unlock. It fails with the
// cause of ctx where that ends first.
func (s *shelf) lock(ctx context.Context) error {
	select {
	case s.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another change of the tenant's modules: %w", context.Cause(ctx))
	}
}

func (s *shelf) unlock() { <-s.changing }

// replace makes a catalog the tenant's: it is shown once it serves. The caller
// holds the lock.
func (r *Registry) replace(t *tenant.Tenant, s *shelf, fresh *catalog) {
	old := s.current.Load()
	if old == nil {
		old = nothing
	}
	if fresh.active != old.active {
		r.config.OnActivate(t, fresh.active)
	}
	s.current.Store(fresh)
	kept := fresh.held()
	for m := range old.held() {
		if _, ok := kept[m]; !ok {
			r.release(m)
		}
	}
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
