package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
)

// number is the payload of an event that has one.
func number(channel string, n int) event.Event {
	return event.Event{Channel: channel, Payload: fmt.Append(nil, n)}
}

func publish(t testing.TB, bus event.Bus, tenant string, events ...event.Event) event.Position {
	t.Helper()
	at, err := bus.Publish(t.Context(), tenant, events, eventtest.Keep)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// readAll reads all of a tenant behind a position, and the first gap.
func readAll(t testing.TB, bus event.Bus, tenant string, after event.Position) (events []event.Event, gap *event.Gap) {
	t.Helper()
	for more := true; more; {
		page, err := bus.Read(t.Context(), tenant, nil, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if gap == nil {
			gap = page.Gap
		}
		events, after, more = append(events, page.Events...), page.Next, page.More
	}
	return events, gap
}

// TestConcurrentTransactions has transactions commit in any order. The tail and a
// reader that follows see every event once, and the same ones. A reader that takes
// what lies behind the last, as many do, misses some.
func TestConcurrentTransactions(t *testing.T) {
	const writers, each = 8, 40
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	bus := open(t, database)
	tail := eventtest.Follow(t, bus, "shop")

	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var plain, paged []string
	conn := connect(t, database)
	readers.Go(func() {
		var last int64
		for ctx.Err() == nil {
			rows, err := conn.Query(t.Context(), "select position, payload from runnel.events where position > $1 order by position", last)
			if err != nil {
				t.Error(err)
				return
			}
			var payload string
			if _, err := pgx.ForEachRow(rows, []any{&last, &payload}, func() error {
				plain = append(plain, payload)
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	})
	readers.Go(func() {
		for after := bus.Start(); ; {
			end := ctx.Err() != nil
			page, err := bus.Read(t.Context(), "shop", nil, after, 10)
			if err != nil || page.Gap != nil {
				t.Errorf("%v, gap %v", err, page.Gap)
				return
			}
			for _, e := range page.Events {
				paged = append(paged, string(e.Payload))
			}
			if after = page.Next; !page.More && end {
				return
			}
		}
	})
	var group sync.WaitGroup
	for w := range writers {
		conn := connect(t, shop)
		group.Go(func() {
			for n := range each {
				err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
					for part := range 2 {
						if _, err := tx.Exec(t.Context(), "select runnel.publish('shop', 'orders', $1)", fmt.Sprint(1000*w+2*n+part)); err != nil {
							return err
						}
						if _, err := tx.Exec(t.Context(), "select pg_sleep($1)", rand.Float64()/100); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	events := tail.Wait(t, 2*writers*each)
	stop()
	readers.Wait()

	seen := map[string]bool{}
	var at event.Position
	for i, e := range events {
		if seen[string(e.Payload)] || e.Position <= at {
			t.Fatalf("event %d: %s at %s comes after %s, or again", i, e.Payload, e.Position, at)
		}
		seen[string(e.Payload)], at = true, e.Position
		if i < len(paged) && paged[i] != string(e.Payload) {
			t.Fatalf("event %d: Read has %s, the tail %s", i, paged[i], e.Payload)
		}
	}
	if len(events) != 2*writers*each || len(paged) != len(events) {
		t.Errorf("the tail has %d events, Read %d, of %d", len(events), len(paged), 2*writers*each)
	}
	if len(plain) >= len(events) {
		t.Errorf("a plain reader has %d events of %d: this test shows nothing", len(plain), len(events))
	}
	if gaps := tail.Gaps(); len(gaps) > 0 {
		t.Errorf("gaps: %v", gaps)
	}
}

// TestWhatIsOpenDelays holds transactions open: one that has nothing to do with
// events delays none, one that has published delays its own tenants' alone.
func TestWhatIsOpenDelays(t *testing.T) {
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	_, other := role(t, database, "other")
	bus := open(t, database)
	tail := eventtest.Follow(t, bus, "shop", "other")
	publish(t, bus, "shop", number("x", 0))
	tail.Wait(t, 1)

	unrelated := begin(t, database)
	if _, err := unrelated.Exec(t.Context(), "create table unrelated (n int); insert into unrelated values (1); select txid_current()"); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, "shop", number("x", 1))
	tail.Wait(t, 2)

	open := begin(t, shop)
	publishIn(t, open, "shop", 2)
	quick := begin(t, other)
	publishIn(t, quick, "other", 3)
	commit(t, quick)
	if events := tail.Wait(t, 3); string(events[2].Payload) != "3" {
		t.Errorf("event %s came, want that of the other tenant", events[2].Payload)
	}
	publish(t, bus, "shop", number("x", 4))
	publish(t, bus, "other", number("x", 5))
	tail.Wait(t, 4)
	if events, _ := readAll(t, bus, "shop", bus.Start()); len(events) != 2 {
		t.Errorf("%d events are read while one in front of the third is open", len(events))
	}
	commit(t, open)
	var got []string
	for _, e := range tail.Wait(t, 6) {
		if e.Tenant == "shop" {
			got = append(got, string(e.Payload))
		}
	}
	if fmt.Sprint(got) != "[0 1 2 4]" {
		t.Errorf("the tenant has %v", got)
	}
}

// TestConnectionsStayConstant has 2,000 tenants publish and read.
func TestConnectionsStayConstant(t *testing.T) {
	const tenants = 2000
	database, superuser := migrated(t)
	names := make([]string, tenants)
	for i := range names {
		names[i] = fmt.Sprint("t", i)
	}
	bus := open(t, database)
	tail := eventtest.Follow(t, bus, names...)
	watch := connect(t, superuser)
	most := 0
	look := func() {
		most = max(most, scan[int](t, watch, "select count(*) from pg_stat_activity where application_name like 'runnel bus%'"))
	}
	var group sync.WaitGroup
	work := make(chan string)
	for range 32 {
		group.Go(func() {
			for name := range work {
				if _, err := bus.Publish(t.Context(), name, []event.Event{number("x", 1)}, eventtest.Keep); err != nil {
					t.Error(err)
				}
				if _, err := bus.Read(t.Context(), name, nil, "", 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i, name := range names {
		work <- name
		if i%200 == 0 {
			look()
		}
	}
	close(work)
	group.Wait()
	if events := tail.Wait(t, tenants); len(events) != tenants {
		t.Errorf("%d events", len(events))
	}
	if look(); most > 9 {
		t.Errorf("%d connections, want at most 9", most)
	}
}

// TestMalformedEntriesAreSkipped inserts what is no event.
func TestMalformedEntriesAreSkipped(t *testing.T) {
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	bus := open(t, database)
	tail := eventtest.Follow(t, bus, "shop")
	owner, conn := connect(t, database), connect(t, shop)
	exec(t, conn, `select runnel.publish('shop', 'x', '1')`)
	exec(t, conn, `select runnel.publish('shop', 'x', '{"a":1,"a":2}')`) // JSON to PostgreSQL
	exec(t, owner, `insert into runnel.events (tenant, channel, payload) values ('shop', 'no channel', '1'), ('shop', 'x', 'none'), ('shop', 'x', '2')`)
	exec(t, owner, `insert into runnel.events (tenant, channel, id, payload) values ('shop', 'x', repeat('i', 201), '1'), ('No tenant', 'x', 'i', '1')`)
	exec(t, conn, `select runnel.publish('shop', 'x', '3')`)
	events := tail.Wait(t, 3)
	read, gap := readAll(t, bus, "shop", bus.Start())
	newest, err := bus.ReadLast(t.Context(), "shop", "x", events[1].Position, 1)
	if err != nil || len(newest) != 1 || string(newest[0].Payload) != "1" {
		t.Errorf("in front of the second event there is %v, %v", newest, err)
	}
	for _, got := range [][]event.Event{events, read} {
		if len(got) != 3 || string(got[0].Payload)+string(got[1].Payload)+string(got[2].Payload) != "123" {
			t.Errorf("events %+v", got)
		}
	}
	if skipped := tail.Skipped(); len(skipped) != 4 || gap != nil {
		t.Errorf("skipped: %v, gap %v", skipped, gap)
	}
	tail.Stop(t)
	again := eventtest.Follow(t, bus, "shop")
	publish(t, bus, "shop", number("x", 4))
	if again.Wait(t, 1); len(again.Skipped()) != 0 {
		t.Errorf("another tail is told again: %v", again.Skipped())
	}
}
