package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
)

// BenchmarkStart starts a server of 10,000 tenants with a module each, whose
// code is in the cache: how long until it can listen, until the last tenant has
// answered a query that was sent then, and until it is ready; and what it holds
// on the heap.
func BenchmarkStart(b *testing.B) {
	const tenants = 10_000
	for _, c := range []struct {
		name    string
		modules int // different ones
	}{{"one module", 1}, {"1000 modules", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			fill(b, dir, tenants, c.modules)
			for b.Loop() {
				start(b, dir, tenants)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func startConfig(b *testing.B, dir string) runtime.Config {
	b.Helper()
	s, err := bolt.Open(filepath.Join(dir, "store"))
	if err != nil {
		b.Fatal(err)
	}
	return runtime.Config{Dev: true, Store: s, CacheDir: filepath.Join(dir, "cache"), CompileInProcess: true}
}

// fill makes the store: a few tenants as the server makes them, and copies of
// their records for the others.
func fill(b *testing.B, dir string, tenants, modules int) {
	b.Helper()
	config := startConfig(b, dir)
	server, err := runtime.New(config)
	if err != nil {
		b.Fatal(err)
	}
	for n := range modules {
		module := ticks(fmt.Sprint(n))
		if err := errors.Join(server.CreateTenant(b.Context(), startTenant(n), nil), server.Push(b.Context(), startTenant(n), "ticks", module)); err != nil {
			b.Fatal(err)
		}
	}
	if err := copyTenants(b.Context(), config.Store, modules, tenants); err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(server.Shutdown(b.Context()), config.Store.Close()); err != nil {
		b.Fatal(err)
	}
}

func startTenant(n int) string { return fmt.Sprintf("t%05d", n) }

// copyTenants gives tenants the records of the first ones, many in a transaction.
func copyTenants(ctx context.Context, s store.Store, first, all int) error {
	const batch = 500
	for begin := first; begin < all; begin += batch {
		err := s.Update(ctx, "", func(tx store.Tx) error {
			for n := begin; n < min(begin+batch, all); n++ {
				if err := copyTenant(tx, startTenant(n%first), startTenant(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func copyTenant(tx store.Tx, from, to string) error {
	record, err := tx.Get(store.Tenants, "", from)
	if err = errors.Join(err, tx.Put(store.Tenants, "", to, record)); err != nil {
		return err
	}
	for _, table := range store.OfTenant() {
		records, err := tx.Scan(table, from, "", 100)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := tx.Put(table, to, r.ID, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func start(b *testing.B, dir string, tenants int) {
	b.Helper()
	config := startConfig(b, dir)
	before := heapBytes()
	begin := time.Now()
	server, err := runtime.New(config)
	if err != nil {
		b.Fatal(err)
	}
	listening := time.Since(begin)
	ctx, cancel := context.WithCancel(b.Context())
	running := make(chan error, 1)
	go func() { running <- server.Run(ctx) }()

	answer := httptest.NewRecorder()
	query := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/t/"+startTenant(tenants-1)+"/graphql", strings.NewReader(`{"query":"{ __typename }"}`))
	query.Header.Set("Content-Type", "application/json")
	server.ServeHTTP(answer, query)
	if !strings.Contains(answer.Body.String(), `"Query"`) {
		b.Fatal(answer.Body)
	}
	answered := time.Since(begin)
	for server.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	ready := time.Since(begin)
	heap := heapBytes() - before
	cancel()
	if err := errors.Join(<-running, server.Shutdown(context.Background()), config.Store.Close()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(listening.Milliseconds()), "listening-ms")
	b.ReportMetric(float64(answered.Milliseconds()), "answered-ms")
	b.ReportMetric(float64(ready.Milliseconds()), "ready-ms")
	b.ReportMetric(float64(heap)/float64(tenants), "B/tenant")
}
