// Package eventtest holds the conformance suite of event.Bus: every driver
// passes it, against the real server that it talks to.
package eventtest

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// Subject is a driver under test.
type Subject struct {
	// Open returns a new, empty bus that nothing tails, and closes it at the
	// test's end.
	Open func(t *testing.T) event.Bus
	// Another returns a second bus on the events of the one that Open returned last,
	// as another node has it. It is nil where the bus is inside the process.
	Another func(t *testing.T) event.Bus
	// Limit sets how many bytes may wait on a bus that Open returned, of all tenants. Where it is
	// nil, event.MaxWaitingInAll may.
	Limit func(bus event.Bus, most int64)
	// Bubble runs each test in a synctest bubble, where the bus uses no network.
	Bubble bool
}

// Patience is how long tests wait for what is to come: no promise, but long enough for any machine.
const Patience = 3 * time.Minute

// Keep is a retention that takes nothing in the time of a test.
var Keep = event.Retention{Bytes: 1 << 30, Events: 1 << 20, Age: time.Hour, IDs: 10 * time.Minute}

// Conform runs the suite.
func Conform(t *testing.T, s Subject) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"order", order},
		{"the tail begins when the bus is opened", early},
		{"a tail that ends leaves the rest to the next", ends},
		{"what a tail does not take is the next one's", untaken},
		{"tenants do not wait for each other", apart},
		{"tenants do not see each other", separate},
		{"what the bus fills in", stamps},
		{"concurrent publishers", concurrent},
		{"large payloads", large},
		{"large batches", largeBatch},
		{"back-pressure", pressure},
		{"what waits", backlog},
		{"what waits is counted", counted},
		{"no room for more of all tenants", full},
		{"a removed tenant", removed},
		{"a tenant of a removed one's name", again},
		{"a closed bus", closed},
		{"an id is accepted once", once},
		{"ids in one batch", onceInBatch},
		{"another payload is a conflict", conflict},
		{"ids are forgotten", forgotten},
		{"an id with many publishers", contended},
		{"pages", pages},
		{"channels of a page", channels},
		{"positions", positions},
		{"bad positions", badPositions},
		{"the last of a channel", last},
		{"retention by count", byCount},
		{"retention by bytes", byBytes},
		{"retention by age", byAge},
		{"a replay joins the tail", joins},
		{"random operations", model},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s.Bubble {
				synctest.Test(t, func(t *testing.T) { c.run(t, s) })
				return
			}
			c.run(t, s)
		})
	}
	if s.Another != nil {
		t.Run("no room for what others publish", func(t *testing.T) { left(t, s) })
		t.Run("what is accepted among what others publish", func(t *testing.T) { kept(t, s) })
		t.Run("two nodes", func(t *testing.T) { nodes(t, s) })
		t.Run("an id on two nodes", func(t *testing.T) { onceOnNodes(t, s) })
	}
}

// number is an event that shows its place.
func number(channel string, n int) event.Event {
	return event.Event{Channel: channel, Payload: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// named is a number with an id.
func named(channel, id string, n int) event.Event {
	e := number(channel, n)
	e.ID = id
	return e
}

func numbers(channel string, from, to int) (events []event.Event) {
	for n := from; n < to; n++ {
		events = append(events, number(channel, n))
	}
	return events
}

// publish publishes with Keep.
func publish(t *testing.T, bus event.Bus, tenant string, events ...event.Event) event.Position {
	t.Helper()
	return publishKeeping(t, bus, Keep, tenant, events...)
}

func publishKeeping(t *testing.T, bus event.Bus, keep event.Retention, tenant string, events ...event.Event) event.Position {
	t.Helper()
	at, err := bus.Publish(t.Context(), tenant, events, keep)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return at
}

// readAll reads pages of a few events until there are no more.
func readAll(t *testing.T, bus event.Bus, tenant string, channels []string, after event.Position) (events []event.Event, gap *event.Gap, next event.Position) {
	t.Helper()
	for {
		page := read(t, bus, tenant, channels, after, 7)
		if page.Gap != nil {
			if gap != nil || len(events) > 0 {
				t.Fatalf("a gap %v after %d events and %v", *page.Gap, len(events), gap)
			}
			gap = page.Gap
		}
		events = append(events, page.Events...)
		if !page.More {
			return events, gap, page.Next
		}
		after = page.Next
	}
}

// read reads a page and checks what holds of every page.
func read(t *testing.T, bus event.Bus, tenant string, channels []string, after event.Position, max int) event.Page {
	t.Helper()
	page, err := bus.Read(t.Context(), tenant, channels, after, max)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if len(page.Events) > max {
		t.Fatalf("%d events, at most %d were asked for", len(page.Events), max)
	}
	at := after
	if page.Gap != nil {
		if page.Gap.From < after || page.Gap.To <= page.Gap.From {
			t.Fatalf("a gap from %q to %q behind %q", page.Gap.From, page.Gap.To, after)
		}
		at = page.Gap.To
	}
	for _, e := range page.Events {
		if e.Position <= at {
			t.Fatalf("position %q follows %q", e.Position, at)
		}
		at = e.Position
	}
	if page.Next < at || page.Next == after && page.More {
		t.Fatalf("the next position is %q, after %q to %q; more: %t", page.Next, after, at, page.More)
	}
	return page
}

// sameEvents compares what was read with what was handed out.
func sameEvents(t *testing.T, what string, got, want []event.Event) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.Tenant != w.Tenant || g.Channel != w.Channel || g.ID != w.ID || g.Position != w.Position || !g.Time.Equal(w.Time) || string(g.Payload) != string(w.Payload) {
			t.Fatalf("%s: event %d is %+v, want %+v", what, i, g, w)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d events, want %d", what, len(got), len(want))
	}
}

// payloads checks that events carry the numbers from to to.
func payloads(t *testing.T, events []event.Event, from, to int) {
	t.Helper()
	for i, e := range events {
		if want := fmt.Sprintf(`{"n":%d}`, from+i); string(e.Payload) != want {
			t.Fatalf("event %d is %s, want %s", i, e.Payload, want)
		}
	}
	if len(events) != to-from {
		t.Fatalf("%d events, want %d", len(events), to-from)
	}
}

// eventually asks until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for until := time.Now().Add(Patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not so within %v: %s", Patience, what)
		}
	}
}
