package memory_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/memory"
)

func open(t *testing.T) event.Bus {
	bus := memory.New()
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	return bus
}

func TestConformance(t *testing.T) {
	eventtest.Conform(t, eventtest.Subject{Open: open, Bubble: true})
}

func TestOpen(t *testing.T) {
	for _, address := range []string{"memory", "memory:", "MEMORY"} {
		if bus, err := event.Open(t.Context(), address, event.Options{}); err != nil || bus.Close() != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"memory://x", "memory:x", "memory:?a=b"} {
		if _, err := event.Open(t.Context(), address, event.Options{}); err == nil || !strings.Contains(err.Error(), "no host and no options") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAFullQueueRefusesTheWholeBatch(t *testing.T) {
	bus := open(t)
	large := make([]byte, 15<<20)
	publish := func(tenant string, n int) error {
		var events []event.Event
		for range n {
			events = append(events, event.Event{Channel: "x", Payload: large})
		}
		_, err := bus.Publish(t.Context(), tenant, events, event.Retention{})
		return err
	}
	if err := publish("a", 3); err != nil {
		t.Fatal(err)
	}
	if err := publish("a", 2); !errors.Is(err, event.ErrFull) {
		t.Fatalf("over the bound: %v", err)
	}
	if err := errors.Join(publish("a", 1), publish("b", 1)); err != nil {
		t.Fatalf("what still fits, and another tenant: %v", err)
	}
}

// TestAnEventKeepsNothingElse publishes single bytes, in large bodies and among events that are known.
func TestAnEventKeepsNothingElse(t *testing.T) {
	const batches, large = 64, 1 << 20
	keep := event.Retention{Bytes: 1 << 30, Events: batches, Age: time.Hour, IDs: time.Hour}
	for name, batch := range map[string]func() []event.Event{
		"in a blank body": func() []event.Event {
			return []event.Event{{Channel: "x", Payload: make([]byte, large)[:1]}}
		},
		"beside a large one": func() []event.Event {
			body := make([]byte, large)
			return []event.Event{{Channel: "x", ID: "large", Payload: body[1:]}, {Channel: "x", Payload: body[:1]}}
		},
		"beside many": func() []event.Event {
			events := make([]event.Event, 10_000)
			for i := range events {
				events[i] = event.Event{Channel: "x", ID: "small", Payload: []byte{1}}
			}
			events[0].ID = ""
			return events
		},
	} {
		t.Run(name, func(t *testing.T) {
			bus := open(t)
			f := eventtest.Follow(t, bus)
			publish := func(events ...event.Event) {
				if _, err := bus.Publish(t.Context(), "a", events, keep); err != nil {
					t.Fatal(err)
				}
			}
			publish(event.Event{Channel: "x", ID: "large", Payload: make([]byte, large-1)}, event.Event{Channel: "x", ID: "small", Payload: []byte{1}})
			f.Wait(t, 2)
			before := heap()
			for range batches {
				publish(batch()...)
			}
			f.Wait(t, 2+batches)
			if n := heap() - before; n > batches*large/8 {
				t.Errorf("%d events of a byte keep %d bytes", batches, n)
			}
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestIdleTenantsAreTrimmed has nobody publish or read while events grow old.
func TestIdleTenantsAreTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := open(t)
		f := eventtest.Follow(t, bus)
		at, err := bus.Publish(t.Context(), "a", []event.Event{{Channel: "x", Payload: []byte("1")}}, eventtest.Keep)
		if err != nil {
			t.Fatal(err)
		}
		f.Wait(t, 1)
		time.Sleep(time.Hour - time.Minute)
		if page, err := bus.Read(t.Context(), "a", nil, "", 1); err != nil || len(page.Events) != 1 {
			t.Errorf("before its time: %+v, %v", page, err)
		}
		time.Sleep(2 * time.Minute)
		page, err := bus.Read(t.Context(), "a", nil, bus.Start(), 1)
		if err != nil || len(page.Events) != 0 || page.Gap == nil || page.Gap.To != at {
			t.Errorf("after it: %+v, %v", page, err)
		}
	})
}

// TestAnEarlierProcess reads from where a bus of an earlier process has ended.
func TestAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		earlier := open(t)
		old, err := earlier.Publish(t.Context(), "a", []event.Event{{Channel: "x", Payload: []byte("1")}}, event.Retention{Bytes: 1 << 20, Events: 100, Age: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		bus := open(t)
		for range 2 {
			page, err := bus.Read(t.Context(), "a", nil, old, 10)
			if err != nil || page.Gap == nil || page.Gap.From != old || page.Gap.To != bus.Start() || page.Next < bus.Start() {
				t.Errorf("page %+v (%v), want a gap from %s to %s", page, err, old, bus.Start())
			}
			if _, err := bus.Publish(t.Context(), "a", []event.Event{{Channel: "x", Payload: []byte("2")}}, event.Retention{}); err != nil {
				t.Fatal(err)
			}
		}
		if page, err := bus.Read(t.Context(), "b", nil, bus.Start(), 10); err != nil || page.Gap != nil {
			t.Errorf("from the start: %+v (%v)", page, err)
		}
	})
}
