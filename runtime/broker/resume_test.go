package broker_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const ticks = `
type Query { a: Int }
type Subscription {
  tick(even: Boolean): Int @on(channel: "ticks") @match(path: "even", arg: "even")
  both: Int @on(channel: "ticks") @on(channel: "tocks")
  last(even: Boolean): Int @on(channel: "ticks", initial: true) @match(path: "even", arg: "even")
}`

func tickResolvers() map[string]resolver {
	number := func(g *reader, r *sandbox.Result) {
		var payload struct{ N int }
		_ = json.Unmarshal([]byte(g.event()), &payload)
		output(r, "%d", payload.N)
	}
	return map[string]resolver{"Subscription.tick": number, "Subscription.both": number, "Subscription.last": number, "Query.a": func(*reader, *sandbox.Result) {}}
}

// history is a broker on a bus that keeps events.
type history struct {
	*stage
	events *memory.Bus
	keep   atomic.Pointer[event.Retention]
	n      int
}

var testKey = []byte("the key of cursors in these tests")

func newHistory(t *testing.T) *history {
	t.Helper()
	events := memory.New()
	h := &history{events: events}
	h.retain(1 << 30)
	owners := tenanttest.Directory()
	h.stage = &stage{t: t, owners: owners, tenant: tenanttest.Create(t, owners, "acme")}
	h.broker = h.newBroker(testKey)
	t.Cleanup(h.broker.Close)
	h.activate(ticks, tickResolvers())
	return h
}

// retain has the bus keep so many events.
func (h *history) retain(events int64) {
	h.keep.Store(&event.Retention{Bytes: 1 << 30, Events: events, Age: time.Hour})
}

func (h *history) newBroker(key []byte) *broker.Broker {
	return broker.New(broker.Config{Events: h.events, CursorKey: key, Debug: true, Runs: 4})
}

// tail hands the events of the bus to the broker until the test ends.
func (h *history) tail() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.events.Tail(ctx, tail{h}) }()
	h.t.(*testing.T).Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	})
}

type tail struct{ *history }

func (k tail) Receive(e *event.Event) bool {
	return k.broker.Receive(context.Background(), k.tenant, e)
}
func (k tail) Gap(_ string, gap event.Gap)                  { k.broker.Lose(k.tenant, gap) }
func (k tail) Skipped(_ string, at event.Position, _ error) { k.broker.Pass(k.tenant, at) }
func (k tail) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) { yield(k.tenant.ID(), *k.keep.Load()) }
}

// tick publishes the next number.
func (h *history) tick(channel string) {
	h.t.Helper()
	h.n++
	e := event.Event{Channel: channel, Payload: fmt.Appendf(nil, `{"n":%d,"even":%v}`, h.n, h.n%2 == 0)}
	if _, err := h.events.Publish(context.Background(), h.tenant.ID(), []event.Event{e}, *h.keep.Load()); err != nil {
		h.t.Error(err)
	}
}

// follower is a sink that remembers where it is.
type follower struct {
	*broker.Subscription
	mu     sync.Mutex
	got    []string
	cursor string
	full   bool
	every  int64        // one of so many times there is no room; 0 is never
	asked  atomic.Int64 // how often Ready was called
	told   func()       // called with the next response
}

func (f *follower) Next(d graph.Delivery) (taken, skipped bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, string(d.Response))
	f.cursor = d.Cursor
	if told := f.told; told != nil {
		f.told = nil
		told()
	}
	return true, false
}

func (f *follower) Position(cursor string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cursor = cursor
}

func (f *follower) Ready() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked.Add(1)
	return !f.full && (f.every == 0 || n%f.every != 0)
}

func (f *follower) Error(errs graph.Errors) {
	f.Next(graph.Delivery{Response: []byte("error " + errs.Error())})
}
func (f *follower) Complete() { f.Next(graph.Delivery{Response: []byte("complete")}) }

func (f *follower) fill(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

// take returns the values that came since the last call, each once.
func (f *follower) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var values []string
	for _, text := range f.got {
		var response struct {
			Data   map[string]*int
			Errors []struct {
				Extensions struct{ Code, From, To string }
			}
		}
		switch {
		case json.Unmarshal([]byte(text), &response) != nil:
			values = append(values, text)
		case response.Errors != nil:
			values = append(values, response.Errors[0].Extensions.Code)
		}
		for _, n := range response.Data {
			if n != nil {
				values = append(values, fmt.Sprint(*n))
			}
		}
	}
	f.got = nil
	return strings.Join(values, " ")
}

func (f *follower) at() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cursor
}

func (h *history) follow(query string, r broker.Resume) *follower {
	h.t.Helper()
	f := &follower{cursor: r.Cursor}
	if errs := h.tryFollow(f, query, r); errs != nil {
		h.t.Fatal(errs)
	}
	return f
}

func (h *history) tryFollow(f *follower, query string, r broker.Resume) graph.Errors {
	o, errs := h.open(tenant.Identity{}, query, "")
	if errs == nil {
		f.Subscription, errs = o.Subscribe(f, r)
	}
	return errs
}

// resume comes back with the cursor that a follower had.
func (h *history) resume(f *follower, query string) *follower {
	h.t.Helper()
	return h.follow(query, broker.Resume{Cursor: f.at()})
}

// await waits until so many responses have come since the last take, or for long.
func (f *follower) await(n int) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		got := len(f.got)
		f.mu.Unlock()
		if got >= n {
			return
		}
	}
}

func want(t *testing.T, f *follower, values string) {
	t.Helper()
	if got := f.take(); got != values {
		t.Errorf("got %q, want %q", got, values)
	}
}

func bubble(t *testing.T, test func(t *testing.T, h *history)) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.tail()
		synctest.Wait()
		test(t, h)
	})
}

func (h *history) ticks(n int) {
	for range n {
		h.tick("ticks")
	}
	synctest.Wait()
}

func TestResume(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		const query = `subscription { tick(even: true) }`
		h.ticks(2)
		f := h.follow(query, broker.Resume{Cursors: true})
		if f.at() == "" {
			t.Error("a new subscription does not know where it is")
		}
		h.ticks(3)
		want(t, f, "4")
		f.Close()
		h.ticks(4)
		want(t, f, "")

		back := h.resume(f, query)
		synctest.Wait()
		want(t, back, "6 8")
		h.ticks(1)
		want(t, back, "10")
		late := h.resume(f, query) // the same again: a cursor is of no one connection
		synctest.Wait()
		want(t, late, "6 8 10")
		plain := h.follow(query, broker.Resume{})
		h.ticks(2)
		want(t, back, "12")
		want(t, late, "12")
		want(t, plain, "12")
		if plain.at() != "" {
			t.Error("a cursor that nobody asked for")
		}
	})
}

// TestCursorsMovePastWhatDoesNotMatch has it told without an event.
func TestCursorsMovePastWhatDoesNotMatch(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		const query = `subscription { tick(even: true) }`
		f := h.follow(query, broker.Resume{Cursors: true})
		first := f.at()
		h.ticks(1)
		f.Tell()
		second := f.at()
		f.Tell()
		if first == second {
			t.Error("the cursor stays in front of an event that did not match")
		}
		h.ticks(1)
		want(t, f, "2")
		third := f.at()
		if f.Tell(); f.at() != third {
			t.Error("a cursor that is told without need")
		}
		h.retain(1)
		h.ticks(3)
		time.Sleep(time.Minute)
		f.Tell()
		f.Close()
		back := h.resume(f, query)
		synctest.Wait()
		want(t, f, "4")
		want(t, back, "") // no gap
	})
}

func TestResumeTellsWhatIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		const query = `subscription { tick }`
		f := h.follow(query, broker.Resume{Cursors: true})
		h.ticks(1)
		f.take()
		f.Close()
		h.retain(2)
		h.ticks(5)
		time.Sleep(time.Minute) // for retention
		back := h.follow(query, broker.Resume{Cursor: f.at()})
		synctest.Wait()
		if len(back.got) == 0 {
			t.Fatal("nothing")
		}
		response := back.got[0]
		want(t, back, "GAP 5 6")
		var gap struct {
			Data   any
			Errors []struct {
				Extensions struct{ From, To string }
			}
		}
		if err := json.Unmarshal([]byte(response), &gap); err != nil || gap.Errors[0].Extensions.From != f.at() || !strings.HasPrefix(response, `{"data":null,`) {
			t.Errorf("%s (%v), want a gap from %s", response, err, f.at())
		}
		again := h.follow(query, broker.Resume{Cursor: gap.Errors[0].Extensions.To})
		synctest.Wait()
		want(t, again, "5 6")
	})
}

func TestBadCursors(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		const query = `subscription { tick }`
		f := h.follow(query, broker.Resume{Cursors: true})
		h.ticks(1)
		cursor := f.at()
		raw, _ := base64.RawURLEncoding.DecodeString(cursor)
		raw[len(raw)-20] ^= 1
		for name, c := range map[string]struct{ cursor, query, want string }{
			"no base64":     {"%", query, "it is no cursor"},
			"short":         {"AAAA", query, "it is no cursor"},
			"changed":       {base64.RawURLEncoding.EncodeToString(raw), query, "none that this server gave for this field"},
			"another field": {cursor, `subscription { both }`, "none that this server gave for this field"},
			"padded":        {cursor + "=", query, "it is no cursor"},
			"long":          {strings.Repeat("A", 257), query, "it has 257 bytes"},
		} {
			errs := h.tryFollow(&follower{}, c.query, broker.Resume{Cursor: c.cursor})
			if errs == nil || errs[0].Code != abi.CodeBadUserInput || !strings.Contains(errs[0].Message, c.want) {
				t.Errorf("%s: %v", name, errs)
			}
		}

		// A cursor of another server, or of a bus whose positions are others.
		other := h.newBroker(nil)
		defer other.Close()
		h.broker = other
		h.activate(ticks, tickResolvers())
		back := h.follow(query, broker.Resume{Cursor: cursor})
		synctest.Wait()
		want(t, back, "GAP")
		h.ticks(1)
		want(t, back, "2")
	})
}

func TestInitial(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		empty := h.follow(`subscription { last }`, broker.Resume{})
		h.ticks(100)
		empty.take()
		all, even := h.follow(`subscription { last }`, broker.Resume{}), h.follow(`subscription { last(even: false) }`, broker.Resume{Cursors: true})
		synctest.Wait()
		want(t, empty, "")
		want(t, all, "100")
		want(t, even, "99")
		h.ticks(1)
		want(t, empty, "101")
		want(t, all, "101")
		want(t, even, "101")
		even.Close()
		back := h.resume(even, `subscription { last(even: false) }`)
		synctest.Wait()
		want(t, back, "") // none for who comes back
	})
}

// TestReplaysShareRuns has many come back from several places.
func TestReplaysShareRuns(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		m, _ := h.activate(ticks, tickResolvers())
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		var cursors []string
		for range 10 {
			cursors = append(cursors, f.at())
			h.ticks(20)
		}
		m.count()
		var back []*follower
		for i := range 100 {
			back = append(back, h.follow(`subscription { tick }`, broker.Resume{Cursor: cursors[i%10]}))
		}
		synctest.Wait()
		if n := m.count(); n > 600 { // 200 events, in one round or, where some came late, a few
			t.Errorf("%d runs", n)
		}
		for i, b := range back {
			if got := len(strings.Fields(b.take())); got != 200-i%10*20 {
				t.Errorf("follower %d has %d events", i, got)
			}
		}
	})
}

// TestASlowReaderKeepsNoOtherFromItsReplay has one take nothing for a while.
func TestASlowReaderKeepsNoOtherFromItsReplay(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		h.ticks(1000)
		slow := &follower{full: true}
		if errs := h.tryFollow(slow, `subscription { tick }`, broker.Resume{Cursor: start}); errs != nil {
			t.Fatal(errs)
		}
		quick := h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		time.Sleep(time.Second)
		if n := len(strings.Fields(quick.take())); n != 1000 {
			t.Errorf("the quick one has %d events", n)
		}
		want(t, slow, "")
		slow.fill(false)
		time.Sleep(time.Second)
		if n := len(strings.Fields(slow.take())); n != 1000 {
			t.Errorf("the slow one has %d events", n)
		}
	})
}

func TestReplayEventsPerSecond(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		start := f.at()
		h.ticks(100)
		tenanttest.MergeLimits(t, h.owners, h.tenant, `{"replayEventsPerSecond":10}`)
		back := h.follow(`subscription { tick }`, broker.Resume{Cursor: start})
		time.Sleep(5*time.Second + time.Millisecond)
		if n := len(strings.Fields(back.take())); n < 50 || n > 61 {
			t.Errorf("%d events in five seconds", n)
		}
		h.broker.Remove(h.tenant)
	})
}

// TestQuarantineHoldsCursors comes back in front of what quarantine has skipped.
func TestQuarantineHoldsCursors(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		broken := tickResolvers()
		good := broken["Subscription.tick"]
		failing := true
		broken["Subscription.tick"] = func(g *reader, r *sandbox.Result) {
			if failing {
				r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "unreachable"}
				return
			}
			good(g, r)
		}
		h.activate(ticks, broken)
		f := h.follow(`subscription { tick }`, broker.Resume{Cursors: true})
		h.ticks(25)
		if got := f.take(); !strings.HasSuffix(got, "RESOLVER_TRAP MODULE_QUARANTINED") {
			t.Fatalf("got %s", got)
		}
		held := f.at()
		h.ticks(5)
		if f.Tell(); f.at() != held {
			t.Error("the cursor has moved in quarantine")
		}
		f.Close()
		h.activate(ticks, tickResolvers())
		back := h.resume(f, `subscription { tick }`)
		synctest.Wait()
		want(t, back, "21 22 23 24 25 26 27 28 29 30")
	})
}

// TestEveryEventOnceAndInOrder has subscribers leave and come back at random,
// versions activated and events published meanwhile.
func TestEveryEventOnceAndInOrder(t *testing.T) {
	h := newHistory(t)
	h.tail()
	const events, people = 3000, 20
	done := make(chan struct{})
	var all sync.WaitGroup
	slowest := h.follow(`subscription { both }`, broker.Resume{})
	queries := []string{`subscription { tick }`, `subscription { both }`, `subscription { tick(even: true) }`}
	for i := range people {
		query := queries[i%len(queries)]
		f := h.follow(query, broker.Resume{Cursors: true})
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			var seen []string
			for last := false; ; {
				time.Sleep(time.Duration(random.IntN(5000)) * time.Microsecond)
				if random.IntN(2) == 0 {
					f.Tell()
				}
				if last {
					f.await(events/(1+i%len(queries)/2) - len(seen))
				}
				f.Close()
				if text := f.take(); text != "" {
					seen = append(seen, strings.Fields(text)...)
				}
				if last {
					break
				}
				select {
				case <-done:
					last = true
				default:
				}
				next := &follower{cursor: f.at()}
				if errs := h.tryFollow(next, query, broker.Resume{Cursor: f.at()}); errs != nil {
					t.Errorf("%s: %v", query, errs)
					return
				}
				f = next
			}
			step := 1
			if i%len(queries) == 2 {
				step = 2
			}
			for n := range events / step {
				if n >= len(seen) || seen[n] != fmt.Sprint((n+1)*step) {
					t.Errorf("%s: after %d events comes %v (of %d)", query, n, seen[n:min(n+5, len(seen))], len(seen))
					return
				}
			}
			if len(seen) != events/step {
				t.Errorf("%s: %d events", query, len(seen))
			}
		})
	}
	all.Go(func() {
		for range 20 {
			time.Sleep(10 * time.Millisecond)
			h.activate(ticks, tickResolvers())
		}
	})
	for range events {
		h.tick("ticks")
		time.Sleep(50 * time.Microsecond)
	}
	slowest.await(events)
	close(done)
	all.Wait()
}
