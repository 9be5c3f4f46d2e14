package postgres_test

import (
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/postgres"
)

// open opens a bus on a database, which ends with the test.
func open(t testing.TB, database string) *postgres.Bus {
	t.Helper()
	bus, err := postgres.Open(t.Context(), database, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	return bus
}

func TestConformance(t *testing.T) {
	var database string
	eventtest.Conform(t, eventtest.Subject{
		Open: func(t *testing.T) event.Bus {
			database, _ = empty(t)
			return open(t, database)
		},
		Another: func(t *testing.T) event.Bus { return open(t, database) },
		Limit:   postgres.Limit,
	})
}
