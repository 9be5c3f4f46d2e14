package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// asking is a runner whose resolvers ask for permissions, and skip.
type asking []string

func (a asking) Run(_ context.Context, _ string, in sandbox.Inputs, r *sandbox.Result) {
	*r = sandbox.Result{Verdict: abi.Skip}
	for _, name := range a {
		r.Reads = append(r.Reads, sandbox.Read{Question: sandbox.AskPermitted, Name: name, Present: in.Permitted(name)})
	}
}
func (asking) Log(sandbox.Line) {}
func (asking) Digest() string   { return "" }

// subscribeMany has the stage's tenant have subscribers, by turns with and without a
// permission.
func (s *turnStage) subscribeMany(n int) {
	s.t.Helper()
	ids := make([]tenant.Identity, 2)
	ids[1], _ = tenant.NewIdentity(nil, []string{"p0"})
	for i := range n {
		o, errs := s.broker.Open(s.t.Context(), s.tenant, ids[i%2], graph.Request{Query: "subscription { s }"})
		if errs != nil {
			s.t.Fatal(errs)
		}
		if _, errs := o.Subscribe(silent{}, Resume{}); errs != nil {
			s.t.Fatal(errs)
		}
	}
}

func (s *turnStage) receive(n int) {
	s.broker.Receive(s.t.Context(), s.tenant, &event.Event{Tenant: "acme", Channel: "c", ID: fmt.Sprint(n), Payload: []byte("1")})
}

// others has another tenant work a slice at a time, whenever it gets a turn, until it is
// told to stop, and then tells how many those were.
func (s *turnStage) others() (stop func() (turns int)) {
	ctx, cancel := context.WithCancel(s.t.Context())
	flow, came := newFlow(s.broker.queue), make(chan int, 1)
	busy := flow.begin(ctx, laneEvents)
	go func() {
		turns := 0
		for turn := busy; turn.held; turn.take() {
			synctest.Wait() // the other waits for its turn, or is done
			if turns++; ctx.Err() != nil {
				turn.release()
				break
			}
			turn.spend(sliceUnits)
			turn.release()
		}
		came <- turns
	}()
	return func() int {
		cancel()
		return <-came
	}
}

// A tenant whose subscribers are put into groups anew gives way in the midst of them,
// and has their number charged.
func TestRegroupingGivesWay(t *testing.T) {
	const all = 100_000
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		s.version = s.newVersion()
		names := make(asking, 8)
		for i := range names {
			names[i] = fmt.Sprint("p", i)
		}
		s.version.Runners = map[string]Runner{"m": names}
		s.broker.Activate(s.tenant, s.version)
		s.subscribeMany(all)
		s.receive(1) // which learns
		flow := s.broker.state(s.tenant, false).flow
		before, _ := flow.used()
		stop := s.others()
		s.receive(2)
		turns := stop()
		after, _ := flow.used()
		s.broker.queue.idle(t, 1, false)
		// All are looked at once, since the questions suit, and moved once.
		if units := after - before; units < 2*all*regroupUnits || units > 3*all*regroupUnits {
			t.Errorf("%d units for %d members", units, all)
		}
		if least := 2 * all * regroupUnits / sliceUnits * 9 / 10; turns < least {
			t.Errorf("another had %d turns meanwhile, want %d at least", turns, least)
		}
		if _, groups, _ := s.broker.Groups(); groups != 2 {
			t.Errorf("%d groups", groups)
		}
	})
}

// A replay that looks at many who wait gives way in the midst of them, whether it puts
// them in order or looks for whom an event reaches, and does not hold the lock meanwhile.
func TestReplaysGiveWay(t *testing.T) {
	const all = 50_000
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		o := s.planned("subscription { s }")
		st := s.broker.state(s.tenant, false)
		field := o.operation.Roots()[0].Field
		for i := range all {
			one := &Subscription{state: st, resumes: true, progress: &progress{waiting: true, from: event.Position(fmt.Sprintf("%08d", i*7919%all))}}
			one.place = st.mu.replays.add(one, o.bound, field, keys{values: []string{""}})
			st.mu.waiting[one] = struct{}{}
		}
		w := &walk{broker: s.broker, state: st, ctx: t.Context(), turn: st.flow.begin(t.Context(), laneReplays)}
		gaveWay := func(work string, least int, f func()) {
			t.Helper()
			w.turn.release()
			before, _ := st.flow.used()
			stop := s.others()
			w.work()
			f()
			w.turn.release()
			turns := stop()
			after, _ := st.flow.used()
			if units := int(after - before); units < least || turns < units/sliceUnits-2 {
				t.Errorf("%s: %d units, want %d at least, and another had %d turns", work, units, least, turns)
			}
		}
		gaveWay("order", 10*all*lookUnits, func() {
			some := w.begin()
			if len(some) != all || !slices.IsSortedFunc(some, func(a, b *Subscription) int { return comparePositions(a.progress.from, b.progress.from) }) {
				t.Errorf("%d subscriptions, or not in order", len(some))
			}
		})
		var payload jsondoc.Document
		if err := payload.Parse([]byte("1"), jsondoc.Options{}); err != nil {
			t.Fatal(err)
		}
		gaveWay("match", all*lookUnits, func() {
			looked := 0
			version, fields, _ := w.matchPast(nil, &event.Event{Channel: "c"}, &payload, func(one *Subscription) bool {
				looked++
				if looked%1000 == 1 {
					if !st.mu.TryLock() {
						t.Fatal("the lock is held while members are looked at")
					}
					st.mu.Unlock()
				}
				return one.progress.from < "00000010"
			})
			if len(fields) != 1 || len(fields[0].parts) != 1 || len(fields[0].parts[0].members) != 10 || looked != all {
				t.Errorf("%d fields of %d looked at", len(fields), looked)
			}
			if st.mu.replays.lent != 0 {
				t.Error("the index has lent what was copied")
			}
			// What nobody is to see gives the turn back before the version, which may have to close instances.
			s.broker.handOut(t.Context(), st, version, nil, w.turn, occasion{})
			if w.turn.held {
				t.Error("an event that reaches nobody keeps the turn")
			}
			st.release(version)
		})
		s.broker.queue.idle(t, 1, false)
	})
}

// A version that takes over while those who wait are put into groups anew keeps nobody
// from a past event that is for them under either.
func TestPastEventOfAnyVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		o := s.planned("subscription { s }")
		st := s.broker.state(s.tenant, false)
		fill := func(x *index) *index {
			for range sliceUnits / regroupUnits { // which takes more than a slice
				one := &Subscription{state: st}
				one.place = x.add(one, o.bound, o.operation.Roots()[0].Field, keys{values: []string{""}})
				one.place.shared.learned = []question{{kind: sandbox.AskPermitted, name: "p0"}}
			}
			return x
		}
		fill(st.mu.replays)
		w := &walk{broker: s.broker, state: st, ctx: t.Context(), turn: st.flow.begin(t.Context(), laneReplays)}
		next := fill(newIndex())
		go func() {
			turn := newFlow(s.broker.queue).begin(t.Context(), laneEvents)
			st.mu.Lock()
			st.mu.replays = next
			st.mu.Unlock()
			turn.release()
		}()
		synctest.Wait()
		var payload jsondoc.Document
		if err := payload.Parse([]byte("1"), jsondoc.Options{}); err != nil {
			t.Fatal(err)
		}
		version, fields, ok := w.matchPast(nil, &event.Event{Channel: "c"}, &payload, func(*Subscription) bool { return true })
		if st.mu.replays != next {
			t.Error("the other version did not take over meanwhile")
		}
		if !ok || len(fields) != 1 || next.lent != 0 {
			t.Errorf("found: %v, %d fields, lent %d times", ok, len(fields), next.lent)
		}
		st.release(version)
		w.turn.release()
	})
}
