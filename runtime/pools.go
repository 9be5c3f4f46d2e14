package runtime

import (
	"context"
	"log/slog"
	"sync"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// pools holds the instance pools of all tenants. A pool lives as long as a
// version of the tenant's schema uses its module with its config.
type pools struct {
	logger *slog.Logger
	logs   *telemetry.Logs
	open   sync.WaitGroup // pools that are not closed yet

	mu struct {
		sync.Mutex
		tenants map[*tenant.Tenant]tenantPools
	}
}

// tenantPools are the pools of one tenant, guarded by pools.mu.
type tenantPools map[poolKey]*pool

// poolKey is what the instances of a pool share an image for.
type poolKey struct {
	module *sandbox.Module
	config string // its version
}

// pool is a sandbox.Pool with the number of versions that use it.
type pool struct {
	*sandbox.Pool
	users int // guarded by pools.mu
}

func newPools(logger *slog.Logger, logs *telemetry.Logs) *pools {
	p := &pools{logger: logger, logs: logs}
	p.mu.tenants = map[*tenant.Tenant]tenantPools{}
	return p
}

// version returns a broker's version of what is active, with a pool for each
// module: the one it has, or a new one. The pools are given back when the
// version is retired.
func (p *pools) version(t *tenant.Tenant, a *registry.Active) *broker.Version {
	v := &broker.Version{Schema: a.Schema, Runners: map[string]broker.Runner{}}
	used := tenantPools{}
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.mu.tenants[t]
	if own == nil {
		own = tenantPools{}
		p.mu.tenants[t] = own
	}
	for name, m := range a.Modules {
		key := poolKey{m.Module, m.Config.Version}
		current := own[key]
		if current == nil {
			current = &pool{Pool: m.Pool(sandbox.PoolConfig{
				Limits: func() sandbox.Limits { return registry.RunLimits(t.Limits()) }, Config: m.Config.JSON, Log: p.log(t, name, m.Module), Started: t.ChargeFuel,
			})}
			own[key] = current
			p.open.Add(1)
		}
		current.users++
		used[key] = current
		v.Runners[name] = current
	}
	v.Retire = func() { p.retire(own, used) }
	return v
}

// retire gives back the pools of a version and closes those that no other uses.
func (p *pools) retire(own, used tenantPools) {
	var unused []*pool
	p.mu.Lock()
	for key, current := range used {
		if current.users--; current.users == 0 {
			delete(own, key)
			unused = append(unused, current)
		}
	}
	p.mu.Unlock()
	for _, current := range unused {
		if err := current.Close(); err != nil {
			p.logger.Error("close a pool", "error", err)
		}
		p.open.Done()
	}
}

// forget drops what is kept of a tenant whose versions are retired.
func (p *pools) forget(t *tenant.Tenant) {
	p.mu.Lock()
	delete(p.mu.tenants, t)
	p.mu.Unlock()
}

// log writes a module's lines to the log of its tenant, and at level debug to the
// server's, whatever their own level is: there they would drown what operators
// should know.
func (p *pools) log(t *tenant.Tenant, name string, m *sandbox.Module) func(sandbox.Line) {
	logger := p.logger.With("tenant", t.ID(), "module", name, "digest", m.Digest())
	log := p.logs.Of(t)
	return func(line sandbox.Line) {
		log.Add(telemetry.Line{
			Level: line.Level, Module: name, Digest: m.Digest(), Event: line.ID,
			Incident: line.Incident, Text: line.Message, Truncated: line.Truncated,
		})
		ctx := context.Background()
		if !logger.Enabled(ctx, slog.LevelDebug) {
			return
		}
		attributes := []slog.Attr{slog.String("of", line.Level.String()), slog.String("event", line.ID), slog.String("line", line.Message)}
		if line.Incident != "" {
			attributes = append(attributes, slog.String("incident", line.Incident))
		}
		if line.Truncated {
			attributes = append(attributes, slog.Bool("truncated", true))
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "module", attributes...)
	}
}
