package registry_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// newCluster is two nodes on one store that have one tenant.
func newCluster(t *testing.T, s store.Store) (a, b *bench) {
	t.Helper()
	engine := newEngine(t)
	a = newNode(s, engine)
	a.tenant = tenanttest.Create(t, a.directory, "acme")
	return a, a.restart(t)
}

func (b *bench) refresh(t *testing.T) {
	t.Helper()
	if err := b.Refresh(t.Context(), b.tenant); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherNodeFollows(t *testing.T) {
	a, b := newCluster(t, memory.New())
	a.push(t, "orders", orders("1"), true)
	if len(b.list(t)) != 0 {
		t.Error("a node that was told of nothing knows of a module")
	}
	b.refresh(t)
	b.refresh(t)
	if b.state(t) != a.state(t) || len(b.log) != 1 {
		t.Errorf("%d sets; %s", len(b.log), b.state(t))
	}
	a.push(t, "orders", orders("2"), false)
	a.configure(t, "orders", "1")
	b.refresh(t)
	if b.state(t) != a.state(t) || len(b.log) != 2 || b.log[1].Schema != b.log[0].Schema {
		t.Errorf("%d sets; %s", len(b.log), b.state(t))
	}
	if err := a.Delete(t.Context(), a.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	b.refresh(t)
	if len(b.list(t)) != 0 || len(b.log) != 3 || len(b.log[2].Modules) != 0 {
		t.Errorf("%d sets; %s", len(b.log), b.state(t))
	}
}

// TestAChangeBeginsWithWhatTheStoreHas changes a tenant on a node that was not
// told what another did.
func TestAChangeBeginsWithWhatTheStoreHas(t *testing.T) {
	a, b := newCluster(t, memory.New())
	one := a.push(t, "orders", orders("1"), true)
	two := a.push(t, "orders", orders("2"), true)
	if v, err := b.Activate(t.Context(), b.tenant, "orders", one.Digest); err != nil || !v.Active {
		t.Errorf("activate what another node has uploaded: %+v, %v", v, err)
	}
	if v, err := a.Activate(t.Context(), a.tenant, "orders", two.Digest); err != nil || !v.Active {
		t.Errorf("activate what another node has replaced: %+v, %v", v, err)
	}
	if len(a.log) != 4 || setText(a.log[2]) == setText(a.log[1]) {
		t.Errorf("%d sets: what the other node did did not serve here in between", len(a.log))
	}
	if err := b.Delete(t.Context(), b.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	if v, created, err := a.Upload(t.Context(), a.tenant, "orders", orders("2"), true); err != nil || !created || !v.Active {
		t.Errorf("upload what another node has deleted: %+v, %t, %v", v, created, err)
	}
	b.refresh(t)
	if a.state(t) != b.state(t) {
		t.Errorf("%s\n%s", a.state(t), b.state(t))
	}
	a.sameAfterRestart(t)
}

// history is a store that notes what is active after each change.
type history struct {
	store.Store
	mu   sync.Mutex
	sets []string
}

func (h *history) Update(ctx context.Context, id string, change func(store.Tx) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.Store.Update(ctx, id, change); err != nil {
		return err
	}
	return h.View(ctx, func(tx store.Tx) error {
		set, err := activeOf(tx, id)
		h.sets = append(h.sets, set)
		return err
	})
}

// TestNodesChangeOneTenant has three nodes change a tenant, and be told of it, at
// random. Each must serve what was active at some time, in the order of the
// store's history, and all of them the same in the end.
func TestNodesChangeOneTenant(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"postgres": func(t *testing.T) store.Store {
			s, err := postgres.Open(t.Context(), postgrestest.Database(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
	} {
		t.Run(name, func(t *testing.T) { testNodesChangeOneTenant(t, open(t)) })
	}
}

func testNodesChangeOneTenant(t *testing.T, s store.Store) {
	h := &history{Store: s}
	a, b := newCluster(t, h)
	nodes := []*bench{a, b, a.restart(t)}
	var working sync.WaitGroup
	for n, node := range nodes {
		working.Go(func() { node.changeAtRandom(t, rand.New(rand.NewPCG(1, uint64(n)))) })
		working.Go(func() {
			for range 40 {
				if err := node.Refresh(t.Context(), node.tenant); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	for n, node := range nodes {
		node.refresh(t)
		if got, want := node.state(t), nodes[0].state(t); got != want {
			t.Errorf("node %d has\n%s\nnode 0\n%s", n, got, want)
		}
		left := h.sets
		for i, set := range node.log {
			at := slices.Index(left, setText(set))
			if at < 0 {
				t.Fatalf("node %d: set %d of %d was not active after the one before: %s", n, i, len(node.log), setText(set))
			}
			left = left[at+1:]
		}
		if last := h.sets[len(h.sets)-1]; len(node.log) == 0 || setText(node.log[len(node.log)-1]) != last {
			t.Errorf("node %d does not serve what is active in the end: %s", n, last)
		}
	}
	a.sameAfterRestart(t)
	t.Logf("%d changes", len(h.sets))
}

// changeAtRandom makes changes, each of which may be refused for a reason.
func (b *bench) changeAtRandom(t *testing.T, random *rand.Rand) {
	ctx := t.Context()
	for range 40 {
		name := fmt.Sprintf("m%d", random.IntN(2))
		binary := guest("extend type Query { "+name+": Int }", fmt.Sprint(random.IntN(4)), "Query."+name)
		var err error
		switch random.IntN(6) {
		case 0, 1:
			_, _, err = b.Upload(ctx, b.tenant, name, binary, random.IntN(3) > 0)
		case 2:
			_, err = b.Activate(ctx, b.tenant, name, digest(binary))
		case 3:
			_, err = b.Rollback(ctx, b.tenant, name)
		case 4:
			err = b.SetConfig(ctx, b.tenant, name, []byte(fmt.Sprint(random.IntN(3))))
		case 5:
			err = b.Delete(ctx, b.tenant, name)
		}
		var refused *registry.Error
		if err != nil && (!errors.As(err, &refused) || refused.Reason == registry.Unavailable) {
			t.Error(err)
		}
	}
}

// TestUploadsDuringADeletion deletes the tenant on one node while another
// uploads.
func TestUploadsDuringADeletion(t *testing.T) {
	engine := newEngine(t)
	for n := range 20 {
		s := memory.New()
		a := newNode(s, engine)
		a.tenant = tenanttest.Create(t, a.directory, "acme")
		b := a.restart(t)
		b.push(t, "orders", orders("0"), true)
		begun := make(chan struct{})
		var working sync.WaitGroup
		working.Go(func() {
			for i := 1; i < 10_000; i++ {
				_, _, err := b.Upload(t.Context(), b.tenant, "orders", orders(fmt.Sprint(i%10)), true)
				if i == 1+n {
					close(begun)
				}
				if err != nil {
					if !errors.Is(err, tenant.ErrUnknown) {
						t.Error(err)
					}
					return
				}
			}
			t.Error("uploads go on after the tenant's deletion")
		})
		<-begun
		if err := a.directory.Delete(t.Context(), a.tenant, nil); err != nil {
			t.Error(err)
		}
		working.Wait()
		err := s.View(t.Context(), func(tx store.Tx) error {
			for _, table := range store.OfTenant() {
				if left, err := tx.Scan(table, "acme", "", 10); err != nil || len(left) > 0 {
					t.Errorf("table %s has %d records of a tenant that was deleted, %v", table, len(left), err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := b.Refresh(t.Context(), b.tenant); !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("a refresh: %v", err)
		}
		b.remove(t)
		again := tenanttest.Create(t, a.directory, "acme")
		if list, err := a.List(t.Context(), again); err != nil || len(list) > 0 {
			t.Errorf("a tenant of the same id has %v, %v", list, err)
		}
	}
}

// activeOf is setText of what the store has active.
func activeOf(tx store.Tx, id string) (string, error) {
	records, err := moduleRecords(tx, id)
	var parts []string
	for name, r := range records {
		if r.Active == "" {
			continue
		}
		config := ""
		if r.Config != nil {
			config = digest([]byte(*r.Config))
		}
		parts = append(parts, name+" "+r.Active+" "+config)
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n"), err
}
