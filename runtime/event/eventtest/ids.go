package eventtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

func once(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	first := publish(t, bus, "a", named("x", "one", 0))
	publish(t, bus, "a", named("x", "two", 1), number("x", 2))
	if again := publish(t, bus, "a", named("x", "one", 0)); again != first {
		t.Errorf("seen again it is at %q, first it was at %q", again, first)
	}
	// Beside new ones, and on another channel.
	publish(t, bus, "a", named("x", "two", 1), named("x", "three", 3), named("y", "one", 4))
	publish(t, bus, "a", number("x", 5))
	payloads(t, f.Wait(t, 6), 0, 6)
	read, _, _ := readAll(t, bus, "a", nil, "")
	payloads(t, read, 0, 6)
}

func onceInBatch(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	at := publish(t, bus, "a", named("x", "one", 0), named("x", "two", 1), named("x", "one", 0))
	publish(t, bus, "a", number("x", 2))
	events := f.Wait(t, 3)
	payloads(t, events, 0, 3)
	if at != events[0].Position {
		t.Errorf("the batch ends at %q, its last event was first at %q", at, events[0].Position)
	}
	_, err := bus.Publish(t.Context(), "a", []event.Event{named("x", "three", 3), named("x", "three", 4)}, Keep)
	wantConflict(t, err, 1, "three")
}

func conflict(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	publish(t, bus, "a", named("x", "one", 0))
	_, err := bus.Publish(t.Context(), "a", []event.Event{number("x", 7), named("x", "new", 8), named("x", "one", 9)}, Keep)
	wantConflict(t, err, 2, "one")
	// Nothing of that batch was accepted, nor is its id known.
	publish(t, bus, "a", named("x", "new", 1))
	payloads(t, f.Wait(t, 2), 0, 2)
	read, _, _ := readAll(t, bus, "a", nil, "")
	payloads(t, read, 0, 2)
}

func wantConflict(t *testing.T, err error, index int, id string) {
	t.Helper()
	var c *event.ConflictError
	if !errors.Is(err, event.ErrConflict) || !errors.As(err, &c) || c.Index != index || c.ID != id || c.Channel != "x" {
		t.Errorf("error %v, want a conflict of event %d, id %s", err, index, id)
	}
}

func forgotten(t *testing.T, s Subject) {
	bus := s.Open(t)
	keep := Keep
	keep.IDs = time.Second
	publishKeeping(t, bus, keep, "a", named("x", "one", 0))
	time.Sleep(1100 * time.Millisecond)
	publishKeeping(t, bus, keep, "a", named("x", "one", 1))
	keep.IDs = time.Hour // however slow the machine is
	if _, err := bus.Publish(t.Context(), "a", []event.Event{named("x", "one", 0)}, keep); !errors.Is(err, event.ErrConflict) {
		t.Errorf("the newer payload is not the one that is known: %v", err)
	}
	keep.IDs = 0
	publishKeeping(t, bus, keep, "b", named("x", "one", 0))
	publishKeeping(t, bus, keep, "b", named("x", "one", 1))
	for _, tenant := range []string{"a", "b"} {
		read, _, _ := readAll(t, bus, tenant, nil, "")
		payloads(t, read, 0, 2)
	}
}

func contended(t *testing.T, s Subject) {
	bus := s.Open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := range 30 {
				if _, err := bus.Publish(t.Context(), "a", []event.Event{named("x", fmt.Sprint(n), n)}, Keep); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	group.Wait()
	read, _, _ := readAll(t, bus, "a", nil, "")
	payloads(t, read, 0, 30)
}

func onceOnNodes(t *testing.T, s Subject) {
	one := s.Open(t)
	two := s.Another(t)
	at := publish(t, one, "a", named("x", "one", 0))
	if again := publish(t, two, "a", named("x", "one", 0)); again != at {
		t.Errorf("on the other node it is at %q, first it was at %q", again, at)
	}
	_, err := two.Publish(t.Context(), "a", []event.Event{named("x", "one", 1)}, Keep)
	wantConflict(t, err, 0, "one")
	read, _, _ := readAll(t, two, "a", nil, "")
	payloads(t, read, 0, 1)
}

func nodes(t *testing.T, s Subject) {
	one := s.Open(t)
	two := s.Another(t)
	f, g := Follow(t, one), Follow(t, two)
	var group sync.WaitGroup
	for i, bus := range []event.Bus{one, two} {
		group.Go(func() {
			for n := range 50 {
				if _, err := bus.Publish(t.Context(), "a", []event.Event{number(fmt.Sprint("c", i), n)}, Keep); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	events := f.Wait(t, 100)
	sameEvents(t, "the other node", g.Wait(t, 100), events)
	read, _, _ := readAll(t, two, "a", []string{"c0"}, "")
	payloads(t, read, 0, 50)
}
