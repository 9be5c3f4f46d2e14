package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// late is when a test gives up waiting.
const late = 30 * time.Second

// follow watches and returns where the tenants come out.
func follow(t *testing.T, s store.Store) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, ready, ended := make(chan string, 10000), make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func() { close(ready) }, func(tenant string) { told <- tenant }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Watch: %v", err)
		}
	})
	<-ready
	return told
}

// waitFor waits until the tenant comes out.
func waitFor(t *testing.T, told <-chan string, tenant string) {
	t.Helper()
	limit := time.After(late)
	for {
		select {
		case got := <-told:
			if got == tenant {
				return
			}
		case <-limit:
			t.Fatalf("%s does not come out", tenant)
		}
	}
}

// eventually asks until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(late); !so(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in %v: %s", late, what)
		}
	}
}

// TestTwoNodes has changes on one node come to another within a second.
func TestTwoNodes(t *testing.T) {
	url := postgrestest.Database(t)
	a, b := open(t, url), open(t, url)
	told := follow(t, b)
	var times []time.Duration
	for i := range 50 {
		tenant := fmt.Sprint("t", i)
		put(t, a, tenant, "m", tenant)
		committed := time.Now()
		waitFor(t, told, tenant)
		times = append(times, time.Since(committed))
		if got := get(t, b, tenant, "m"); got != tenant {
			t.Errorf("the other node reads %q", got)
		}
	}
	slices.Sort(times)
	t.Logf("from commit to notice: median %v, longest %v", times[25], times[49])
	if times[25] > postgres.CompareEvery/4 { // the poll alone would take half of its time
		t.Errorf("changes come after %v", times[25])
	}
}

const (
	listeners    = "select count(*) from pg_stat_activity where application_name = 'runnel follow' and datname = current_database() and not pid = any($1)"
	cutListeners = "select array_agg(pid order by pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'runnel follow' and datname = current_database()"
)

// TestListenerCut ends the sessions that listen: what is changed before they are
// there again is found when they are.
func TestListenerCut(t *testing.T) {
	url := postgrestest.Database(t)
	a, b := open(t, url), open(t, url)
	told := follow(t, b)
	var times []time.Duration
	for i := range 10 {
		cut := query[[]int32](t, url, cutListeners)
		if len(cut) != 2 {
			t.Fatalf("%d sessions listen, want 2", len(cut))
		}
		tenant := fmt.Sprint("t", i)
		put(t, a, tenant, "m", tenant)
		committed := time.Now()
		waitFor(t, told, tenant)
		times = append(times, time.Since(committed))
		// A session that was told to end is listed until it has: new ones count.
		eventually(t, "both listen again", func() bool { return query[int](t, url, listeners, cut) == 2 })
		eventually(t, "those cut have ended", func() bool { return query[int](t, url, listeners, []int32{}) == 2 })
	}
	slices.Sort(times)
	t.Logf("from commit to being told: median %v, longest %v", times[5], times[9])
	if times[5] > time.Second {
		t.Errorf("changes come after %v", times[5])
	}
}

// TestUnannounced changes revisions without a notice, as if all were lost.
func TestUnannounced(t *testing.T) {
	url := postgrestest.Database(t)
	s := open(t, url)
	told := follow(t, s)
	put(t, s, "old", "m", "")
	waitFor(t, told, "old")
	for _, tenant := range []string{"old", "new"} {
		start := time.Now()
		exec(t, url, fmt.Sprintf("insert into runnel.revisions values ('%s', nextval('runnel.revision')) on conflict (tenant) do update set revision = excluded.revision", tenant))
		waitFor(t, told, tenant)
		t.Logf("found after %v; all revisions are compared every %v", time.Since(start), postgres.CompareEvery)
	}
}

// TestRevisionsOfDeletedTenants has a node remove them a day after the tenant, and
// another one notice.
func TestRevisionsOfDeletedTenants(t *testing.T) {
	url := postgrestest.Database(t)
	a := open(t, url)
	told := follow(t, a)
	change := func(tenant string, do func(store.Tx) error) {
		t.Helper()
		if err := a.Update(t.Context(), tenant, do); err != nil {
			t.Fatal(err)
		}
		waitFor(t, told, tenant)
	}
	for _, tenant := range []string{"lives", "old", "new", "again"} {
		change(tenant, func(tx store.Tx) error { return tx.Put(store.Tenants, "", tenant, []byte("{}")) })
	}
	for _, tenant := range []string{"old", "new", "again"} {
		change(tenant, func(tx store.Tx) error { return tx.Delete(store.Tenants, "", tenant) })
	}
	marked := func() string {
		return query[string](t, url, "select string_agg(tenant, ' ' order by tenant) from runnel.revisions where gone is not null")
	}
	open(t, url)
	eventually(t, "those that were deleted are marked", func() bool {
		return query[bool](t, url, "select count(*) = 3 from runnel.revisions where gone is not null")
	})
	if got := marked(); got != "again new old" {
		t.Errorf("marked are %s", got)
	}
	exec(t, url, "update runnel.revisions set gone = now() - interval '25 hours' where tenant <> 'new'")
	change("again", func(tx store.Tx) error { return tx.Put(store.Tenants, "", "again", []byte("{}")) })
	open(t, url) // looks anew
	waitFor(t, told, "old")
	if got := query[string](t, url, "select string_agg(tenant, ' ' order by tenant) from runnel.revisions"); got != "again lives new" {
		t.Errorf("there are %s", got)
	}
}

// TestForeignNotices has others send what a node does not.
func TestForeignNotices(t *testing.T) {
	url := postgrestest.Database(t)
	s := open(t, url)
	told := follow(t, s)
	exec(t, url, "notify runnel", "notify runnel, 'x'", "notify runnel, '-1 wrong'", "notify runnel, '99999999999999999999 wrong'", "notify other, '1 wrong'")
	put(t, s, "t", "m", "")
	if got := <-told; got != "t" {
		t.Errorf("told of %q", got)
	}
}

// TestServerDown has changes made while no node is connected.
func TestServerDown(t *testing.T) {
	server := postgrestest.Own(t)
	url := server.Database(t, "nodes")
	var logged log
	a, err := postgres.Open(t.Context(), url, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	b := open(t, url)
	toldA, toldB := follow(t, a), follow(t, b)
	put(t, a, "before", "m", "kept")
	waitFor(t, toldB, "before")
	if err := server.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = a.Update(t.Context(), "t", func(tx store.Tx) error { return tx.Put(store.Modules, "t", "m", nil) })
	if err == nil || !strings.Contains(err.Error(), "connect") || strings.Contains(err.Error(), server.Password()) {
		t.Errorf("an update without a server: %v", err)
	}
	if err := a.View(t.Context(), func(store.Tx) error { return nil }); err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("a view without a server: %v", err)
	}
	eventually(t, "a node logs that it does not hear", func() bool { return logged.has("is not heard of until") })
	if err := server.Restart(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// Another node is quicker than they.
	server.SQL(t, "nodes", "insert into runnel.revisions values ('while', nextval('runnel.revision'))")
	waitFor(t, toldA, "while")
	waitFor(t, toldB, "while")
	if got := get(t, b, "before", "m"); got != "kept" {
		t.Errorf("there is %q", got)
	}
	put(t, a, "after", "m", "")
	waitFor(t, toldB, "after")
	eventually(t, "a node logs that it hears", func() bool { return logged.has("is heard of again") })
	if logged.has(server.Password()) {
		t.Error("the log has the password")
	}
}

// log is what a store logs.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), part)
}

// TestServerRestarts counts in two records while the server is restarted, and
// crashes: they are equal whenever somebody looks, and hold all that was acknowledged.
func TestServerRestarts(t *testing.T) {
	server := postgrestest.Own(t)
	s := open(t, server.URL("postgres"))
	const goroutines = 4
	ctx, cancel := context.WithCancel(t.Context())
	type outcome struct{ kept, unknown, failed int }
	outcomes := make(chan outcome, goroutines)
	for i := range goroutines {
		go func() {
			var o outcome
			tenant := strconv.Itoa(i)
			for ctx.Err() == nil {
				err := s.Update(t.Context(), tenant, func(tx store.Tx) error { return errors.Join(count(tx, tenant, "a"), count(tx, tenant, "b")) })
				switch {
				case err == nil:
					o.kept++
				case strings.Contains(err.Error(), "not known whether the change was kept"):
					o.unknown++
				default:
					o.failed++
					t.Logf("not kept: %v", err)
				}
			}
			a, b := counts(t, s, tenant)
			if a != b || a < o.kept || a > o.kept+o.unknown {
				t.Errorf("the records have %d and %d after %+v", a, b, o)
			}
			outcomes <- o
		}()
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGINT, syscall.SIGQUIT} {
		before, _ := counts(t, s, "0")
		eventually(t, "updates go on", func() bool {
			a, b := counts(t, s, "0")
			if a != b {
				t.Errorf("a view sees %d and %d", a, b)
			}
			return a > before+5
		})
		if err := server.Restart(signal); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	var all outcome
	for range goroutines {
		o := <-outcomes
		all = outcome{all.kept + o.kept, all.unknown + o.unknown, all.failed + o.failed}
	}
	t.Logf("%+v", all)
}

func count(tx store.Tx, tenant, id string) error {
	value, err := tx.Get(store.Modules, tenant, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	n, _ := strconv.Atoi(string(value)) // 0 for none
	return tx.Put(store.Modules, tenant, id, []byte(strconv.Itoa(n+1)))
}

// counts reads both records of a tenant in one view.
func counts(t *testing.T, s store.Store, tenant string) (a, b int) {
	var values [2]int
	err := s.View(t.Context(), func(tx store.Tx) error {
		for i, id := range []string{"a", "b"} {
			value, err := tx.Get(store.Modules, tenant, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			values[i], _ = strconv.Atoi(string(value)) // 0 for none
		}
		return nil
	})
	if err != nil {
		t.Errorf("View: %v", err)
	}
	return values[0], values[1]
}
