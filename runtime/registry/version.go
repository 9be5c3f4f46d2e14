package registry

import (
	"context"
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
	Problem  string // why the active version does not serve on this node; empty where it does
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
func (r *Registry) List(ctx context.Context, t *tenant.Tenant) ([]Module, error) {
	now, err := r.now(ctx, t)
	if err != nil {
		return nil, err
	}
	list := make([]Module, 0, len(now.modules))
	for _, name := range slices.Sorted(maps.Keys(now.modules)) {
		list = append(list, now.modules[name].describeAll())
	}
	return list, nil
}

// Get returns one module. There being none is an *Error.
func (r *Registry) Get(ctx context.Context, t *tenant.Tenant, name string) (Module, error) {
	now, err := r.now(ctx, t)
	if err != nil {
		return Module{}, err
	}
	m := now.modules[name]
	if m == nil {
		return Module{}, errNoModule(name)
	}
	return m.describeAll(), nil
}

// Schema returns the tenant's composed schema; nil where no module is active.
func (r *Registry) Schema(ctx context.Context, t *tenant.Tenant) (*graph.Schema, error) {
	now, err := r.now(ctx, t)
	if err != nil || now.active == nil {
		return nil, err
	}
	return now.active.Schema, nil
}

func (m *module) describeAll() Module {
	d := Module{Name: m.name, Previous: m.previous, Config: m.config.Version, Problem: m.problem}
	for _, v := range slices.Backward(m.versions) {
		d.Versions = append(d.Versions, m.describe(v))
	}
	return d
}

func (m *module) describe(v *version) Version {
	return Version{Name: m.name, Digest: v.digest, Bytes: v.bytes, Resolvers: v.resolvers, Uploaded: v.uploaded, Active: v.digest == m.active}
}
