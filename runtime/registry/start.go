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

// start tries whether instances of a module come up, so that one which never
// answers an event replaces none that does.
func start(ctx context.Context, name string, m *sandbox.Module, limits tenant.Limits) error {
	if err := m.Start(ctx, RunLimits(limits)); err != nil {
		return startError(name, err)
	}
	return nil
}

// startedUnder holds the limits that decide how a start ends. Nothing else does:
// it sees no event, and no other tenant.
type startedUnder struct{ memory, fuel int64 }

func startLimits(l tenant.Limits) startedUnder {
	return startedUnder{memory: l.InstanceBytes(), fuel: l.FuelPerRun}
}
