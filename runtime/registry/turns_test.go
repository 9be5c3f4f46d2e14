package registry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// uploads have turns, and note when they begin.
type uploads struct {
	registry.Turns
	t   *testing.T
	end map[string]chan struct{} // closed to end one under way

	mu    sync.Mutex
	begun []string
}

func (u *uploads) note(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begun = append(u.begun, what)
}

// queue starts an upload that waits for its turn, and returns when it has one or
// waits.
func (u *uploads) queue(ctx context.Context, of *tenant.Tenant, name string) {
	end := make(chan struct{})
	u.end[name] = end
	go func() {
		done, err := u.Take(ctx, of)
		if err != nil {
			u.note(name + ": " + err.Error())
			return
		}
		u.note(name)
		<-end
		done()
	}()
	synctest.Wait()
}

// finish ends uploads, and holds which begin then.
func (u *uploads) finish(names string, begin ...string) {
	u.t.Helper()
	for name := range strings.FieldsSeq(names) {
		close(u.end[name])
		synctest.Wait()
	}
	if !slices.Equal(u.begun, begin) {
		u.t.Errorf("after %q: begun are %q, want %q", names, u.begun, begin)
	}
	u.begun = nil
}

func newUploads(t *testing.T, atOnce int) *uploads {
	return &uploads{Turns: registry.NewTurns(atOnce), t: t, end: map[string]chan struct{}{}}
}

func TestTenantsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b, c := newUploads(t, 1), new(tenant.Tenant), new(tenant.Tenant), new(tenant.Tenant)
		for _, name := range []string{"a1", "a2", "a3"} {
			u.queue(t.Context(), a, name)
		}
		u.queue(t.Context(), b, "b1")
		u.queue(t.Context(), b, "b2")
		u.queue(t.Context(), c, "c1")
		u.finish("", "a1")
		u.finish("a1", "b1") // none of a's others, which came before
		u.finish("b1", "c1")
		u.finish("c1", "a2")
		u.finish("a2", "b2")
		u.finish("b2 a3", "a3")
		if !u.Empty(1) {
			t.Error("something is kept")
		}
	})
}

func TestOneUploadOfATenantAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b := newUploads(t, 3), new(tenant.Tenant), new(tenant.Tenant)
		u.queue(t.Context(), a, "a1")
		u.queue(t.Context(), a, "a2")
		u.queue(t.Context(), b, "b1")
		u.finish("", "a1", "b1")
		u.finish("b1")
		u.finish("a1", "a2")
		u.finish("a2")
		if !u.Empty(3) {
			t.Error("something is kept")
		}
	})
}

func TestUploadsLeaveTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b := newUploads(t, 1), new(tenant.Tenant), new(tenant.Tenant)
		given := errors.New("given up")
		ctx, cancel := context.WithCancelCause(t.Context())
		u.queue(t.Context(), a, "a1")
		u.queue(ctx, a, "a2")
		u.queue(ctx, b, "b1")
		u.queue(t.Context(), a, "a3")
		u.begun = nil
		cancel(given)
		synctest.Wait()
		slices.Sort(u.begun)
		u.finish("", "a2: given up", "b1: given up")
		u.queue(ctx, b, "b2")
		u.finish("", "b2: given up")
		u.finish("a1 a3", "a3")
		if !u.Empty(1) {
			t.Error("something is kept")
		}
	})
}

// TestTurnsThatComeTooLate has the turn and the end of the context come together.
func TestTurnsThatComeTooLate(t *testing.T) {
	q, a, b := registry.NewTurns(1), new(tenant.Tenant), new(tenant.Tenant)
	for range 200 {
		done, err := q.Take(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			done, err := q.Take(ctx, b)
			if err == nil {
				done()
			}
			ended <- err
		}()
		go cancel()
		done()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if !q.Empty(1) {
			t.Fatal("a turn is lost")
		}
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b := newUploads(t, 1), new(tenant.Tenant), new(tenant.Tenant)
		for n := range registry.MaxWaiting + 1 {
			u.queue(t.Context(), a, fmt.Sprint(n))
		}
		if _, err := u.Take(t.Context(), a); !errors.Is(err, registry.ErrQueueFull) {
			t.Errorf("one more of the tenant: %v", err)
		}
		u.queue(t.Context(), b, "b")
		u.begun = nil
		u.finish("0", "b") // another tenant has a place, and the turn
		close(u.end["b"])
		for n := range registry.MaxWaiting {
			close(u.end[fmt.Sprint(n+1)])
		}
		synctest.Wait()
		if !u.Empty(1) {
			t.Error("something is kept")
		}
	})
}

func TestUploadsWait(t *testing.T) {
	b := newBench(t)
	q := b.Turns()
	done, err := q.Take(t.Context(), b.tenant)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	for n := range registry.MaxWaiting {
		go func() {
			_, _, err := b.Upload(ctx, b.tenant, "orders", orders(fmt.Sprint(n)), true)
			results <- err
		}()
	}
	for q.Waiting(b.tenant) < registry.MaxWaiting {
		runtime.Gosched()
	}
	_, _, err = b.Upload(t.Context(), b.tenant, "orders", orders("more"), true)
	if e := wantError(t, err, registry.Busy, "are waiting"); e.Code != abi.CodeLimitExceeded {
		t.Errorf("code %s", e.Code)
	}
	cancel()
	for range registry.MaxWaiting {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("an upload that was given up: %v", err)
		}
	}
	done()
	b.push(t, "orders", orders("1"), true)
	if !q.Empty(1) {
		t.Error("something is kept")
	}
}
