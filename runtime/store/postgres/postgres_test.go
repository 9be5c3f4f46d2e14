package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
	"github.com/runnel-dev/runnel/runtime/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// query runs a statement over a connection of its own and returns a value.
func query[T any](t *testing.T, url, sql string, arguments ...any) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func put(t *testing.T, s store.Store, tenant, id, value string) {
	t.Helper()
	err := s.Update(t.Context(), tenant, func(tx store.Tx) error { return tx.Put(store.Modules, tenant, id, []byte(value)) })
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s store.Store, tenant, id string) string {
	t.Helper()
	var value []byte
	err := s.View(t.Context(), func(tx store.Tx) (err error) {
		value, err = tx.Get(store.Modules, tenant, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func TestConformance(t *testing.T) {
	storetest.Conform(t, func(t *testing.T) store.Store { return open(t, postgrestest.Database(t)) })
}

func TestReopen(t *testing.T) {
	url := postgrestest.Database(t)
	s := open(t, url)
	put(t, s, "t", "m", "kept")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, open(t, url), "t", "m"); got != "kept" {
		t.Errorf("there is %q", got)
	}
}

// TestOperator reads records as the operations manual shows.
func TestOperator(t *testing.T) {
	url := postgrestest.Database(t)
	s := open(t, url)
	err := s.Update(t.Context(), "acme", func(tx store.Tx) error {
		return tx.Put(store.Tenants, "", "acme", []byte(`{"limits":{"modules":7}}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := query[string](t, url, "select id || ' ' || (record::jsonb #>> '{limits,modules}') from runnel.tenants"); got != "acme 7" {
		t.Errorf("got %q", got)
	}
}

// TestMigrateTogether opens an empty database from several nodes at once.
func TestMigrateTogether(t *testing.T) {
	url := postgrestest.Database(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			s, err := postgres.Open(t.Context(), url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got, want := query[int](t, url, "select count(*) from runnel.migrations"), versions(t); got != want {
		t.Errorf("there are %d migrations, want %d", got, want)
	}
}

// versions is how many versions the schema has had.
func versions(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// TestMigrateOn has a database as version 1 of the schema left it.
func TestMigrateOn(t *testing.T) {
	url := postgrestest.Database(t)
	put(t, open(t, url), "t", "m", "kept")
	exec(t, url, "alter table runnel.revisions drop column gone", "drop table runnel.usage", "delete from runnel.migrations where version > 1")
	s := open(t, url)
	if got := get(t, s, "t", "m"); got != "kept" {
		t.Errorf("there is %q", got)
	}
	put(t, s, "t", "m", "changed")
	if got := query[int](t, url, "select max(version) from runnel.migrations"); got != versions(t) {
		t.Errorf("the version is %d", got)
	}
}

func TestLaterSchema(t *testing.T) {
	url := postgrestest.Database(t)
	put(t, open(t, url), "t", "m", "kept")
	query[int](t, url, "insert into runnel.migrations (version) values (99) returning version")
	_, err := postgres.Open(t.Context(), url, nil)
	want := fmt.Sprintf("the schema runnel has version 99, and this program knows those up to %d: run the version that migrated it, or a later one", versions(t))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Open: %v, want %q", err, want)
	}
}

// TestFailedMigration leaves nothing behind: a table of another owner is in the way.
func TestFailedMigration(t *testing.T) {
	url := postgrestest.Database(t)
	const there = "select count(*) from information_schema.tables where table_schema = 'runnel'"
	exec(t, url, "create schema runnel", "create table runnel.modules (x int)")
	_, err := postgres.Open(t.Context(), url, nil)
	if err == nil || !strings.Contains(err.Error(), `migrate: to version 1: ERROR: relation "modules" already exists`) {
		t.Errorf("Open: %v", err)
	}
	if got := query[int](t, url, there); got != 1 {
		t.Errorf("there are %d tables", got)
	}
	exec(t, url, "drop table runnel.modules")
	open(t, url)
}

func exec(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestRoleWithoutSchemas opens with a role that may not make a schema.
func TestRoleWithoutSchemas(t *testing.T) {
	url := postgrestest.Database(t)
	name := fmt.Sprint("limited", time.Now().UnixNano()) // roles outlive the databases of a server
	exec(t, url, "create role "+name+" login password 'limited'", "create schema runnel authorization "+name)
	before, rest, _ := strings.Cut(url, "//")
	_, host, _ := strings.Cut(rest, "@")
	put(t, open(t, before+"//"+name+":limited@"+host), "t", "m", "kept")
}

func TestEncoding(t *testing.T) {
	url := postgrestest.Database(t)
	exec(t, url, "drop database if exists latin", "create database latin encoding 'LATIN1' locale 'C' locale_provider libc template template0")
	at := strings.LastIndex(url, "/")
	_, parameters, _ := strings.Cut(url, "?")
	_, err := postgres.Open(t.Context(), url[:at]+"/latin?"+parameters, nil)
	if err == nil || !strings.Contains(err.Error(), "the encoding LATIN1, and UTF8 is needed") {
		t.Errorf("Open: %v", err)
	}
}

// TestPassword holds that no error tells it.
func TestPassword(t *testing.T) {
	good := postgrestest.Database(t)
	_, host, _ := strings.Cut(good, "@")
	for _, c := range []struct{ url, secret, want string }{
		{"postgres://runnel:s3cret@" + host, "s3cret", "password authentication failed"},
		{"postgres://runnel:s3cret@127.0.0.1:1/x?sslmode=disable", "s3cret", "refused"},
		{"postgres://runnel:s3cret@127.0.0.1:1/x?sslmode=nonsense", "s3cret", "sslmode is invalid"},
		{"postgres://runnel:s3cret@127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/none.pem", "s3cret", "none.pem"},
		{"postgres://runnel@127.0.0.1:1/x?password=s3cret&sslmode=nonsense", "s3cret", "sslmode is invalid"},
		{"postgres://runnel:s3%zzcret@127.0.0.1:1/x", "cret", "looks like postgres://"},
		{"postgres://runnel:s3/cret@127.0.0.1:1/x", "cret", "looks like postgres://"},
		{"postgres://runnel:s3 cret@127.0.0.1:port/x", "cret", "looks like postgres://"},
		{"postgres://runnel:12#cret@127.0.0.1:1/x", "cret", "refused"},
		{"postgres://runnel:12?cret@127.0.0.1:1/x", "cret", "refused"},
		{"host=127.0.0.1 password=s3cret", "s3cret", "looks like postgres://"},
		{"mysql://runnel:s3cret@127.0.0.1/x", "s3cret", "looks like postgres://"},
	} {
		_, err := postgres.Open(t.Context(), c.url, nil)
		switch {
		case err == nil:
			t.Errorf("%s is opened", c.url)
		case strings.Contains(err.Error(), c.secret):
			t.Errorf("%s: the error tells the password: %v", c.url, err)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		}
		if err := postgres.Check(c.url); err != nil && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s: the check tells the password: %v", c.url, err)
		}
	}
	if err := postgres.Check("postgres://runnel@127.0.0.1:1/x?sslmode=nonsense"); err == nil || !strings.Contains(err.Error(), "sslmode is invalid") {
		t.Errorf("the check finds %v", err)
	}
	if err := postgres.Check(good); err != nil {
		t.Errorf("a good URL: %v", err)
	}
}

// TestSwallowedError has a change that does not return what the database failed
// with: it must not seem to be kept.
func TestSwallowedError(t *testing.T) {
	url := postgrestest.Database(t)
	s := open(t, url)
	exec(t, url, "alter table runnel.modules add check (id <> 'bad')")
	err := s.Update(t.Context(), "t", func(tx store.Tx) error {
		if err := tx.Put(store.Modules, "t", "good", nil); err != nil {
			return err
		}
		if err := tx.Put(store.Modules, "t", "bad", nil); err == nil {
			t.Error("a record is kept against the constraint")
		}
		_, err := tx.Get(store.Modules, "t", "good")
		if err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("a call after a failure gives %v", err)
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "put into modules: ERROR: new row") {
		t.Errorf("Update: %v", err)
	}
	err = s.View(t.Context(), func(tx store.Tx) error {
		_, err := tx.Get(store.Modules, "t", "good")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("half of it is kept: %v", err)
	}
}
