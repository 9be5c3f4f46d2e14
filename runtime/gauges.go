package runtime

import (
	"context"
	"maps"

	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// usage tells the admin API what tenants use.
type usage struct{ server *Server }

// Usage implements admin.Usage.
func (u usage) Usage(ctx context.Context, t *tenant.Tenant) (broker.Usage, error) {
	return u.server.ledger.Total(ctx, t)
}

// Waiting implements admin.Usage.
func (u usage) Waiting(t *tenant.Tenant) admin.Waiting {
	b := u.server.bus.Backlog(t.ID())
	return admin.Waiting{Events: b.Events, Bytes: b.Bytes, Lag: lag(b)}
}

// Gauges implements admin.Usage.
func (u usage) Gauges(ctx context.Context, t *tenant.Tenant) map[string]int64 {
	now := u.server.broker.Usage(t)
	gauges := map[string]int64{
		"instances": now.Instances, "memoryTotalBytes": now.MemoryBytes, "subscriptions": now.Subscriptions,
		"connections": int64(u.server.transport.Connections(t)), "keys": int64(len(t.Keys())),
	}
	maps.Copy(gauges, t.RatesUsed())
	if modules, err := u.server.registry.List(ctx, t); err == nil {
		gauges["modules"] = int64(len(modules))
	}
	return gauges
}
