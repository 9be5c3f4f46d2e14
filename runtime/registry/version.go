package registry

import (
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Module describes a module and its versions, the newest first.
type Module struct {
	Name     string
	Previous string // digest of what Rollback activates; may be empty
	Config   string // version of its config; empty where it has none
	Versions []Version
}

// Version describes one version of a module. Resolvers must not be changed.
type Version struct {
	Name      string // of the module
	Digest    string // "sha256:" and hex
	Bytes     int
	Resolvers []string
	Uploaded  time.Time // UTC
	Active    bool
}

// List returns the tenant's modules by name.
func (r *Registry) List(t *tenant.Tenant) []Module {
	now := r.now(t)
	list := make([]Module, 0, len(now.modules))
	for _, name := range slices.Sorted(maps.Keys(now.modules)) {
		list = append(list, now.modules[name].describeAll())
	}
	return list
}

// Get returns one module. There being none is an *Error.
func (r *Registry) Get(t *tenant.Tenant, name string) (Module, error) {
	m := r.now(t).modules[name]
	if m == nil {
		return Module{}, errNoModule(name)
	}
	return m.describeAll(), nil
}

// Schema returns the tenant's composed schema; nil before the first activation.
func (r *Registry) Schema(t *tenant.Tenant) *graph.Schema {
	if active := r.now(t).active; active != nil {
		return active.Schema
	}
	return nil
}

func (m *module) describeAll() Module {
	d := Module{Name: m.name, Config: m.config.Version}
	if m.previous != nil {
		d.Previous = m.previous.module.Digest()
	}
	for _, v := range slices.Backward(m.versions) {
		d.Versions = append(d.Versions, m.describe(v))
	}
	return d
}

func (m *module) describe(v *version) Version {
	return Version{
		Name: m.name, Digest: v.module.Digest(), Bytes: v.module.Size(), Resolvers: v.module.Resolvers(),
		Uploaded: v.uploaded, Active: v == m.active,
	}
}
