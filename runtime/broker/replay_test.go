package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// watched is a bus whose reads a test looks into.
type watched struct {
	broker.Events
	reads atomic.Int64
	most  atomic.Int64 // events that the last read asked for
	// change is called after each read, with how many there were before it; nil
	// changes nothing.
	change func(n int64, page event.Page, err error) (event.Page, error)
}

func (w *watched) Read(ctx context.Context, tenant string, channels []string, after event.Position, max int) (event.Page, error) {
	n := w.reads.Add(1) - 1
	w.most.Store(int64(max))
	page, err := w.Events.Read(ctx, tenant, channels, after, max)
	if w.change != nil {
		page, err = w.change(n, page, err)
	}
	return page, err
}

func (w *watched) ReadLast(ctx context.Context, tenant, channel string, before event.Position, max int) ([]event.Event, error) {
	w.reads.Add(1)
	return w.Events.ReadLast(ctx, tenant, channel, before, max)
}

// watch has the broker read through a watched bus. It is called before anything else is
// done with it.
func (h *history) watch() *watched {
	h.t.Helper()
	w := &watched{Events: h.events}
	h.broker = broker.New(broker.Config{Events: w, CursorKey: testKey, Debug: true, Runs: 4})
	h.t.(*testing.T).Cleanup(h.broker.Close)
	h.activate(ticks, tickResolvers())
	return w
}

// odd publishes an odd number, which tick(even: true) does not match.
func (h *history) odd() {
	h.n++
	e := event.Event{Channel: "ticks", Payload: fmt.Appendf(nil, `{"n":%d,"even":false}`, h.n)}
	if _, err := h.events.Publish(context.Background(), h.tenant.ID(), []event.Event{e}, *h.keep.Load()); err != nil {
		h.t.Error(err)
	}
}

func numbers(from, to int) string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return strings.Join(all, " ")
}

// TestReplaysFarApart has subscribers come back of whom each has pages to go before he is
// where the next one is.
func TestReplaysFarApart(t *testing.T) {
	const apart = 3 * broker.PageEvents
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		var cursors []string
		for range 4 {
			cursors = append(cursors, f.at())
			h.ticks(apart)
		}
		var back []*follower
		for _, c := range cursors {
			back = append(back, h.follow(`subscription { tick }`, broker.Resume{Cursor: c}))
		}
		time.Sleep(10 * time.Second) // replayEventsPerSecond
		for i, b := range back {
			if got := b.take(); got != numbers(apart*i+1, 4*apart) {
				t.Errorf("who was %d events behind has got %d events", apart*(4-i), len(strings.Fields(got)))
			}
		}
	})
}

// TestCursorsMovePastWhatIsSkipped has a resolver answer nothing.
func TestCursorsMovePastWhatIsSkipped(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		silent := tickResolvers()
		silent["Subscription.tick"] = func(_ *reader, r *sandbox.Result) { r.Verdict = abi.Skip }
		h.activate(ticks, silent)
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		first := f.at()
		h.ticks(1)
		if f.Tell(); f.at() == first {
			t.Error("the cursor stays in front of an event that was skipped")
		}
	})
}

// TestNobodyIsToldWhereHeIsBeforeHeIsLive has one come back who has much to see.
func TestNobodyIsToldWhereHeIsBeforeHeIsLive(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick(even: true) }`, broker.Resume{Cursors: true})
		start := f.at()
		h.odd()
		synctest.Wait()
		slow := &follower{full: true}
		if errs := h.tryFollow(slow, `subscription { tick(even: true) }`, broker.Resume{Cursor: start}); errs != nil {
			t.Fatal(errs)
		}
		if synctest.Wait(); slow.at() != "" {
			t.Error("it was told before it was live")
		}
		slow.fill(false)
		time.Sleep(time.Second)
		if at := slow.at(); at == "" || at == start {
			t.Errorf("it is live and was told %q", at)
		}
	})
}

// TestAReplayWithoutRoomReadsNothing has a client leave his socket full.
func TestAReplayWithoutRoomReadsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		h.ticks(100)
		if errs := h.tryFollow(&follower{full: true}, `subscription { tick }`, broker.Resume{Cursor: start}); errs != nil {
			t.Fatal(errs)
		}
		if time.Sleep(time.Minute); w.reads.Load() > 0 {
			t.Errorf("%d reads", w.reads.Load())
		}
	})
}

// TestLiveEventsDoNotWaitForABusThatCannotBeRead has a replay that is about to be live,
// for which the live events wait, when reading begins to fail.
func TestLiveEventsDoNotWaitForABusThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		plain := h.follow(`subscription { tick }`, broker.Resume{})
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		f.Close()
		w.change = func(n int64, page event.Page, err error) (event.Page, error) {
			if n >= 4 {
				return event.Page{}, errors.New("out of reach")
			}
			h.tick("ticks")
			plain.await(2 + int(n))
			return page, err
		}
		h.tick("ticks")
		plain.await(1)
		h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		for end := time.Now().Add(time.Minute); w.reads.Load() < 8 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		h.tick("ticks")
		if plain.await(6); time.Since(began) > time.Millisecond {
			t.Errorf("a live event took %s", time.Since(began))
		}
	})
}

// TestWhoIsNearIsNotKeptByThoseWhoAreFar has an event come with each read, so that nobody
// is where the live events are unless these wait for him.
func TestWhoIsNearIsNotKeptByThoseWhoAreFar(t *testing.T) {
	h := newHistory(t)
	w := h.watch()
	f, plain := h.follow(`subscription { tick(even: true) }`, broker.Resume{Cursors: true}), h.follow(`subscription { tick }`, broker.Resume{})
	start := f.at()
	h.tail()
	const far = 20 * broker.PageEvents
	for range far {
		h.odd()
	}
	plain.await(far)
	for f.at() == start {
		f.Tell()
	}
	cursor := f.at()
	h.odd()
	plain.await(far + 1)
	near := &follower{cursor: cursor}
	var late atomic.Bool
	w.change = func(n int64, page event.Page, err error) (event.Page, error) {
		switch {
		case near.at() != cursor:
		case n >= 2*far/broker.PageEvents:
			late.Store(true)
		default:
			if h.odd(); w.most.Load() != broker.UrgentPageEvents { // else it waits
				plain.await(h.n)
			}
		}
		return page, err
	}
	h.follow(`subscription { tick(even: true) }`, broker.Resume{Cursor: start})
	if errs := h.tryFollow(near, `subscription { tick(even: true) }`, broker.Resume{Cursor: cursor}); errs != nil {
		t.Fatal(errs)
	}
	for end := time.Now().Add(time.Minute); near.at() == cursor && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if late.Load() || near.at() == cursor {
		t.Error("not live before those who are far are")
	}
}

// TestANodeBehindACursor has one come to a node that is behind that which gave him his
// cursor, for longer than it takes to ask whether the cursor is of use.
func TestANodeBehindACursor(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		h.ticks(3)
		want(t, f, "1 2 3")
		other := &stage{t: t, owners: h.owners, tenant: h.tenant, broker: h.newBroker(testKey)}
		defer other.broker.Close()
		other.activate(ticks, tickResolvers())
		late := &history{stage: other, events: h.events}
		back := late.resume(f, `subscription { tick }`)
		time.Sleep(time.Minute)
		want(t, back, "")
		h.ticks(1)
		page, err := h.events.Read(t.Context(), h.tenant.ID(), nil, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Events {
			other.broker.Receive(t.Context(), h.tenant, &page.Events[i])
		}
		time.Sleep(time.Second)
		want(t, back, "4")
	})
}

// TestACursorAheadOfTheBus is one of a bus that came back behind.
func TestACursorAheadOfTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := memory.New()
		time.Sleep(time.Hour)
		h := newHistory(t)
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		h.events = old
		h.broker = h.newBroker(testKey)
		defer h.broker.Close()
		h.activate(ticks, tickResolvers())
		h.tail()
		back := h.resume(f, `subscription { tick }`)
		time.Sleep(5 * time.Second)
		want(t, back, "")
		time.Sleep(6 * time.Second)
		want(t, back, "GAP")
		if back.at() == f.at() {
			t.Error("the cursor stays where it is")
		}
		h.ticks(1)
		want(t, back, "1")
	})
}

// TestAnEventThatTheEndOfTheServerCutOff is not passed.
func TestAnEventThatTheEndOfTheServerCutOff(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h.broker.Receive(ctx, h.tenant, &event.Event{Tenant: "acme", Channel: "ticks", ID: "1", Payload: []byte(`{"n":1}`), Position: h.events.Start() + "1", Time: time.Now()})
		f.Tell()
		want(t, f, "")
		if f.at() != start {
			t.Error("the cursor is behind an event that was not handed out")
		}
	})
}

// TestWhoComesBackWhileAGapIsTold comes back in front of it.
func TestWhoComesBackWhileAGapIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		cursor := f.at()
		gap := event.Gap{From: h.events.Start(), To: event.Position(fmt.Sprintf("%016x", 1<<62))}
		w.change = func(_ int64, page event.Page, err error) (event.Page, error) {
			page.Gap, page.Next = &gap, gap.To
			return page, err
		}
		back := &follower{cursor: cursor}
		o, errs := h.open(identity(t, `{}`), `subscription { tick }`, "")
		if errs != nil {
			t.Fatal(errs)
		}
		f.told = func() { back.Subscription, errs = o.Subscribe(back, broker.Resume{Cursor: cursor}) }
		h.broker.Lose(h.tenant, gap)
		if errs != nil {
			t.Fatal(errs)
		}
		synctest.Wait()
		want(t, f, "GAP")
		want(t, back, "GAP")
	})
}

// TestAVersionWithOtherChannels is activated while a page is read for the one before.
func TestAVersionWithOtherChannels(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		for range 5 {
			h.tick("ticks")
			h.tick("tocks")
		}
		synctest.Wait()
		w.change = func(n int64, page event.Page, err error) (event.Page, error) {
			if n == 0 {
				h.activate(strings.Replace(ticks, `"ticks"`, `"tocks"`, 1), tickResolvers())
			}
			return page, err
		}
		back := h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		time.Sleep(time.Second)
		want(t, back, "2 4 6 8 10")
	})
}

// TestAPageThatDoesNotSayHowFarItWas is the last one nevertheless.
func TestAPageThatDoesNotSayHowFarItWas(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start, begin := f.at(), h.events.Start()
		h.ticks(3)
		h.tick("tocks")
		synctest.Wait()
		w.change = func(_ int64, page event.Page, err error) (event.Page, error) {
			page.Next = begin
			return page, err
		}
		back := h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		time.Sleep(time.Second)
		h.ticks(1)
		want(t, back, "1 2 3 5")
		if n := w.reads.Load(); n > 2 {
			t.Errorf("%d reads", n)
		}
	})
}

// TestTheSearchForTheNewestEventKeepsNoReplay has one look for what there is not.
func TestTheSearchForTheNewestEventKeepsNoReplay(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		w := h.watch()
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		for range 20_000 {
			h.odd()
		}
		synctest.Wait()
		tenanttest.MergeLimits(t, h.owners, h.tenant, `{"replayEventsPerSecond":1000}`)
		seeker := h.follow(`subscription { last(even: true) }`, broker.Resume{})
		back := h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		time.Sleep(2 * time.Second)
		if n := len(strings.Fields(back.take())); n < 1000 {
			t.Errorf("%d events in two seconds", n)
		}
		back.Close()
		seeker.Close()
		time.Sleep(time.Second)
		before := w.reads.Load()
		if time.Sleep(time.Minute); w.reads.Load() != before {
			t.Error("the search goes on for one who has left")
		}
	})
}

// TestReadinessIsAskedOfThoseWhomAnEventReaches, and not of all who come back.
func TestReadinessIsAskedOfThoseWhomAnEventReaches(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start, both := f.at(), h.follow(`subscription { both }`, broker.Resume{Cursors: true}).at()
		h.ticks(1000)
		var back []*follower
		for range 10 {
			back = append(back, h.follow(`subscription { tick(even: true) }`, broker.Resume{Cursor: start}))
		}
		other := h.follow(`subscription { both }`, broker.Resume{Cursor: both})
		synctest.Wait()
		for _, b := range back {
			if n := len(strings.Fields(b.take())); n != 500 {
				t.Errorf("%d events", n)
			}
			if n := b.asked.Load(); n > 500+20 {
				t.Errorf("asked %d times for 500 events", n)
			}
		}
		want(t, other, numbers(1, 1000))
	})
}

// TestSlowReadersAtRandom has sinks without room at any moment.
func TestSlowReadersAtRandom(t *testing.T) {
	const apart = 2 * broker.PageEvents
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		var cursors []string
		for range 3 {
			cursors = append(cursors, f.at())
			h.ticks(apart)
		}
		var back []*follower
		for i := range 12 {
			b := &follower{every: int64(3 + i*7)}
			if errs := h.tryFollow(b, `subscription { tick }`, broker.Resume{Cursor: cursors[i%3]}); errs != nil {
				t.Fatal(errs)
			}
			back = append(back, b)
		}
		time.Sleep(5 * time.Minute)
		h.ticks(1)
		for i, b := range back {
			got := strings.Fields(b.take())
			if !slices.Equal(got, strings.Fields(numbers(apart*(i%3)+1, 3*apart+1))) {
				t.Errorf("follower %d has %d events", i, len(got))
			}
		}
	})
}
