package storetest

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// together calls f in n goroutines and waits for all.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = f(i) })
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("goroutine %d: %v", i, err)
		}
	}
}

// lostUpdates counts in one record, and in one of many, from many goroutines.
func lostUpdates(t *testing.T, s store.Store) {
	const goroutines, rounds = 16, 25
	increment := func(tx store.Tx, tenant, id string) error {
		text, err := read(tx, store.Keys, tenant, id)
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(text) // 0 for none
		return tx.Put(store.Keys, tenant, id, []byte(strconv.Itoa(n+1)))
	}
	together(t, goroutines, func(i int) error {
		for range rounds {
			// Half of them under names of their own, so that an engine that takes turns
			// by tenant has to do more than that.
			tenant := fmt.Sprintf("t%d", i%2*i)
			err := s.Update(t.Context(), tenant, func(tx store.Tx) error {
				if err := increment(tx, "all", "count"); err != nil {
					return err
				}
				return increment(tx, tenant, "count")
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if got := get(t, s, store.Keys, "all", "count"); got != strconv.Itoa(goroutines*rounds) {
		t.Errorf("%s of %d updates are there", got, goroutines*rounds)
	}
	if got := get(t, s, store.Keys, "t0", "count"); got != strconv.Itoa(goroutines/2*rounds) {
		t.Errorf("%s of %d updates of one tenant are there", got, goroutines/2*rounds)
	}
}

// meeting lets two transactions read before either writes, where the engine has
// them at the same time at all.
type meeting struct {
	mu      sync.Mutex
	arrived int
	both    chan struct{}
}

func newMeeting() *meeting { return &meeting{both: make(chan struct{})} }

func (m *meeting) wait() {
	m.mu.Lock()
	m.arrived++
	if m.arrived == 2 {
		close(m.both)
	}
	m.mu.Unlock()
	select {
	case <-m.both:
	case <-time.After(20 * time.Millisecond):
	}
}

// writeSkew has two transactions that each may take one of two away, but not the
// last.
func writeSkew(t *testing.T, s store.Store) {
	for round := range 20 {
		ids := []string{fmt.Sprint(round, "a"), fmt.Sprint(round, "b")}
		for _, id := range ids {
			put(t, s, store.Modules, "t", id, "on")
		}
		m := newMeeting()
		together(t, 2, func(i int) error {
			return s.Update(t.Context(), fmt.Sprint("t", i), func(tx store.Tx) error {
				on := 0
				for _, id := range ids {
					value, err := read(tx, store.Modules, "t", id)
					if err != nil {
						return err
					}
					if value == "on" {
						on++
					}
				}
				m.wait()
				if on < 2 {
					return nil
				}
				return tx.Put(store.Modules, "t", ids[i], []byte("off"))
			})
		})
		if a, b := get(t, s, store.Modules, "t", ids[0]), get(t, s, store.Modules, "t", ids[1]); (a == "on") == (b == "on") {
			t.Errorf("round %d: one must be on, they are %s and %s", round, a, b)
		}
	}
}

// phantoms has two transactions that each add a record where they find none.
func phantoms(t *testing.T, s store.Store) {
	for round := range 20 {
		tenant := fmt.Sprint("t", round)
		m := newMeeting()
		together(t, 2, func(i int) error {
			return s.Update(t.Context(), fmt.Sprint("t", i), func(tx store.Tx) error {
				found, err := tx.Scan(store.Keys, tenant, "", 10)
				m.wait()
				if err != nil || len(found) > 0 {
					return err
				}
				return tx.Put(store.Keys, tenant, fmt.Sprint(i), nil)
			})
		})
		if found := scan(t, s, store.Keys, tenant, "", 10); len(found) != 1 {
			t.Errorf("round %d: there are %q", round, idsOf(found))
		}
	}
}
