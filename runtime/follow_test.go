package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// brittle is a store from which one object of one tenant cannot be read, for as
// long as broken is set.
type brittle struct {
	store.Store
	tenant string
	table  store.Table
	broken atomic.Bool
	failed atomic.Int64 // reads
	hangs  bool         // until the caller gives up
}

var errDamaged = errors.New("a page is damaged")

func (s *brittle) View(ctx context.Context, read func(store.Tx) error) error {
	err := s.Store.View(ctx, func(tx store.Tx) error { return read(brittleTx{tx, s}) })
	if errors.Is(err, errDamaged) && s.hangs {
		<-ctx.Done()
	}
	return err
}

type brittleTx struct {
	store.Tx
	store *brittle
}

func (tx brittleTx) Get(table store.Table, tenant, id string) ([]byte, error) {
	if table == tx.store.table && (tenant == tx.store.tenant || id == tx.store.tenant) && tx.store.broken.Load() {
		tx.store.failed.Add(1)
		return nil, errDamaged
	}
	return tx.Tx.Get(table, tenant, id)
}

// quiet is a server without sockets, for tests in which time is theirs.
type quiet struct {
	*runtime.Server
	t    *testing.T
	stop func()
}

func newQuiet(t *testing.T, s store.Store) *quiet {
	t.Helper()
	return newQuietOn(t, s, nil)
}

func newQuietOn(t *testing.T, s store.Store, bus event.Bus) *quiet {
	t.Helper()
	server, err := runtime.New(runtime.Config{Dev: true, CompileInProcess: true, Store: s, Bus: bus})
	if err != nil {
		t.Fatal(err)
	}
	return &quiet{Server: server, t: t, stop: func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}}
}

// run has the server run until it is stopped.
func (q *quiet) run() {
	ctx, cancel := context.WithCancel(context.Background())
	running, stop := make(chan error, 1), q.stop
	go func() { running <- q.Run(ctx) }()
	q.stop = func() {
		cancel()
		if err := <-running; err != nil {
			q.t.Error(err)
		}
		stop()
	}
}

// query asks a tenant who it is.
func (q *quiet) query(tenant string) string {
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(q.t.Context(), http.MethodPost, "http://localhost/t/"+tenant+"/graphql", strings.NewReader(`{"query":"{ name }"}`))
	request.Header.Set("Content-Type", "application/json")
	q.ServeHTTP(answer, request)
	return answer.Body.String()
}

// wantAnswer holds that a part is in the answer of a tenant.
func (q *quiet) wantAnswer(tenant, part string) {
	q.t.Helper()
	if got := q.query(tenant); !strings.Contains(got, part) {
		q.t.Errorf("tenant %s: %s, want %s", tenant, got, part)
	}
}

// named is a module that answers a name.
func named(name string) []byte {
	g := sandboxtest.New("type Query { name: String }")
	return g.Resolver("Query.name", g.Output(`"`+name+`"`)).Bytes()
}

func (q *quiet) push(tenant, name string) {
	q.t.Helper()
	if err := q.Push(q.t.Context(), tenant, "names", named(name)); err != nil {
		q.t.Fatal(err)
	}
}

func (q *quiet) create(tenants ...string) {
	q.t.Helper()
	for _, id := range tenants {
		if err := q.CreateTenant(q.t.Context(), id, nil); err != nil {
			q.t.Fatal(err)
		}
		q.push(id, id)
	}
}

// wantReady holds what Ready says; "" stands for nil.
func (q *quiet) wantReady(part string) {
	q.t.Helper()
	if err := q.Ready(); (err == nil) != (part == "") || err != nil && !strings.Contains(err.Error(), part) {
		q.t.Errorf("ready: %v, want %q", err, part)
	}
}

func TestNodesFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		a, b := newQuiet(t, s), newQuiet(t, s)
		a.run()
		b.run()
		synctest.Wait()
		a.create("one", "two")
		synctest.Wait()
		b.wantAnswer("one", `"one"`)
		b.push("two", "deux")
		synctest.Wait()
		a.wantAnswer("two", `"deux"`)

		request := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "http://localhost/v1/tenants/one", nil)
		a.ServeHTTP(httptest.NewRecorder(), request)
		synctest.Wait()
		if err := b.Push(t.Context(), "one", "names", named("uno")); err == nil {
			t.Error("a tenant that another node has deleted is still there")
		}
		b.create("one")
		synctest.Wait()
		a.wantAnswer("one", `"one"`)
		a.stop()
		b.stop()
	})
}

// TestARestartServesAtOnce asks before the server runs, and while it loads.
func TestARestartServesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		a := newQuiet(t, s)
		a.create("one", "two", "three")
		a.stop()
		b := newQuiet(t, s)
		b.wantAnswer("two", `"two"`)
		b.wantReady("the server is starting")
		b.run()
		synctest.Wait()
		b.wantReady("")
		b.wantAnswer("one", `"one"`)
		b.stop()
	})
}

// TestWhatCannotBeReadIsTriedAgain has the store fail for one tenant while a
// server starts.
func TestWhatCannotBeReadIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		table store.Table
		hangs bool
	}{
		{store.Modules, false},
		{store.Modules, true},
		{store.Tenants, false},
		{store.Tenants, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &brittle{Store: memory.New(), tenant: "two", table: c.table, hangs: c.hangs}
			a := newQuiet(t, s)
			a.create("one", "two", "three")
			a.stop()
			s.broken.Store(true)
			b := newQuiet(t, s)
			b.run()
			synctest.Wait()
			b.wantReady("1 of 3 tenants")
			b.wantAnswer("three", `"three"`)
			if got := b.query("two"); !strings.Contains(got, "cannot be served at the moment") || strings.Contains(got, "damaged") {
				t.Errorf("who asks for the one that failed gets %s", got)
			}
			if status, body := ask(t, b, "GET", "/v1/tenants/two/schema"); status != http.StatusServiceUnavailable {
				t.Errorf("who asks for its schema gets %d %s", status, body)
			}

			// The others are followed meanwhile.
			b.push("one", "uno")
			synctest.Wait()
			b.wantAnswer("one", `"uno"`)

			time.Sleep(10 * time.Minute)
			if n := s.failed.Load(); n < 5 || n > 30 {
				t.Errorf("it was tried %d times", n)
			}
			b.wantFailing("two")
			s.broken.Store(false)
			time.Sleep(2 * time.Minute)
			b.wantFailing()
			b.wantAnswer("two", `"two"`)
			b.stop()
		})
	}
}

// wantFailing holds that the server is ready, and who reads that these tenants
// are not as the store has them.
func (q *quiet) wantFailing(tenants ...string) {
	q.t.Helper()
	q.wantReady("")
	want := ""
	if len(tenants) > 0 {
		want = fmt.Sprintf("tenants that are not here as the store has them, and are tried again: %d\n", len(tenants))
	}
	if status, body := ask(q.t, q, "GET", "/readyz"); status != http.StatusOK || body != "ready\n"+want {
		q.t.Errorf("everybody reads %d %q", status, body)
	}
	for _, id := range tenants {
		want += id + "\n"
	}
	if status, body := ask(q.t, q.AdminHandler(), "GET", "/readyz"); status != http.StatusOK || body != "ready\n"+want {
		q.t.Errorf("operators read %d %q", status, body)
	}
	if _, body := ask(q.t, q, "GET", "/metrics"); !strings.Contains(body, fmt.Sprintf("\nrunnel_failing_tenants %d\n", len(tenants))) {
		q.t.Errorf("the metrics do not count %d", len(tenants))
	}
}

// TestNotReadyWhereMostFail has a server with one tenant, which it cannot read.
func TestNotReadyWhereMostFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &brittle{Store: memory.New(), tenant: "two", table: store.Modules}
		a := newQuiet(t, s)
		a.create("two")
		a.stop()
		s.broken.Store(true)
		b := newQuiet(t, s)
		b.run()
		time.Sleep(10 * time.Minute)
		b.wantReady("1 of 1 tenants cannot be loaded")
		s.broken.Store(false)
		time.Sleep(2 * time.Minute)
		b.wantFailing()
		b.stop()
	})
}

// TestWhoAsksForAnUnreadTenant: whose key a key is cannot be told where the tenant
// cannot be read, and everybody without one learns nothing.
func TestWhoAsksForAnUnreadTenant(t *testing.T) {
	s := &brittle{Store: memory.New(), tenant: "two", table: store.Tenants}
	if err := newHandlers(t, runtime.Config{Store: s}).CreateTenant(t.Context(), "two", nil); err != nil {
		t.Fatal(err)
	}
	s.broken.Store(true)
	b := newHandlers(t, runtime.Config{Store: s})
	for token, want := range map[string]int{"rnl_0123456789ab_secret": http.StatusServiceUnavailable, handlerToken: http.StatusServiceUnavailable, "": http.StatusUnauthorized} {
		header := []string{"Authorization", "Bearer " + token}
		if status, body := ask(t, b, "POST", "/v1/tenants/two/events", header...); status != want {
			t.Errorf("with %q: %d %s, want %d", token, status, body, want)
		}
		if status, body := ask(t, b, "POST", "/v1/tenants/three/events", header...); status == http.StatusServiceUnavailable {
			t.Errorf("a tenant that there is not, with %q: %d %s", token, status, body)
		}
	}
	if _, err := b.Publish(t.Context(), "two"); !errors.Is(err, tenant.ErrUnread) {
		t.Errorf("Publish: %v", err)
	}
}
