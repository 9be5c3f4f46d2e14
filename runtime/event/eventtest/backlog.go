package eventtest

import (
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// backlog has one tenant's events wait while another's do not, with a retention that would
// have taken them.
func backlog(t *testing.T, s Subject) {
	const batches, each = 30, 100
	bus := s.Open(t)
	f := newTail()
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	f.hold["slow"] = release
	f.Retain(event.Retention{Bytes: 1 << 10, Events: 10, Age: time.Second})
	f.start(t, bus)
	defer let()
	begun := time.Now().Add(-time.Second) // the bus may have a clock of its own
	for n := range batches {
		publish(t, bus, "slow", numbers("x", n*each, (n+1)*each)...)
		if b := bus.Backlog("slow"); b.Events < (n+1)*each || b.More || b.Bytes < b.Events*event.SizeBeside || b.Oldest.Before(begun) || b.Oldest.After(time.Now().Add(time.Second)) {
			t.Fatalf("after %d events, since %v, wait %+v", (n+1)*each, begun, b)
		}
		eventually(t, "each counts once", func() bool { return bus.Backlog("slow").Events == (n+1)*each })
		publish(t, bus, "quick", number("x", n))
	}
	eventually(t, "the other tenant has its events", func() bool { return len(f.of("quick")) == batches })
	eventually(t, "nothing of it waits", func() bool { return bus.Backlog("quick") == event.Backlog{} })
	time.Sleep(5 * time.Second) // for retention
	if b := bus.Backlog("slow"); b.Events != batches*each {
		t.Errorf("%+v wait", b)
	}
	let()
	eventually(t, "all that waited is there", func() bool { return len(f.of("slow")) == batches*each })
	payloads(t, f.of("slow"), 0, batches*each)
	eventually(t, "nothing waits", func() bool { return bus.Backlog("slow") == event.Backlog{} })
	if gaps := f.Gaps(); len(gaps) > 0 {
		t.Errorf("the gaps %v", gaps)
	}
	if b := bus.Backlog("nobody"); b != (event.Backlog{}) {
		t.Errorf("of a tenant without events wait %+v", b)
	}
}

// of returns what has arrived of a tenant.
func (f *Tail) of(tenant string) []event.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ofLocked(tenant)
}

func (f *Tail) ofLocked(tenant string) (events []event.Event) {
	for _, e := range f.events {
		if e.Tenant == tenant {
			events = append(events, e)
		}
	}
	return events
}
