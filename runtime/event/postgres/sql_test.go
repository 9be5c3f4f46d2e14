package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runnel-dev/runnel/runtime/event/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// connect connects to a database. It ends with the test.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t testing.TB, conn *pgx.Conn, sql string, arguments ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, arguments...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func scan[T any](t testing.TB, conn *pgx.Conn, sql string, arguments ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

var roles atomic.Int64

// role makes a role that may log in, with a grant for each of the tenants, and
// returns its name and its URL of the database.
func role(t testing.TB, database string, tenants ...string) (name, roleURL string) {
	t.Helper()
	name = fmt.Sprint("role", roles.Add(1))
	owner := connect(t, database)
	exec(t, owner, fmt.Sprintf("create role %s login password 'secret'", name))
	for _, tenant := range tenants {
		exec(t, owner, "insert into runnel.grants (role, tenant) values (to_regrole($1), $2)", name, tenant)
	}
	return name, as(t, database, name)
}

// migrated returns a database with the tables of the bus, by the URL of its owner,
// who is no superuser, and by that of one.
func migrated(t testing.TB) (ownerURL, superuserURL string) {
	t.Helper()
	ownerURL, superuserURL = empty(t)
	if err := postgres.Migrate(t.Context(), ownerURL); err != nil {
		t.Fatal(err)
	}
	return ownerURL, superuserURL
}

func empty(t testing.TB) (ownerURL, superuserURL string) {
	t.Helper()
	superuserURL = postgrestest.Database(t)
	superuser := connect(t, superuserURL)
	name := fmt.Sprint("owner", roles.Add(1))
	exec(t, superuser, fmt.Sprintf("create role %s login password 'secret' createrole", name))
	exec(t, superuser, fmt.Sprintf("alter database %s owner to %s", superuser.Config().Database, name))
	return as(t, superuserURL, name), superuserURL
}

// as returns the URL for another role.
func as(t testing.TB, database, name string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "secret")
	return u.String()
}

// refused checks that a statement fails with a SQLSTATE.
func refused(t testing.TB, conn *pgx.Conn, state, sql string, arguments ...any) *pgconn.PgError {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql, arguments...)
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.Code != state {
		t.Errorf("%s: %v, want SQLSTATE %s", sql, err, state)
		return &pgconn.PgError{}
	}
	return answer
}

const (
	denied  = "42501"
	invalid = "22023"
)

func TestPublishInSQL(t *testing.T) {
	database, _ := migrated(t)
	_, url := role(t, database, "shop")
	conn := connect(t, url)
	owner := connect(t, database)
	last := func() string {
		return scan[string](t, owner, "select tenant || ' ' || channel || ' ' || coalesce(id, '-') || ' ' || payload from runnel.events order by position desc limit 1")
	}
	for _, c := range []struct{ sql, want string }{
		{`select runnel.publish('shop', 'orders', '{"b": 1, "a": 2}')`, `shop orders - {"b": 1, "a": 2}`},
		{`select runnel.publish('shop', 'orders', jsonb_build_object('total', 12.50))`, `shop orders - {"total": 12.50}`},
		{`select runnel.publish('shop', 'orders', json_build_object('total', 1), 'o-1')`, `shop orders o-1 {"total" : 1}`},
		{`select runnel.publish(tenant => 'shop', channel => 'a.b:c-d_E', payload => 'null', id => 'o-2')`, `shop a.b:c-d_E o-2 null`},
	} {
		exec(t, conn, c.sql)
		if got := last(); got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
	refused(t, conn, invalid, `select runnel.publish('shop', 'or ders', '1')`)
	refused(t, conn, invalid, `select runnel.publish('shop', null, '1')`)
	refused(t, conn, invalid, `select runnel.publish('shop', $1, '1')`, strings.Repeat("c", 201))
	refused(t, conn, invalid, `select runnel.publish('shop', 'orders', '1', $1)`, strings.Repeat("é", 101))
	for _, id := range []string{"a\n", "\x01", "\x7f", "\u0085", "é\u009f"} {
		refused(t, conn, invalid, `select runnel.publish('shop', 'orders', '1', $1)`, id)
	}
	exec(t, conn, `select runnel.publish('shop', 'orders', '1', $1)`, "é☃ \u00a0")
	refused(t, conn, "22004", `select runnel.publish('shop', 'orders', null::text)`)
	refused(t, conn, "22P02", `select runnel.publish('shop', 'orders', '{"a":')`)
	refused(t, conn, denied, `select runnel.publish(null, 'orders', '1')`)
	exec(t, conn, `select runnel.publish('shop', 'orders', $1)`, `"`+strings.Repeat("x", 8<<20-2)+`"`)
	refused(t, conn, "54000", `select runnel.publish('shop', 'orders', $1)`, `"`+strings.Repeat("x", 8<<20-1)+`"`)
}

func TestIDsInSQL(t *testing.T) {
	database, _ := migrated(t)
	_, url := role(t, database, "shop", "other")
	conn := connect(t, url)
	owner := connect(t, database)
	count := func(want int) {
		t.Helper()
		if n := scan[int](t, owner, "select count(*) from runnel.events"); n != want {
			t.Errorf("%d events, want %d", n, want)
		}
	}
	exec(t, conn, `select runnel.publish('shop', 'orders', '1', 'a')`)
	if again := scan[*int64](t, conn, `select runnel.publish('shop', 'orders', '1', 'a')`); again != nil {
		t.Errorf("the second time it has the position %d", *again)
	}
	count(1)
	if e := refused(t, conn, "23505", `select runnel.publish('shop', 'orders', '2', 'a')`); !strings.Contains(e.Message, "another payload") {
		t.Errorf("message %q", e.Message)
	}
	exec(t, conn, `select runnel.publish('shop', 'returns', '2', 'a')`) // on another channel it is another id
	exec(t, conn, `select runnel.publish('other', 'orders', '2', 'a')`) // and for another tenant
	count(3)
	exec(t, owner, "update runnel.event_ids set time = time - interval '11 minutes'")
	exec(t, conn, `select runnel.publish('shop', 'orders', '2', 'a')`) // the window is over
	count(4)

	// In a batch: what is new, in the order of the batch.
	batch := "select runnel.publish_batch('shop', $1, $2, $3, '10 minutes')"
	exec(t, owner, batch, []string{"orders", "orders", "orders", "orders"}, []*string{ptr("z"), nil, ptr("a"), ptr("z")}, []string{"10", "11", "2", "10"})
	count(6)
	if got := scan[string](t, owner, "select string_agg(payload, ' ' order by position desc) from (select * from runnel.events order by position desc limit 2) e"); got != "11 10" {
		t.Errorf("the batch gave %s, newest first", got)
	}
	refused(t, owner, "23505", batch, []string{"orders", "orders"}, []*string{ptr("y"), ptr("y")}, []string{"1", "2"})
	count(6) // all or none
}

// TestACommitIsDurable turns off what has a commit wait for the disk.
func TestACommitIsDurable(t *testing.T) {
	database, _ := migrated(t)
	conn := connect(t, database)
	exec(t, conn, "create table after (setting text)")
	exec(t, conn, "create function look() returns trigger language plpgsql as $$ begin insert into after values (current_setting('synchronous_commit')); return null; end $$")
	// The triggers of a commit run in the order in which their rows came.
	exec(t, conn, "create table other (n int)")
	exec(t, conn, "create constraint trigger look after insert on other deferrable initially deferred for each row execute function look()")
	exec(t, conn, "set synchronous_commit = off")
	exec(t, conn, "begin; select runnel.publish('shop', 'x', '1'); set local synchronous_commit = off; insert into other values (1); commit")
	if got := scan[string](t, conn, "select string_agg(setting, ' ') from public.after"); got != "on" {
		t.Errorf("when it commits, synchronous_commit is %s", got)
	}
	if got := scan[string](t, conn, "show synchronous_commit"); got != "off" {
		t.Errorf("afterwards synchronous_commit is %s", got)
	}
}

func ptr[T any](v T) *T { return &v }

// TestOthersPublishForNoOther attacks what decides who may publish.
func TestOthersPublishForNoOther(t *testing.T) {
	database, superuserURL := migrated(t)
	shop, _ := role(t, database, "shop")
	evil, url := role(t, database, "evil")
	owner := connect(t, database)
	superuser := connect(t, superuserURL)
	exec(t, superuser, fmt.Sprintf("grant %s to %s", shop, evil)) // a member of the other role, too
	exec(t, superuser, "create schema attack")
	exec(t, superuser, "grant all on schema attack to "+evil)
	conn := connect(t, url)
	publish := `select runnel.publish('shop', 'orders', '1')`

	refused(t, conn, denied, publish)
	exec(t, conn, "set role "+shop)
	refused(t, conn, denied, publish)
	refused(t, conn, denied, "set session authorization "+shop)
	exec(t, conn, "reset role")

	// Names of its own before those of the system.
	for _, sql := range []string{
		"create temp table grants (role oid, tenant text)",
		"create function attack.to_regrole(text) returns regrole language sql as $$ select '" + shop + "'::regrole $$",
		"create function attack.quote_ident(text) returns text language sql as $$ select '" + shop + "' $$",
		"create function attack.yes(text, text) returns bool language sql as $$ select true $$",
		"create operator attack.= (leftarg = text, rightarg = text, function = attack.yes)",
		"create function pg_temp.to_regrole(text) returns regrole language sql as $$ select '" + shop + "'::regrole $$",
		"set search_path = attack, pg_temp, pg_catalog",
	} {
		exec(t, conn, sql)
	}
	refused(t, conn, denied, publish)
	refused(t, conn, denied, "create schema runnel2")
	exec(t, conn, "reset search_path")

	// Around the function.
	for _, sql := range []string{
		"insert into runnel.events (position, tenant, channel, payload, time) values (1, 'shop', 'orders', '1', now())",
		"insert into runnel.grants (role, tenant) values ('" + evil + "', 'shop')",
		"insert into runnel.revoked_grants (role, tenant) values (1, 'shop')",
		"insert into runnel.event_ids (tenant, channel, id, digest, time) values ('shop', 'orders', '1', '', now())",
		"select runnel.publish_batch('shop', array['orders'], array[null], array['1'], '1 minute')",
		"select runnel.claim_ids('shop', array['orders'], array['1'], array['1'], '1 minute')",
		"select runnel.wake()",
		"select runnel.rewound()",
		"select runnel.server_identity()",
		"select from runnel.event_wake for update",
		"insert into runnel.event_rewinds values (1, 2)",
		"select * from runnel.events",
		"select * from runnel.grants",
		"select * from runnel.event_floors",
		"select nextval('runnel.event_position')",
		"select setval('runnel.event_position', 1)",
		"select last_value from runnel.event_position",
		"do $$ begin lock table runnel.events in row exclusive mode; end $$",
		"do $$ begin lock table runnel.events in access share mode; end $$",
		"create table runnel.mine ()",
		"create or replace function runnel.publish(tenant text, channel text, payload text, id text default null) returns bigint language sql as 'select 1::bigint'",
		"create trigger mine after delete on runnel.grants execute function runnel.publish_row()",
		"delete from runnel.events",
		"truncate runnel.grants",
	} {
		refused(t, conn, denied, sql)
	}

	// Code that a type brings for its JSON runs as who changes the row, no more.
	exec(t, superuser, "grant create on schema public to "+evil)
	for _, sql := range []string{
		"create type public.bait as enum ('hook')",
		`create function public.bite(public.bait) returns json language plpgsql as $$ begin
			insert into runnel.grants (role, tenant) values ('` + evil + `', 'shop'); return 'null'; end $$`,
		"create cast (public.bait as json) with function public.bite(public.bait)",
		"create table public.trap (b public.bait)",
		"create trigger t after insert on public.trap for each row execute function runnel.publish_row('evil', 'x')",
	} {
		exec(t, conn, sql)
	}
	refused(t, conn, denied, "insert into public.trap values ('hook')")
	exec(t, conn, "create table public.plain (n int)")
	exec(t, conn, "create trigger t after insert on public.plain for each row execute function runnel.publish_row('shop', 'x')")
	refused(t, conn, denied, "insert into public.plain values (1)")

	if n := scan[int](t, owner, "select count(*) from runnel.events"); n != 0 {
		t.Errorf("%d events were published", n)
	}
	exec(t, conn, `select runnel.publish('evil', 'orders', '1')`)
}

func TestGrantsEnd(t *testing.T) {
	database, superuserURL := migrated(t)
	name, url := role(t, database, "shop")
	conn := connect(t, url)
	owner := connect(t, database)
	publish := `select runnel.publish('shop', 'orders', '1')`
	exec(t, conn, publish)
	refused(t, owner, "0A000", "truncate runnel.grants")
	exec(t, owner, "delete from runnel.grants where role = to_regrole($1)", name)
	refused(t, conn, denied, publish)

	// Another role of the same name has no grant.
	name, url = role(t, database, "shop")
	exec(t, connect(t, superuserURL), fmt.Sprintf("drop role %s; create role %s login password 'secret'", name, name))
	refused(t, connect(t, url), denied, publish)
}

func TestTriggerInSQL(t *testing.T) {
	database, superuserURL := migrated(t)
	name, url := role(t, database, "shop")
	owner := connect(t, database)
	superuser := connect(t, superuserURL)
	exec(t, superuser, "grant create on schema public to "+name)
	conn := connect(t, url)
	exec(t, conn, "create table orders (id int primary key, total numeric)")
	exec(t, conn, "create trigger orders_events after insert or update or delete on orders for each row execute function runnel.publish_row('shop', 'orders')")
	exec(t, conn, "insert into orders values (1, 12.50)")
	exec(t, conn, "update orders set total = 13")
	exec(t, conn, "delete from orders")
	got := scan[[]string](t, owner, "select array_agg(channel || ' ' || payload order by position) from runnel.events")
	want := []string{
		`orders {"op": "insert", "new": {"id": 1, "total": 12.50}}`,
		`orders {"op": "update", "new": {"id": 1, "total": 13}, "old": {"id": 1, "total": 12.50}}`,
		`orders {"op": "delete", "old": {"id": 1, "total": 13}}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events:\n%s", strings.Join(got, "\n"))
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "insert into orders values (2, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, owner, "select count(*) from runnel.events"); n != 3 {
		t.Errorf("%d events after a rollback, want 3", n)
	}
	exec(t, conn, "create trigger wrong before insert on orders for each row execute function runnel.publish_row('shop', 'orders')")
	refused(t, conn, "39P01", "insert into orders values (3, 1)")
}
