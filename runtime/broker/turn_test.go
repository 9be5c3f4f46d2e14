package broker

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

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

// planned is an operation that was opened and closed.
func (s *turnStage) planned(query string) *Operation {
	s.t.Helper()
	o, errs := s.broker.Open(s.t.Context(), s.tenant, tenant.Identity{}, graph.Request{Query: query})
	if errs != nil {
		s.t.Fatal(errs)
	}
	o.Close()
	return o
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
		busy := newFlow(s.broker.queue).begin(t.Context(), laneEvents)
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
		busy.release()
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
		busy := newFlow(s.broker.queue).begin(t.Context(), laneEvents)
		flow := s.broker.state(s.tenant, false).flow
		var r taken
		for range 3 {
			r.queue(t.Context(), flow, laneRequests, "request", 10*sliceUnits)
		}
		activated := make(chan struct{})
		go func() {
			s.broker.Activate(s.tenant, s.newVersion())
			close(activated)
		}()
		synctest.Wait()
		select {
		case <-activated:
			t.Error("a version was activated while another had the turn")
		default:
		}
		began := time.Now()
		busy.release()
		<-activated
		if took := time.Since(began); took > 2*sliceTime {
			t.Errorf("it took %v beside the tenant's requests", took)
		}
		s.broker.queue.idle(t, 1, false)
	})
}

// instant is a runner whose resolvers answer at once.
type instant struct{}

func (instant) Run(_ context.Context, _ string, _ sandbox.Inputs, r *sandbox.Result) {
	*r = sandbox.Result{Verdict: abi.Deliver, HasOutput: true, Output: []byte("1"), Fuel: 1000}
}
func (instant) Log(sandbox.Line) {}
func (instant) Digest() string   { return "" }

// counting is a Sink that counts for all of a tenant.
type counting struct {
	silent
	count func()
}

func (s counting) Next(graph.Delivery) (taken, skipped bool) { s.count(); return true, false }

// A tenant with many subscribers gives way in the midst of them, by the charge for
// each, and gets all of them served.
func TestFanOutsGiveWay(t *testing.T) {
	const all = 20_000
	synctest.Test(t, func(t *testing.T) {
		s := newTurnStage(t)
		s.version = s.newVersion()
		s.version.Runners = map[string]Runner{"m": instant{}}
		s.broker.Activate(s.tenant, s.version)
		delivered, came := 0, 0
		sink := counting{count: func() {
			if delivered++; delivered == 10 {
				go func() {
					turn := newFlow(s.broker.queue).begin(t.Context(), laneEvents)
					came = delivered
					turn.release()
				}()
				for s.broker.queue.waiting.Load() == 0 {
					runtime.Gosched()
				}
			}
		}}
		for range all {
			o, errs := s.broker.Open(t.Context(), s.tenant, tenant.Identity{}, graph.Request{Query: "subscription { s }"})
			if errs != nil {
				t.Fatal(errs)
			}
			if _, errs := o.Subscribe(sink, Resume{}); errs != nil {
				t.Fatal(errs)
			}
		}
		s.broker.Receive(t.Context(), s.tenant, &event.Event{Tenant: "acme", Channel: "c", ID: "1", Payload: []byte("1")})
		s.broker.queue.idle(t, 1, false)
		if most := 10 + 2*sliceUnits/frameUnits; came == 0 || came > most {
			t.Errorf("another's turn came after %d deliveries, want %d at most", came, most)
		}
		if delivered != all {
			t.Errorf("%d of %d were delivered", delivered, all)
		}
		work, _ := s.broker.state(s.tenant, false).flow.used()
		if work < all*frameUnits {
			t.Errorf("%d deliveries were charged %d units", all, work)
		}
	})
}
