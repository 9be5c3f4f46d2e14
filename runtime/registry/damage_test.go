package registry_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// write changes records of the tenant past the registry.
func (b *bench) write(t *testing.T, change func(tx store.Tx) error) {
	t.Helper()
	err := b.store.Update(t.Context(), b.tenant.ID(), func(tx store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return tx.Put(store.Modules, b.tenant.ID(), "/revision", []byte(`"`+time.Now().String()+`"`))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// problems are what the tenant's modules do not serve for, by name.
func (b *bench) problems(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range b.list(t) {
		if m.Problem != "" {
			found[m.Name] = m.Problem
		}
	}
	return found
}

// TestDamagedModules takes from a module what it needs, and has nodes that
// know nothing of it, and ones that serve the version before.
func TestDamagedModules(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(tx store.Tx, digest string) error
		want   string
	}{
		"lost": {func(tx store.Tx, digest string) error { return tx.Delete(store.Binaries, "acme", digest) }, "as they were uploaded"},
		"other bytes": {func(tx store.Tx, digest string) error {
			return tx.Put(store.Binaries, "acme", digest, orders("another"))
		}, "as they were uploaded"},
		"no module": {func(tx store.Tx, _ string) error {
			nonsense := []byte("nonsense")
			if err := tx.Put(store.Binaries, "acme", digest(nonsense), nonsense); err != nil {
				return err
			}
			return tx.Put(store.Modules, "acme", "orders", []byte(`{"active":"`+digest(nonsense)+`","versions":[{"digest":"`+digest(nonsense)+`"}]}`))
		}, "not a WebAssembly module"},
		"no version": {func(tx store.Tx, _ string) error {
			return tx.Put(store.Modules, "acme", "orders", []byte(`{"active":"sha256:00","versions":[]}`))
		}, "not among the versions"},
	} {
		t.Run(name, func(t *testing.T) {
			s := memory.New()
			a := newNode(s, newEngine(t))
			a.tenant = tenanttest.Create(t, a.directory, "acme")
			a.push(t, "stock", guest("extend type Query { stock: Int }", "1", "Query.stock"), true)
			a.push(t, "orders", orders("1"), true)
			serving := newNode(s, newEngine(t))
			serving.tenant = a.tenant
			serving.refresh(t)
			two := a.push(t, "orders", orders("2"), true)
			a.write(t, func(tx store.Tx) error { return test.damage(tx, two.Digest) })

			serving.refresh(t)
			if p := serving.problems(t); len(p) != 1 || !strings.Contains(p["orders"], test.want) {
				t.Errorf("problems %q", p)
			}
			if len(serving.log) != 1 || serving.schema(t) != serving.log[0].Schema {
				t.Errorf("%d sets; the one before does not go on", len(serving.log))
			}
			fresh := newNode(s, newEngine(t))
			fresh.tenant = a.tenant
			fresh.refresh(t)
			fresh.refresh(t)
			if p := fresh.problems(t); len(p) != 1 || !strings.Contains(p["orders"], test.want) {
				t.Errorf("problems %q", p)
			}
			if len(fresh.log) != 1 || len(fresh.log[0].Modules) != 1 || !strings.Contains(fresh.schema(t).SDL(), "stock: Int") {
				t.Errorf("%d sets; the other module does not serve", len(fresh.log))
			}

			// Another version makes it well, on both; the other module serves all the time.
			for _, b := range []*bench{fresh, serving} {
				b.push(t, "orders", orders("3 by "+map[bool]string{true: "fresh", false: "serving"}[b == fresh]), true)
				if len(b.problems(t)) > 0 || len(b.log[len(b.log)-1].Modules) != 2 {
					t.Errorf("%q; %s", b.problems(t), setText(b.log[len(b.log)-1]))
				}
			}
		})
	}
}

// TestUploadsRepair has the bytes uploaded again that the store has not as they were: it
// does then, and every node serves them.
func TestUploadsRepair(t *testing.T) {
	damages := map[string]func(tx store.Tx, digest string) error{
		"lost": func(tx store.Tx, digest string) error { return tx.Delete(store.Binaries, "acme", digest) },
		"other bytes": func(tx store.Tx, digest string) error {
			return tx.Put(store.Binaries, "acme", digest, orders("another"))
		},
	}
	for name, damage := range damages {
		for _, activate := range []bool{false, true} {
			s := memory.New()
			a := newNode(s, newEngine(t))
			a.tenant = tenanttest.Create(t, a.directory, "acme")
			v := a.push(t, "orders", orders("1"), true)
			a.write(t, func(tx store.Tx) error { return damage(tx, v.Digest) })
			fresh := newNode(s, newEngine(t))
			fresh.tenant = a.tenant
			fresh.refresh(t)
			if len(fresh.problems(t)) != 1 {
				t.Fatalf("%s: problems %q", name, fresh.problems(t))
			}
			for _, b := range []*bench{a, fresh} { // at one that has it loaded, and at one that has not
				b.write(t, func(tx store.Tx) error { return damage(tx, v.Digest) })
				again, created, err := b.Upload(t.Context(), b.tenant, "orders", orders("1"), activate)
				if err != nil || created || !again.Active || again.Digest != v.Digest {
					t.Fatalf("%s: %+v, created %t, %v", name, again, created, err)
				}
				next := newNode(s, newEngine(t))
				next.tenant = a.tenant
				for _, b := range []*bench{a, fresh, next} {
					b.refresh(t)
					if p := b.problems(t); len(p) > 0 || b.schema(t) == nil {
						t.Errorf("%s: problems %q", name, p)
					}
				}
			}
			revision := a.revision(t)
			if _, _, err := a.Upload(t.Context(), a.tenant, "orders", orders("1"), activate); err != nil || a.revision(t) != revision {
				t.Errorf("%s: an upload of what is well changes something, or %v", name, err)
			}
		}
	}
}

// revision is that of the tenant's records.
func (b *bench) revision(t *testing.T) (text string) {
	t.Helper()
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		value, err := tx.Get(store.Modules, b.tenant.ID(), "/revision")
		text = string(value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestModulesThatComposeNoMore has in the store what no upload brings there, as
// an older server may have left it.
func TestModulesThatComposeNoMore(t *testing.T) {
	b := newBench(t)
	b.push(t, "stock", guest("extend type Query { stock: Int }", "1", "Query.stock"), true)
	other := guest("extend type Query { order: String }", `"2"`, "Query.order")
	one := b.push(t, "orders", orders("1"), true)
	b.write(t, func(tx store.Tx) error {
		if err := tx.Put(store.Binaries, "acme", digest(other), other); err != nil {
			return err
		}
		return tx.Put(store.Modules, "acme", "twin", []byte(`{"active":"`+digest(other)+`","versions":[{"digest":"`+digest(other)+`"}]}`))
	})
	fresh := b.restart(t)
	if p := fresh.problems(t); len(p) != 1 || !strings.Contains(p["twin"], "Query.order") {
		t.Fatalf("problems %q", p)
	}
	if got := fresh.log[0].Modules; len(fresh.log) != 1 || len(got) != 2 || got["orders"].Digest() != one.Digest {
		t.Errorf("%d sets, %s", len(fresh.log), setText(fresh.log[0]))
	}
	b.refresh(t)
	if len(b.log) != 2 || len(b.problems(t)) != 1 {
		t.Errorf("%d sets, problems %q", len(b.log), b.problems(t))
	}
	// The one in the way is deleted, and the other activated at last.
	if err := fresh.Delete(t.Context(), fresh.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Activate(t.Context(), fresh.tenant, "twin", digest(other)); err != nil || len(fresh.problems(t)) > 0 {
		t.Errorf("%v, %q", err, fresh.problems(t))
	}
	b.refresh(t)
	if b.state(t) != fresh.state(t) {
		t.Errorf("%s\n%s", b.state(t), fresh.state(t))
	}
}

// TestAProblemIsLoggedOnce has a module that stays damaged over many refreshes.
func TestAProblemIsLoggedOnce(t *testing.T) {
	b := newBench(t)
	b.push(t, "orders", orders("1"), true)
	b.write(t, func(tx store.Tx) error {
		return tx.Put(store.Modules, "acme", "orders", []byte(`{"active":"sha256:00"}`))
	})
	var log bytes.Buffer
	fresh := registry.New(registry.Config{
		Engine: b.engine, Store: b.store, OnActivate: func(*tenant.Tenant, *registry.Active) {}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	for range 3 {
		b.write(t, func(store.Tx) error { return nil })
		if err := fresh.Refresh(t.Context(), b.tenant); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(log.String(), "does not serve"); n != 1 || !strings.Contains(log.String(), "module=orders") {
		t.Errorf("%d lines: %s", n, &log)
	}
}

// TestARefreshThatFailsKeepsNothing has the store fail once the first of two
// modules is loaded. Each that an engine has loaded has a link in its cache.
func TestARefreshThatFailsKeepsNothing(t *testing.T) {
	broken := &faulty{Store: memory.New()}
	a := newNode(broken, newEngine(t))
	a.tenant = tenanttest.Create(t, a.directory, "acme")
	a.push(t, "orders", orders("1"), true)
	a.push(t, "customers", customers(), true)

	dir := t.TempDir()
	engine, err := sandbox.New(t.Context(), sandbox.Config{CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	b := newNode(broken, engine)
	b.tenant = a.tenant
	wantLinks := func(want int) {
		t.Helper()
		links, err := filepath.Glob(filepath.Join(dir, "cache", "live-*", "[0-9]*"))
		if err != nil || len(links) != want {
			t.Errorf("%d modules are loaded, want %d: %v", len(links), want, err)
		}
	}
	broken.arm(3, failsBefore) // after the records and the bytes of one
	err = b.Refresh(t.Context(), b.tenant)
	wantError(t, err, registry.Unavailable, "the store cannot be read")
	if broken.calls != 3 {
		t.Errorf("the store was asked %d times", broken.calls)
	}
	wantLinks(0)
	b.refresh(t)
	wantLinks(2)
	b.remove(t)
	wantLinks(0)
	if err := engine.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestRestart closes everything and opens it again: on the same file and the same
// cache, from which no byte of an upload is needed.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	var before string
	for run := range 3 {
		s, err := bolt.Open(filepath.Join(dir, "store"))
		if err != nil {
			t.Fatal(err)
		}
		engine, err := sandbox.New(t.Context(), sandbox.Config{CacheDir: filepath.Join(dir, "cache")})
		if err != nil {
			t.Fatal(err)
		}
		b := newNode(s, engine)
		if run == 0 {
			b.tenant = tenanttest.Create(t, b.directory, "acme")
			b.prepare(t)
			before = b.state(t)
		} else {
			if b.tenant, _, err = b.directory.Refresh(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
			b.refresh(t)
			if got := b.state(t); got != before {
				t.Errorf("after a restart\n%s\nbefore\n%s", got, before)
			}
		}
		if run == 1 { // what was never active on this node is known, too
			if _, err := b.Rollback(t.Context(), b.tenant, "orders"); err != nil {
				t.Error(err)
			}
			before = b.state(t)
			b.write(t, func(tx store.Tx) error { return tx.DeleteAll(store.Binaries, "acme") })
		}
		b.remove(t)
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// hanging is a store that answers nothing while it hangs.
type hanging struct {
	store.Store
	hangs bool
}

func (h *hanging) View(ctx context.Context, read func(store.Tx) error) error {
	if h.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.View(ctx, read)
}

func (h *hanging) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if h.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Update(ctx, tenant, change)
}

// TestTheStoreHangs holds that nobody waits for ever, and that who reads does not
// wait at all.
func TestTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &hanging{Store: memory.New()}
		b := newNode(s, newEngine(t))
		b.tenant = tenanttest.Create(t, b.directory, "acme")
		b.prepare(t)
		before := b.state(t)
		for name, change := range changes {
			start := time.Now()
			s.hangs = true
			err := change(t.Context(), b)
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("%s took %s", name, took)
			}
			wantError(t, err, registry.Unavailable, "the store")
			start = time.Now()
			if b.state(t) != before || time.Since(start) > time.Second {
				t.Errorf("%s: something changed, or a read waited %s", name, time.Since(start))
			}
			s.hangs = false
		}
		b.sameAfterRestart(t)

		// Who waits for the first read of a tenant waits for one, together.
		fresh := newNode(s, b.engine)
		fresh.tenant = b.tenant
		s.hangs = true
		start, failed := time.Now(), make(chan error)
		for range 100 {
			go func() { failed <- fresh.Load(t.Context(), fresh.tenant) }()
		}
		for range 100 {
			wantError(t, <-failed, registry.Unavailable, "the store cannot be read")
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("all took %s", took)
		}
		s.hangs = false
		fresh.refresh(t)
		fresh.remove(t)
		b.remove(t)
	})
}
