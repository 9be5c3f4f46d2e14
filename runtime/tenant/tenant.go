// Package tenant holds what the server knows about its tenants: their names,
// their settings, and the identities of their subscribers. A Directory finds
// tenants by id and keeps them in a store; what a tenant has (modules,
// connections) lives elsewhere and is bound to its *Tenant.
package tenant

import (
	"sync/atomic"
	"time"
)

// Tenant is one tenant of the server. It is safe for concurrent use. Two
// tenants are the same if their pointers are: an id that was deleted and
// created again is another tenant.
type Tenant struct {
	id          string
	incarnation string // tells apart those that have an id one after the other
	created     time.Time
	settings    atomic.Pointer[Settings] // never nil; replaced whole, never written
	keys        atomic.Pointer[keys]     // likewise
	gone        chan struct{}            // closed when the tenant is deleted

	operations, events, replayed bucket
	fuel, delivered              credit
	publishing                   publishing
	revocations                  revocations
	rechecks                     rechecks // of subscribers
	keyChanges                   rechecks // of holders of keys
	limitChanges                 rechecks // of who waits for a rate
}

// New makes a tenant that belongs to no directory; Directory.Create is the
// usual way. The id must be a ValidName and the limits valid.
func New(id string, l Limits) (*Tenant, error) {
	settings := DefaultSettings()
	settings.Limits = l
	r, err := newRecord(id, settings)
	if err != nil {
		return nil, err
	}
	return r.tenant(id), nil
}

// ID is the tenant's id.
func (t *Tenant) ID() string { return t.id }

// Incarnation tells this tenant from others that had its id before or will have
// it after, on all nodes.
func (t *Tenant) Incarnation() string { return t.incarnation }

// Created is the time of creation, in UTC.
func (t *Tenant) Created() time.Time { return t.created }

// Gone is closed when the tenant is deleted: whoever serves it stops then.
func (t *Tenant) Gone() <-chan struct{} { return t.gone }

// Settings is a snapshot of all that was decided about the tenant. What it
// refers to must not be changed.
func (t *Tenant) Settings() Settings { return *t.settings.Load() }

// Introspection tells whether operations may ask for the schema.
func (t *Tenant) Introspection() bool { return t.settings.Load().Introspection }

// Debug tells whether subscribers are shown what a guest's fault says.
func (t *Tenant) Debug() bool { return t.settings.Load().Debug }

// Limits is a snapshot of the tenant's limits. A caller that checks two limits
// together takes one snapshot for both.
func (t *Tenant) Limits() Limits { return t.settings.Load().Limits }

// Flow returns queueBytes and deliveriesPerSecond, which each delivery asks for:
// copying all limits would be a tenth of what it costs.
func (t *Tenant) Flow() (queueBytes, deliveriesPerSecond int64) {
	l := &t.settings.Load().Limits
	return l.QueueBytes, l.DeliveriesPerSecond
}

// Auth says who may subscribe. The pointer is another exactly when the settings
// are. It is borrowed for reading.
func (t *Tenant) Auth() *Auth { return t.settings.Load().Auth }

// set replaces the settings. Calls are not made at the same time.
func (t *Tenant) set(s Settings) {
	old := t.settings.Load().Auth
	same := old.Equal(s.Auth)
	if same {
		s.Auth = old
	}
	t.settings.Store(&s)
	t.limitChanges.call()
	if !same {
		t.rechecks.call()
	}
}
