package registry

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Module describes a module and its versions, the newest first.
type Module struct {
	Name     string
	Previous string // digest of what Rollback activates; may be empty
	Versions []Version
}

// Version describes one version of a module.
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
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Module{}
	for _, name := range slices.Sorted(maps.Keys(s.modules)) {
		list = append(list, s.modules[name].describeAll())
	}
	return list
}

// Get returns one module.
func (r *Registry) Get(t *tenant.Tenant, name string) (Module, error) {
	s := r.shelf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modules[name]
	if m == nil {
		return Module{}, unknown("no module %q", name)
	}
	return m.describeAll(), nil
}

func (m *module) describeAll() Module {
	d := Module{Name: m.name}
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

func (m *module) find(digest string) *version {
	for _, v := range m.versions {
		if v.module.Digest() == digest {
			return v
		}
	}
	return nil
}

// dropOldest releases the oldest versions over the limit that are neither
// active, nor what roll-back returns to, nor the newest.
func (m *module) dropOldest(limit int64) error {
	var errs []error
	for i := 0; int64(len(m.versions)) > limit && i < len(m.versions)-1; {
		v := m.versions[i]
		if v == m.active || v == m.previous {
			i++
			continue
		}
		m.versions = slices.Delete(m.versions, i, i+1)
		errs = append(errs, v.module.Release())
	}
	return errors.Join(errs...)
}
