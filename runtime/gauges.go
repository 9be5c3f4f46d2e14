package runtime

import (
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// usage tells the admin API what tenants use.
type usage struct{ server *Server }

func (u usage) Usage(t *tenant.Tenant) broker.Usage { return u.server.broker.Usage(t) }

// Gauges implements admin.Usage.
func (u usage) Gauges(t *tenant.Tenant) map[string]int64 {
	now := u.server.broker.Usage(t)
	return map[string]int64{
		"instances": now.Instances, "memoryTotalBytes": now.MemoryBytes, "subscriptions": now.Subscriptions,
		"connections": int64(u.server.transport.Connections(t)),
		"modules":     int64(len(u.server.registry.List(t))), "keys": int64(len(t.Keys())),
	}
}
