package memory_test

import (
	"errors"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/memory"
)

func TestConformance(t *testing.T) {
	eventtest.Conform(t, func(*testing.T) event.Bus { return memory.New() })
}

func TestAFullQueueRefusesTheWholeBatch(t *testing.T) {
	bus := memory.New()
	large := make([]byte, 16<<20)
	batch := func(n int) (events []event.Event) {
		for range n {
			events = append(events, event.Event{Channel: "x", Payload: large})
		}
		return events
	}
	if _, err := bus.Publish(t.Context(), "a", batch(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Publish(t.Context(), "a", batch(2)); !errors.Is(err, event.ErrFull) {
		t.Fatalf("over the bound: %v", err)
	}
	if _, err := bus.Publish(t.Context(), "a", batch(1)); err != nil {
		t.Fatalf("what still fits: %v", err)
	}
	if _, err := bus.Publish(t.Context(), "b", batch(1)); err != nil {
		t.Fatalf("another tenant: %v", err)
	}
}
