package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// storeTime bounds how long one call of the store may take.
const storeTime = 10 * time.Second

// maxAttempts is how often a change is made from what the store has by then,
// where other nodes keep changing the same tenant. Between them it gives way for a
// random time, up to one that doubles and no longer than maxPause.
const (
	maxAttempts = 12
	maxPause    = 256 * time.Millisecond
)

// errOutdated means that the store has another revision of a tenant's records
// than a change was made from.
var errOutdated = errors.New("another node has changed the tenant's modules")

// edit is one attempt at a change.
type edit struct {
	registry *Registry
	tenant   *tenant.Tenant
	shelf    *shelf
	old      *catalog // what is changed
}

// load makes a version ready to run, which from then on it stays, whatever
// becomes of the change. It returns the module with it.
func (e *edit) load(ctx context.Context, m *module, digest string) (*module, *version, error) {
	v := m.find(digest)
	if v.module != nil {
		return m, v, nil
	}
	v, err := e.registry.load(ctx, e.tenant, e.shelf, m.name, v)
	if err != nil {
		return nil, nil, err
	}
	m = m.loaded(v)
	e.old = e.old.with(m)
	e.shelf.current.Store(e.old)
	return m, v, nil
}

// change replaces the tenant's catalog by the one that next makes of it, in the
// store and then in memory. Where next fails or returns the same, nothing
// changes. next is called again where another node has changed the tenant.
// binary holds the bytes of a version that the change may add.
func (r *Registry) change(ctx context.Context, t *tenant.Tenant, binary []byte, next func(*edit) (*catalog, error)) error {
	s, err := r.loaded(ctx, t)
	if err != nil {
		return err
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	for n := range maxAttempts {
		if s.removed || gone(t) {
			return errDeleted()
		}
		e := &edit{r, t, s, s.current.Load()}
		fresh, err := next(e)
		changed := err == nil && fresh != e.old
		switch {
		case changed:
			err = r.commit(ctx, t, e.old, fresh, binary)
		case ctx.Err() == nil:
			// What another node did may have taken the reason to refuse, or to do nothing.
			err = cmp.Or(r.check(ctx, t, e.old.revision), err)
		}
		if !errors.Is(err, errOutdated) {
			if changed && err == nil {
				r.replace(t, s, fresh)
			}
			return err
		}
		pause(ctx, min(time.Millisecond<<n, maxPause))
		if err := r.refresh(ctx, t, s); err != nil && !errors.Is(err, ErrIncomplete) {
			return err
		}
	}
	return unavailable("other nodes keep changing the tenant's modules; nothing was changed, try again later", errOutdated)
}

// pause waits for a random part of a time, or until ctx ends.
func pause(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(mathrand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// check fails where the store has another revision.
func (r *Registry) check(ctx context.Context, t *tenant.Tenant, revision string) error {
	now, err := r.revision(ctx, t)
	if err == nil && now != revision {
		return errOutdated
	}
	return err
}

func (r *Registry) revision(ctx context.Context, t *tenant.Tenant) (revision string, err error) {
	err = r.view(ctx, func(tx store.Tx) (err error) {
		revision, err = readRevision(tx, t)
		return err
	})
	return revision, err
}

// view reads from the store. What it fails with, other than for a missing
// tenant or record, is an *Error.
func (r *Registry) view(ctx context.Context, read func(store.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err := r.config.Store.View(ctx, read)
	if err == nil || errors.Is(err, tenant.ErrUnknown) || errors.Is(err, store.ErrNotFound) {
		return err
	}
	return unavailable("the store cannot be read; try again later", err)
}

// commit writes what differs between two catalogs, unless the store has another
// revision than old is of. The caller's end does not end it half way.
func (r *Registry) commit(ctx context.Context, t *tenant.Tenant, old, fresh *catalog, binary []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("change modules: %w", context.Cause(ctx))
	}
	fresh.revision = rand.Text()
	w, err := writesOf(old, fresh, binary)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	err = r.config.Store.Update(ctx, t.ID(), func(tx store.Tx) error {
		now, err := readRevision(tx, t)
		if err != nil {
			return err
		}
		if now != old.revision {
			return errOutdated
		}
		return w.apply(tx, t.ID())
	})
	if err == nil || errors.Is(err, errOutdated) || errors.Is(err, tenant.ErrUnknown) {
		return err
	}
	return r.settle(context.WithoutCancel(ctx), t, old, fresh, err)
}

// settle finds out what became of a change that the store has failed with: its
// revision is no other's.
func (r *Registry) settle(ctx context.Context, t *tenant.Tenant, old, fresh *catalog, failed error) error {
	switch now, err := r.revision(ctx, t); {
	case err != nil:
		return unavailable("the store has failed, and whether it has kept the change will show when it answers again: look before you repeat it", failed)
	case now == fresh.revision:
		r.config.Logger.Warn("the store has failed and kept a change", "tenant", t.ID(), "error", failed)
		return nil
	case now != old.revision:
		return errOutdated
	}
	return unavailable("the store has failed, and nothing was changed; try again later", failed)
}

// writes are what a change does to the records of a tenant.
type writes struct {
	modules  map[string][]byte // nil for those that are dropped
	binaries map[string][]byte // the same
	revision []byte
}

func writesOf(old, fresh *catalog, binary []byte) (w writes, err error) {
	w = writes{modules: map[string][]byte{}, binaries: map[string][]byte{}}
	if w.revision, err = json.Marshal(fresh.revision); err != nil {
		return w, err
	}
	for name, m := range fresh.modules {
		if m == old.modules[name] {
			continue
		}
		if w.modules[name], err = m.encode(); err != nil {
			return w, err
		}
	}
	for name := range old.modules {
		if fresh.modules[name] == nil {
			w.modules[name] = nil
		}
	}
	had, has := old.digests(), fresh.digests()
	for digest := range has {
		if _, ok := had[digest]; !ok {
			w.binaries[digest] = binary
		}
	}
	for digest := range had {
		if _, ok := has[digest]; !ok {
			w.binaries[digest] = nil
		}
	}
	return w, nil
}

func (w writes) apply(tx store.Tx, tenantID string) error {
	for table, records := range map[store.Table]map[string][]byte{store.Modules: w.modules, store.Binaries: w.binaries} {
		for id, value := range records {
			err := error(nil)
			if value == nil {
				err = tx.Delete(table, tenantID, id)
			} else {
				err = tx.Put(table, tenantID, id, value)
			}
			if err != nil {
				return err
			}
		}
	}
	return tx.Put(store.Modules, tenantID, revisionID, w.revision)
}
