package memory_test

import (
	"context"
	"errors"
	"slices"
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

// TestATailThatEndsLeavesTheRest ends a tail in the middle of a batch: the next
// one goes on behind the event that was handed out last.
func TestATailThatEndsLeavesTheRest(t *testing.T) {
	bus := memory.New()
	publish := func(ids ...string) {
		t.Helper()
		var events []event.Event
		for _, id := range ids {
			events = append(events, event.Event{Channel: "x", ID: id, Payload: []byte("1")})
		}
		if _, err := bus.Publish(t.Context(), "a", events); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	tail := func(last string, meanwhile ...string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := bus.Tail(ctx, func(e *event.Event) {
			got = append(got, e.ID)
			if e.ID == last {
				publish(meanwhile...)
				cancel()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	publish("1", "2", "3")
	tail("1", "4")
	publish("5")
	tail("5")
	if want := []string{"1", "2", "3", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("handed out %q, want %q", got, want)
	}
}

func TestWhatIsBeingHandedOutCounts(t *testing.T) {
	bus := memory.New()
	large := make([]byte, 16<<20)
	publish := func(n int) error {
		var events []event.Event
		for range n {
			events = append(events, event.Event{Channel: "x", Payload: large})
		}
		_, err := bus.Publish(t.Context(), "a", events)
		return err
	}
	entered, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	if err := publish(3); err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- bus.Tail(ctx, func(*event.Event) {
			entered <- struct{}{}
			<-release
		})
	}()
	<-entered // the first of three is being handed out, the batch is taken
	if err := publish(2); !errors.Is(err, event.ErrFull) {
		t.Errorf("over the bound with what is taken: %v", err)
	}
	release <- struct{}{}
	<-entered
	if err := publish(2); err != nil {
		t.Errorf("after one was handed out: %v", err)
	}
	cancel()
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
