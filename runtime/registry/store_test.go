package registry_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

var errBroken = errors.New("the disk is full")

// fault is how a call of the store ends that goes wrong.
type fault int

const (
	failsBefore       fault = iota // nothing is kept
	failsAfter                     // an Update is kept
	failsAfterAndOnce              // and the call behind it fails as well
)

// faulty is a store of which one call goes wrong.
type faulty struct {
	store.Store
	mu    sync.Mutex
	calls int
	at    int // the call that goes wrong, counted from 1; 0 for none
	fault fault
}

// next counts a call and tells whether it goes wrong.
func (f *faulty) next() (before, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch {
	case f.at == 0 || f.calls < f.at:
		return false, false
	case f.calls == f.at:
		return f.fault == failsBefore, f.fault != failsBefore
	}
	return f.fault == failsAfterAndOnce && f.calls == f.at+1, false
}

// arm has the call that is n-th from now go wrong.
func (f *faulty) arm(n int, kind fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.fault = 0, n, kind
}

func (f *faulty) View(ctx context.Context, read func(store.Tx) error) error {
	before, after := f.next()
	if before {
		return errBroken
	}
	return cmpError(f.Store.View(ctx, read), after)
}

func (f *faulty) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	before, after := f.next()
	if before {
		return errBroken
	}
	return cmpError(f.Store.Update(ctx, tenant, change), after)
}

func cmpError(err error, broken bool) error {
	if err == nil && broken {
		return errBroken
	}
	return err
}

// moduleRecord is what the tests read of a record.
type moduleRecord struct {
	Active   string
	Config   *string
	Versions []struct{ Digest string }
}

func moduleRecords(tx store.Tx, id string) (map[string]moduleRecord, error) {
	records, err := tx.Scan(store.Modules, id, "", 1000)
	if err != nil {
		return nil, err
	}
	modules := map[string]moduleRecord{}
	for _, r := range records {
		if r.ID == "/revision" {
			continue
		}
		var m moduleRecord
		if err := json.Unmarshal(r.Value, &m); err != nil {
			return nil, err
		}
		modules[r.ID] = m
	}
	return modules, nil
}

// checkStore holds that the store has the bytes of each version and no others.
func (b *bench) checkStore(t *testing.T) {
	t.Helper()
	wanted := map[string]bool{}
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		records, err := moduleRecords(tx, b.tenant.ID())
		if err != nil {
			return err
		}
		for _, r := range records {
			for _, v := range r.Versions {
				wanted[v.Digest] = true
			}
		}
		binaries, err := tx.Scan(store.Binaries, b.tenant.ID(), "", 1000)
		if err != nil {
			return err
		}
		for _, r := range binaries {
			sum := sha256.Sum256(r.Value)
			if "sha256:"+hex.EncodeToString(sum[:]) != r.ID || !wanted[r.ID] {
				t.Errorf("the store has a binary %s that is damaged or nobody's", r.ID)
			}
			delete(wanted, r.ID)
		}
		return nil
	})
	if err != nil || len(wanted) > 0 {
		t.Errorf("binaries that the store has not: %v, %v", slices.Collect(maps.Keys(wanted)), err)
	}
}

// state is what a node has and serves of its tenant, as text.
func (b *bench) state(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, m := range b.list(t) {
		fmt.Fprintf(&text, "%s previous %s config %s problem %q\n", m.Name, m.Previous, m.Config, m.Problem)
		for _, v := range m.Versions {
			fmt.Fprintf(&text, "\t%+v\n", v)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.log); n > 0 && len(b.log[n-1].Modules) > 0 {
		fmt.Fprintln(&text, "serves", setText(b.log[n-1]), b.schema(t).SDL())
	}
	return text.String()
}

// setText names what a set is of.
func setText(a *registry.Active) string {
	var parts []string
	for name, m := range a.Modules {
		parts = append(parts, name+" "+m.Digest()+" "+m.Config.Version)
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// remove ends what a node has of its tenant.
func (b *bench) remove(t *testing.T) {
	t.Helper()
	if err := b.Remove(b.tenant); err != nil {
		t.Error(err)
	}
}

// restart is another node on the same store, which has read the tenant.
func (b *bench) restart(t *testing.T) *bench {
	t.Helper()
	fresh := newNode(b.store, b.engine)
	now, _, err := fresh.directory.Refresh(t.Context(), b.tenant.ID())
	if err != nil || now == nil {
		t.Fatalf("tenant %v, %v", now, err)
	}
	fresh.tenant = now
	if err := fresh.Refresh(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// sameAfterRestart holds that what the node has is what the store has.
func (b *bench) sameAfterRestart(t *testing.T) {
	t.Helper()
	b.checkStore(t)
	fresh := b.restart(t)
	if got, want := fresh.state(t), b.state(t); got != want {
		t.Errorf("the store has\n%s\nand the node\n%s", got, want)
	}
	fresh.remove(t)
}

// TestEverythingIsStored has each kind of change, and a node that reads it.
func TestEverythingIsStored(t *testing.T) {
	b := newBench(t)
	b.limit(t, "versions", 3)
	steps := []func() error{
		func() error { b.push(t, "twin", orders("1"), false); return nil },
		func() error { b.push(t, "orders", orders("1"), true); return nil },
		func() error { b.push(t, "orders", orders("2"), true); return nil },
		func() error { b.push(t, "customers", customers(), false); return nil },
		func() error {
			return b.SetConfig(t.Context(), b.tenant, "customers", []byte(" {\"a\":  \"\\u0000<é\"}\n"))
		},
		func() error {
			_, _, err := b.Upload(t.Context(), b.tenant, "customers", customers(), true)
			return err
		},
		func() error { _, err := b.Rollback(t.Context(), b.tenant, "orders"); return err },
		func() error { b.push(t, "orders", orders("3"), true); return nil },
		func() error { b.push(t, "orders", orders("4"), true); return nil }, // drops the second
		func() error { b.push(t, "orders", orders("5"), true); return nil }, // drops the first, which twin has as well
		func() error {
			m, err := b.Get(t.Context(), b.tenant, "orders")
			return cmp.Or(err, b.DeleteVersion(t.Context(), b.tenant, "orders", m.Previous))
		},
		func() error { return b.Delete(t.Context(), b.tenant, "twin") },
		func() error { return b.DeleteConfig(t.Context(), b.tenant, "customers") },
		func() error { return b.Delete(t.Context(), b.tenant, "customers") },
	}
	for n, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", n, err)
		}
		b.sameAfterRestart(t)
	}
}

// changes are one of each kind, made on a tenant that prepare has filled.
var changes = map[string]func(ctx context.Context, b *bench) error{
	"upload": func(ctx context.Context, b *bench) error {
		_, _, err := b.Upload(ctx, b.tenant, "orders", orders("new"), true)
		return err
	},
	"idle upload": func(ctx context.Context, b *bench) error {
		_, _, err := b.Upload(ctx, b.tenant, "stock", guest("extend type Query { stock: Int }", "1", "Query.stock"), false)
		return err
	},
	"same upload": func(ctx context.Context, b *bench) error {
		_, _, err := b.Upload(ctx, b.tenant, "orders", orders("1"), true)
		return err
	},
	"activate": func(ctx context.Context, b *bench) error {
		_, err := b.Activate(ctx, b.tenant, "orders", digest(orders("1")))
		return err
	},
	"config": func(ctx context.Context, b *bench) error {
		return b.SetConfig(ctx, b.tenant, "orders", []byte("2"))
	},
	"delete config": func(ctx context.Context, b *bench) error { return b.DeleteConfig(ctx, b.tenant, "orders") },
	"delete version": func(ctx context.Context, b *bench) error {
		return b.DeleteVersion(ctx, b.tenant, "orders", digest(orders("1")))
	},
	"delete": func(ctx context.Context, b *bench) error { return b.Delete(ctx, b.tenant, "customers") },
}

func digest(binary []byte) string {
	sum := sha256.Sum256(binary)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (b *bench) prepare(t *testing.T) {
	t.Helper()
	b.push(t, "orders", orders("1"), true)
	b.push(t, "orders", orders("2"), true)
	b.push(t, "customers", customers(), true)
	b.configure(t, "orders", "1")
}

// TestTheStoreFails has each call of the store go wrong in each way, during each
// kind of change: it is made, or it is not and the error says so, or that it is
// not known; then it is made again.
func TestTheStoreFails(t *testing.T) {
	engine := newEngine(t)
	for name, change := range changes {
		for _, kind := range []fault{failsBefore, failsAfter, failsAfterAndOnce} {
			for n := 1; ; n++ {
				broken := &faulty{Store: memory.New()}
				b := newNode(broken, engine)
				b.tenant = tenanttest.Create(t, b.directory, "acme")
				b.prepare(t)
				before, sets := b.state(t), len(b.log)
				broken.arm(n, kind)
				err := change(t.Context(), b)
				calls := broken.calls
				broken.arm(0, kind)
				where := fmt.Sprintf("%s, call %d of %d, fault %d", name, n, calls, kind)
				if err != nil {
					e := wantError(t, err, registry.Unavailable, "the store")
					if !errors.Is(err, errBroken) || strings.Contains(e.Error(), errBroken.Error()) {
						t.Errorf("%s: %v", where, err)
					}
					if b.state(t) != before || len(b.log) != sets {
						t.Errorf("%s: something changed", where)
					}
					unknown := strings.Contains(e.Message, "look before you repeat it")
					if kept := b.restart(t).state(t) != before; kept && !unknown || unknown != (kind == failsAfterAndOnce && calls == n+1) {
						t.Errorf("%s: kept %t, %q", where, kept, e.Message)
					}
				}
				if err := b.Refresh(t.Context(), b.tenant); err != nil {
					t.Error(err)
				}
				b.sameAfterRestart(t)
				var refused *registry.Error
				if err := change(t.Context(), b); err != nil && (name != "delete" && name != "delete version" || !errors.As(err, &refused) || refused.Reason != registry.Unknown) {
					t.Errorf("%s: once more: %v", where, err)
				}
				b.sameAfterRestart(t)
				if b.state(t) == before {
					t.Errorf("%s: nothing changed in the end", where)
				}
				if calls < n {
					break
				}
			}
		}
	}
}

func TestReadsOfABrokenStore(t *testing.T) {
	broken := &faulty{Store: memory.New()}
	b := newNode(broken, newEngine(t))
	b.tenant = tenanttest.Create(t, b.directory, "acme")
	b.prepare(t)
	fresh := newNode(b.store, b.engine)
	fresh.tenant = b.tenant
	broken.arm(1, failsBefore)
	_, err := fresh.List(t.Context(), b.tenant)
	wantError(t, err, registry.Unavailable, "the store cannot be read; try again later")
	if err := fresh.Load(t.Context(), b.tenant); err != nil || len(fresh.list(t)) != 2 {
		t.Errorf("afterwards: %v", err)
	}
	broken.arm(1, failsBefore)
	if err := fresh.Refresh(t.Context(), b.tenant); !errors.Is(err, errBroken) || len(fresh.list(t)) != 2 {
		t.Errorf("a refresh: %v", err)
	}
	if !reflect.DeepEqual(fresh.list(t), b.list(t)) {
		t.Error("the nodes differ")
	}
}
