// Package memory is a store that keeps nothing: for tests, and for servers that
// may forget all when they end.
package memory

import (
	"context"
	"sync"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Store is a store.Store in memory.
type Store struct {
	changes  store.Changes
	changing sync.Mutex // held by Update, so that there is one at a time

	mu struct {
		sync.RWMutex
		closed  bool
		records *tree // a snapshot; the values in it are never written either
	}
}

// New returns an empty store.
func New() *Store { return &Store{} }

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	records, closed := s.mu.records, s.mu.closed
	s.mu.RUnlock()
	if closed {
		return store.ErrClosed
	}
	return read(&transaction{records: records})
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.RLock()
	records, closed := s.mu.records, s.mu.closed
	s.mu.RUnlock()
	if closed {
		return store.ErrClosed
	}
	tx := &transaction{records: records, writable: true}
	if err := change(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.records = tx.records
	s.mu.Unlock()
	if tenant != "" {
		s.changes.Tell(tenant)
	}
	return nil
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, ready func(), changed func(tenant string)) error {
	return s.changes.Watch(ctx, ready, changed)
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.changes.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	return nil
}

// transaction is a store.Tx.
type transaction struct {
	records  *tree
	writable bool
}

// replace puts other records in the place of those from first to last.
func (tx *transaction) replace(first, last key, by *tree) error {
	if !tx.writable {
		return store.ErrReadOnly
	}
	tx.records = tx.records.replace(first, last, by)
	return nil
}

func (tx *transaction) Get(table store.Table, tenant, id string) ([]byte, error) {
	if err := store.CheckKey(tenant, id); err != nil {
		return nil, err
	}
	value, ok := tx.records.get(key{table, tenant, id})
	if !ok {
		return nil, store.ErrNotFound
	}
	return clone(value), nil
}

func (tx *transaction) Put(table store.Table, tenant, id string, value []byte) error {
	if err := store.CheckRecord(table, tenant, id, value); err != nil {
		return err
	}
	k := key{table, tenant, id}
	return tx.replace(k, k, leaf(k, clone(value)))
}

func (tx *transaction) Delete(table store.Table, tenant, id string) error {
	if err := store.CheckKey(tenant, id); err != nil {
		return err
	}
	k := key{table, tenant, id}
	return tx.replace(k, k, nil)
}

func (tx *transaction) DeleteAll(table store.Table, tenant string) error {
	if err := store.CheckScan(tenant, ""); err != nil {
		return err
	}
	return tx.replace(key{table, tenant, ""}, lastOf(table, tenant), nil)
}

func (tx *transaction) Scan(table store.Table, tenant, after string, limit int) ([]store.Record, error) {
	if err := store.CheckScan(tenant, after); err != nil {
		return nil, err
	}
	var found []store.Record
	for at := (key{table, tenant, after}); len(found) < limit; {
		next := tx.records.after(at)
		if next == nil || next.key.table != table || next.key.tenant != tenant {
			break
		}
		at = next.key
		found = append(found, store.Record{ID: at.id, Value: clone(next.value)})
	}
	return found, nil
}

func (tx *transaction) Tenants(table store.Table, after string, limit int) ([]string, error) {
	if err := store.CheckScan("", after); err != nil {
		return nil, err
	}
	var found []string
	for at := lastOf(table, after); len(found) < limit; at = lastOf(table, at.tenant) {
		next := tx.records.after(at)
		if next == nil || next.key.table != table {
			break
		}
		at = next.key
		found = append(found, at.tenant)
	}
	return found, nil
}

// lastOf is behind all keys of a tenant's records: no id has that byte.
func lastOf(table store.Table, tenant string) key { return key{table, tenant, "\xff"} }

// clone copies, and tells empty values from missing ones.
func clone(value []byte) []byte { return append(make([]byte, 0, len(value)), value...) }
