package eventtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// taken is a retention that takes what it may.
var taken = event.Retention{Bytes: 1 << 10, Events: 10, Age: time.Second}

// backlog has one tenant's events wait while another's do not, with a retention that would
// have taken them.
func backlog(t *testing.T, s Subject) {
	const batches, each = 30, 100
	bus := s.Open(t)
	f := newTail()
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	f.hold["slow"] = release
	f.Retain(taken)
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

// counted has events wait, of several tenants, and holds what the bus says of them against what
// was accepted and has not arrived.
func counted(t *testing.T, s Subject) {
	const rounds = 40
	bus := s.Open(t)
	f := newTail()
	names := []string{"a", "b", "slow"}
	for _, name := range names {
		f.hold[name] = make(chan struct{})
	}
	f.start(t, bus)
	defer func() { // what waits
		for _, name := range names {
			close(f.hold[name])
		}
	}()
	r := rand.New(rand.NewPCG(1, 2))
	waiting := map[string][]event.Event{}
	n := 0
	for range rounds {
		name := names[r.IntN(len(names))]
		if r.IntN(2) == 0 {
			var events []event.Event
			for range 1 + r.IntN(50) {
				e := named(fmt.Sprint("c", r.IntN(3)), fmt.Sprint("id", n), n)
				if r.IntN(5) == 0 && len(waiting[name]) > 0 { // one that was accepted
					e = waiting[name][r.IntN(len(waiting[name]))]
					e = event.Event{Channel: e.Channel, ID: e.ID, Payload: bytes.Clone(e.Payload)}
				}
				n++
				events = append(events, e)
			}
			at := len(waiting[name])
			for _, e := range events {
				known := false
				for _, w := range waiting[name] {
					known = known || w.Channel == e.Channel && w.ID == e.ID
				}
				if !known {
					waiting[name] = append(waiting[name], e)
				}
			}
			publish(t, bus, name, events...)
			if b, fresh := bus.Backlog(name), len(waiting[name])-at; fresh > 0 && b.Events < fresh {
				t.Fatalf("of %d that were accepted wait %+v", fresh, b)
			}
		} else {
			release := r.IntN(len(waiting[name]) + 1)
			for range release {
				f.hold[name] <- struct{}{}
			}
			waiting[name] = waiting[name][release:]
		}
		for _, name := range names {
			want := event.AmountOf(waiting[name])
			eventually(t, "what waits is what has not arrived", func() bool {
				b := bus.Backlog(name)
				return b.Events == want.Events && b.Bytes == want.Bytes && b.Oldest.IsZero() == (want.Events == 0) && !b.More
			})
		}
	}
}

// full has so much wait that there is no room for more of all tenants: what is accepted
// arrives, whatever retention says.
func full(t *testing.T, s Subject) {
	bus := s.Open(t)
	each, most := 4<<20, event.MaxWaitingInAll
	if s.Limit != nil {
		each, most = 100<<10, 6<<20
		s.Limit(bus, int64(most))
	}
	names := []string{"a", "b", "c", "d", "e", "f"}
	f := newTail(names...)
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	for _, name := range names {
		f.hold[name] = release
	}
	f.Retain(taken)
	f.start(t, bus)
	defer let()
	text := strings.Repeat("x", each)
	accepted, all := map[string]int{}, 0
	add := func(name string) bool {
		e := event.Event{Channel: "x", Payload: fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, accepted[name], text)}
		size := event.Size(&e)
		_, err := bus.Publish(t.Context(), name, []event.Event{e}, taken)
		if err != nil && !errors.Is(err, event.ErrFull) {
			t.Fatal(err)
		}
		if err != nil {
			return false
		}
		accepted[name]++
		all += size
		return true
	}
	for _, name := range names[:len(names)-1] {
		for add(name) {
		}
	}
	if beside := len(names) * max(each, event.LeastWaitingBytes); all > most+beside || all < most-2*each {
		t.Errorf("%d bytes were accepted", all)
	}
	last := names[len(names)-1]
	for add(last) {
	}
	if n := accepted[last]; n == 0 || n > max(1, event.LeastWaitingBytes/each) {
		t.Errorf("of a tenant of whom nothing waited were accepted %d", n)
	}
	if _, err := bus.Publish(t.Context(), "quick", []event.Event{number("x", 0)}, taken); err != nil {
		t.Errorf("a small event of another tenant: %v", err)
	}
	time.Sleep(5 * time.Second) // for retention
	let()
	for _, name := range names {
		eventually(t, "all that was accepted is there", func() bool { return len(f.of(name)) >= accepted[name] })
		for n, e := range f.of(name) {
			if !bytes.HasPrefix(e.Payload, fmt.Appendf(nil, `{"n":%d,`, n)) {
				t.Fatalf("event %d of %s is %.20s", n, name, e.Payload)
			}
		}
		eventually(t, "nothing waits", func() bool { return bus.Backlog(name) == event.Backlog{} })
		if !add(name) {
			t.Errorf("%s is refused", name)
		}
	}
	if gaps := f.Gaps(); len(gaps) > 0 {
		t.Errorf("the gaps %v", gaps)
	}
}

// left has another node publish more than there is room for here: until all of it was read, nobody
// publishes behind it.
func left(t *testing.T, s Subject) {
	const events, batch, some = 86_000, 2_000, 2_000
	bus := s.Open(t)
	f := newTail()
	hold := make(chan struct{})
	let := sync.OnceFunc(func() { close(hold) })
	f.hold["slow"] = hold
	f.start(t, bus)
	defer let()
	another := s.Another(t)
	Follow(t, another)
	for n := 0; n < events; n += batch {
		publish(t, another, "slow", numbers("x", n, n+batch)...)
		eventually(t, "the other node has them", func() bool { return another.Backlog("slow").Events == 0 })
	}
	eventually(t, "there is no room", func() bool { return bus.Backlog("slow").More })
	for range some {
		hold <- struct{}{}
	}
	for until := time.Now().Add(2 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if b := bus.Backlog("slow"); !b.More {
			t.Fatalf("%d of %d events have arrived, and of the others wait %+v", some, events, b)
		}
		if _, err := bus.Publish(t.Context(), "slow", []event.Event{number("x", 0)}, Keep); !errors.Is(err, event.ErrFull) {
			t.Fatalf("behind what was not read: %v", err)
		}
	}
	let()
	eventually(t, "the tenant may publish again", func() bool {
		_, err := bus.Publish(t.Context(), "slow", []event.Event{number("x", events)}, Keep)
		return err == nil
	})
	payloads(t, f.Wait(t, events+1), 0, events+1)
}

// kept has another node publish more than there is room for here, with a retention that takes what it
// may: what is accepted here arrives, though nothing else need.
func kept(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := newTail()
	hold := make(chan struct{})
	let := sync.OnceFunc(func() { close(hold) })
	f.hold["slow"] = hold
	f.Retain(taken)
	f.start(t, bus)
	defer let()
	another := s.Another(t)
	quick := newTail()
	quick.Retain(taken)
	quick.start(t, another)
	var stop atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for ; !stop.Load(); time.Sleep(20 * time.Millisecond) { // a reader on a busy machine keeps up
			if _, err := another.Publish(t.Context(), "slow", numbers("other", 0, 500), taken); err != nil && !errors.Is(err, event.ErrFull) {
				t.Errorf("Publish: %v", err)
				return
			}
		}
	})
	accepted := 0
	for refused := 0; refused < 100; {
		_, err := bus.Publish(t.Context(), "slow", numbers("x", accepted, accepted+10), taken)
		switch {
		case err == nil:
			accepted += 10
		case errors.Is(err, event.ErrFull):
			refused++
			time.Sleep(10 * time.Millisecond)
		default:
			t.Fatal(err)
		}
	}
	stop.Store(true)
	group.Wait()
	time.Sleep(5 * time.Second) // for retention
	let()
	eventually(t, "all has arrived", func() bool { return bus.Backlog("slow") == event.Backlog{} })
	var mine []event.Event
	for _, e := range f.of("slow") {
		if e.Channel == "x" {
			mine = append(mine, e)
		}
	}
	t.Logf("%d of %d events, with %d of others, and %d gaps", len(mine), accepted, len(f.of("slow"))-len(mine), len(f.Gaps()))
	payloads(t, mine, 0, accepted)
}
