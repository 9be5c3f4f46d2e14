package eventtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

func pages(t *testing.T, s Subject) {
	bus := s.Open(t)
	publish(t, bus, "a", numbers("x", 0, 100)...)
	var events []event.Event
	var after event.Position
	for more := true; more; {
		page := read(t, bus, "a", nil, after, 30)
		events, after, more = append(events, page.Events...), page.Next, page.More
	}
	payloads(t, events, 0, 100)
	// From any of them.
	for i := 0; i < 100; i += 9 {
		page := read(t, bus, "a", nil, events[i].Position, 3)
		payloads(t, page.Events, i+1, min(i+4, 100))
	}
	page := read(t, bus, "a", nil, after, 30)
	if len(page.Events) != 0 || page.More || page.Gap != nil || page.Next != after {
		t.Errorf("behind the end: %+v", page)
	}
	// Pages are bounded in bytes as well.
	bus2 := s.Open(t)
	big := strings.Repeat("x", 700_000)
	for n := range 5 {
		publish(t, bus2, "a", event.Event{Channel: "x", Payload: fmt.Appendf(nil, `[%d,"%s"]`, n, big)})
	}
	if page := read(t, bus2, "a", nil, "", 100); len(page.Events) > 2 || !page.More {
		t.Errorf("%d events of 700 kB are in a page", len(page.Events))
	}
}

func channels(t *testing.T, s Subject) {
	bus := s.Open(t)
	for n := range 200 {
		publish(t, bus, "a", number(fmt.Sprint("c", n%20), n))
	}
	for _, want := range [][]string{{"c3"}, {"c3", "c7"}, {"c7", "none", "c7"}} {
		events, gap, next := readAll(t, bus, "a", want, "")
		n := 0
		for _, e := range events {
			for !strings.Contains(strings.Join(want, " ")+" ", fmt.Sprintf("c%d ", n%20)) {
				n++
			}
			if string(e.Payload) != fmt.Sprintf(`{"n":%d}`, n) {
				t.Fatalf("of %v: %s, want %d", want, e.Payload, n)
			}
			n++
		}
		if gap != nil || len(events)%10 != 0 || len(events) == 0 {
			t.Errorf("of %v: %d events, gap %v", want, len(events), gap)
		}
		if again := read(t, bus, "a", want, next, 10); len(again.Events) > 0 || again.Next != next {
			t.Errorf("of %v behind the end: %+v", want, again)
		}
	}
	events, _, next := readAll(t, bus, "a", []string{"none"}, "")
	all := read(t, bus, "a", nil, next, 10)
	if len(events) != 0 || len(all.Events) != 0 {
		t.Errorf("a page of no events has %d and ends before %d", len(events), len(all.Events))
	}
}

func positions(t *testing.T, s Subject) {
	bus := s.Open(t)
	start := bus.Start()
	if page := read(t, bus, "a", nil, start, 10); len(page.Events) != 0 || page.Gap != nil || page.More {
		t.Errorf("without events, from the start: %+v", page)
	}
	var published []event.Position
	for n := range 20 {
		published = append(published, publish(t, bus, "a", number("x", n)))
	}
	events, gap, _ := readAll(t, bus, "a", nil, start)
	payloads(t, events, 0, 20)
	if gap != nil {
		t.Errorf("from the start there is a gap %v", *gap)
	}
	for i, e := range events {
		if e.Position != published[i] || len(e.Position) != len(start) {
			t.Errorf("event %d is at %q, published at %q", i, e.Position, published[i])
		}
	}
}

func badPositions(t *testing.T, s Subject) {
	bus := s.Open(t)
	at := publish(t, bus, "a", number("x", 1))
	for _, bad := range []event.Position{"x", at + "0", at[:len(at)-1], " " + at, "-1", event.Position(strings.Repeat("z", len(at))), event.Position(strings.Repeat("9", 100))} {
		if page, err := bus.Read(t.Context(), "a", nil, bad, 10); err == nil {
			t.Errorf("Read takes position %q: %+v", bad, page)
		}
		if _, err := bus.ReadLast(t.Context(), "a", "x", bad, 10); err == nil {
			t.Errorf("ReadLast takes position %q", bad)
		}
	}
}

func last(t *testing.T, s Subject) {
	bus := s.Open(t)
	for n := range 300 {
		channel := "busy"
		if n%100 == 50 {
			channel = "rare"
		}
		publish(t, bus, "a", number(channel, n))
	}
	var got []string
	var before event.Position
	for {
		events, err := bus.ReadLast(t.Context(), "a", "rare", before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		if len(events) > 2 {
			t.Fatalf("%d events, at most 2 were asked for", len(events))
		}
		for _, e := range events {
			if before != "" && e.Position >= before || e.Channel != "rare" {
				t.Fatalf("%s at %q lies not in front of %q", e.Channel, e.Position, before)
			}
			before = e.Position
			got = append(got, string(e.Payload))
		}
	}
	if want := `[{"n":250} {"n":150} {"n":50}]`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if events, err := bus.ReadLast(t.Context(), "a", "none", "", 2); err != nil || len(events) != 0 {
		t.Errorf("a channel without events: %v, %v", events, err)
	}
}

// retained publishes 100 events of a kilobyte and waits until retention has
// taken some; it returns how many it left. What is over it goes soon, so that it
// publishes on, as a tenant does.
func retained(t *testing.T, s Subject, keep event.Retention, settled func(left int) bool) {
	bus := s.Open(t)
	f := newTail()
	f.keep = keep
	f.start(t, bus)
	var published []event.Position
	add := func() {
		payload := fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, len(published), strings.Repeat("x", 1000))
		published = append(published, publishKeeping(t, bus, keep, "a", event.Event{Channel: fmt.Sprint("c", len(published)%5), Payload: payload}))
	}
	for range 100 {
		add()
	}
	f.Wait(t, 100)
	eventually(t, fmt.Sprintf("%+v holds", keep), func() bool {
		left := 0
		for page, more := (event.Page{}), true; more; more = page.More {
			page = read(t, bus, "a", nil, page.Next, 200) // retention may take some between pages
			left += len(page.Events)
		}
		return settled(left)
	})
	f.Retain(Keep) // what is left stays
	keep = Keep
	add()
	events, gap, _ := readAll(t, bus, "a", nil, published[0])
	if gap == nil || gap.From != published[0] || len(events) == 0 {
		t.Fatalf("from the first there are %d events, gap %v", len(events), gap)
	}
	first := len(published) - len(events)
	if gap.To != published[first-1] || events[0].Position != published[first] {
		t.Errorf("the gap ends at %q, want %q; then comes %q, want %q", gap.To, published[first-1], events[0].Position, published[first])
	}
	if _, gap, _ := readAll(t, bus, "a", nil, published[first-1]); gap != nil {
		t.Errorf("from the last that was lost there is a gap %v", *gap)
	}
	if _, gap, _ := readAll(t, bus, "a", nil, ""); gap != nil {
		t.Errorf("from the oldest that is kept there is a gap %v", *gap)
	}
	lost := fmt.Sprint("c", first%5)
	of, gap, _ := readAll(t, bus, "a", []string{lost}, published[0])
	if gap == nil || gap.To != published[first-1] || len(of) == 0 || of[0].Position != published[first] {
		t.Errorf("of channel %s there are %d events, gap %v", lost, len(of), gap)
	}
	if events, err := bus.ReadLast(t.Context(), "a", "c0", published[first], 10); err != nil || len(events) != 0 {
		t.Errorf("in front of the oldest there are %d events, %v", len(events), err)
	}
	if gaps := f.Gaps(); len(gaps) > 0 {
		t.Errorf("the tail, which saw all, was told of gaps: %v", gaps)
	}
}

func byCount(t *testing.T, s Subject) {
	keep := Keep
	keep.Events = 20
	retained(t, s, keep, func(left int) bool { return left >= 20 && left <= 25 })
}

func byBytes(t *testing.T, s Subject) {
	keep := Keep
	keep.Bytes = 50_000
	retained(t, s, keep, func(left int) bool { return left >= 25 && left <= 60 })
}

func byAge(t *testing.T, s Subject) {
	bus := s.Open(t)
	f := Follow(t, bus)
	keep := Keep
	keep.Age = 2 * time.Second
	begun := time.Now()
	old := publishKeeping(t, bus, keep, "a", number("x", 0))
	f.Retain(keep)
	newer := func() bool {
		publishKeeping(t, bus, keep, "a", number("x", 1))
		page := read(t, bus, "a", nil, "", 1)
		return len(page.Events) > 0 && string(page.Events[0].Payload) == `{"n":1}`
	}
	if newer() && time.Since(begun) < keep.Age {
		t.Fatal("a new event is gone")
	}
	eventually(t, "the old event is gone", newer)
	page := read(t, bus, "a", nil, bus.Start(), 1) // retention may take some between pages
	if gap := page.Gap; len(page.Events) == 0 || gap == nil || gap.From != bus.Start() || gap.To < old {
		t.Errorf("%d events, gap %v", len(page.Events), gap)
	}
}
