package ledger_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/ledger"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func openPostgres(tb testing.TB, url string) store.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// TestOnPostgres has two nodes write and fold at the same time, whose transactions
// the database gives up for each other's sake.
func TestOnPostgres(t *testing.T) {
	url := postgrestest.Database(t)
	var ids []string
	for n := range 50 {
		ids = append(ids, fmt.Sprintf("t%d", n))
	}
	h := &house{t: t, store: openPostgres(t, url)}
	h.tenants = tenant.NewDirectory(h.store)
	for _, id := range ids {
		tenanttest.Create(t, h.tenants, id)
	}
	nodes := []*process{h.start("a", h.store), h.start("b", openPostgres(t, url))}
	const rounds = 20
	var working sync.WaitGroup
	for _, p := range nodes {
		working.Go(func() {
			for range rounds {
				for _, id := range ids {
					p.count(id, 1)
				}
				p.write()
				if err := p.Fold(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	for _, id := range ids {
		h.want(nodes[0], id, 2*rounds)
		h.want(nodes[1], id, 2*rounds)
		h.rows(id, 2)
	}
}

// BenchmarkWrite measures what a node does every ten seconds where 2,000 tenants
// have used something.
func BenchmarkWrite(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{
		{"memory", func(*testing.B) store.Store { return memory.New() }},
		{"bolt", func(b *testing.B) store.Store {
			s, err := bolt.Open(filepath.Join(b.TempDir(), "runnel.db"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			return s
		}},
		{"postgres", func(b *testing.B) store.Store { return openPostgres(b, postgrestest.Database(b)) }},
	} {
		b.Run(engine.name, func(b *testing.B) {
			s := engine.open(b)
			tenants := tenant.NewDirectory(s)
			const many = 2000
			for n := range many {
				tenanttest.Create(b, tenants, fmt.Sprintf("t%d", n))
			}
			p := &process{store: s, used: map[string]uint64{}}
			l := ledger.New(ledger.Config{Store: s, Node: "n", Tenants: tenants.List, Usage: p.usage, Logger: slog.New(slog.DiscardHandler)})
			for b.Loop() {
				for n := range many {
					p.count(fmt.Sprintf("t%d", n), 1)
				}
				if err := l.Write(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/many, "µs/tenant")
		})
	}
}
