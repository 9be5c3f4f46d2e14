package eventtest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

func order(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	var at event.Position
	for n := range 100 {
		next := publish(t, bus, "a", number(fmt.Sprint("c", n%3), 2*n), number("x", 2*n+1))
		if next <= at {
			t.Fatalf("position %q follows %q", next, at)
		}
		at = next
	}
	events := f.Wait(t, 200)
	payloads(t, events, 0, 200)
	if events[199].Position != at {
		t.Errorf("the last event is at %q, Publish said %q", events[199].Position, at)
	}
	read, gap, next := readAll(t, bus, "a", nil, "")
	sameEvents(t, "Read", read, events)
	if gap != nil || next < at {
		t.Errorf("gap %v, next %q", gap, next)
	}
}

func early(t *testing.T, s Subject) {
	bus := s.Open(t)
	publish(t, bus, "a", number("x", 0))
	publish(t, bus, "a", number("x", 1))
	events := Follow(t, bus).Wait(t, 2)
	payloads(t, events, 0, 2)
	if start := bus.Start(); start == "" || events[0].Position <= start || len(start) != len(events[0].Position) {
		t.Errorf("the start is %q, the first event at %q", start, events[0].Position)
	}
}

func ends(t *testing.T, s Subject) {
	bus := s.Open(t)
	first := Follow(t, bus)
	publish(t, bus, "a", numbers("x", 0, 3)...)
	first.Wait(t, 3)
	first.Stop(t)
	publish(t, bus, "a", numbers("x", 3, 6)...)
	second := Follow(t, bus)
	publish(t, bus, "a", numbers("x", 6, 8)...)
	payloads(t, second.Wait(t, 5), 3, 8)
	payloads(t, first.Events(), 0, 3)
}

// untaken has tails end while an event of each tenant waits in the sink.
func untaken(t *testing.T, s Subject) {
	const takes, tails = 3, 4
	bus := s.Open(t)
	of := []string{"a", "b"}
	for _, tenant := range of {
		publish(t, bus, tenant, numbers("x", 0, takes*tails)...)
	}
	for n := range tails {
		f := newTail()
		f.takes = takes
		f.start(t, bus)
		f.Wait(t, takes*len(of))
		if n < tails-1 {
			<-f.entered
			<-f.entered
		}
		for _, tenant := range of {
			waiting := takes * (tails - n - 1)
			eventually(t, "what the sink has not taken waits", func() bool { return bus.Backlog(tenant).Events == waiting })
		}
		f.Stop(t)
		for _, tenant := range of {
			payloads(t, f.of(tenant), takes*n, takes*(n+1))
		}
	}
}

func apart(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := newTail()
	release := make(chan struct{})
	f.hold["slow"] = release
	f.start(t, bus)
	publish(t, bus, "slow", numbers("x", 0, 50)...)
	<-f.entered
	publish(t, bus, "quick", numbers("x", 0, 50)...)
	payloads(t, f.Wait(t, 50), 0, 50)
	close(release)
	f.Wait(t, 100)
}

func separate(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	same := func(n int) event.Event { return named("x", "one", n) }
	at := publish(t, bus, "a", same(1))
	publish(t, bus, "b", same(2)) // the same id with another payload
	events := f.Wait(t, 2)
	for tenant, want := range map[string]string{"a": `{"n":1}`, "b": `{"n":2}`} {
		read, _, _ := readAll(t, bus, tenant, nil, "")
		if len(read) != 1 || string(read[0].Payload) != want || read[0].Tenant != tenant {
			t.Errorf("tenant %s reads %+v", tenant, read)
		}
		newest, err := bus.ReadLast(t.Context(), tenant, "x", "", 10)
		if err != nil || len(newest) != 1 || string(newest[0].Payload) != want {
			t.Errorf("tenant %s: the last are %+v, %v", tenant, newest, err)
		}
	}
	for _, e := range events {
		if (e.Tenant == "a") != (e.Position == at) && e.Tenant == "a" {
			t.Errorf("the event of tenant a is at %q, want %q", e.Position, at)
		}
	}
	if read, _, _ := readAll(t, bus, "quick", nil, ""); len(read) != 0 {
		t.Errorf("a tenant without events reads %+v", read)
	}
}

func stamps(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	before := time.Now().Add(-time.Second)
	at := publish(t, bus, "a", named("x", "mine ☃ \"1\"", 1), number("x", 2), number("y", 3))
	events := f.Wait(t, 3)
	if events[0].ID != "mine ☃ \"1\"" {
		t.Errorf("the publisher's id became %q", events[0].ID)
	}
	if events[1].ID == "" || events[1].ID == events[2].ID {
		t.Errorf("ids given by the bus: %q, %q", events[1].ID, events[2].ID)
	}
	for _, e := range events {
		if e.Time.Before(before) || e.Time.After(time.Now().Add(time.Second)) || e.Time.Location() != time.UTC || e.Time.Nanosecond()%1e6 != 0 {
			t.Errorf("time %v", e.Time)
		}
		if e.Tenant != "a" || e.Position == "" {
			t.Errorf("event %+v", e)
		}
	}
	if empty := publish(t, bus, "a"); empty < at {
		t.Errorf("no events are published at %q, which lies before %q", empty, at)
	}
}

func concurrent(t *testing.T, s Subject) {
	const publishers, each = 8, 100
	bus := s.Open(t)
	f := Follow(t, bus)
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for n := 0; n < each; n += 2 {
				channel := fmt.Sprint("c", p)
				if _, err := bus.Publish(t.Context(), "a", numbers(channel, n, n+2), Keep); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	group.Wait()
	events := f.Wait(t, publishers*each)
	next := map[string]int{}
	for i, e := range events {
		if want := fmt.Sprintf(`{"n":%d}`, next[e.Channel]); string(e.Payload) != want {
			t.Fatalf("channel %s: %s, want %s", e.Channel, e.Payload, want)
		}
		next[e.Channel]++
		if i > 0 && e.Position <= events[i-1].Position {
			t.Fatalf("position %q follows %q", e.Position, events[i-1].Position)
		}
	}
	read, _, _ := readAll(t, bus, "a", nil, "")
	sameEvents(t, "Read", read, events)
}

func large(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	var want [][]byte
	for _, size := range []int{8 << 20, 7999, 8000, 8001, 8 << 20} {
		payload := []byte(`"` + strings.Repeat("é", size/2-1) + `"`)
		want = append(want, bytes.Clone(payload))
		publish(t, bus, "a", event.Event{Channel: "x", Payload: payload})
	}
	read, _, _ := readAll(t, bus, "a", nil, "")
	for i, events := range [][]event.Event{f.Wait(t, len(want)), read} {
		for n := range want {
			if len(events) != len(want) || !bytes.Equal(events[n].Payload, want[n]) {
				t.Fatalf("%d: event %d of %d differs", i, n, len(events))
			}
		}
	}
}

func largeBatch(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	events := numbers("x", 0, 10_000)
	for i := range events {
		if i%2 == 0 {
			events[i].ID = fmt.Sprint("id", i)
		}
	}
	publish(t, bus, "a", events...)
	payloads(t, f.Wait(t, 10_000), 0, 10_000)
}

func pressure(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := newTail()
	release := make(chan struct{})
	f.hold["slow"] = release
	f.start(t, bus)
	accepted := 0
	filled := func() bool {
		for range 300 {
			events := []event.Event{{Channel: "x", Payload: fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, accepted, strings.Repeat("x", 1<<20))}}
			_, err := bus.Publish(t.Context(), "slow", events, Keep)
			if errors.Is(err, event.ErrFull) {
				return true
			} else if err != nil {
				t.Fatal(err)
			}
			accepted++
		}
		return false
	}
	if !filled() {
		t.Fatalf("%d MB wait and none was refused", accepted)
	}
	publish(t, bus, "quick", number("x", 0)) // others may publish
	close(release)
	eventually(t, "the tenant may publish again", func() bool {
		_, err := bus.Publish(t.Context(), "slow", []event.Event{number("x", 0)}, Keep)
		return err == nil
	})
	var slow []event.Event
	for _, e := range f.Wait(t, accepted+2) {
		if e.Tenant == "slow" {
			slow = append(slow, e)
		}
	}
	for n, e := range slow[:accepted] {
		if !bytes.HasPrefix(e.Payload, fmt.Appendf(nil, `{"n":%d,`, n)) {
			t.Fatalf("event %d is %.20s", n, e.Payload)
		}
	}
}

func removed(t *testing.T, s Subject) {
	bus := s.Open(t)
	publish(t, bus, "a", named("x", "one", 1))
	publish(t, bus, "b", named("x", "one", 1))
	if err := bus.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if read, gap, _ := readAll(t, bus, "a", nil, ""); len(read) != 0 || gap != nil {
		t.Errorf("the removed tenant has %+v, gap %v", read, gap)
	}
	publish(t, bus, "a", named("x", "one", 2))
	for tenant, want := range map[string]string{"a": `{"n":2}`, "b": `{"n":1}`} {
		if read, _, _ := readAll(t, bus, tenant, nil, ""); len(read) != 1 || string(read[0].Payload) != want {
			t.Errorf("tenant %s has %+v", tenant, read)
		}
	}
	if err := bus.Remove(t.Context(), "quick"); err != nil {
		t.Errorf("a tenant without events: %v", err)
	}
}

// again removes a tenant and publishes for another of its name, before and after it is listed.
func again(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus, "b")
	publish(t, bus, "a", number("x", -1))
	f.Wait(t, 1)
	if err := bus.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	const n = 30
	for i := range n {
		publish(t, bus, "a", number("x", i))
		if i == n/2 {
			f.list("a", "b")
		}
		time.Sleep(100 * time.Millisecond)
	}
	publish(t, bus, "a", number("x", n))
	eventually(t, "the last has come", func() bool {
		all := f.Events()
		return string(all[len(all)-1].Payload) == string(number("x", n).Payload)
	})
	payloads(t, f.Events(), -1, n+1)
	if gaps := f.Gaps(); len(gaps) > 0 {
		t.Errorf("it is told gaps: %v", gaps)
	}
}

func closed(t *testing.T, s Subject) {
	bus := s.Open(t)
	publish(t, bus, "a", number("x", 1))
	if err := bus.Close(); err != nil {
		t.Fatal(err)
	}
	_, published := bus.Publish(t.Context(), "a", []event.Event{number("x", 2)}, Keep)
	_, read := bus.Read(t.Context(), "a", nil, "", 1)
	_, last := bus.ReadLast(t.Context(), "a", "x", "", 1)
	for what, err := range map[string]error{
		"Publish": published, "Read": read, "ReadLast": last,
		"Tail": bus.Tail(t.Context(), (*sink)(newTail())),
	} {
		if !errors.Is(err, event.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
