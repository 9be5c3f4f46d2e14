package registry

import (
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// catalog is all that a tenant has at one time. It is never written: a change
// makes another.
type catalog struct {
	modules map[string]*module
	active  *Active // nil before the first activation
}

// module is a name with its versions, never written either.
type module struct {
	name     string
	versions []*version // in the order of their upload
	active   *version   // nil where none is
	previous *version   // what Rollback activates; nil where there is nothing
	config   ModuleConfig
}

// version is one uploaded artifact.
type version struct {
	module   *sandbox.Module
	uploaded time.Time
	started  startedUnder // what it was tried under at its upload
}

// find returns the version of that digest, or nil.
func (m *module) find(digest string) *version {
	for _, v := range m.versions {
		if v.module.Digest() == digest {
			return v
		}
	}
	return nil
}

// add returns the module with one more version.
func (m *module) add(v *version) *module {
	changed := *m
	changed.versions = append(slices.Clone(m.versions), v)
	return &changed
}

// activate returns the module with v active.
func (m *module) activate(v *version) *module {
	changed := *m
	changed.previous, changed.active = m.active, v
	return &changed
}

// prune returns the module without its oldest versions over the limit. Those
// that are active, to be rolled back to, or the newest stay.
func (m *module) prune(limit int64) *module {
	excess := int64(len(m.versions)) - limit
	newest := m.versions[len(m.versions)-1]
	changed := *m
	changed.versions = slices.DeleteFunc(slices.Clone(m.versions), func(v *version) bool {
		if excess <= 0 || v == m.active || v == m.previous || v == newest {
			return false
		}
		excess--
		return true
	})
	return &changed
}

// with returns the catalog with m in place of the module of its name.
func (c *catalog) with(m *module) *catalog {
	modules := maps.Clone(c.modules)
	if modules == nil {
		modules = map[string]*module{}
	}
	modules[m.name] = m
	return &catalog{modules, c.active}
}

// without returns the catalog without a module.
func (c *catalog) without(name string) *catalog {
	modules := maps.Clone(c.modules)
	delete(modules, name)
	return &catalog{modules, c.active}
}

// dropped returns the modules that c has and next has not.
func (c *catalog) dropped(next *catalog) []*sandbox.Module {
	var dropped []*sandbox.Module
	for name, m := range c.modules {
		kept := next.modules[name]
		for _, v := range m.versions {
			if kept == nil || !slices.Contains(kept.versions, v) {
				dropped = append(dropped, v.module)
			}
		}
	}
	return dropped
}

// compose makes what serves of the modules that are active. The error is a
// *graph.ComposeError; changed names the module that it is about.
func (c *catalog) compose(limits tenant.Limits, changed string) (*Active, error) {
	a := &Active{Modules: map[string]ActiveModule{}}
	var sources []graph.Source
	for name, m := range c.modules {
		if m.active == nil {
			continue
		}
		loaded := m.active.module
		a.Modules[name] = ActiveModule{loaded, m.config}
		sources = append(sources, graph.Source{Module: name, SDL: loaded.Schema(), Resolvers: loaded.Resolvers(), Changed: name == changed})
	}
	var err error
	a.Schema, err = graph.Compose(sources, graph.ComposeLimits{
		SchemaBytes: int(limits.SchemaBytes), SchemaTypes: int(limits.SchemaTypes),
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}
