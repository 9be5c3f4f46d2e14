package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/event/postgres"
)

// reader reads a tenant's events as far as they are decided.
type reader struct {
	horizon postgres.Horizon
	last    int64
}

func newReader(t *testing.T, database, tenant string) *reader {
	t.Helper()
	r := &reader{horizon: postgres.Horizon{Conn: connect(t, database)}}
	var err error
	if r.last, err = r.horizon.Begin(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) read(t *testing.T, tenant string) []string {
	t.Helper()
	bound, err := r.horizon.Look(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return r.upTo(t, tenant, bound)
}

func (r *reader) upTo(t *testing.T, tenant string, bound int64) (payloads []string) {
	t.Helper()
	rows, err := r.horizon.Conn.Query(t.Context(), "select position, payload from runnel.events where tenant = $1 and position > $2 and position <= $3 order by position", tenant, r.last, bound)
	if err != nil {
		t.Fatal(err)
	}
	var payload string
	if _, err = pgx.ForEachRow(rows, []any{&r.last, &payload}, func() error {
		payloads = append(payloads, payload)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return payloads
}

func begin(t *testing.T, url string) pgx.Tx {
	t.Helper()
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func publishIn(t *testing.T, tx pgx.Tx, tenant string, n int) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), "select runnel.publish($1, 'orders', $2)", tenant, fmt.Sprint(n)); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestASlowCommitIsNotSkipped commits in another order than that of the positions.
// It shows as well that reading whatever lies behind the last event loses one.
func TestASlowCommitIsNotSkipped(t *testing.T) {
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	_, other := role(t, database, "other")
	r, plain, others := newReader(t, database, "shop"), newReader(t, database, "shop"), newReader(t, database, "other")
	const all = 1 << 62

	unrelated := begin(t, database)
	if _, err := unrelated.Exec(t.Context(), "create table unrelated (n int)"); err != nil {
		t.Fatal(err)
	}
	slow, quick, elsewhere := begin(t, shop), begin(t, shop), begin(t, other)
	publishIn(t, slow, "shop", 1)
	publishIn(t, quick, "shop", 2)
	publishIn(t, elsewhere, "other", 3)
	commit(t, quick)
	commit(t, elsewhere)

	got := plain.upTo(t, "shop", all)
	if early := r.read(t, "shop"); early != nil {
		t.Errorf("before the slow commit %v was read", early)
	}
	if events := others.read(t, "other"); !slices.Equal(events, []string{"3"}) {
		t.Errorf("the other tenant waits for it, and has %v", events)
	}
	late := newReader(t, database, "shop")
	commit(t, slow)
	if got = append(got, plain.upTo(t, "shop", all)...); !slices.Equal(got, []string{"2"}) {
		t.Errorf("a plain reader got %v: this test shows nothing", got)
	}
	for name, r := range map[string]*reader{"the reader": r, "one that began meanwhile": late} {
		if events := r.read(t, "shop"); !slices.Equal(events, []string{"1", "2"}) {
			t.Errorf("%s read %v, want 1 and 2", name, events)
		}
	}
	next := begin(t, shop)
	publishIn(t, next, "shop", 4)
	commit(t, next) // while what has nothing to do with it is open
	if events := r.read(t, "shop"); !slices.Equal(events, []string{"4"}) {
		t.Errorf("with an unrelated transaction open %v was read, want 4", events)
	}
}

// TestWhoMayInsertIsWaitedForByAll has a role with a grant that may insert rows
// of any tenant.
func TestWhoMayInsertIsWaitedForByAll(t *testing.T) {
	database, _ := migrated(t)
	name, url := role(t, database, "shop")
	exec(t, connect(t, database), "grant insert on runnel.events to "+name+"; grant usage on sequence runnel.event_position to "+name)
	r := newReader(t, database, "other")
	slow, quick := begin(t, url), begin(t, database)
	if _, err := slow.Exec(t.Context(), "insert into runnel.events (tenant, channel, payload) values ('other', 'x', '1')"); err != nil {
		t.Fatal(err)
	}
	publishIn(t, quick, "other", 2)
	commit(t, quick)
	if early := r.read(t, "other"); early != nil {
		t.Errorf("before the slow commit %v was read", early)
	}
	commit(t, slow)
	if events := r.read(t, "other"); !slices.Equal(events, []string{"1", "2"}) {
		t.Errorf("%v was read, want 1 and 2", events)
	}
}

// TestARevokedGrantIsWaitedFor takes the grant away while a transaction is open that
// has used it.
func TestARevokedGrantIsWaitedFor(t *testing.T) {
	database, _ := migrated(t)
	name, shop := role(t, database, "shop", "other")
	_, second := role(t, database, "shop")
	r := newReader(t, database, "shop")
	slow := begin(t, shop)
	publishIn(t, slow, "shop", 1)
	exec(t, connect(t, database), "delete from runnel.grants where role = to_regrole($1) and tenant = 'shop'", name)
	quick := begin(t, second)
	publishIn(t, quick, "shop", 2)
	commit(t, quick)
	if early := r.read(t, "shop"); early != nil {
		t.Errorf("before the slow commit %v was read", early)
	}
	commit(t, slow)
	if events := r.read(t, "shop"); !slices.Equal(events, []string{"1", "2"}) {
		t.Errorf("%v was read, want 1 and 2", events)
	}
}
