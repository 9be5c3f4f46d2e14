// Package tenant holds what the server knows about its tenants: their names,
// their limits, and the identities of their subscribers. A Directory finds
// tenants by id; what a tenant has (modules, connections) lives elsewhere and
// is bound to its *Tenant.
package tenant

import (
	"sync/atomic"
	"time"
)

// Tenant is one tenant of the server. It is safe for concurrent use. Two
// tenants are the same if their pointers are: an id that was deleted and
// created again is another tenant.
type Tenant struct {
	id      string
	created time.Time
	limits  atomic.Pointer[Limits] // never nil; replaced whole, never written
	closed  atomic.Bool            // to introspection
	gone    chan struct{}          // closed by Directory.Delete
}

// New makes a tenant that belongs to no directory; Directory.Create is the
// usual way. The id must be a ValidName and the limits valid.
func New(id string, l Limits) (*Tenant, error) {
	if !ValidName(id) {
		return nil, invalidName(id)
	}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	t := &Tenant{id: id, created: time.Now().UTC(), gone: make(chan struct{})}
	t.limits.Store(&l)
	return t, nil
}

// ID is the tenant's id.
func (t *Tenant) ID() string { return t.id }

// Created is the time of creation, in UTC.
func (t *Tenant) Created() time.Time { return t.created }

// Gone is closed when the tenant is deleted: whoever serves it stops then.
func (t *Tenant) Gone() <-chan struct{} { return t.gone }

// Introspection tells whether operations may ask for the schema, by __schema and
// __type. They may unless SetIntrospection said otherwise.
func (t *Tenant) Introspection() bool { return !t.closed.Load() }

// SetIntrospection allows or refuses introspection to operations that begin
// afterwards.
func (t *Tenant) SetIntrospection(allowed bool) { t.closed.Store(!allowed) }

// Limits is a snapshot of the tenant's limits. A caller that checks two limits
// together takes one snapshot for both.
func (t *Tenant) Limits() Limits { return *t.limits.Load() }

// SetLimits replaces all limits at once. They hold for what begins afterwards.
func (t *Tenant) SetLimits(l Limits) error {
	if err := l.Validate(); err != nil {
		return err
	}
	t.limits.Store(&l)
	return nil
}

// MergeLimits changes the limits that the JSON object names, as Limits.Merge
// does, and keeps the others, whoever else changes limits meanwhile.
func (t *Tenant) MergeLimits(object []byte) (Limits, error) {
	for {
		old := t.limits.Load()
		merged, err := old.Merge(object)
		if err != nil {
			return Limits{}, err
		}
		if t.limits.CompareAndSwap(old, &merged) {
			return merged, nil
		}
	}
}
