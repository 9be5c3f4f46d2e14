package broker

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// turnTaker notes the order in which turns come.
type turnTaker struct {
	mu   sync.Mutex
	came []string
}

// queue has a goroutine take a turn of the line, which it gives back when end is
// closed, and returns when it waits or has it.
func (r *turnTaker) queue(ctx context.Context, l *line, name string, end <-chan struct{}) {
	go func() {
		if !l.take(ctx) {
			name = "not " + name
		}
		r.mu.Lock()
		r.came = append(r.came, name)
		r.mu.Unlock()
		if ctx.Err() == nil {
			<-end
			l.giveBack()
		}
	}()
	synctest.Wait()
}

// A line with much waiting delays another by one turn, not by all of its own.
func TestLinesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := &turns{free: 1}
		a, b, c := &line{turns: of}, &line{turns: of}, &line{turns: of}
		end := make(chan struct{})
		var r turnTaker
		for _, name := range []string{"a1", "a2", "a3"} {
			r.queue(t.Context(), a, name, end)
		}
		r.queue(t.Context(), b, "b1", end)
		r.queue(t.Context(), c, "c1", end)
		r.queue(t.Context(), b, "b2", end)
		if !slices.Equal(r.came, []string{"a1"}) {
			t.Fatalf("%q have the one turn", r.came)
		}
		for range 6 {
			end <- struct{}{}
			synctest.Wait()
		}
		if want := []string{"a1", "a2", "b1", "c1", "a3", "b2"}; !slices.Equal(r.came, want) {
			t.Errorf("turns came in the order %q, want %q", r.came, want)
		}
		if of.free != 1 || len(of.next) != 0 {
			t.Errorf("%d turns are free, %d lines wait", of.free, len(of.next))
		}
	})
}

// Who gives up leaves no place behind, whatever the place was.
func TestTurnsAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := &turns{free: 1}
		a, b := &line{turns: of}, &line{turns: of}
		end := make(chan struct{})
		ended, cancel := context.WithCancel(t.Context())
		var r turnTaker
		r.queue(t.Context(), a, "a1", end)
		r.queue(ended, a, "a2", end)
		r.queue(t.Context(), a, "a3", end)
		r.queue(ended, b, "b1", end)
		cancel()
		synctest.Wait()
		for range 2 {
			end <- struct{}{}
			synctest.Wait()
		}
		slices.Sort(r.came[1:3])
		if want := []string{"a1", "not a2", "not b1", "a3"}; !slices.Equal(r.came, want) {
			t.Errorf("turns came in the order %q, want %q", r.came, want)
		}
		if of.free != 1 || len(of.next) != 0 {
			t.Errorf("%d turns are free, %d lines wait", of.free, len(of.next))
		}

		// A turn that comes as its request ends goes on to the next.
		if !a.take(t.Context()) {
			t.Fatal("no turn though one is free")
		}
		turn := make(chan struct{})
		place := b.waiting.PushBack(turn)
		of.next = append(of.next, b)
		r.queue(t.Context(), a, "a4", end)
		a.giveBack()
		b.leave(place, turn)
		synctest.Wait()
		if last := r.came[len(r.came)-1]; last != "a4" {
			t.Errorf("the turn went to %s", last)
		}
		end <- struct{}{}
	})
}

// turnStage is a broker with one turn, and a tenant whose operations need it.
type turnStage struct {
	t       *testing.T
	broker  *Broker
	tenant  *tenant.Tenant
	version *Version
}

const turnSDL = `type Query { a(n: Int): Int } type Subscription { s(n: Int): Int @on(channel: "c") }`

func newTurnStage(t *testing.T) *turnStage {
	owner, err := tenant.New("acme", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	s := &turnStage{t: t, broker: New(Config{Runs: 1}), tenant: owner}
	s.version = s.newVersion()
	s.broker.Activate(owner, s.version)
	return s
}

func (s *turnStage) newVersion() *Version {
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: turnSDL, Resolvers: []string{"Query.a", "Subscription.s"}}}, graph.ComposeLimits{})
	if err != nil {
		s.t.Fatal(err)
	}
	return &Version{Schema: schema}
}

// open gives what Open returns to a channel, when it does.
func (s *turnStage) open(ctx context.Context, query, variables string) <-chan graph.Errors {
	answer := make(chan graph.Errors, 1)
	go func() {
		o, errs := s.broker.Open(ctx, s.tenant, tenant.Identity{}, graph.Request{Query: query, Variables: []byte(variables)})
		if errs == nil {
			o.Close()
		}
		answer <- errs
	}()
	synctest.Wait()
	return answer
}

// Validation and the coercion of variables wait for their turn, no longer than
// their request lives; what was done before needs none.
func TestOperationsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		for _, known := range []string{"{ a }", "query($n: Int) { a(n: $n) }", "{ wrong }"} {
			<-s.open(t.Context(), known, "")
		}
		busy := &line{turns: s.broker.validations}
		busy.take(t.Context())
		ended, end := context.WithCancel(t.Context())
		unknown := s.open(t.Context(), "{ b: a }", "")
		variables := s.open(t.Context(), "query($n: Int) { a(n: $n) }", `{"n":1}`)
		gaveUp := s.open(ended, "{ c: a }", "")
		if len(unknown)+len(variables)+len(gaveUp) != 0 {
			t.Fatal("one did not wait for its turn")
		}
		if plan, refused := s.open(ended, "{ a }", ""), s.open(ended, "{ wrong }", ""); len(plan) != 1 || len(refused) != 1 {
			t.Error("what is known waits for a turn")
		}
		end()
		if errs := <-gaveUp; errs == nil {
			t.Error("a request that has ended was validated")
		}
		busy.giveBack()
		if first, second := <-unknown, <-variables; first != nil || second != nil {
			t.Errorf("in their turns: %v, %v", first, second)
		}
		if made := PlansMade(s.version); made != 4 {
			t.Errorf("%d operations were validated, want 4", made)
		}
	})
}

// silent is a Sink that nobody listens to.
type silent struct{}

func (silent) Next(graph.Delivery) (taken, skipped bool) { return true, false }
func (silent) Error(graph.Errors)                        {}
func (silent) Position(string)                           {}
func (silent) Ready() bool                               { return true }
func (silent) Complete()                                 {}

// Live subscriptions are planned anew in turns, too, which requests of the same
// tenant don't delay by more than one.
func TestReplanningTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		o, errs := s.broker.Open(t.Context(), s.tenant, tenant.Identity{}, graph.Request{Query: "subscription { s }"})
		if errs != nil {
			t.Fatal(errs)
		}
		if _, errs := o.Subscribe(silent{}, Resume{}); errs != nil {
			t.Fatal(errs)
		}
		busy := &line{turns: s.broker.validations}
		busy.take(t.Context())
		requests := &s.broker.state(s.tenant, false).requests
		var r turnTaker
		end := make(chan struct{})
		r.queue(t.Context(), requests, "first", end)
		r.queue(t.Context(), requests, "second", end)
		activated := make(chan struct{})
		go func() {
			s.broker.Activate(s.tenant, s.newVersion())
			close(activated)
		}()
		synctest.Wait()
		busy.giveBack()
		synctest.Wait()
		select {
		case <-activated:
			t.Error("a version was activated while others had the turns")
		default:
		}
		end <- struct{}{}
		<-activated
		end <- struct{}{}
	})
}
