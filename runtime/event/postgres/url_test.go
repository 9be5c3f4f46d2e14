package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/postgres"
	storepostgres "github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestOpen(t *testing.T) {
	database := postgrestest.Database(t)
	for _, address := range []string{database, strings.Replace(database, "postgres://", "postgresql://", 1), database + "&pool_max_conns=3"} {
		bus, err := event.Open(t.Context(), address, event.Options{})
		if err != nil || bus.Close() != nil {
			t.Errorf("a good URL: %v", err)
		}
	}
	for address, want := range map[string]string{
		"postgres":           "cannot be read: it looks like postgres://USER",
		"postgres:":          "cannot be read: it looks like postgres://USER",
		"postgres://":        "cannot be read",
		"postgres:///events": "names no host",
		"postgres://runnel:secret@127.0.0.1:x/events":    "percent-encoded",
		"postgres://runnel:secret@127.0.0.1:1/events":    "connect",
		"postgres://runnel:secret@127.0.0.1/events?a=%z": "cannot be read",
		"postgres://runnel:secret@127.0.0.1/e?sslmode=x": "sslmode is invalid",
		database + "&pool_max_conns=2":                   "pool_max_conns is 2, and a node needs 3 or more",
		database + "&no_such_setting=2":                  `unrecognized configuration parameter "no_such_setting"`,
	} {
		bus, err := event.Open(t.Context(), address, event.Options{})
		if err == nil {
			_ = bus.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// TestTwoServersMigrate opens buses and stores on an empty database at once.
func TestTwoServersMigrate(t *testing.T) {
	database, _ := empty(t)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			bus, err := postgres.Open(t.Context(), database, nil)
			if err != nil || bus.Close() != nil {
				t.Errorf("the bus: %v", err)
			}
		})
		group.Go(func() {
			store, err := storepostgres.Open(t.Context(), database, nil)
			if err != nil || store.Close() != nil {
				t.Errorf("the store: %v", err)
			}
		})
	}
	group.Wait()
	exec(t, connect(t, database), "insert into runnel.event_migrations (version) values (1000)")
	if _, err := postgres.Open(t.Context(), database, nil); err == nil || !strings.Contains(err.Error(), "version 1000") {
		t.Errorf("a later version's tables: %v", err)
	}
}
