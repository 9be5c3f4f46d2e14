package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
)

// model is a store as simple as can be: a copy of all for each transaction.
type model map[key]string

type key struct {
	table      store.Table
	tenant, id string
}

func (m model) scan(table store.Table, tenant, after string, limit int) (ids []string) {
	for k := range m {
		if k.table == table && k.tenant == tenant && k.id > after {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))]
}

// random holds random transactions against the model: what they read, and all
// that there is after each.
func random(t *testing.T, s store.Store) {
	kept := model{}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 0))
		for n := range 60 {
			if err := step(t, s, r, &kept); err != nil {
				t.Fatalf("seed %d, transaction %d: %v", seed, n, err)
			}
		}
	}
	if len(kept) == 0 {
		t.Error("nothing was kept")
	}
}

// step runs one transaction and compares.
func step(t *testing.T, s store.Store, r *rand.Rand, kept *model) error {
	failing, viewing := r.IntN(4) == 0, r.IntN(4) == 0
	operations, seed := 1+r.IntN(12), r.Uint64()
	var changed model
	transaction := func(tx store.Tx) error {
		changed = maps.Clone(*kept)
		r := rand.New(rand.NewPCG(seed, 0)) // the same if it is called again
		for range operations {
			if err := operate(tx, r, changed, viewing); err != nil {
				return err
			}
		}
		if failing {
			return errRefused
		}
		return nil
	}
	run := func() error { return s.Update(t.Context(), "t", transaction) }
	if viewing {
		run = func() error { return s.View(t.Context(), transaction) }
	}
	err := run()
	switch {
	case failing && !errors.Is(err, errRefused):
		return fmt.Errorf("got %v, want the error of the function", err)
	case !failing && err != nil:
		return err
	case !failing:
		*kept = changed
	}
	return s.View(t.Context(), func(tx store.Tx) error { return same(tx, *kept) })
}

var (
	modelTables  = []store.Table{store.Keys, store.Binaries}
	modelTenants = []string{"", "a", "b"}
	modelIDs     = []string{"a", "a%", "aa", "b", "é", "\U0010ffff"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// operate does one random operation to both. A view only reads.
func operate(tx store.Tx, r *rand.Rand, m model, viewing bool) error {
	k := key{pick(r, modelTables), pick(r, modelTenants), pick(r, modelIDs)}
	operation := r.IntN(8)
	if viewing {
		operation = 6 + r.IntN(2)
	}
	switch operation {
	case 0, 1, 2, 3:
		value := fmt.Sprintf("%d%*s", r.IntN(1000), r.IntN(5000), "")
		m[k] = value
		return tx.Put(k.table, k.tenant, k.id, []byte(value))
	case 4:
		delete(m, k)
		return tx.Delete(k.table, k.tenant, k.id)
	case 5:
		if r.IntN(3) > 0 {
			return nil
		}
		maps.DeleteFunc(m, func(other key, _ string) bool { return other.table == k.table && other.tenant == k.tenant })
		return tx.DeleteAll(k.table, k.tenant)
	case 6:
		limit := r.IntN(len(modelIDs) + 2)
		records, err := tx.Scan(k.table, k.tenant, k.id, limit)
		if want := m.scan(k.table, k.tenant, k.id, limit); err == nil && !slices.Equal(idsOf(records), want) {
			return fmt.Errorf("scan of %v, at most %d: %q, want %q", k, limit, idsOf(records), want)
		}
		return err
	default:
		value, err := read(tx, k.table, k.tenant, k.id)
		want, ok := m[k]
		if !ok {
			want = missing
		}
		if err == nil && value != want {
			return fmt.Errorf("get of %v: %.20q, want %.20q", k, value, want)
		}
		return err
	}
}

// same compares all that there is.
func same(tx store.Tx, m model) error {
	found := model{}
	for _, table := range modelTables {
		for _, tenant := range modelTenants {
			records, err := tx.Scan(table, tenant, "", 100)
			if err != nil {
				return err
			}
			for _, r := range records {
				found[key{table, tenant, r.ID}] = string(r.Value)
			}
		}
	}
	if !maps.Equal(found, m) {
		return fmt.Errorf("the store has %d records, the model %d, or they differ: %.200v", len(found), len(m), found)
	}
	return nil
}
