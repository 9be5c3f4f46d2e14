package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// load brings all tenants of the store to this node.
func (s *Server) load(ctx context.Context) error {
	ids, err := s.tenants.IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.refresh(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// follow brings what other nodes change in the store to this one, until ctx
// ends.
func (s *Server) follow(ctx context.Context) error {
	err := s.store.Watch(ctx, func() { s.followed(ctx, "", s.load(ctx)) }, func(id string) { s.followed(ctx, id, s.refresh(ctx, id)) })
	if err != nil {
		return fmt.Errorf("watch the store: %w", err)
	}
	return nil
}

// followed logs what kept a change from this node: the tenant goes on as it was.
func (s *Server) followed(ctx context.Context, id string, err error) {
	if err != nil && ctx.Err() == nil {
		s.config.Logger.Error("follow a change in the store", "tenant", id, "error", err)
	}
}

// refreshTime bounds how long the refresh of one tenant may take, so that the
// others are not kept waiting by a store that hangs.
const refreshTime = 30 * time.Second

// refresh brings one tenant to this node as the store has it.
func (s *Server) refresh(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	_, gone, err := s.tenants.Refresh(ctx, id)
	if err != nil {
		return err
	}
	if gone != nil {
		return s.forget(gone)
	}
	return nil
}

// forget ends what serves a tenant and drops its modules.
func (s *Server) forget(t *tenant.Tenant) error {
	err := s.registry.Remove(t) // first: it waits for a change under way, and no other follows
	s.metrics.Leave(source{s}.usageOf(t))
	s.broker.Remove(t)
	s.pools.forget(t)
	s.logs.Remove(t)
	s.verifier.Forget(t)
	return err
}
