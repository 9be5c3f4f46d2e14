// Package eventtest holds the conformance suite of event.Bus: every driver
// passes it.
package eventtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// Conform runs the suite. open returns a new, empty bus that nothing tails.
func Conform(t *testing.T, open func(t *testing.T) event.Bus) {
	t.Run("order within a channel", func(t *testing.T) { order(t, open(t)) })
	t.Run("what is accepted before the tail is not lost", func(t *testing.T) { early(t, open(t)) })
	t.Run("tenants do not wait for each other", func(t *testing.T) { apart(t, open(t)) })
	t.Run("ids and times", func(t *testing.T) { stamps(t, open(t)) })
	t.Run("concurrent publishers", func(t *testing.T) { concurrent(t, open(t)) })
	t.Run("the tail ends with its context", func(t *testing.T) { ends(t, open(t)) })
}

// tail collects what a bus hands out.
type tail struct {
	mu      sync.Mutex
	events  []event.Event
	arrived chan struct{}
	cancel  context.CancelFunc
	done    chan error
}

func follow(t *testing.T, bus event.Bus) *tail {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &tail{arrived: make(chan struct{}, 1), cancel: cancel, done: make(chan error, 1)}
	go func() {
		f.done <- bus.Tail(ctx, func(e *event.Event) {
			f.mu.Lock()
			f.events = append(f.events, *e)
			f.mu.Unlock()
			select {
			case f.arrived <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { f.stop(t) })
	return f
}

func (f *tail) stop(t *testing.T) {
	f.cancel()
	if err := <-f.done; err != nil {
		t.Errorf("Tail: %v", err)
	}
	f.done <- nil
}

// wait returns the events once n have arrived.
func (f *tail) wait(t *testing.T, n int) []event.Event {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		f.mu.Lock()
		events := slices.Clone(f.events)
		f.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-f.arrived:
		case <-limit:
			t.Fatalf("%d of %d events arrived", len(events), n)
		}
	}
}

func publish(t *testing.T, bus event.Bus, tenant string, events ...event.Event) string {
	t.Helper()
	cursor, err := bus.Publish(t.Context(), tenant, events)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return cursor
}

func number(channel string, n int) event.Event {
	return event.Event{Channel: channel, Payload: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func order(t *testing.T, bus event.Bus) {
	f := follow(t, bus)
	seen := map[string]bool{}
	for n := range 100 {
		cursor := publish(t, bus, "a", number("x", 2*n), number("x", 2*n+1))
		if seen[cursor] {
			t.Fatalf("cursor %q came twice", cursor)
		}
		seen[cursor] = true
	}
	for n, e := range f.wait(t, 200) {
		if want := fmt.Sprintf(`{"n":%d}`, n); string(e.Payload) != want || e.Tenant != "a" || e.Channel != "x" {
			t.Fatalf("event %d is %s on %s of %s, want %s", n, e.Payload, e.Channel, e.Tenant, want)
		}
	}
}

func early(t *testing.T, bus event.Bus) {
	publish(t, bus, "a", number("x", 1))
	publish(t, bus, "b", number("x", 2))
	events := follow(t, bus).wait(t, 2)
	if len(events) != 2 {
		t.Fatalf("%d events, want 2", len(events))
	}
}

func apart(t *testing.T, bus event.Bus) {
	blocked, other, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.Tail(ctx, func(e *event.Event) {
			if e.Tenant == "slow" {
				close(blocked)
				<-release
				return
			}
			close(other)
		})
	}()
	publish(t, bus, "slow", number("x", 1))
	<-blocked
	publish(t, bus, "quick", number("x", 2))
	<-other
	close(release)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func stamps(t *testing.T, bus event.Bus) {
	f := follow(t, bus)
	before := time.Now().Add(-time.Second)
	named := number("x", 1)
	named.ID = "mine"
	publish(t, bus, "a", named, number("x", 2), number("x", 3))
	events := f.wait(t, 3)
	if events[0].ID != "mine" {
		t.Errorf("the publisher's id became %q", events[0].ID)
	}
	if events[1].ID == "" || events[1].ID == events[2].ID {
		t.Errorf("ids given by the bus: %q, %q", events[1].ID, events[2].ID)
	}
	for _, e := range events {
		if e.Time.Before(before) || e.Time.Location() != time.UTC || e.Time.Nanosecond()%1e6 != 0 {
			t.Errorf("time %v", e.Time)
		}
	}
}

func concurrent(t *testing.T, bus event.Bus) {
	const publishers, each = 8, 200
	f := follow(t, bus)
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for n := range each {
				if _, err := bus.Publish(t.Context(), "a", []event.Event{number(fmt.Sprintf("c%d", p), n)}); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	group.Wait()
	next := map[string]int{}
	for _, e := range f.wait(t, publishers*each) {
		if want := fmt.Sprintf(`{"n":%d}`, next[e.Channel]); string(e.Payload) != want {
			t.Fatalf("channel %s: %s, want %s", e.Channel, e.Payload, want)
		}
		next[e.Channel]++
	}
}

func ends(t *testing.T, bus event.Bus) {
	first := follow(t, bus)
	publish(t, bus, "a", number("x", 1))
	first.wait(t, 1)
	first.stop(t)
	publish(t, bus, "a", number("x", 2))
	events := follow(t, bus).wait(t, 1)
	if string(events[0].Payload) != `{"n":2}` {
		t.Fatalf("after the tail ended, %s came", events[0].Payload)
	}
}
