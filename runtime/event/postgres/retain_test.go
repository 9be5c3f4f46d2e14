package postgres_test

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
)

// TestRemovedUnderTransactions removes a tenant while a transaction is open that has published for
// it: nothing stays of that, and all of another tenant of the name.
func TestRemovedUnderTransactions(t *testing.T) {
	database, _ := migrated(t)
	_, shop := role(t, database, "shop")
	bus := open(t, database)
	eventtest.Follow(t, bus, "shop")
	owner, conn := connect(t, database), connect(t, shop)
	exec(t, conn, "begin")
	exec(t, conn, "select runnel.publish('shop', 'orders', '1', 'late')")
	if err := bus.Remove(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, "shop", event.Event{Channel: "orders", ID: "new", Payload: []byte("2")})
	time.Sleep(3 * time.Second) // for who looks before it is over
	exec(t, conn, "commit")
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := scan[string](t, owner, "select coalesce(string_agg(id, ' '), '') from runnel.events") + ", " +
			scan[string](t, owner, "select coalesce(string_agg(id, ' '), '') from runnel.event_ids")
		if left == "new, new" {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("events and ids are %q", left)
		}
	}
}
