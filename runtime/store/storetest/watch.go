package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// soon is far longer than a change may take to be told of, on a busy machine.
const soon = 20 * time.Second

// watch is a Watch under way.
type watch struct {
	cancel context.CancelFunc
	ended  chan error
	told   chan struct{} // a token after each call
	hold   sync.Mutex    // keeps the calls waiting

	mu    sync.Mutex
	calls map[string]int
	inOne bool // a call is under way
}

// follow starts a Watch, and returns when it has begun.
func follow(t *testing.T, s store.Store) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watch{cancel: cancel, ended: make(chan error, 1), told: make(chan struct{}, 1), calls: map[string]int{}}
	ready := make(chan struct{})
	go func() {
		w.ended <- s.Watch(ctx, func() { close(ready) }, func(tenant string) { w.changed(t, tenant) })
	}()
	t.Cleanup(cancel)
	select {
	case <-ready:
	case err := <-w.ended:
		t.Fatalf("Watch: %v", err)
	case <-time.After(soon):
		t.Fatal("Watch does not begin")
	}
	return w
}

func (w *watch) changed(t *testing.T, tenant string) {
	w.mu.Lock()
	if w.inOne {
		t.Error("two calls at a time")
	}
	w.inOne = true
	w.mu.Unlock()
	w.hold.Lock()
	defer w.hold.Unlock()
	w.mu.Lock()
	w.inOne = false
	w.calls[tenant]++
	w.mu.Unlock()
	select {
	case w.told <- struct{}{}:
	default:
	}
}

// wait returns how often it was told of each tenant, once enough holds for that.
func (w *watch) wait(t *testing.T, enough func(calls map[string]int) bool) map[string]int {
	t.Helper()
	limit := time.After(soon)
	for {
		w.mu.Lock()
		calls := map[string]int{}
		for tenant, n := range w.calls {
			calls[tenant] = n
		}
		w.mu.Unlock()
		if enough(calls) {
			return calls
		}
		select {
		case <-w.told:
		case err := <-w.ended:
			t.Fatalf("Watch ended: %v", err)
		case <-limit:
			t.Fatalf("told of %d tenants only: %.200v", len(calls), calls)
		}
	}
}

func (w *watch) waitFor(t *testing.T, tenant string) map[string]int {
	t.Helper()
	return w.wait(t, func(calls map[string]int) bool { return calls[tenant] > 0 })
}

func told(t *testing.T, s store.Store) {
	put(t, s, store.Keys, "before", "id", "")
	w := follow(t, s)
	for _, tenant := range []string{"a", "a b", "é\U0010ffff'%\n", "1 a"} {
		put(t, s, store.Keys, tenant, "id", "")
		w.waitFor(t, tenant)
	}
	w.mu.Lock()
	w.calls = map[string]int{}
	w.mu.Unlock()
	put(t, s, store.Keys, "a", "id", "again")
	w.waitFor(t, "a")
	// One that changes no record may be there for those who watch.
	update(t, s, "b", func(store.Tx) error { return nil })
	w.waitFor(t, "b")
}

func watchers(t *testing.T, s store.Store) {
	one, other := follow(t, s), follow(t, s)
	put(t, s, store.Keys, "a", "id", "")
	one.waitFor(t, "a")
	other.waitFor(t, "a")
	one.cancel()
	if err := <-one.ended; err != nil {
		t.Errorf("Watch: %v", err)
	}
	put(t, s, store.Keys, "b", "id", "")
	other.waitFor(t, "b")
	if one.calls["b"] != 0 {
		t.Error("told after the end")
	}
}

func notTold(t *testing.T, s store.Store) {
	w := follow(t, s)
	for range 3 {
		err := s.Update(t.Context(), "failed", func(tx store.Tx) error {
			return errors.Join(tx.Put(store.Keys, "failed", "id", nil), errRefused)
		})
		if !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
	}
	update(t, s, "", func(tx store.Tx) error { return tx.Put(store.Settings, "", "id", nil) })
	for _, tenant := range []string{"a", "b"} {
		put(t, s, store.Keys, tenant, "id", "")
		calls := w.waitFor(t, tenant)
		if calls["failed"] > 0 || calls[""] > 0 {
			t.Errorf("told of %v", calls)
		}
	}
}

func coalesced(t *testing.T, s store.Store) {
	w := follow(t, s)
	const changes = 100
	w.hold.Lock()
	for i := range changes {
		put(t, s, store.Keys, "a", "id", fmt.Sprint(i))
	}
	put(t, s, store.Keys, "b", "id", "")
	w.hold.Unlock()
	if calls := w.waitFor(t, "b"); calls["a"] > changes/2 {
		t.Errorf("told %d times of %d changes that it had no time for", calls["a"], changes)
	}
	w.waitFor(t, "a")
}

func burst(t *testing.T, s store.Store) {
	w := follow(t, s)
	const tenants, goroutines = 1000, 8
	w.hold.Lock()
	together(t, goroutines, func(i int) error {
		for n := i; n < tenants; n += goroutines {
			tenant := fmt.Sprint("t", n)
			if err := s.Update(t.Context(), tenant, func(tx store.Tx) error { return tx.Put(store.Keys, tenant, "id", nil) }); err != nil {
				return err
			}
		}
		return nil
	})
	w.hold.Unlock()
	w.wait(t, func(calls map[string]int) bool { return len(calls) == tenants })
}

func watchEnds(t *testing.T, s store.Store) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Watch(canceled, func() {}, func(string) {}); err != nil {
		t.Errorf("Watch with an ended context: %v", err)
	}
	w, left := follow(t, s), follow(t, s)
	left.cancel()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Watch of a closed store: %v", err)
	}
}
