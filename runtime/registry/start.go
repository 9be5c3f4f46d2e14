package registry

import (
	"context"

	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// RunLimits returns the limits of a run that are among a tenant's.
func RunLimits(l tenant.Limits) sandbox.Limits {
	return sandbox.Limits{
		FuelPerRun: l.FuelPerRun, WallMillisPerRun: l.WallMillisPerRun, MemoryBytes: l.InstanceBytes(), OutputBytes: l.OutputBytes, LogBytesPerRun: l.LogBytesPerRun,
		PublishesPerRun: l.PublishesPerRun, EventBytes: l.EventBytes,
	}
}

// start tries whether instances of a module come up with a config, so that one
// which never answers an event replaces none that does. The tenant pays for it.
func start(ctx context.Context, t *tenant.Tenant, name string, m *sandbox.Module, limits tenant.Limits, config ModuleConfig) error {
	if err := m.Start(ctx, RunLimits(limits), config.JSON, t.ChargeFuel); err != nil {
		return startError(name, err)
	}
	return nil
}

// startedUnder holds what decides how a start ends: two limits and the config.
// Nothing else does: it sees no event, and no other tenant.
type startedUnder struct {
	memory, fuel int64
	config       string // its version
}

func startConditions(l tenant.Limits, config ModuleConfig) startedUnder {
	return startedUnder{memory: l.InstanceBytes(), fuel: l.FuelPerRun, config: config.Version}
}
