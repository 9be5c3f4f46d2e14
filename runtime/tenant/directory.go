package tenant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/runnel-dev/runnel/runtime/store"
)

// What a Directory refuses. Callers ask with errors.Is.
var (
	ErrExists      = errors.New("tenant exists")
	ErrUnknown     = errors.New("unknown tenant")
	ErrUnread      = errors.New("the tenant cannot be read from the store at the moment")
	ErrInvalidName = errors.New("invalid name")
)

// Directory finds tenants by id. The store has them; the directory holds what
// it read there in memory, so that finding one waits for nothing. It is safe for
// concurrent use. An id that is missing, malformed or unknown never matches a
// tenant.
type Directory struct {
	store store.Store
	// changing has a turn taken while a tenant is changed in the store and then in
	// memory, so that memory ends with what the store ended with.
	changing store.Turns

	mu struct {
		sync.RWMutex
		tenants  map[string]*Tenant
		unread   map[string]struct{} // ids that are not among tenants, since Refresh has failed
		replaced []*Tenant           // by Create, and not taken yet
	}
}

// NewDirectory returns a directory of what the store has, without any of it yet:
// Refresh brings a tenant.
func NewDirectory(s store.Store) *Directory {
	d := &Directory{store: s}
	d.mu.tenants, d.mu.unread = make(map[string]*Tenant), make(map[string]struct{})
	return d
}

// IDs returns the ids of all tenants that the store or the directory has, so
// that a Refresh of each makes the directory complete.
func (d *Directory) IDs(ctx context.Context) ([]string, error) {
	known := map[string]struct{}{}
	for _, t := range d.List() {
		known[t.id] = struct{}{}
	}
	const page = 1000
	for after, more := "", true; more; {
		var records []store.Record
		err := d.store.View(ctx, func(tx store.Tx) (err error) {
			records, err = tx.Scan(store.Tenants, "", after, page)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list tenants: %w", err)
		}
		for _, r := range records {
			known[r.ID] = struct{}{}
			after = r.ID
		}
		more = len(records) == page
	}
	return slices.Sorted(maps.Keys(known)), nil
}

// Refresh reads a tenant anew, since another node may have changed it. now is
// nil where the store has none, and gone is the one that was deleted, where there
// was one: its Gone channel is closed. After an error the tenant is as it was; where
// it was not there, Find says that it cannot be read. An id that is no ValidName is
// nobody's, whatever the store has.
func (d *Directory) Refresh(ctx context.Context, id string) (now, gone *Tenant, err error) {
	if !ValidName(id) {
		return nil, nil, nil
	}
	done, err := d.changing.Take(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("refresh tenant %s: %w", id, err)
	}
	defer done()
	var r record
	var all keys
	var revoked []Revocation
	err = d.store.View(ctx, func(tx store.Tx) (err error) {
		if r, err = readRecord(tx, id); err != nil {
			return err
		}
		if all, err = readKeys(tx, id); err != nil {
			return err
		}
		revoked, err = readRevocations(tx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, d.replace(id, nil), nil
	case err != nil:
		d.missed(id)
		return nil, nil, fmt.Errorf("refresh tenant %s: %w", id, err)
	}
	if now, ok := d.Get(id); ok && now.incarnation == r.Incarnation {
		now.set(r.settings())
		now.setKeys(all)
		now.setRevocations(revoked)
		return now, nil, nil
	}
	now = r.tenant(id)
	now.setKeys(all)
	now.setRevocations(revoked)
	return now, d.replace(id, now), nil
}

// TakeReplaced returns, once, the tenants that a Create has found in memory and
// not in the store: another node had deleted them, and no Refresh has brought that. Their Gone
// channels are closed; whoever serves them is to forget them, as what Refresh returns as gone.
func (d *Directory) TakeReplaced() []*Tenant {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.mu.replaced
	d.mu.replaced = nil
	return taken
}

// Create adds a tenant. It gives ErrExists for an id in use, ErrInvalidName,
// or a *LimitsError.
func (d *Directory) Create(ctx context.Context, id string, s Settings) (*Tenant, error) {
	r, err := newRecord(id, s)
	if err != nil {
		return nil, err
	}
	done, err := d.changing.Take(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("create tenant %s: %w", id, err)
	}
	defer done()
	err = d.store.Update(ctx, id, func(tx store.Tx) error {
		if _, err := readRecord(tx, id); !errors.Is(err, ErrUnknown) {
			return errors.Join(err, fmt.Errorf("%w: %q", ErrExists, id))
		}
		return r.write(tx, id)
	})
	if err != nil {
		return nil, fmt.Errorf("create tenant %s: %w", id, err)
	}
	t := r.tenant(id)
	if gone := d.replace(id, t); gone != nil {
		d.mu.Lock()
		d.mu.replaced = append(d.mu.replaced, gone)
		d.mu.Unlock()
	}
	return t, nil
}

// Change changes a tenant's settings, all that change does or nothing. They
// hold for what begins afterwards. change is given what the store has, and may be
// called again; its error is wrapped. Limits out of their range give a
// *LimitsError, who may subscribe an *AuthError, and a tenant that was deleted ErrUnknown.
func (d *Directory) Change(ctx context.Context, t *Tenant, change func(*Settings) error) error {
	done, err := d.changing.Take(ctx, t.id)
	if err != nil {
		return fmt.Errorf("change tenant %s: %w", t.id, err)
	}
	defer done()
	var settings Settings
	err = d.store.Update(ctx, t.id, func(tx store.Tx) error {
		r, err := t.read(tx)
		if err != nil {
			return err
		}
		settings = r.settings()
		before := settings
		if err := change(&settings); err != nil {
			return err
		}
		if err := settings.validate(); err != nil {
			return err
		}
		r.set(before, settings)
		return r.write(tx, t.id)
	})
	if err != nil {
		return fmt.Errorf("change tenant %s: %w", t.id, err)
	}
	t.set(settings)
	return nil
}

// Delete removes a tenant with all that the store has of it, and closes its
// Gone channel. It gives ErrUnknown where t was deleted before, be it that its
// id is another's by now. first, unless it is nil, is called before, while the id is still the
// tenant's on all nodes and nobody publishes for it on this one; where it fails, or the store, the tenant
// stays.
func (d *Directory) Delete(ctx context.Context, t *Tenant, first func(context.Context) error) (err error) {
	done, err := d.changing.Take(ctx, t.id)
	if err != nil {
		return fmt.Errorf("delete tenant %s: %w", t.id, err)
	}
	defer done()
	if first != nil {
		defer func() {
			if err != nil {
				t.publishing.open()
			}
		}()
		if err := d.before(ctx, t, first); err != nil {
			return fmt.Errorf("delete tenant %s: %w", t.id, err)
		}
	}
	err = d.store.Update(ctx, t.id, func(tx store.Tx) error {
		if _, err := t.read(tx); err != nil {
			return err
		}
		for _, table := range store.OfTenant() {
			if err := tx.DeleteAll(table, t.id); err != nil {
				return err
			}
		}
		return tx.Delete(store.Tenants, "", t.id)
	})
	if err != nil {
		return fmt.Errorf("delete tenant %s: %w", t.id, err)
	}
	if now, ok := d.Get(t.id); ok && now == t {
		d.replace(t.id, nil)
	}
	return nil
}

// before does what comes before a tenant is deleted, if it is still there.
func (d *Directory) before(ctx context.Context, t *Tenant, first func(context.Context) error) error {
	if err := d.store.View(ctx, t.Exists); err != nil {
		return err
	}
	if err := t.publishing.close(ctx); err != nil {
		return err
	}
	return first(ctx)
}

// read reads the tenant's own record: another of the same id is not it.
func (t *Tenant) read(tx store.Tx) (record, error) {
	r, err := readRecord(tx, t.id)
	if err == nil && r.Incarnation != t.incarnation {
		return record{}, fmt.Errorf("%w: %q", ErrUnknown, t.id)
	}
	return r, err
}

// Exists gives ErrUnknown where the store does not have the tenant any more. It is
// for transactions that add to what the tenant has.
func (t *Tenant) Exists(tx store.Tx) error {
	_, err := t.read(tx)
	return err
}

// Get finds a tenant.
func (d *Directory) Get(id string) (*Tenant, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, ok := d.mu.tenants[id]
	return t, ok
}

// Find finds a tenant, or tells why not: ErrUnknown, or ErrUnread where there may
// well be one.
func (d *Directory) Find(id string) (*Tenant, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if t, ok := d.mu.tenants[id]; ok {
		return t, nil
	}
	if _, ok := d.mu.unread[id]; ok {
		return nil, fmt.Errorf("%w: %q", ErrUnread, id)
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknown, id)
}

// missed notes that a tenant could not be read.
func (d *Directory) missed(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.mu.tenants[id]; !ok {
		d.mu.unread[id] = struct{}{}
	}
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

// replace puts a tenant in the place of the one of its id, which it returns;
// nil stands for none.
func (d *Directory) replace(id string, t *Tenant) (gone *Tenant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone = d.mu.tenants[id]
	delete(d.mu.unread, id)
	if t != nil {
		d.mu.tenants[id] = t
	} else {
		delete(d.mu.tenants, id)
	}
	if gone != nil {
		close(gone.gone)
	}
	return gone
}
