package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/ledger"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// process is one that counts.
type process struct {
	*ledger.Ledger
	t     *testing.T
	store store.Store // fails as the test wants

	mu    sync.Mutex
	since time.Time
	used  map[string]uint64 // runs, by tenant
}

// house is a store with tenants.
type house struct {
	t       *testing.T
	store   store.Store
	tenants *tenant.Directory
}

func newHouse(t *testing.T, ids ...string) *house {
	h := &house{t: t, store: memory.New()}
	h.tenants = tenant.NewDirectory(h.store)
	for _, id := range ids {
		tenanttest.Create(t, h.tenants, id)
	}
	return h
}

func (h *house) start(node string, s store.Store) *process {
	p := &process{t: h.t, store: s, since: time.Now().UTC(), used: map[string]uint64{}}
	p.Ledger = ledger.New(ledger.Config{Store: s, Node: node, Tenants: h.tenants.List, Usage: p.usage, Logger: slog.New(slog.DiscardHandler)})
	return p
}

func (p *process) usage(t *tenant.Tenant) broker.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.used[t.ID()]
	return broker.Usage{
		Since: p.since, Fuel: n * 1e12, Runs: n, SharedRuns: 2 * n, Events: 3 * n, SkippedEvents: 4 * n, Deliveries: 5 * n, DeliveredBytes: 6 * n, SkippedDeliveries: 7 * n,
		Errors: map[abi.Code]uint64{abi.CodeInternal: 7 * n, abi.CodeResolverTrap: 0}, Subscriptions: int64(n),
	}
}

func (p *process) count(tenant string, n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[tenant] += n
}

func (p *process) write() {
	p.t.Helper()
	if err := p.Write(p.t.Context()); err != nil {
		p.t.Error(err)
	}
}

// want checks the runs that a process tells of, and that all numbers go with them.
func (h *house) want(p *process, id string, runs uint64) broker.Usage {
	h.t.Helper()
	t, ok := h.tenants.Get(id)
	if !ok {
		h.t.Fatalf("no tenant %s", id)
	}
	u, err := p.Total(h.t.Context(), t)
	if err != nil {
		h.t.Fatal(err)
	}
	got := fmt.Sprint(u.Fuel, u.Runs, u.SharedRuns, u.Events, u.SkippedEvents, u.Deliveries, u.DeliveredBytes, u.SkippedDeliveries, u.Errors)
	n := runs
	want := fmt.Sprint(n*1e12, n, 2*n, 3*n, 4*n, 5*n, 6*n, 7*n, map[abi.Code]uint64{abi.CodeInternal: 7 * n, abi.CodeResolverTrap: 0})
	if got != want {
		h.t.Errorf("tenant %s: got %s\nwant %s", id, got, want)
	}
	return u
}

// rows are how many records of usage a tenant has.
func (h *house) rows(id string, want int) {
	h.t.Helper()
	err := h.store.View(h.t.Context(), func(tx store.Tx) error {
		records, err := tx.Scan(store.Usage, id, "", 1000)
		if len(records) != want {
			h.t.Errorf("tenant %s has %d rows, want %d: %s", id, len(records), want, records)
		}
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
}

func TestNodesCountTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "acme", "other", "idle")
		began := time.Now().UTC()
		a := h.start("a", h.store)
		time.Sleep(time.Hour)
		b := h.start("b", h.store)
		a.count("acme", 1)
		a.count("other", 10)
		b.count("acme", 2)
		h.want(a, "acme", 1) // nothing was written yet
		for range 2 {        // writing again changes nothing
			a.write()
			b.write()
			for _, p := range []*process{a, b} {
				if u := h.want(p, "acme", 3); !u.Since.Equal(began) || u.Subscriptions != int64(p.used["acme"]) {
					t.Errorf("since %s, %d subscriptions", u.Since, u.Subscriptions)
				}
				h.want(p, "other", 10)
			}
		}
		a.count("acme", 4)
		h.want(a, "acme", 7) // its own are told at once
		h.want(b, "acme", 3)
		a.write()
		h.want(b, "acme", 7)
		h.rows("acme", 2)
		h.rows("other", 1)
		h.rows("idle", 0)
		// A process that is killed loses what it has not written; the next adds its own.
		a.count("acme", 100)
		again := h.start("a", h.store)
		again.count("acme", 8)
		again.write()
		for _, p := range []*process{again, b} {
			h.want(p, "acme", 15)
		}
		h.rows("acme", 3)
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "acme")
		a, b := h.start("a", h.store), h.start("b", h.store)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			a.Run(ctx)
			close(done)
		}()
		for n := range uint64(1000) {
			a.count("acme", 1)
			time.Sleep(ledger.Interval)
			synctest.Wait()
			h.want(b, "acme", n+1)
		}
		h.rows("acme", 1) // the own row is never folded
		cancel()
		<-done
		// Another process folds what this one left.
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		b.count("acme", 5)
		time.Sleep(ledger.Interval)
		synctest.Wait()
		h.want(b, "acme", 1005)
		h.rows("acme", 2)
	})
}

// failing is a store whose updates fail before or after they were kept.
type failing struct {
	store.Store
	before, after bool
}

var errFails = errors.New("no route to host")

func (s *failing) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if s.before {
		return errFails
	}
	if err := s.Store.Update(ctx, tenant, change); err != nil || !s.after {
		return err
	}
	return errFails
}

func TestWritesThatFail(t *testing.T) {
	for _, kept := range []bool{false, true} {
		h := newHouse(t, "acme")
		s := &failing{Store: h.store, before: !kept, after: kept}
		a, b := h.start("a", s), h.start("b", h.store)
		runs := uint64(0)
		for range 3 { // the first write, and later ones
			s.before, s.after = !kept, kept
			for range 3 {
				a.count("acme", 1)
				runs++
				if err := a.Write(t.Context()); !errors.Is(err, errFails) {
					t.Errorf("got %v", err)
				}
				h.want(a, "acme", runs)
			}
			s.before, s.after = false, false
			a.count("acme", 1)
			runs++
			a.write()
			h.want(a, "acme", runs)
			h.want(b, "acme", runs)
		}
		h.rows("acme", 1)
	}
}

// TestFold has processes end, and one that has had nothing to write for long.
func TestFold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "acme", "other")
		quiet := h.start("quiet", h.store)
		for _, n := range []uint64{1, 2} {
			quiet.count("acme", n)
			quiet.write()
		}
		runs, started := uint64(3), time.Now().UTC()
		folder := h.start("folder", h.store)
		for range 250 { // more than a page of rows
			p := h.start("ends", h.store)
			p.count("acme", 1)
			p.count("other", 1)
			p.write()
			runs++
		}
		fold := func() {
			t.Helper()
			if err := folder.Fold(t.Context()); err != nil {
				t.Error(err)
			}
		}
		fold()
		h.rows("acme", 251)
		for round := range 3 {
			time.Sleep(2 * time.Hour)
			fold()
			h.rows("acme", 1)
			h.rows("other", 1)
			h.want(folder, "acme", runs)
			h.want(folder, "other", 250)
			// quiet's row is gone, which it learns when it writes.
			h.want(quiet, "acme", runs)
			quiet.count("acme", 10)
			runs += 10
			h.want(quiet, "acme", runs)
			quiet.write()
			h.rows("acme", 2)
			for _, p := range []*process{quiet, folder} {
				if u := h.want(p, "acme", runs); !u.Since.Equal(started) {
					t.Errorf("round %d: since %s", round, u.Since)
				}
			}
		}
	})
}

// TestFoldAfterAFailure has a row folded of whose last write it is not known that
// it was kept.
func TestFoldAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "acme")
		s := &failing{Store: h.store}
		a, b := h.start("a", s), h.start("b", h.store)
		a.count("acme", 1)
		a.write()
		s.after = true
		for range 3 {
			a.count("acme", 1) // of these the first alone may be lost or not
			if err := a.Write(t.Context()); !errors.Is(err, errFails) {
				t.Errorf("got %v", err)
			}
		}
		s.after = false
		time.Sleep(2 * time.Hour)
		if err := b.Fold(t.Context()); err != nil {
			t.Error(err)
		}
		h.want(b, "acme", 2)
		h.want(a, "acme", 4)
		a.write()
		h.want(a, "acme", 4)
		h.want(b, "acme", 4)
	})
}

func TestDeletedTenants(t *testing.T) {
	h := newHouse(t, "acme")
	// Another node's view of the tenants, which has not heard of the deletion.
	late := &house{t: t, store: h.store, tenants: tenant.NewDirectory(h.store)}
	if _, _, err := late.tenants.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	a, b := h.start("a", h.store), late.start("b", h.store)
	a.count("acme", 1)
	b.count("acme", 1)
	a.write()
	b.write()
	h.rows("acme", 2)
	acme, _ := h.tenants.Get("acme")
	old, _ := late.tenants.Get("acme")
	if err := h.tenants.Delete(t.Context(), acme, nil); err != nil {
		t.Fatal(err)
	}
	h.rows("acme", 0)
	for range 2 {
		b.count("acme", 1)
		b.write()
		h.rows("acme", 0)
		if _, err := b.Total(t.Context(), old); !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("got %v", err)
		}
		if _, ok := h.tenants.Get("acme"); !ok { // then there is another of its id
			tenanttest.Create(t, h.tenants, "acme")
		}
	}
	c := h.start("c", h.store)
	c.count("acme", 5)
	c.write()
	h.want(c, "acme", 5)
	h.rows("acme", 1)
	if _, gone, err := late.tenants.Refresh(t.Context(), "acme"); err != nil || gone != old {
		t.Errorf("gone is %v, %v", gone, err)
	}
	b.Forget(old)
	b.write() // of the new one, as far as it has counted it: all, since this is no broker
	h.want(c, "acme", 8)
}

// TestManyTenants has more tenants than one transaction writes, and a record that
// no ledger has written.
func TestManyTenants(t *testing.T) {
	var ids []string
	for n := range 1201 {
		ids = append(ids, fmt.Sprintf("t%d", n))
	}
	h := newHouse(t, ids...)
	a, b := h.start("a", h.store), h.start("b", h.store)
	for i, id := range ids {
		a.count(id, uint64(i))
	}
	a.write()
	for i, id := range ids {
		h.want(b, id, uint64(i))
	}
	err := h.store.Update(t.Context(), "", func(tx store.Tx) error { return tx.Put(store.Usage, "t7", "x", []byte("{")) })
	if err != nil {
		t.Fatal(err)
	}
	t7, _ := h.tenants.Get("t7")
	if _, err := b.Total(t.Context(), t7); err == nil {
		t.Error("a damaged record is read")
	}
}

// TestWritesAtOnce has processes write, fold and be read at the same time.
func TestWritesAtOnce(t *testing.T) {
	h := newHouse(t, "acme")
	var working sync.WaitGroup
	all := []*process{h.start("a", h.store), h.start("b", h.store), h.start("c", h.store)}
	for _, p := range all {
		for range 2 {
			working.Go(func() {
				for range 100 {
					p.count("acme", 1)
					if err := errors.Join(p.Write(t.Context()), p.Fold(t.Context())); err != nil {
						t.Error(err)
					}
					acme, _ := h.tenants.Get("acme")
					if u, err := p.Total(t.Context(), acme); err != nil || u.Runs > 600 {
						t.Errorf("%d runs, %v", u.Runs, err)
					}
				}
			})
		}
	}
	working.Wait()
	for _, p := range all {
		p.write()
	}
	h.want(all[0], "acme", 600)
}
