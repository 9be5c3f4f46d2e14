package registry

import (
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// catalog is all that a tenant has at one time, as the store had it at one
// revision. It is never written once it is a shelf's: a change makes another.
type catalog struct {
	revision string // of the tenant's records; empty where there are none yet
	modules  map[string]*module
	active   *Active // nil before the first activation
	// incomplete means that something which may be well another time kept a module
	// from serving.
	incomplete bool
}

// nothing is the catalog of a tenant that has no records.
var nothing = &catalog{}

// module is a name with its versions, never written either.
type module struct {
	name     string
	versions []*version // in the order of their upload
	active   string     // a digest; empty where none is active
	previous string     // what Rollback activates; empty where there is nothing
	config   ModuleConfig

	// serving is what runs on this node: the active version, or where that cannot
	// run, for the reason that problem gives, the one that ran before; nil where none does.
	serving *version
	problem string
}

// version is one uploaded artifact.
type version struct {
	digest    string
	bytes     int
	resolvers []string
	uploaded  time.Time

	module  *sandbox.Module // nil until this version is needed on this node
	started startedUnder    // what it was tried under on this node
}

// find returns the version of that digest, or nil.
func (m *module) find(digest string) *version {
	for _, v := range m.versions {
		if v.digest == digest {
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

// loaded returns the module with v in place of the version of its digest.
func (m *module) loaded(v *version) *module {
	changed := *m
	changed.versions = slices.Clone(m.versions)
	for i := range changed.versions {
		if changed.versions[i].digest == v.digest {
			changed.versions[i] = v
		}
	}
	return &changed
}

// activate returns the module with v active, and serving.
func (m *module) activate(v *version) *module {
	changed := *m
	if m.active != v.digest {
		changed.previous, changed.active = m.active, v.digest
	}
	changed.serving, changed.problem = v, ""
	return &changed
}

// prune returns the module without its oldest versions over the limit. Those
// that are active, to be rolled back to, or the newest stay.
func (m *module) prune(limit int64) *module {
	excess := int64(len(m.versions)) - limit
	newest := m.versions[len(m.versions)-1]
	changed := *m
	changed.versions = slices.DeleteFunc(slices.Clone(m.versions), func(v *version) bool {
		if excess <= 0 || v.digest == m.active || v.digest == m.previous || v == newest {
			return false
		}
		excess--
		return true
	})
	return &changed
}

// without returns the module without a version, which must not be active. It may
// go on serving on a node on which the active one cannot run.
func (m *module) without(digest string) *module {
	changed := *m
	changed.versions = slices.DeleteFunc(slices.Clone(m.versions), func(v *version) bool { return v.digest == digest })
	if m.previous == digest {
		changed.previous = ""
	}
	return &changed
}

// with returns the catalog with m in place of the module of its name.
func (c *catalog) with(m *module) *catalog {
	changed := *c
	changed.modules = maps.Clone(c.modules)
	if changed.modules == nil {
		changed.modules = map[string]*module{}
	}
	changed.modules[m.name] = m
	return &changed
}

// without returns the catalog without a module.
func (c *catalog) without(name string) *catalog {
	changed := *c
	changed.modules = maps.Clone(c.modules)
	delete(changed.modules, name)
	return &changed
}

// held returns what the catalog keeps loaded.
func (c *catalog) held() map[*sandbox.Module]struct{} {
	held := map[*sandbox.Module]struct{}{}
	if c == nil {
		return held
	}
	for _, m := range c.modules {
		for _, v := range m.versions {
			if v.module != nil {
				held[v.module] = struct{}{}
			}
		}
		if m.serving != nil {
			held[m.serving.module] = struct{}{}
		}
	}
	return held
}

// digests returns what the store has binaries of.
func (c *catalog) digests() map[string]struct{} {
	digests := map[string]struct{}{}
	for _, m := range c.modules {
		for _, v := range m.versions {
			digests[v.digest] = struct{}{}
		}
	}
	return digests
}

// compose makes what serves of the modules that do; without any there is no schema. The error is a
// *graph.ComposeError; changed names the module that it is about.
func (c *catalog) compose(limits graph.ComposeLimits, changed string) (*Active, error) {
	a := &Active{Modules: map[string]ActiveModule{}}
	var sources []graph.Source
	for name, m := range c.modules {
		if m.serving == nil {
			continue
		}
		loaded := m.serving.module
		a.Modules[name] = ActiveModule{loaded, m.config}
		sources = append(sources, graph.Source{Module: name, SDL: loaded.Schema(), Resolvers: loaded.Resolvers(), Changed: name == changed})
	}
	if len(sources) == 0 {
		return a, nil
	}
	var err error
	if a.Schema, err = graph.Compose(sources, limits); err != nil {
		return nil, err
	}
	return a, nil
}

func composeLimits(l tenant.Limits) graph.ComposeLimits {
	return graph.ComposeLimits{SchemaBytes: int(l.SchemaBytes), SchemaTypes: int(l.SchemaTypes)}
}
