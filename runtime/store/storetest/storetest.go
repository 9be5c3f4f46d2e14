// Package storetest holds the conformance suite of store.Store: every engine
// passes it.
package storetest

import (
	"errors"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Conform runs the suite. open returns a new, empty store, which is closed with
// the test, be it that the test has closed it before.
func Conform(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"every table keeps what it is given", tables},
		{"ids are told apart and sorted by their bytes", ids},
		{"scans have pages", pages},
		{"tenants are apart", tenants},
		{"records within the bounds are kept, others refused", bounds},
		{"values belong to the caller", owned},
		{"a failed update changes nothing", atomic},
		{"a transaction reads what it wrote", readsOwn},
		{"a view cannot write", readOnly},
		{"a view is a snapshot, and nobody waits for it", snapshot},
		{"an ended context", ended},
		{"closing", closing},
		{"no update is lost", lostUpdates},
		{"no write is decided on what another changes", writeSkew},
		{"no record is added to what another found empty", phantoms},
		{"a change is told of", told},
		{"every watcher is told", watchers},
		{"a failed update is not told of", notTold},
		{"changes of one tenant are told together", coalesced},
		{"a burst of tenants is told of", burst},
		{"a watch ends", watchEnds},
		{"random transactions", random},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func view(t *testing.T, s store.Store, read func(store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), read); err != nil {
		t.Fatalf("View: %v", err)
	}
}

func update(t *testing.T, s store.Store, tenant string, change func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), tenant, change); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func put(t *testing.T, s store.Store, table store.Table, tenant, id, value string) {
	t.Helper()
	update(t, s, tenant, func(tx store.Tx) error { return tx.Put(table, tenant, id, []byte(value)) })
}

// missing is what get returns for no record.
const missing = "\x00missing"

func read(tx store.Tx, table store.Table, tenant, id string) (string, error) {
	value, err := tx.Get(table, tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return missing, nil
	}
	return string(value), err
}

func get(t *testing.T, s store.Store, table store.Table, tenant, id string) (value string) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		value, err = read(tx, table, tenant, id)
		return err
	})
	return value
}

func scan(t *testing.T, s store.Store, table store.Table, tenant, after string, limit int) (records []store.Record) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		records, err = tx.Scan(table, tenant, after, limit)
		return err
	})
	return records
}

func idsOf(records []store.Record) []string {
	ids := make([]string, 0, len(records))
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}
