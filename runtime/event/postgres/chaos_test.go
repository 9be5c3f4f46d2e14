package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// TestKilledServer kills PostgreSQL under two nodes with publishers that try again
// with the same id: each sees every number once and in order.
func TestKilledServer(t *testing.T) {
	const kills, publishers = 3, 4
	server := postgrestest.Own(t)
	database := server.Database(t, "killed")
	nodes := []*postgres.Bus{open(t, database), open(t, database)}
	tails := []*eventtest.Tail{eventtest.Follow(t, nodes[0], "shop"), eventtest.Follow(t, nodes[1], "shop")}

	ctx, stop := context.WithCancel(t.Context())
	var accepted [publishers]int
	var total atomic.Int64
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			channel := fmt.Sprint("c", p)
			for n := 0; ctx.Err() == nil; n++ {
				e := number(channel, n)
				e.ID = fmt.Sprint(n)
				for try := 0; ; try++ {
					_, err := nodes[(p+try)%2].Publish(t.Context(), "shop", []event.Event{e}, eventtest.Keep)
					if err == nil {
						break
					}
					if !errors.Is(err, event.ErrUnavailable) || try > 3000 {
						t.Errorf("Publish: %v", err)
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				accepted[p] = n + 1
				total.Add(1)
			}
		})
	}
	for range kills {
		from := total.Load()
		for until := time.Now().Add(eventtest.Patience); total.Load() < from+50 && time.Now().Before(until); {
			time.Sleep(5 * time.Millisecond)
		}
		// What is left of a server that was killed goes by itself, soon.
		err := server.Restart(syscall.SIGKILL)
		for until := time.Now().Add(eventtest.Patience); err != nil && time.Now().Before(until); {
			time.Sleep(50 * time.Millisecond)
			err = server.Restart(syscall.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for from, until := total.Load(), time.Now().Add(eventtest.Patience); total.Load() < from+50 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	group.Wait()
	for i, tail := range tails {
		next := map[string]int{}
		var at event.Position
		events := tail.Wait(t, int(total.Load()))
		for _, e := range events {
			if want := fmt.Sprint(next[e.Channel]); string(e.Payload) != want || e.Position <= at {
				t.Fatalf("node %d: %s on %s at %s, want %s behind %s", i, e.Payload, e.Channel, e.Position, want, at)
			}
			at = e.Position
			next[e.Channel]++
		}
		for p := range accepted {
			if got := next[fmt.Sprint("c", p)]; got != accepted[p] {
				t.Errorf("node %d: %d events of publisher %d, want %d", i, got, p, accepted[p])
			}
		}
		if gaps := tail.Gaps(); len(gaps) > 0 {
			t.Errorf("node %d: gaps %v", i, gaps)
		}
		read, gap := readAll(t, nodes[i], "shop", nodes[i].Start())
		if len(read) != len(events) || gap != nil {
			t.Errorf("node %d: Read has %d events of %d, gap %v", i, len(read), len(events), gap)
		}
	}
}

// TestStoppedServer publishes and reads while there is no server.
func TestStoppedServer(t *testing.T) {
	server := postgrestest.Own(t)
	bus := open(t, server.Database(t, "stopped"))
	publish(t, bus, "shop", number("x", 1))
	if err := server.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, err := bus.Publish(t.Context(), "shop", []event.Event{number("x", 2)}, eventtest.Keep)
	_, readErr := bus.Read(t.Context(), "shop", nil, "", 1)
	if !errors.Is(err, event.ErrUnavailable) || !errors.Is(readErr, event.ErrUnavailable) {
		t.Errorf("without a server: Publish: %v, Read: %v", err, readErr)
	}
	if err := server.Restart(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, "shop", number("x", 3))
}

// TestPasswordIsChanged: while PostgreSQL has another password than the bus, publishers are
// told to come again.
func TestPasswordIsChanged(t *testing.T) {
	ownerURL, superuserURL := empty(t)
	superuser := connect(t, superuserURL)
	bus := open(t, ownerURL)
	publish(t, bus, "shop", number("x", 1))
	owner := scan[string](t, superuser, "select rolname from pg_roles r join pg_database d on d.datdba = r.oid where datname = current_database()")
	exec(t, superuser, "alter role "+owner+" password 'another'")
	exec(t, superuser, "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = $1", owner)
	_, err := bus.Publish(t.Context(), "shop", []event.Event{number("x", 2)}, eventtest.Keep)
	for n := 0; n < 20 && err != nil && !strings.Contains(err.Error(), "28P01"); n++ { // of connections that were idle
		_, err = bus.Publish(t.Context(), "shop", []event.Event{number("x", 2)}, eventtest.Keep)
	}
	if !errors.Is(err, event.ErrUnavailable) || !strings.Contains(err.Error(), "28P01") || strings.Contains(err.Error(), "secret") {
		t.Errorf("Publish: %v", err)
	}
	exec(t, superuser, "alter role "+owner+" password 'secret'")
	publish(t, bus, "shop", number("x", 3))
}

// TestRestoredBackup puts the database back to an earlier state under a node that
// runs and one that starts later.
func TestRestoredBackup(t *testing.T) {
	superuser := postgrestest.Database(t)
	admin := connectTo(t, superuser, "postgres")
	name := connect(t, superuser).Config().Database // it is closed below
	for _, c := range []struct {
		name    string
		restore func()
	}{
		{"another copy of the database", func() {
			for _, sql := range []string{
				"drop database " + name + " with (force)",
				"create database " + name + " template " + name + "_backup",
			} {
				exec(t, admin, sql)
			}
		}},
		{"the same files", func() {
			conn := connect(t, superuser)
			back := scan[int64](t, conn, "select max(position) from runnel.events where payload = '3'")
			exec(t, conn, "delete from runnel.events where position > $1", back)
			exec(t, conn, "select setval('runnel.event_position', $1)", back)
			exec(t, conn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runnel bus%'")
			_ = conn.Close(t.Context())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus, err := postgres.Open(t.Context(), superuser, nil)
			if err != nil {
				t.Fatal(err)
			}
			var published []event.Position
			for n := 1; n <= 3; n++ {
				published = append(published, publish(t, bus, "shop", number("x", n)))
			}
			if err := bus.Close(); err != nil {
				t.Fatal(err)
			}
			exec(t, admin, "drop database if exists "+name+"_backup with (force)")
			exec(t, admin, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
			exec(t, admin, "create database "+name+"_backup template "+name)

			bus = open(t, superuser)
			tail := eventtest.Follow(t, bus, "shop")
			for n := 4; n <= 6; n++ {
				published = append(published, publish(t, bus, "shop", number("x", n)))
			}
			tail.Wait(t, 3)
			c.restore()
			next := func(n int) event.Position {
				for until := time.Now().Add(eventtest.Patience); ; time.Sleep(20 * time.Millisecond) {
					at, err := bus.Publish(t.Context(), "shop", []event.Event{number("x", n)}, eventtest.Keep)
					if err == nil {
						return at
					}
					if time.Now().After(until) {
						t.Fatal(err)
					}
				}
			}
			for until := time.Now().Add(eventtest.Patience); len(tail.Gaps()) == 0 && time.Now().Before(until); {
				time.Sleep(10 * time.Millisecond)
			}
			at := next(7)
			events := tail.Wait(t, 4)
			gaps := tail.Gaps()
			if len(gaps) != 1 || gaps[0].Retention || gaps[0].From != published[5] || gaps[0].To >= at || string(events[3].Payload) != "7" || events[3].Position <= published[5] {
				t.Fatalf("gaps %v, then %v; published were %v", gaps, events[3], published)
			}
			for _, bus := range []*postgres.Bus{bus, open(t, superuser)} {
				for i, after := range published {
					read, gap := readAll(t, bus, "shop", after)
					var got []string
					for _, e := range read {
						got = append(got, string(e.Payload))
					}
					want := []string{"2", "3", "7"}[min(i, 2):]
					if !slices.Equal(got, want) || gap == nil || gap.To != gaps[0].To || gap.From != max(after, published[2]) {
						t.Errorf("behind event %d: %v, gap %v", i+1, got, gap)
					}
				}
			}
		})
	}
}

// TestPromotedStandby loses the primary before its standby has all that was
// published: a node that saw it tells a gap, and goes on at the standby.
func TestPromotedStandby(t *testing.T) {
	primary := postgrestest.Own(t)
	first := primary.Database(t, "events")
	if err := postgres.Migrate(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Remove(); err != nil {
			t.Error(err)
		}
	})
	second := standby.URL("events")
	bus := open(t, either(t, first, second))
	tail := eventtest.Follow(t, bus, "shop")
	published := []event.Position{publish(t, bus, "shop", number("x", 1), number("x", 2))}
	conn := connect(t, second)
	for until := time.Now().Add(eventtest.Patience); scan[int](t, conn, "select count(*) from runnel.events") < 2 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	exec(t, conn, "alter system set primary_conninfo = ''")
	exec(t, conn, "select pg_reload_conf()")
	for until := time.Now().Add(eventtest.Patience); scan[int](t, conn, "select count(*) from pg_stat_wal_receiver") > 0 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	published = append(published, publish(t, bus, "shop", number("x", 3)))
	tail.Wait(t, 3)
	if err := primary.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "select pg_promote()")
	var at event.Position
	for until := time.Now().Add(eventtest.Patience); ; time.Sleep(20 * time.Millisecond) {
		if at, err = bus.Publish(t.Context(), "shop", []event.Event{number("x", 4)}, eventtest.Keep); err == nil || time.Now().After(until) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(eventtest.Patience); len(tail.Gaps()) == 0 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	gaps := tail.Gaps()
	if len(gaps) != 1 || gaps[0].From != published[1] {
		t.Fatalf("gaps %v, want one behind %s", gaps, published[1])
	}
	if at < gaps[0].To { // it was published before a node looked
		at = publish(t, bus, "shop", number("x", 4))
	}
	if events := tail.Wait(t, 4); string(events[3].Payload) != "4" || events[3].Position != at {
		t.Errorf("after the gap comes %+v, published was %s", events[3], at)
	}
	if events, gap := readAll(t, bus, "shop", published[1]); len(events) != 1 || gap == nil || gap.To != gaps[0].To {
		t.Errorf("behind what was lost: %v, gap %v", events, gap)
	}
}

// either is a URL of two servers, of which one is the primary.
func either(t *testing.T, first, second string) string {
	t.Helper()
	a, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"sslmode": {"disable"}, "target_session_attrs": {"read-write"}}
	query.Set("host", a.Hostname()+","+b.Hostname())
	query.Set("port", a.Port()+","+b.Port())
	return (&url.URL{Scheme: "postgres", User: a.User, Path: a.Path, RawQuery: query.Encode()}).String()
}

// TestAnIDThatIsHeld has a transaction stay open that has used an id: who uses it, too,
// gives up soon, and others don't wait.
func TestAnIDThatIsHeld(t *testing.T) {
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	bus := open(t, database)
	held := begin(t, shop)
	if _, err := held.Exec(t.Context(), "select runnel.publish('shop', 'x', '1', 'held')"); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var gaveUp atomic.Int64
	e := number("x", 1)
	e.ID = "held"
	for range 20 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if _, err := bus.Publish(ctx, "shop", []event.Event{e}, eventtest.Keep); !errors.Is(err, event.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the id is held: %v", err)
			}
			gaveUp.Add(1)
		})
	}
	for n := range 10 {
		start, before := time.Now(), gaveUp.Load()
		publish(t, bus, "other", number("x", n))
		if took := time.Since(start); took > time.Second && gaveUp.Load() > before {
			t.Errorf("another tenant waits for %v, until one gives up", took)
		}
	}
	group.Wait()
	commit(t, held)
	if events, _ := readAll(t, bus, "shop", ""); len(events) != 1 {
		t.Errorf("%d events, want 1", len(events))
	}
}

// TestRestoredWhileNoNodeRuns puts back a backup, and then starts a node.
func TestRestoredWhileNoNodeRuns(t *testing.T) {
	superuser := postgrestest.Database(t)
	admin := connectTo(t, superuser, "postgres")
	conn := connect(t, superuser)
	name := conn.Config().Database
	_ = conn.Close(t.Context())
	run := func(first, last int) (published []event.Position) {
		bus, err := postgres.Open(t.Context(), superuser, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := first; n <= last; n++ {
			published = append(published, publish(t, bus, "shop", number("x", n)))
		}
		if err := bus.Close(); err != nil {
			t.Fatal(err)
		}
		return published
	}
	published := run(1, 3)
	exec(t, admin, "create database "+name+"_backup template "+name)
	published = append(published, run(4, 6)...)
	exec(t, admin, "drop database "+name+" with (force)")
	exec(t, admin, "create database "+name+" template "+name+"_backup")
	run(7, 12) // as many as were lost, and more
	bus := open(t, superuser)
	for i, after := range published {
		events, gap := readAll(t, bus, "shop", after)
		if want := 6 + max(0, 2-i); len(events) != want || gap == nil || gap.From != max(after, published[2]) {
			t.Errorf("behind event %d: %d events, want %d; gap %v", i+1, len(events), want, gap)
		}
	}
}

func connectTo(t *testing.T, address, database string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	config.Database = database
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestTheTailTellsWhatOthersDeleted has another node delete what a slow one has not seen.
func TestTheTailTellsWhatOthersDeleted(t *testing.T) {
	database, _ := migrated(t)
	bus := open(t, database)
	var published []event.Position
	for n := range 10 {
		published = append(published, publish(t, bus, "shop", number("x", n)))
	}
	owner := connect(t, database)
	exec(t, owner, "delete from runnel.events where payload::int < 4")
	exec(t, owner, "insert into runnel.event_floors select 'shop', min(position) - 1 from runnel.events")
	tail := eventtest.Follow(t, bus, "shop")
	events := tail.Wait(t, 6)
	gaps := tail.Gaps()
	if string(events[0].Payload) != "4" || len(gaps) != 1 || !gaps[0].Retention || gaps[0].From != bus.Start() || gaps[0].To != published[3] {
		t.Errorf("gaps %v, then %+v", gaps, events[0])
	}
}
