package tenant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// What a Directory refuses. Callers ask with errors.Is.
var (
	ErrExists      = errors.New("tenant exists")
	ErrUnknown     = errors.New("unknown tenant")
	ErrInvalidName = errors.New("invalid name")
)

// Directory finds tenants by id, in memory. It is safe for concurrent use. An
// id that is missing, malformed or unknown never matches a tenant.
type Directory struct {
	mu struct {
		sync.RWMutex
		tenants map[string]*Tenant
	}
}

// NewDirectory returns a directory without tenants.
func NewDirectory() *Directory {
	d := &Directory{}
	d.mu.tenants = make(map[string]*Tenant)
	return d
}

// Create adds a tenant. It gives ErrExists for an id in use, ErrInvalidName,
// or a *LimitsError.
func (d *Directory) Create(id string, l Limits) (*Tenant, error) {
	t, err := New(id, l)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.tenants[id] != nil {
		return nil, fmt.Errorf("%w: %q", ErrExists, id)
	}
	d.mu.tenants[id] = t
	return t, nil
}

// Get finds a tenant.
func (d *Directory) Get(id string) (*Tenant, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, ok := d.mu.tenants[id]
	return t, ok
}

// List returns all tenants by id. The caller owns the slice.
func (d *Directory) List() []*Tenant {
	d.mu.RLock()
	list := make([]*Tenant, 0, len(d.mu.tenants))
	for _, t := range d.mu.tenants {
		list = append(list, t)
	}
	d.mu.RUnlock()
	slices.SortFunc(list, func(a, b *Tenant) int { return strings.Compare(a.id, b.id) })
	return list
}

// Delete removes a tenant and closes its Gone channel. It gives ErrUnknown
// where the directory does not hold t, be it that its id is another's by now.
func (d *Directory) Delete(t *Tenant) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.tenants[t.id] != t {
		return ErrUnknown
	}
	delete(d.mu.tenants, t.id)
	close(t.gone)
	return nil
}
