package broker

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// charged is what a tenant is charged for some work.
func (s *chargesStage) charged(f func()) int {
	before, _ := s.state().flow.used()
	f()
	after, _ := s.state().flow.used()
	return int(after - before)
}

// What takes little fuel and few bytes on the wire is charged for what it makes the
// server do.
func TestHostileWorkIsCharged(t *testing.T) {
	list := "[" + many(15_000, "1", ",") + "]"
	for name, c := range map[string]struct {
		begin func(s *chargesStage) func()
		least int
	}{
		"an event of many values": {func(s *chargesStage) func() {
			return func() { s.receive("c", list) }
		}, 15_000 * eventNodeUnits},
		"conditions that subscribers have each set of": {func(s *chargesStage) func() {
			text := s.shapes(10, "2999")
			return func() { s.receive("c", text) }
		}, 1<<10*6*placeUnits + 3_000*eventNodeUnits},
		"arguments that each subscriber's result is looked up by": {func(s *chargesStage) func() {
			s.runner.reads = []sandbox.Read{{Question: sandbox.AskInput, Kind: abi.InputArguments}}
			s.subscribe(100, tenant.Identity{}, "subscription($n: [Int]) { item(n: $n) { id } }", func(int) string { return `{"n":` + list + `}` })
			return func() { s.receive("c", "1") }
		}, 100 * 30_000 / answerBytesPerUnit},
		"outputs that nobody asks for": {func(s *chargesStage) func() {
			s.runner.verdict, s.runner.output = abi.Deliver, []byte(`[{"id":1,"c":`+list+"}]")
			return func() { s.open(tenant.Identity{}, "{ list { more { id } } }", "").Execute(context.Background()) }
		}, 2 * 30_000 * outputByteUnits},
		"subscribing and leaving": {func(s *chargesStage) func() {
			s.subscribe(1, tenant.Identity{}, "subscription { item { id } }", noVariables)
			return func() { s.subscribe(1, tenant.Identity{}, "subscription { item { id } }", noVariables)[0].Close() }
		}, joinUnits},
		"claims that combine": {func(s *chargesStage) func() {
			id := s.combining()
			return func() { s.subscribe(1, id, "subscription { mine { id } }", noVariables)[0].Close() }
		}, 4095 * entryUnits},
		"planning these anew": {func(s *chargesStage) func() {
			s.subscribe(2, s.combining(), "subscription { mine { id } }", noVariables)
			return s.activate
		}, 2 * 4095 * entryUnits},
	} {
		s := newChargesStage(t)
		if units := s.charged(c.begin(s)); units < c.least || units > 3*c.least+200_000 {
			t.Errorf("%s: %d units, want %d", name, units, c.least)
		}
	}
}

// combining is an identity that stands in 4,096 buckets of a field.
func (s *chargesStage) combining() tenant.Identity {
	list := json.RawMessage("[" + many(64, "%d", ",") + "]")
	id, err := tenant.NewIdentity(map[string]json.RawMessage{"x": list, "y": list}, nil)
	if err != nil {
		s.b.Fatal(err)
	}
	return id
}

// Who may stand in many buckets waits for a turn to enter them, no longer than its
// request lives. Others need none, and what they do is owed.
func TestManyKeysTakeATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newChargesStage(t)
		open := func(ctx context.Context, id tenant.Identity, query string) *Operation {
			o, errs := s.broker.Open(ctx, s.tenant, id, graph.Request{Query: query})
			if errs != nil {
				t.Fatal(errs)
			}
			return o
		}
		ctx, end := context.WithCancel(t.Context())
		many, gone := open(t.Context(), s.combining(), "subscription { mine { id } }"), open(ctx, s.combining(), "subscription { mine { id } }")
		few := open(t.Context(), tenant.Identity{}, "subscription { item { id } }")
		busy := newFlow(s.broker.queue).begin(t.Context(), laneEvents)
		answers := make(chan graph.Errors, 2)
		for _, o := range []*Operation{many, gone} {
			go func() {
				_, errs := o.Subscribe(silent{}, Resume{})
				answers <- errs
			}()
		}
		synctest.Wait()
		flow := s.state().flow
		s.broker.queue.mu.Lock()
		before := flow.credit
		s.broker.queue.mu.Unlock()
		if _, errs := few.Subscribe(silent{}, Resume{}); errs != nil {
			t.Error(errs)
		}
		s.broker.queue.mu.Lock()
		owed := before - flow.credit
		s.broker.queue.mu.Unlock()
		if owed != joinUnits || len(answers) != 0 {
			t.Errorf("%d units are owed, and %d did not wait", owed, len(answers))
		}
		end()
		if errs := <-answers; errs == nil {
			t.Error("one subscribed whose request has ended")
		}
		busy.release()
		if errs := <-answers; errs != nil {
			t.Error(errs)
		}
		s.broker.queue.idle(t, 1, false)
	})
}

// A past event is charged for what it holds, like others.
func TestPastEventsAreCharged(t *testing.T) {
	s := newChargesStage(t)
	w := s.waiting(10)
	w.turn.release()
	some := w.begin()
	for _, one := range some {
		one.progress.walked = true
	}
	e := event.Event{Channel: "c", Position: "9", Payload: []byte("[" + strings.Repeat("1,", 10_000) + "1]")}
	units := s.charged(func() {
		w.handOut(&handing{some: some, replays: s.state().mu.replays, before: "0"}, &e)
		w.turn.release()
	})
	if least := 10_000*eventNodeUnits + replayUnits; units < least || units > 2*least {
		t.Errorf("%d units, want %d", units, least)
	}
}
