package broker_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const manySDL = `type Subscription { f(a: Int): String @on(channel: "c") }`

// tally is a sink that remembers its last response and counts.
type tally struct {
	responses int
	last      string
}

func (c *tally) Next(d graph.Delivery) (taken, skipped bool) {
	c.responses++
	c.last = string(d.Response)
	return true, false
}
func (*tally) Error(graph.Errors) {}
func (*tally) Position(string)    {}
func (*tally) Ready() bool        { return true }
func (c *tally) Complete()        { c.last += " complete" }

// crowd has many subscribe to f with another argument each; one in two has the
// permission p.
func (s *stage) crowd(n int) []*tally {
	s.t.Helper()
	ids := []tenant.Identity{identity(s.t, "{}"), identity(s.t, "{}", "p")}
	all := make([]*tally, n)
	for i := range all {
		o, errs := s.open(ids[i%2], `subscription($a: Int) { f(a: $a) }`, fmt.Sprintf(`{"a":%d}`, i))
		if errs != nil {
			s.t.Fatal(errs)
		}
		all[i] = &tally{}
		if _, errs := o.Subscribe(all[i], broker.Resume{}); errs != nil {
			s.t.Fatal(errs)
		}
	}
	return all
}

// TestArgumentsThatNobodyReadsCostNoRuns has 1,000 subscribers with another argument
// each.
func TestArgumentsThatNobodyReadsCostNoRuns(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) { output(r, "%q", g.event()) }})
	all := s.crowd(1000)
	for n := range 3 {
		s.publish("c", fmt.Sprint(n))
		if runs := m.count(); runs != 1 {
			t.Errorf("%d runs for event %d, want 1", runs, n)
		}
		for i, c := range all {
			if want := fmt.Sprintf(`{"data":{"f":"%d"}}`, n); c.last != want || c.responses != n+1 {
				t.Fatalf("subscriber %d got %s, want %s", i, c.last, want)
			}
		}
	}
}

// TestOnePermissionCostsTwoRuns has 100,000 subscribers of a resolver that reads one.
func TestOnePermissionCostsTwoRuns(t *testing.T) {
	s := newStage(t)
	s.limit(func(l *tenant.Limits) { l.Subscriptions = 100_000 })
	m, _ := s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) { output(r, `"%v"`, g.permitted("p")) }})
	all := s.crowd(100_000)
	for n := range 3 {
		s.publish("c", "1")
		if runs := m.count(); runs != 2 {
			t.Errorf("%d runs for event %d, want 2", runs, n)
		}
		for i, c := range all {
			if want := fmt.Sprintf(`{"data":{"f":"%v"}}`, i%2 == 1); c.last != want || c.responses != n+1 {
				t.Fatalf("subscriber %d got %s, want %s", i, c.last, want)
			}
		}
	}
	if crowds, groups, _ := s.broker.Groups(); crowds != 1 || groups != 2 {
		t.Errorf("%d buckets of many with %d groups, want one with two", crowds, groups)
	}
}

// TestFailuresAreSharedInGroups has a resolver end in each way for those with a
// permission.
func TestFailuresAreSharedInGroups(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(r *sandbox.Result)
		part string
		runs int // for 200 subscribers
	}{
		"fail":       {func(r *sandbox.Result) { r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no"} }, `"RESOLVER_ERROR"`, 2},
		"trap":       {func(r *sandbox.Result) { r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap} }, `"RESOLVER_TRAP"`, 2},
		"exhaustion": {func(r *sandbox.Result) { r.Fault = &sandbox.Fault{Code: abi.CodeFuelExhausted, Limit: "fuelPerRun"} }, `"FUEL_EXHAUSTED"`, 2},
		"bad output": {func(r *sandbox.Result) { output(r, "{") }, `"BAD_OUTPUT"`, 2},
		"complete":   {func(r *sandbox.Result) { r.Verdict = abi.Complete }, " complete", 2},
		"host":       {func(r *sandbox.Result) { r.Fault = &sandbox.Fault{Code: abi.CodeInternal} }, `"INTERNAL"`, 101},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			ends := false
			m, _ := s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
				if g.permitted("p") && ends {
					c.end(r)
					return
				}
				output(r, "1")
			}})
			all := s.crowd(200)
			s.publish("c", "1") // the permission is learned
			ends = true
			m.count()
			s.publish("c", "1")
			if runs := m.count(); runs != c.runs {
				t.Errorf("%d runs, want %d", runs, c.runs)
			}
			incidents := map[string]bool{}
			for i, one := range all {
				if good := `{"data":{"f":"1"}}`; (one.last == good) != (i%2 == 0) || one.last != good && !strings.Contains(one.last, c.part) {
					t.Fatalf("subscriber %d got %s", i, one.last)
				}
				if id := incidentIDs.FindString(one.last); id != "" {
					incidents[id] = true
				}
			}
			if len(incidents) > 1 && c.runs == 2 {
				t.Errorf("one failure was %d incidents", len(incidents))
			}
		})
	}
}

// TestAKillByTheClockIsNotRunAgain holds that no other run of the event is tried.
func TestAKillByTheClockIsNotRunAgain(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
		g.permitted("p")
		r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "took too long", Unrepeatable: true}
	}})
	all := s.crowd(100)
	for n := range 2 {
		m.count()
		s.publish("c", "1")
		if runs := m.count(); runs != 1 {
			t.Errorf("%d runs, want 1", runs)
		}
		for i, one := range all {
			if one.responses != n+1 || !strings.Contains(one.last, "took too long") {
				t.Fatalf("subscriber %d got %s", i, one.last)
			}
		}
	}
}

// TestAGroupThatSkipsMovesItsCursors has a quarantine end with an event that the
// resolver skips: those who are told nothing of it are behind it all the same.
func TestAGroupThatSkipsMovesItsCursors(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		resolvers, works := tickResolvers(), false
		resolvers["Subscription.tick"] = func(_ *reader, r *sandbox.Result) {
			if r.Verdict = abi.Skip; !works {
				r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "unreachable"}
			}
		}
		h.activate(ticks, resolvers)
		var all []*follower
		for range 40 {
			all = append(all, h.follow(`subscription { tick }`, broker.Resume{Cursors: true}))
		}
		h.ticks(25)
		for _, f := range all {
			f.Tell()
		}
		held := all[0].at()
		works = true
		time.Sleep(time.Minute)
		h.ticks(1)
		for i, f := range all {
			if f.Tell(); f.at() == held {
				t.Fatalf("the cursor of follower %d stays in front of what was skipped", i)
			}
		}
		if n := len(h.broker.Quarantined(h.tenant)); n != 0 {
			t.Errorf("%d resolvers are in quarantine", n)
		}
	})
}

// TestReplaysInGroups has many come back who wait for room together.
func TestReplaysInGroups(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		resolvers := tickResolvers()
		number := resolvers["Subscription.tick"]
		resolvers["Subscription.tick"] = func(g *reader, r *sandbox.Result) {
			if number(g, r); !g.permitted("p") {
				output(r, "0")
			}
		}
		m, _ := h.activate(ticks, resolvers)
		start := h.follow(`subscription { tick }`, broker.Resume{Cursors: true}).at()
		h.ticks(3)
		ids := []tenant.Identity{identity(t, "{}"), identity(t, "{}", "p")}
		var all []*follower
		for i := range 100 {
			f := &follower{full: true}
			o, errs := h.open(ids[i%2], `subscription { tick }`, "")
			if errs == nil {
				f.Subscription, errs = o.Subscribe(f, broker.Resume{Cursor: start})
			}
			if errs != nil {
				t.Fatal(errs)
			}
			all = append(all, f)
		}
		time.Sleep(time.Minute)
		synctest.Wait() // the walk's look at this moment would meet some of them with room
		if crowds, _, _ := h.broker.Groups(); crowds != 1 {
			t.Errorf("%d buckets of many wait, want 1", crowds)
		}
		m.count()
		for _, f := range all {
			f.fill(false)
		}
		time.Sleep(time.Minute)
		if runs := m.count(); runs > 6 {
			t.Errorf("%d runs, want 2 for each event", runs)
		}
		h.ticks(1)
		for i, f := range all {
			want(t, f, []string{"0 0 0 0", "1 2 3 4"}[i%2])
		}
	})
}

// TestGroupsUnderConcurrentEvents has subscribers come and leave while events are
// handed out. Each gets every event from one on, once and in order, and the answer to its
// own permission; at the end nothing of them is left.
func TestGroupsUnderConcurrentEvents(t *testing.T) {
	s := newStage(t)
	activate := func() {
		s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
			a := g.argument("a")
			output(r, `"%s %s %v"`, g.event(), a, len(a) == 1 && g.permitted("p"))
		}})
	}
	activate()
	var published, got, moves atomic.Int64
	done := make(chan struct{})
	var people, publisher sync.WaitGroup
	for i := range 8 {
		people.Go(func() {
			r := rand.New(rand.NewPCG(9, uint64(i)))
			var live []*listener
			for running := true; running || len(live) > 0; {
				select {
				case <-done:
					running = false
				default:
				}
				moves.Add(1)
				if running && (len(live) == 0 || r.IntN(20) > len(live)/2) {
					live = append(live, s.listen(r, &published))
					continue
				}
				if len(live) == 0 {
					break
				}
				n := r.IntN(len(live))
				live[n].leave(t, &published)
				got.Add(int64(len(live[n].got)))
				live[n] = live[len(live)-1]
				live = live[:len(live)-1]
			}
		})
	}
	publisher.Go(func() {
		for n := range 300 {
			for moves.Load() < int64(200+20*n) {
				runtime.Gosched()
			}
			s.publish("c", fmt.Sprint(n+1))
			published.Store(int64(n + 1))
			if n%100 == 99 {
				activate()
			}
		}
	})
	publisher.Wait()
	close(done)
	people.Wait()
	if n := got.Load(); n < 1000 {
		t.Errorf("%d responses: the test holds too little", n)
	}
	crowds, groups, leaving := s.broker.Groups()
	if live, members := s.broker.LiveMembers(); live+members+crowds+groups+leaving+s.broker.SharedOperations() > 0 {
		t.Errorf("%d subscriptions, %d members, %d crowds, %d groups and %d leavers are left", live, members, crowds, groups, leaving)
	}
}

// listener is a subscriber that knows which events it has to get.
type listener struct {
	subscriber
	argument int
	may      bool
	joined   int64 // events that were handed out before
}

func (s *stage) listen(r *rand.Rand, published *atomic.Int64) *listener {
	l := &listener{argument: r.IntN(12), may: r.IntN(2) == 0}
	var id tenant.Identity
	if l.may {
		id = identity(s.t, "{}", "p")
	}
	o, errs := s.open(id, `subscription($a: Int) { f(a: $a) }`, fmt.Sprintf(`{"a":%d}`, l.argument))
	if errs != nil {
		s.t.Error(errs)
		return l
	}
	if l.Subscription, errs = o.Subscribe(&l.subscriber, broker.Resume{}); errs != nil {
		s.t.Error(errs)
	}
	l.joined = published.Load()
	return l
}

func (l *listener) leave(t *testing.T, published *atomic.Int64) {
	last := published.Load()
	l.Close()
	first := int64(0)
	for i, got := range l.got {
		var n int64
		if _, err := fmt.Sscanf(got, `{"data":{"f":"%d`, &n); err != nil {
			t.Errorf("got %s", got)
			return
		}
		if i == 0 {
			first = n
		}
		want := fmt.Sprintf(`{"data":{"f":"%d %d %v"}}`, first+int64(i), l.argument, l.may && l.argument < 10)
		if got != want {
			t.Errorf("got %s, want %s", got, want)
			return
		}
	}
	// What was handed out before it left it has, from the event on that was under way when it came.
	if end := first + int64(len(l.got)) - 1; last > l.joined+1 && (end < last || first > l.joined+2) {
		t.Errorf("who came behind event %d and left behind %d got %d to %d", l.joined, last, first, end)
	}
}

// TestWhoComesAndLeavesDuringAnEventIsForgottenAtOnce has an event take long while
// subscriptions come and go, of a crowd that it holds and of one that there was not when it
// began: what is kept until it ends is bounded by whom it holds.
func TestWhoComesAndLeavesDuringAnEventIsForgottenAtOnce(t *testing.T) {
	s := newStage(t)
	running, goOn := make(chan struct{}), make(chan struct{})
	s.activate(`type Subscription { f(a: Int): String @on(channel: "c")  g: String @on(channel: "d") }`, map[string]resolver{
		"Subscription.f": func(g *reader, r *sandbox.Result) {
			running <- struct{}{}
			<-goOn
			output(r, "1")
		},
		"Subscription.g": func(_ *reader, r *sandbox.Result) { output(r, "1") },
	})
	const query, other = `subscription($a: Int) { f(a: $a) }`, `subscription { g }`
	var held []*subscriber
	for range 50 {
		held = append(held, s.subscribe(tenant.Identity{}, query, ""))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.publish("c", "1")
	}()
	<-running
	for range 20 {
		var some []*subscriber
		for i := range 50 {
			some = append(some, s.subscribe(tenant.Identity{}, query, fmt.Sprintf(`{"a":%d}`, i)), s.subscribe(tenant.Identity{}, other, ""))
		}
		for _, one := range some {
			one.Close()
		}
	}
	if _, _, leaving := s.broker.Groups(); leaving > 0 {
		t.Errorf("%d are kept whom the event does not hold", leaving)
	}
	if _, members := s.broker.LiveMembers(); members != len(held) {
		t.Errorf("the index has %d members, want %d", members, len(held))
	}
	for _, one := range held[:45] {
		one.Close()
	}
	if _, _, leaving := s.broker.Groups(); leaving != 45 {
		t.Errorf("%d are kept, want the 45 whom the event holds", leaving)
	}
	goOn <- struct{}{}
	<-done
	if crowds, _, leaving := s.broker.Groups(); crowds+leaving > 0 {
		t.Errorf("%d crowds and %d who leave are left", crowds, leaving)
	}
	if _, members := s.broker.LiveMembers(); members != 5 {
		t.Errorf("the index has %d members, want 5", members)
	}
	for _, one := range held[45:] {
		one.Close()
	}
	if crowds, groups, leaving := s.broker.Groups(); crowds+groups+leaving+s.broker.SharedOperations() > 0 {
		t.Errorf("%d crowds, %d groups, %d who leave and %d operations are left", crowds, groups, leaving, s.broker.SharedOperations())
	}
}

// TestAProbeInGroups has a quarantine end with an event that the resolver fails for half
// of many: each of these gets its error, and no result is counted twice.
func TestAProbeInGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		works := false
		m, _ := s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
			if !g.permitted("p") || !works {
				trap(g, r)
				return
			}
			output(r, `"1"`)
		}})
		all := s.crowd(100)
		s.publishMany(20)
		time.Sleep(time.Minute)
		s.publish("c", "1") // it still fails
		for i, one := range all {
			if one.responses != 21 || !strings.Contains(one.last, "MODULE_QUARANTINED") {
				t.Fatalf("subscriber %d got %d responses, the last %s", i, one.responses, one.last)
			}
		}
		time.Sleep(time.Minute)
		works = true
		m.count()
		before := s.broker.Usage(s.tenant)
		s.publish("c", "1")
		for i, one := range all {
			if part := []string{"RESOLVER_TRAP", `{"data":{"f":"1"}}`}[i%2]; one.responses != 22 || !strings.Contains(one.last, part) {
				t.Fatalf("subscriber %d got %d responses, the last %s", i, one.responses, one.last)
			}
		}
		after := s.broker.Usage(s.tenant)
		if runs, shared, deliveries := after.Runs-before.Runs, after.SharedRuns-before.SharedRuns, after.Deliveries-before.Deliveries; runs != 2 || shared != 98 || deliveries != 100 {
			t.Errorf("%d runs, %d shared, %d deliveries, want 2, 98 and 100", runs, shared, deliveries)
		}
	})
}

// TestAFailureOfTheHostBelowAGroup has the host fail one run below the field: it is not
// what others of the group get.
func TestAFailureOfTheHostBelowAGroup(t *testing.T) {
	s := newStage(t)
	fails := false
	s.activate(`type T { s: String } type Subscription { f(a: Int): T @on(channel: "c") }`, map[string]resolver{
		"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, "{}") },
		"T.s": func(_ *reader, r *sandbox.Result) {
			if output(r, `["1"]`); fails {
				fails = false
				r.Fault = &sandbox.Fault{Code: abi.CodeInternal}
			}
		},
	})
	var all []*subscriber
	for range 100 {
		all = append(all, s.subscribe(tenant.Identity{}, `subscription { f { s } }`, ""))
	}
	for range 2 {
		s.publish("c", "1")
		for _, one := range all {
			one.wants(t, 1, `{"data":{"f":{"s":"1"}}}`)
		}
	}
	fails = true
	s.publish("c", "1")
	all[0].wants(t, 1, `"INTERNAL"`)
	for _, one := range all[1:] {
		one.wants(t, 1, `{"data":{"f":{"s":"1"}}}`)
	}
}

// TestOneBesideManyIsShared has an event reach one subscriber of one bucket and many of
// another.
func TestOneBesideManyIsShared(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(`type Subscription { f(m: Int): String @on(channel: "c") @match(path: "m", arg: "m") }`, map[string]resolver{
		"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `"1"`) },
	})
	all := []*subscriber{s.subscribe(tenant.Identity{}, `subscription { f(m: 1) }`, "")}
	for range 100 {
		all = append(all, s.subscribe(tenant.Identity{}, `subscription { f }`, ""))
	}
	s.publish("c", `{"m":1}`)
	for _, one := range all {
		one.wants(t, 1, `{"data":{"f":"1"}}`)
	}
	if runs := m.count(); runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
}

// TestResultsThatSkipAreCounted has a resolver skip for those with a permission.
func TestResultsThatSkipAreCounted(t *testing.T) {
	s := newStage(t)
	s.activate(manySDL, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
		if g.permitted("p") {
			r.Verdict = abi.Skip
			return
		}
		output(r, `"1"`)
	}})
	s.crowd(100)
	for n := range uint64(3) {
		s.publish("c", "1")
		if u := s.broker.Usage(s.tenant); u.Runs != 2*(n+1) || u.SharedRuns != 98*(n+1) || u.Deliveries != 50*(n+1) {
			t.Errorf("after %d events there were %d runs, %d shared, %d deliveries", n+1, u.Runs, u.SharedRuns, u.Deliveries)
		}
	}
}

// TestWhatIsAskedBelowTheFieldMakesGroups has a resolver of an object type ask.
func TestWhatIsAskedBelowTheFieldMakesGroups(t *testing.T) {
	s := newStage(t)
	s.activate(`type T { s: String } type Subscription { f(a: Int): T @on(channel: "c") }`, map[string]resolver{
		"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, "{}") },
		"T.s":            func(g *reader, r *sandbox.Result) { output(r, `["%v"]`, g.permitted("p")) },
	})
	ids := []tenant.Identity{identity(t, "{}"), identity(t, "{}", "p")}
	var all []*subscriber
	for i := range 100 {
		all = append(all, s.subscribe(ids[i%2], `subscription { f { s } }`, ""))
	}
	for range 2 {
		s.publish("c", "1")
		for i, one := range all {
			one.wants(t, 1, fmt.Sprintf(`{"data":{"f":{"s":"%v"}}}`, i%2 == 1))
		}
	}
	if _, groups, _ := s.broker.Groups(); groups != 2 {
		t.Errorf("%d groups, want 2", groups)
	}
}
