package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// choices decide what happens in a scenario; when they are used up all is 0.
type choices []byte

func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

// program is a guest that asks, and goes on by the answer.
type program struct {
	asks   int
	then   []*program // by the answer
	result string     // at the end
}

var programResults = []string{`"a"`, `"b"`, `"a"`, "null", "skip", "fail", "trap", "complete", "{", "host"}

func (c *choices) program(depth int) *program {
	if depth == 0 || c.of(5) == 0 {
		result := programResults[c.of(len(programResults))]
		if result == "complete" && c.of(8) > 0 {
			result = "skip" // or nobody would be left soon
		}
		return &program{asks: -1, result: result}
	}
	p := &program{asks: c.of(9)}
	for range 2 + c.of(2) {
		p.then = append(p.then, c.program(depth-1))
	}
	return p
}

func (p *program) run(g *reader, wrap string, r *sandbox.Result) {
	for p.asks >= 0 {
		answer := []func() string{
			func() string { return g.argument("a") },
			func() string { return g.argument("b") },
			func() string { return g.arguments() },
			func() string { return g.claim("c") },
			func() string { return g.claim("d") },
			func() string { return strings.Repeat("1", btoi(g.permitted("p"))) },
			func() string { return strings.Repeat("1", btoi(g.permitted("q"))) },
			func() string { return g.event() },
			func() string { return g.parents() },
		}[p.asks]()
		sum := 0
		for _, b := range []byte(answer) {
			sum += int(b)
		}
		p = p.then[sum%len(p.then)]
	}
	r.Fuel = int64(100 * len(g.r.Reads))
	switch p.result {
	case "skip":
		r.Verdict = abi.Skip
	case "fail":
		r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no"}
	case "trap":
		r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "trap"}
	case "host":
		r.Fault = &sandbox.Fault{Code: abi.CodeInternal, Message: "host"}
	case "complete":
		output(r, wrap, `"last"`)
		r.Verdict = abi.Complete
	default:
		output(r, wrap, p.result)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// kept is a bus's past that three brokers read.
type kept struct{ events []event.Event }

func (*kept) Start() event.Position { return position(0) }

func position(n int) event.Position { return event.Position(fmt.Sprintf("%08d", n)) }

func (k *kept) Read(_ context.Context, _ string, channels []string, after event.Position, max int) (page event.Page, err error) {
	page.Next = after
	for _, e := range k.events {
		if e.Position <= after {
			continue
		}
		if len(page.Events) == max {
			page.More = true
			break
		}
		if page.Next = e.Position; slices.Contains(channels, e.Channel) {
			page.Events = append(page.Events, e)
		}
	}
	return page, nil
}

func (*kept) ReadLast(context.Context, string, string, event.Position, int) ([]event.Event, error) {
	return nil, nil
}

// scenario does the same on brokers that share all, by the tree alone, and nothing.
type scenario struct {
	t      *testing.T
	past   *kept
	stages [3]*stage
	module [3]*module
	live   [][3]*follower // of one subscriber
	midst  [3]sync.Once   // of the event under way
	meant  func(i int)    // what is done on each broker in the midst of it
	runs   [3]int
	heard  int // responses so far
	groups int // most that there were
}

const (
	scenarioSDL = `
		type T { id: String s(a: Int, b: String): String n(a: Int): T g: String @requires(permission: "p") }
		type Subscription {
			f(a: Int, b: String, m: Int): T @on(channel: "c") @match(path: "m", arg: "m")
			h(a: Int): String @on(channel: "c") @on(channel: "d")
		}`
	scenarioOther = `
		type T { id: String s(a: Int, b: String): String n(a: Int): T g: String @requires(permission: "q") }
		type Subscription { f(a: Int = 7, b: String, m: Int): T @on(channel: "c") @match(path: "m", arg: "m") }`
)

var scenarioQueries = []string{
	`subscription($a: Int, $b: String, $m: Int) { f(a: $a, b: $b, m: $m) { id } }`,
	`subscription($a: Int, $b: String, $m: Int, $x: Int, $i: Boolean = true) { f(a: $a, m: $m) { id s(a: $x, b: $b) n { g @include(if: $i) s } } }`,
	`subscription($a: Int, $b: String, $m: Int) { f(a: $a, b: $b, m: $m) { g n { n { s(a: 1) id } } } }`,
	`subscription($a: Int) { h(a: $a) }`,
}

// bugs fails the test for what is logged: a panic is all that the brokers would survive
// alike.
type bugs struct{ t *testing.T }

func (b bugs) Write(line []byte) (int, error) {
	b.t.Errorf("%s", line)
	return len(line), nil
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{t: t, past: &kept{}, meant: func(int) {}}
	common := newStage(t)
	common.limit(func(l *tenant.Limits) { l.FuelPerOperation, l.ReplayEventsPerSecond = 1500, 1_000_000 })
	for i := range s.stages {
		st := *common // of one tenant, whose cursors are good for all three
		st.broker = broker.New(broker.Config{Events: s.past, CursorKey: testKey, Runs: 4, Logger: slog.New(slog.NewTextHandler(bugs{t}, &slog.HandlerOptions{Level: slog.LevelError}))})
		t.Cleanup(st.broker.Close)
		s.stages[i] = &st
	}
	s.stages[1].broker.ShareByTree()
	s.stages[2].broker.ShareNothing()
	return s
}

// activate makes programs the resolvers.
func (s *scenario) activate(c *choices) {
	activate := s.version(c)
	for i := range s.stages {
		activate(i)
	}
}

// version chooses programs, and returns what makes them the resolvers of one broker.
func (s *scenario) version(c *choices) func(i int) {
	sdl, resolvers := scenarioSDL, map[string]resolver{}
	names := map[string]string{"Subscription.f": `{"id":%s,"g":"g"}`, "Subscription.h": "%s", "T.s": "[%s]", "T.n": `[{"id":%s,"g":"h"}]`}
	if c.of(4) == 1 {
		sdl = scenarioOther
		delete(names, "Subscription.h")
	}
	for _, name := range []string{"Subscription.f", "Subscription.h", "T.s", "T.n"} {
		if wrap := names[name]; wrap != "" {
			p := c.program(4)
			resolvers[name] = func(g *reader, r *sandbox.Result) { p.run(g, wrap, r) }
		}
	}
	return func(i int) {
		own := map[string]resolver{}
		for name, resolve := range resolvers {
			own[name] = func(g *reader, r *sandbox.Result) {
				s.midst[i].Do(func() { s.meant(i) })
				resolve(g, r)
			}
		}
		s.count(i)
		s.module[i], _ = s.stages[i].activate(sdl, own)
	}
}

func (s *scenario) count(i int) {
	if m := s.module[i]; m != nil {
		s.runs[i] += m.count()
	}
}

// newcomer is a subscriber who comes to one broker after the other.
type newcomer struct {
	come    func(i int)
	sinks   [3]*follower
	refused [3]string
}

// join has one subscriber come, or one who left come back with the cursor.
func (s *scenario) join(c *choices, cursor string) {
	n := s.newcomer(c, cursor)
	for i := range s.stages {
		n.come(i)
	}
	s.settle(n)
}

// settle takes in who has come to all three.
func (s *scenario) settle(n *newcomer) {
	if n.refused[0] != n.refused[1] || n.refused[0] != n.refused[2] {
		s.t.Fatalf("refused with %q", n.refused)
	}
	if n.refused[0] == "" {
		s.live = append(s.live, n.sinks)
	}
}

func (s *scenario) newcomer(c *choices, cursor string) *newcomer {
	var permissions []string
	for _, p := range []string{"p", "q"} {
		if c.of(2) == 1 {
			permissions = append(permissions, p)
		}
	}
	id := identity(s.t, fmt.Sprintf(`{"c":%d,"d":%q}`, c.of(3), strings.Repeat("d", 50*c.of(3))), permissions...)
	variables := fmt.Sprintf(`{"a":%d,"b":%q,"x":%d,"i":%v`, c.of(3)*c.of(40), strings.Repeat("b", c.of(3)), c.of(2), c.of(2) == 1)
	if c.of(4) == 1 {
		variables += fmt.Sprintf(`,"m":%d`, c.of(2))
	}
	query := scenarioQueries[c.of(len(scenarioQueries))]
	resume := broker.Resume{Cursor: cursor, Cursors: cursor != "" || c.of(4) == 1}
	n := &newcomer{}
	n.come = func(i int) {
		f := &follower{}
		o, errs := s.stages[i].open(id, query, variables+"}")
		if errs == nil {
			f.Subscription, errs = o.Subscribe(f, resume)
		}
		if errs != nil {
			n.refused[i] = errs.Error()
		}
		n.sinks[i] = f
	}
	return n
}

// leave has one subscriber go, and at times come back.
func (s *scenario) leave(c *choices) {
	if len(s.live) == 0 {
		return
	}
	n := c.of(len(s.live))
	gone := s.live[n]
	for _, f := range gone {
		f.Close()
	}
	s.live = slices.Delete(s.live, n, n+1)
	if cursor := gone[0].at(); cursor != "" {
		s.join(c, cursor)
	}
}

func (s *scenario) publish(c *choices) {
	n := len(s.past.events) + 1
	e := event.Event{
		Tenant: "acme", ID: fmt.Sprint("e", n), Channel: []string{"c", "c", "c", "d"}[c.of(4)], Position: position(n), Time: time.Now(),
		Payload: fmt.Appendf(nil, `{"m":%d,"x":%d}`, c.of(2), c.of(3)),
	}
	s.past.events = append(s.past.events, e)
	s.meant = func(int) {}
	var came []*newcomer
	switch c.of(8) {
	case 0: // some leave in the midst of the event
		gone := s.live
		if n := c.of(40); n < len(gone) {
			gone = gone[:n]
		}
		s.live = s.live[len(gone):]
		s.meant = func(i int) {
			for _, one := range gone {
				one[i].Close()
			}
		}
	case 1: // some come
		for range c.of(40) {
			came = append(came, s.newcomer(c, ""))
		}
		s.meant = func(i int) {
			for _, n := range came {
				n.come(i)
			}
		}
	case 2: // another version is activated, and then some come and leave
		activate := s.version(c)
		for range c.of(20) {
			came = append(came, s.newcomer(c, ""))
		}
		gone := s.live[:min(len(s.live), c.of(20))]
		s.live = s.live[len(gone):]
		s.meant = func(i int) {
			activate(i)
			for _, n := range came {
				n.come(i)
			}
			for _, one := range gone {
				one[i].Close()
			}
		}
	}
	for i, st := range s.stages {
		s.midst[i] = sync.Once{}
		st.broker.Receive(context.Background(), st.tenant, &e)
		s.midst[i].Do(func() { s.meant(i) }) // nothing has run
	}
	for _, n := range came {
		s.settle(n)
	}
}

// check holds that all three got the same.
func (s *scenario) check() {
	s.t.Helper()
	for n, sinks := range s.live {
		var got [3]string
		for i, f := range sinks {
			f.Tell()
			f.mu.Lock()
			got[i] = incidentIDs.ReplaceAllString(strings.Join(f.got, "\n")+" at "+f.cursor, "")
			s.heard += btoi(i == 0) * len(f.got)
			f.got = nil
			f.mu.Unlock()
		}
		if got[0] != got[2] || got[1] != got[2] {
			s.t.Fatalf("subscriber %d got\n%s\nby the tree alone\n%s\nunshared\n%s", n, got[0], got[1], got[2])
		}
	}
	var used [3]broker.Usage
	for i, st := range s.stages {
		used[i] = st.broker.Usage(st.tenant)
	}
	for _, u := range used[1:] {
		if u.Deliveries != used[0].Deliveries || u.DeliveredBytes != used[0].DeliveredBytes || u.SkippedEvents != used[0].SkippedEvents {
			s.t.Fatalf("counts differ:\n%+v\n%+v", used[0], u)
		}
	}
	_, groups, leaving := s.stages[0].broker.Groups()
	if s.groups = max(s.groups, groups); leaving > 0 {
		s.t.Fatalf("%d who have left are kept", leaving)
	}
}

var incidentIDs = regexp.MustCompile(`"incident":"[^"]*"`)

// run plays a scenario.
func (s *scenario) run(c choices) {
	s.activate(&c)
	for range 60 {
		s.join(&c, "")
	}
	for len(c) > 0 {
		switch c.of(8) {
		case 0, 1:
			for range c.of(40) {
				s.join(&c, "")
			}
		case 2:
			for range c.of(40) {
				s.leave(&c)
			}
		case 3:
			if c.of(3) == 0 {
				s.activate(&c)
			}
		case 4:
			time.Sleep(time.Duration(c.of(9)) * time.Second) // of pauses of quarantine
		default:
			s.publish(&c)
		}
		time.Sleep(time.Second)
		synctest.Wait() // for the replays
		s.check()
	}
	for i := range s.stages {
		s.count(i)
	}
	for len(s.live) > 0 {
		for _, f := range s.live[0] {
			f.Close()
		}
		s.live = s.live[1:]
	}
	for _, st := range s.stages {
		crowds, groups, leaving := st.broker.Groups()
		if live, members := st.broker.LiveMembers(); live+members+crowds+groups+leaving+st.broker.SharedOperations() > 0 {
			s.t.Fatalf("when all have left there are %d subscriptions, %d members, %d crowds, %d groups, %d who are leaving", live, members, crowds, groups, leaving)
		}
	}
}

// TestSharingAndGroupsChangeNothing holds that every subscriber gets the same bytes
// whether runs and groups are shared or not, over random resolvers.
func TestSharingAndGroupsChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var runs [3]int
	heard, groups := 0, 0
	for range 25 {
		c := make(choices, 4000+r.IntN(4000))
		for i := range c {
			c[i] = byte(r.Uint32())
		}
		synctest.Test(t, func(t *testing.T) {
			s := newScenario(t)
			s.run(c)
			for i, n := range s.runs {
				runs[i] += n
			}
			heard += s.heard
			groups = max(groups, s.groups)
		})
		if t.Failed() {
			return
		}
	}
	// How many replays share a run depends on when they begin.
	if runs[0] > runs[1]+runs[1]/50 || runs[1] >= runs[2]/2 || heard < 5000 || groups < 10 {
		t.Errorf("%d runs with groups, %d without, %d unshared; %d responses; up to %d groups", runs[0], runs[1], runs[2], heard, groups)
	}
}

// FuzzSharing plays scenarios that the fuzzer finds.
func FuzzSharing(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 4 {
		c := make([]byte, 1500)
		for i := range c {
			c[i] = byte(r.Uint32())
		}
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, c []byte) {
		if len(c) > 4000 {
			return
		}
		synctest.Test(t, func(t *testing.T) { newScenario(t).run(c) })
	})
}
