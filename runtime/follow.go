package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// refreshTime bounds how long reading one tenant's settings may take.
const refreshTime = 30 * time.Second

// loadedAtOnce is how many tenants are read from the store at a time while a
// server starts. It serves meanwhile: a tenant that is asked for is read at once.
const loadedAtOnce = 4

// load brings the settings of all tenants of the store to this node. One that
// cannot be read keeps no other from being served: Run tries it again.
func (s *Server) load(ctx context.Context) error {
	ids, err := s.tenants.IDs(ctx)
	if err != nil {
		return err
	}
	each(ctx, ids, func(id string) {
		if err := s.refreshSettings(ctx, id); err != nil {
			s.failed(ctx, id, err)
		}
	})
	return ctx.Err()
}

// each calls f with all ids, some at a time, until ctx ends.
func each(ctx context.Context, ids []string, f func(id string)) {
	next := make(chan string)
	var working sync.WaitGroup
	for range min(loadedAtOnce, len(ids)) {
		working.Go(func() {
			for id := range next {
				f(id)
			}
		})
	}
	for _, id := range ids {
		select {
		case next <- id:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	working.Wait()
}

// follow brings what the store has to this node, and what any node changes in it
// from then on, until ctx ends.
func (s *Server) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var loading sync.WaitGroup
	err := s.store.Watch(ctx,
		func() { loading.Go(func() { s.loadAll(ctx) }) },
		func(id string) { s.follower.changed(ctx, id) })
	cancel()
	loading.Wait()
	s.follower.running.Wait()
	if err != nil {
		return fmt.Errorf("watch the store: %w", err)
	}
	return nil
}

// loadAll makes the modules of all tenants serve, and the server ready.
func (s *Server) loadAll(ctx context.Context) {
	var ids []string
	var err error
	retry(ctx, nil, func() error {
		if ids, err = s.tenants.IDs(ctx); err != nil {
			s.failed(ctx, "", err)
		}
		return err
	})
	if err != nil {
		return // ctx has ended
	}
	s.follower.expect(ids)
	each(ctx, ids, func(id string) {
		if err := s.follower.bring(ctx, id); err != nil {
			s.failed(ctx, id, err)
			s.follower.changed(ctx, id)
		}
	})
}

// failed logs what keeps the store's state from this node: the tenant goes on
// as it was, and what has failed is tried again.
func (s *Server) failed(ctx context.Context, id string, err error) {
	if ctx.Err() != nil {
		return
	}
	var cause error
	var refused *registry.Error
	if errors.As(err, &refused) {
		cause = refused.Unwrap()
	}
	s.config.Logger.Error("follow the store", "tenant", id, "error", err, "cause", cause)
}

// refresh brings one tenant to this node as the store has it.
func (s *Server) refresh(ctx context.Context, id string) error {
	if err := s.refreshSettings(ctx, id); err != nil {
		return err
	}
	t, ok := s.tenants.Get(id)
	if !ok {
		return nil
	}
	if err := s.registry.Refresh(ctx, t); err != nil && !errors.Is(err, tenant.ErrUnknown) {
		return fmt.Errorf("tenant %s: %w", id, err)
	}
	return nil
}

// refreshSettings brings a tenant's settings, or its deletion.
func (s *Server) refreshSettings(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	_, gone, err := s.tenants.Refresh(ctx, id)
	if err == nil && gone != nil {
		err = s.forget(gone)
	}
	return errors.Join(err, s.forgetReplaced())
}

// forgetReplaced forgets tenants that were deleted by another node and whose ids
// were given to others here, before this node had heard of it.
func (s *Server) forgetReplaced() (err error) {
	for _, t := range s.tenants.TakeReplaced() {
		err = errors.Join(err, s.forget(t))
	}
	return err
}

// removeTime bounds how long the removal of a tenant's events may take.
const removeTime = 10 * time.Second

// removeEvents removes a tenant's events from the bus, while its id cannot be another's: once it is,
// they would be that one's.
func (s *Server) removeEvents(ctx context.Context, t *tenant.Tenant) error {
	ctx, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	defer context.AfterFunc(s.stopped, cancel)()
	return s.bus.Remove(ctx, t.ID())
}

// forget ends what serves a tenant and drops its modules.
func (s *Server) forget(t *tenant.Tenant) error {
	err := s.registry.Remove(t) // first: it waits for a change under way, and no other follows
	s.metrics.Leave(source{s}.usageOf(t))
	s.broker.Remove(t)
	s.ledger.Forget(t)
	s.pools.forget(t)
	s.logs.Remove(t)
	s.verifier.Forget(t)
	return err
}
