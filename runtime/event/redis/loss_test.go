package redis_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

// durable has what was acknowledged on the disk. With everysec a busy disk has Redis put off
// even its writes, so that a killed process loses what a test counts on.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always", "--save", ""}

var kills = flag.Int("kills", 4, "how often TestKill kills Redis")

// TestKill kills Redis at random moments, under publishers who try again, with
// ids. Two nodes tail all and see every number once and in order, without a gap:
// a crash of the process alone loses nothing that was acknowledged.
func TestKill(t *testing.T) {
	server := start(t, durable...)
	one, two := open(t, server.URL("x")), open(t, server.URL("x"))
	tails := []*eventtest.Tail{eventtest.Follow(t, one), eventtest.Follow(t, two)}
	ctx, cancel := context.WithCancel(t.Context())
	var published [3]atomic.Int64
	done := make(chan error, len(published))
	for p := range published {
		go func() {
			bus := []event.Bus{one, two}[p%2]
			for n := 0; ctx.Err() == nil; n++ {
				batch := []event.Event{{Channel: fmt.Sprint("c", p), ID: strconv.Itoa(n), Payload: fmt.Append(nil, n)}}
				for {
					_, err := bus.Publish(t.Context(), "a", batch, eventtest.Keep)
					if err == nil {
						break
					}
					if !errors.Is(err, event.ErrUnavailable) {
						done <- err
						return
					}
					time.Sleep(time.Millisecond)
				}
				published[p].Add(1)
			}
			done <- nil
		}()
	}
	for range *kills {
		time.Sleep(200*time.Millisecond + rand.N(300*time.Millisecond))
		if err := errors.Join(server.Kill(), server.Start()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	total := 0
	for range published {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for p := range published {
		total += int(published[p].Load())
	}
	t.Logf("%d events, %d kills", total, *kills)
	for i, f := range tails {
		next := map[string]int{}
		for _, e := range f.Wait(t, total) {
			if string(e.Payload) != strconv.Itoa(next[e.Channel]) {
				t.Fatalf("tail %d, channel %s: %s, want %d", i, e.Channel, e.Payload, next[e.Channel])
			}
			next[e.Channel]++
		}
		if gaps := f.Gaps(); len(gaps) > 0 {
			t.Errorf("tail %d was told of gaps %v", i, gaps)
		}
	}
}

// behind publishes ten events, of which what kept saves has five, and has the
// server come back with those. It returns the positions.
func behind(t *testing.T, server *redistest.Server, bus event.Bus, tails ...*eventtest.Tail) (at []event.Position) {
	t.Helper()
	var saved string
	for n := range 10 {
		if n == 5 {
			saved = server.Save(t)
		}
		at = append(at, publish(t, bus, "a", number(n)))
	}
	for _, f := range tails {
		f.Wait(t, 10)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	server.Restore(t, saved)
	return at
}

// TestBehind: acknowledged events are lost with the end of the append-only file.
// Who has seen them goes on, without a repeat; who has not is told of a gap.
func TestBehind(t *testing.T) {
	for name, passed := range map[string]bool{"nothing came since": false, "new ids have passed": true} {
		t.Run(name, func(t *testing.T) {
			server := start(t, durable...)
			one, two := open(t, server.URL("x")), open(t, server.URL("x"))
			f, g := eventtest.Follow(t, one), eventtest.Follow(t, two)
			at := behind(t, server, one, f, g)
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			if passed {
				c := client(t, server.URL("x"))
				for n := range 10 {
					do(t, c, "XADD", "x:a:events", "*", "channel", "x", "payload", 10+n)
				}
			} else {
				eventually(t, "the tails were told", func() bool { return len(f.Gaps()) > 0 && len(g.Gaps()) > 0 })
				for n := range 10 {
					publish(t, two, "a", number(10+n))
				}
			}
			var events []event.Event
			for _, tail := range []*eventtest.Tail{f, g} {
				events = tail.Wait(t, 20)
				numbers(t, events, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
				eventually(t, "the tail was told", func() bool { return len(tail.Gaps()) > 0 })
				for _, gap := range tail.Gaps() {
					if gap.To <= gap.From || gap.To < at[9] || gap.To >= events[10].Position {
						t.Errorf("the tail was told of %v; the last that was lost is %s, then came %s", gap, at[9], events[10].Position)
					}
				}
				if len(tail.Gaps()) != 1 {
					t.Errorf("the tail was told of gaps %v", tail.Gaps())
				}
			}
			for n, after := range at {
				page, err := two.Read(t.Context(), "a", nil, after, 100)
				if err != nil {
					t.Fatal(err)
				}
				if n < 4 { // what is left comes first
					numbers(t, page.Events, []int{1, 2, 3, 4}[n:]...)
					if page.Gap != nil || page.Next != at[4] || !page.More {
						t.Errorf("from %d: gap %v, next %s", n, page.Gap, page.Next)
					}
					continue
				}
				numbers(t, page.Events, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
				if page.Gap == nil || page.Gap.From != after || page.Gap.To < at[9] || page.Gap.To >= events[10].Position {
					t.Errorf("from %d: gap %v", n, page.Gap)
				}
			}
		})
	}
}

// TestLostTwice: Redis comes back behind a second time, without the note of what it had
// lost the first time, and with what came after.
func TestLostTwice(t *testing.T) {
	server := start(t, durable...)
	bus := open(t, server.URL("x"))
	f := eventtest.Follow(t, bus)
	at := behind(t, server, bus, f)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	c := client(t, server.URL("x"))
	do(t, c, "XADD", "x:a:events", "*", "channel", "x", "payload", 10)
	f.Wait(t, 11)
	eventually(t, "the tail was told", func() bool { return len(f.Gaps()) == 1 })
	do(t, c, "HDEL", "x:a:meta", "holes")
	page, err := bus.Read(t.Context(), "a", nil, at[4], 100)
	if err != nil {
		t.Fatal(err)
	}
	numbers(t, page.Events, 10)
	if page.Gap == nil || page.Gap.From != at[4] || page.Gap.To < at[9] {
		t.Errorf("gap %v, want one behind %s, up to %s at least", page.Gap, at[4], at[9])
	}
}

// TestReadFindsLoss: a node that reads for those who come back, before its tail has
// looked, tells what it knows to be lost. What it has handed out before is no end.
func TestReadFindsLoss(t *testing.T) {
	for name, passed := range map[string]bool{"nothing came since": false, "new ids have passed": true} {
		t.Run(name, func(t *testing.T) {
			server := start(t, durable...)
			bus := open(t, server.URL("x"))
			f := eventtest.Follow(t, bus)
			at := behind(t, server, bus, f)
			f.Stop(t) // it would find it, too
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			want := []int{}
			if passed {
				do(t, client(t, server.URL("x")), "XADD", "x:a:events", "*", "channel", "x", "payload", 10)
				want = append(want, 10)
			}
			page, err := bus.Read(t.Context(), "a", nil, at[1], 100)
			if err != nil {
				t.Fatal(err)
			}
			numbers(t, page.Events, 2, 3, 4)
			if page.Gap != nil || page.Next != at[4] || !page.More {
				t.Errorf("in front of the loss: gap %v, next %s, more %t", page.Gap, page.Next, page.More)
			}
			page, err = bus.Read(t.Context(), "a", nil, page.Next, 100)
			if err != nil {
				t.Fatal(err)
			}
			numbers(t, page.Events, want...)
			if page.Gap == nil || page.Gap.From != at[4] || page.Gap.To < at[9] {
				t.Errorf("behind it: gap %v, want one behind %s, up to %s at least", page.Gap, at[4], at[9])
			}
		})
	}
}

// TestUnseen: an event was acknowledged and lost before anybody has read it.
func TestUnseen(t *testing.T) {
	server := start(t, durable...)
	one, two := open(t, server.URL("x")), open(t, server.URL("x"))
	at := behind(t, server, one)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	f, g := eventtest.Follow(t, one), eventtest.Follow(t, two)
	for _, tail := range []*eventtest.Tail{f, g} {
		numbers(t, tail.Wait(t, 5), 0, 1, 2, 3, 4)
		eventually(t, "the tail was told", func() bool { return len(tail.Gaps()) == 1 })
		if gap := tail.Gaps()[0]; gap.Retention || gap.From != at[4] || gap.To < at[9] {
			t.Errorf("gap %v", gap)
		}
	}
	publish(t, two, "a", number(10))
	for _, tail := range []*eventtest.Tail{f, g} {
		numbers(t, tail.Wait(t, 6), 0, 1, 2, 3, 4, 10)
	}
}

// TestUnseenAndPassed: as TestUnseen, and others are acknowledged before the tails
// begin.
func TestUnseenAndPassed(t *testing.T) {
	server := start(t, durable...)
	bus := open(t, server.URL("x"))
	at := behind(t, server, bus)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		publish(t, bus, "a", number(10+n))
	}
	f := eventtest.Follow(t, bus)
	events := f.Wait(t, 10)
	numbers(t, events, 0, 1, 2, 3, 4, 10, 11, 12, 13, 14)
	if gaps := f.Gaps(); len(gaps) != 1 || gaps[0].Retention || gaps[0].From != at[4] || gaps[0].To < at[9] || gaps[0].To >= events[5].Position {
		t.Errorf("gaps %v", gaps)
	}
}

// TestEmptied: all is gone, without a restart.
func TestEmptied(t *testing.T) {
	server := start(t)
	bus, c := open(t, server.URL("x")), client(t, server.URL("x"))
	f := eventtest.Follow(t, bus)
	first := publish(t, bus, "a", number(0))
	f.Wait(t, 1)
	do(t, c, "FLUSHALL")
	eventually(t, "the tail was told", func() bool { return len(f.Gaps()) == 1 })
	next := publish(t, bus, "a", number(1))
	numbers(t, f.Wait(t, 2), 0, 1)
	page, err := bus.Read(t.Context(), "a", nil, first, 10)
	if err != nil || page.Gap == nil || page.Gap.From != first || page.Gap.To >= next {
		t.Errorf("%v, %+v", err, page)
	}
	numbers(t, page.Events, 1)
}

// TestClock: a server comes back behind, and its clock is behind as well. What
// is accepted then lies behind all that was handed out nevertheless.
func TestClock(t *testing.T) {
	server := start(t, durable...)
	bus, c := open(t, server.URL("x")), client(t, server.URL("x"))
	f := eventtest.Follow(t, bus)
	publish(t, bus, "a", number(0))
	saved := server.Save(t)
	do(t, c, "XADD", "x:a:events", time.Now().Add(time.Hour).UnixMilli(), "channel", "x", "payload", "1")
	ahead := f.Wait(t, 2)[1].Position
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	server.Restore(t, saved)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the tail was told", func() bool { return len(f.Gaps()) == 1 })
	if at := publish(t, bus, "a", number(2)); at <= ahead {
		t.Errorf("the new event is at %s, before %s", at, ahead)
	}
	numbers(t, f.Wait(t, 3), 0, 1, 2)
}

// slowSink does not take anything until it may.
type slowSink struct {
	may    chan struct{}
	trims  atomic.Bool // all but the newest 100
	mu     sync.Mutex
	events []event.Event
	gaps   []event.Gap
}

func (s *slowSink) Receive(e *event.Event) bool {
	<-s.may
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, *e)
	return true
}

func (s *slowSink) Gap(_ string, gap event.Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = append(s.gaps, gap)
}

func (*slowSink) Skipped(string, event.Position, error) {}

func (s *slowSink) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) {
		keep := eventtest.Keep
		if s.trims.Load() {
			keep.Events = 100
		}
		yield("a", keep)
	}
}

// TestTrimmedUnread: retention takes what a node has not read, since its
// subscribers are slow and another node publishes more than it has room for. The gap
// names exactly what they miss.
func TestTrimmedUnread(t *testing.T) {
	const batch = 2000
	url := redistest.URL(t)
	bus, another := open(t, url), open(t, url)
	s := &slowSink{may: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Tail(ctx, s) }()
	quick := &slowSink{may: make(chan struct{})}
	close(quick.may)
	tailed := make(chan error, 1)
	go func() { tailed <- another.Tail(ctx, quick) }()
	events := 0
	more := func() {
		var all []event.Event
		for range batch {
			all = append(all, number(events))
			events++
		}
		publish(t, another, "a", all...)
		eventually(t, "the other node has read them", func() bool { return another.Backlog("a").Events == 0 })
	}
	eventually(t, "there is no room for more", func() bool {
		more()
		return bus.Backlog("a").More
	})
	s.trims.Store(true)
	quick.trims.Store(true)
	more()
	eventually(t, "retention holds", func() bool {
		page, err := bus.Read(t.Context(), "a", nil, "", 1000)
		return err == nil && !page.More && len(page.Events) < 200
	})
	close(s.may)
	eventually(t, "the last has arrived", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.events) > 0 && string(s.events[len(s.events)-1].Payload) == fmt.Sprint(events-1)
	})
	cancel()
	if err := errors.Join(<-done, <-tailed); err != nil {
		t.Fatal(err)
	}
	page, err := bus.Read(t.Context(), "a", nil, s.events[0].Position, 1000)
	if err != nil || page.Gap == nil || len(s.gaps) != 1 || !s.gaps[0].Retention {
		t.Fatalf("%v, gap %v; the tail was told of %v", err, page.Gap, s.gaps)
	}
	last := -1
	for i, e := range s.events {
		n, err := strconv.Atoi(string(e.Payload))
		if err != nil || n <= last || n > last+1 && (s.gaps[0].From != s.events[i-1].Position || s.gaps[0].To != page.Gap.To || e.Position != page.Events[0].Position) {
			t.Fatalf("%s follows %d; gap %v", e.Payload, last, s.gaps[0])
		}
		last = n
	}
	t.Logf("%d of %d events, gap %v", len(s.events), events, s.gaps[0])
}
