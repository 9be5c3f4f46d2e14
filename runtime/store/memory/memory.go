// Package memory is a store that keeps nothing: for tests, and for servers that
// may forget all when they end.
package memory

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Store is a store.Store in memory.
type Store struct {
	changes  store.Changes
	changing sync.Mutex // held by Update, so that there is one at a time

	mu struct {
		sync.RWMutex
		closed bool
		// tables is a snapshot: neither it nor the maps and values in it are ever
		// written.
		tables map[place]map[string][]byte
	}
}

// place is where the records of one tenant are.
type place struct {
	table  store.Table
	tenant string
}

// New returns an empty store.
func New() *Store {
	s := &Store{}
	s.mu.tables = map[place]map[string][]byte{}
	return s
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	tables, closed := s.mu.tables, s.mu.closed
	s.mu.RUnlock()
	if closed {
		return store.ErrClosed
	}
	return read(&transaction{tables: tables})
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.RLock()
	tables, closed := s.mu.tables, s.mu.closed
	s.mu.RUnlock()
	if closed {
		return store.ErrClosed
	}
	tx := &transaction{tables: maps.Clone(tables), owned: map[place]bool{}}
	if err := change(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.tables = tx.tables
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

// transaction is a store.Tx. The tables of a snapshot are copied before the
// first write to them.
type transaction struct {
	tables map[place]map[string][]byte
	owned  map[place]bool // those that were copied; nil where nothing may be written
}

func (tx *transaction) writable(p place) (map[string][]byte, error) {
	if tx.owned == nil {
		return nil, store.ErrReadOnly
	}
	if !tx.owned[p] {
		tx.owned[p] = true
		copied := maps.Clone(tx.tables[p])
		if copied == nil {
			copied = map[string][]byte{}
		}
		tx.tables[p] = copied
	}
	return tx.tables[p], nil
}

func (tx *transaction) Get(table store.Table, tenant, id string) ([]byte, error) {
	if err := store.CheckKey(tenant, id); err != nil {
		return nil, err
	}
	value, ok := tx.tables[place{table, tenant}][id]
	if !ok {
		return nil, store.ErrNotFound
	}
	return clone(value), nil
}

func (tx *transaction) Put(table store.Table, tenant, id string, value []byte) error {
	if err := store.CheckRecord(table, tenant, id, value); err != nil {
		return err
	}
	records, err := tx.writable(place{table, tenant})
	if err == nil {
		records[id] = clone(value)
	}
	return err
}

func (tx *transaction) Delete(table store.Table, tenant, id string) error {
	if err := store.CheckKey(tenant, id); err != nil {
		return err
	}
	records, err := tx.writable(place{table, tenant})
	delete(records, id)
	return err
}

func (tx *transaction) DeleteAll(table store.Table, tenant string) error {
	if err := store.CheckScan(tenant, ""); err != nil {
		return err
	}
	if tx.owned == nil {
		return store.ErrReadOnly
	}
	p := place{table, tenant}
	delete(tx.owned, p)
	delete(tx.tables, p)
	return nil
}

func (tx *transaction) Scan(table store.Table, tenant, after string, limit int) ([]store.Record, error) {
	if err := store.CheckScan(tenant, after); err != nil {
		return nil, err
	}
	records := tx.tables[place{table, tenant}]
	var found []store.Record
	for _, id := range slices.Sorted(maps.Keys(records)) {
		if len(found) >= limit {
			break
		}
		if id > after {
			found = append(found, store.Record{ID: id, Value: clone(records[id])})
		}
	}
	return found, nil
}

func (tx *transaction) Tenants(table store.Table, after string, limit int) ([]string, error) {
	if err := store.CheckScan("", after); err != nil {
		return nil, err
	}
	var found []string
	for p, records := range tx.tables {
		if p.table == table && p.tenant > after && len(records) > 0 {
			found = append(found, p.tenant)
		}
	}
	slices.Sort(found)
	return found[:min(max(limit, 0), len(found))], nil
}

// clone copies, and tells empty values from missing ones.
func clone(value []byte) []byte { return append(make([]byte, 0, len(value)), value...) }
