package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const chargesSDL = `
	type Item { id: ID a: Int b: String c: [Int] item: Item more: Item }
	input In { a: Int b: String c: [Int] in: In }
	type Query { list: [Item] take(in: [In], n: [Int]): Int }
	type Subscription {
		item(n: [Int]): Item @on(channel: "c")
		mine(a: Int): Item @on(channel: "m") @match(path: "x", claim: "x") @match(path: "y", claim: "y")
		other: Item @on(channel: "o") @match(path: "deep", in: ["x"])
	}`

// chargesRunner puts out what it is told to, for no fuel.
type chargesRunner struct {
	output  []byte
	verdict abi.Verdict
	reads   []sandbox.Read
}

func (c *chargesRunner) Run(_ context.Context, _ string, in sandbox.Inputs, r *sandbox.Result) {
	*r = sandbox.Result{Verdict: c.verdict, HasOutput: c.verdict == abi.Deliver, Output: append(r.Output[:0], c.output...), Reads: r.Reads[:0]}
	for _, read := range c.reads {
		if read.Question == sandbox.AskInput {
			read.Value, read.Present = in.Input(read.Kind)
		} else {
			read.Present = in.Permitted(read.Name)
		}
		r.Reads = append(r.Reads, read)
	}
}
func (*chargesRunner) Log(sandbox.Line) {}
func (*chargesRunner) Digest() string   { return "" }

// chargesStage is a broker with a tenant, and what it is charged.
type chargesStage struct {
	b      testing.TB
	broker *Broker
	tenant *tenant.Tenant
	runner chargesRunner
	events int
}

func newChargesStage(b testing.TB) *chargesStage {
	l := tenant.DefaultLimits()
	l.ListItems, l.VariablesBytes, l.QueryBytes = 100_000, 1<<20, 1<<20
	owner, err := tenant.New("acme", l)
	if err != nil {
		b.Fatal(err)
	}
	s := &chargesStage{b: b, broker: New(Config{Runs: 1}), tenant: owner, runner: chargesRunner{verdict: abi.Skip}}
	b.Cleanup(s.broker.Close)
	s.activate()
	return s
}

func (s *chargesStage) activate() {
	s.compose(chargesSDL, "Item.more", "Query.list", "Query.take", "Subscription.item", "Subscription.mine", "Subscription.other")
}

func (s *chargesStage) compose(sdl string, resolvers ...string) {
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: sdl, Resolvers: resolvers}}, graph.ComposeLimits{})
	if err != nil {
		s.b.Fatal(err)
	}
	s.broker.Activate(s.tenant, &Version{Schema: schema, Runners: map[string]Runner{"m": &s.runner}})
}

// shapes has subscribers to a field with so many conditions on the same path, each with
// arguments for another set of them. It returns an event in which none finds its value.
func (s *chargesStage) shapes(conditions int, path string) (event string) {
	list := func(text, separator string) string { return many(conditions, text, separator) }
	sdl := "type Query { q: Int } type Subscription { f(" + list("a%d: Int", " ") + `): Int @on(channel: "c") ` + list(`@match(path: "`+path+`", arg: "a%d")`, " ") + "}"
	s.compose(sdl, "Query.q", "Subscription.f")
	query := "subscription(" + list("$a%d: Int", " ") + ") { f(" + list("a%d: $a%d", " ") + ") }"
	s.subscribe(1<<conditions, tenant.Identity{}, query, func(n int) string {
		var variables []string
		for i := range conditions {
			if n&(1<<i) != 0 {
				variables = append(variables, fmt.Sprintf(`"a%d":7`, i))
			}
		}
		return "{" + strings.Join(variables, ",") + "}"
	})
	return "[" + many(3_000, "1", ",") + "]"
}

func (s *chargesStage) state() *state { return s.broker.state(s.tenant, false) }

func (s *chargesStage) open(id tenant.Identity, query, variables string) *Operation {
	o, errs := s.broker.Open(context.Background(), s.tenant, id, graph.Request{Query: query, Variables: []byte(variables)})
	if errs != nil {
		s.b.Fatalf("%.100s: %v", query, errs)
	}
	return o
}

func (s *chargesStage) subscribe(n int, id tenant.Identity, query string, variables func(int) string) (all []*Subscription) {
	for i := range n {
		one, errs := s.open(id, query, variables(i)).Subscribe(silent{}, Resume{})
		if errs != nil {
			s.b.Fatal(errs)
		}
		all = append(all, one)
	}
	return all
}

func (s *chargesStage) receive(channel, payload string) {
	s.events++
	s.broker.Receive(context.Background(), s.tenant, &event.Event{Tenant: "acme", Channel: channel, ID: fmt.Sprint(s.events), Payload: []byte(payload)})
}

func noVariables(int) string { return "" }

// many joins texts, in each of which %d is its number.
func many(n int, text, separator string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.ReplaceAll(text, "%d", fmt.Sprint(i))
	}
	return strings.Join(all, separator)
}

// nothing is what does not count.
func nothing() {}

// BenchmarkCharges holds what work is charged, in units of fuel, against the processor time
// that it takes, where a unit of the example in Rust is one: a ratio of 1 is right. The charge
// for a response is mostly that of the write to its socket, which is not here.
func BenchmarkCharges(b *testing.B) {
	unit := exampleUnit(b)
	for _, c := range []struct {
		name  string
		begin func(s *chargesStage) (each func(), after func())
	}{
		{"event", func(s *chargesStage) (func(), func()) {
			return func() { s.receive("c", `{"x":1}`) }, nothing
		}},
		{"event of 60 KB, text", func(s *chargesStage) (func(), func()) {
			text := `"` + strings.Repeat("x", 60_000) + `"`
			return func() { s.receive("c", text) }, nothing
		}},
		{"event of 60 KB, list", func(s *chargesStage) (func(), func()) {
			text := "[" + many(30_000, "0", ",") + "]"
			return func() { s.receive("c", text) }, nothing
		}},
		{"event of 60 KB, object", func(s *chargesStage) (func(), func()) {
			text := "{" + many(6_000, `"%d":1`, ",") + "}"
			return func() { s.receive("c", text) }, nothing
		}},
		{"event of 60 KB, deep", func(s *chargesStage) (func(), func()) {
			text := "[" + many(500, strings.Repeat("[", 60)+strings.Repeat("]", 60), ",") + "]"
			return func() { s.receive("c", text) }, nothing
		}},
		{"event looked up by 4,096 shapes", func(s *chargesStage) (func(), func()) {
			text := s.shapes(12, "2999")
			return func() { s.receive("c", text) }, nothing
		}},
		{"skipped for one", func(s *chargesStage) (func(), func()) {
			s.subscribe(1, tenant.Identity{}, "subscription { item { id } }", noVariables)
			return func() { s.receive("c", "1") }, nothing
		}},
		{"skipped for 10,000, each by the tree", func(s *chargesStage) (func(), func()) {
			s.broker.sharing = sharingByTree
			s.runner.reads = []sandbox.Read{{Question: sandbox.AskPermitted, Name: "p"}}
			s.subscribe(10_000, tenant.Identity{}, "subscription { item { id } }", noVariables)
			return func() { s.receive("c", "1") }, nothing
		}},
		{"skipped for 100 with arguments of 30 KB", func(s *chargesStage) (func(), func()) {
			s.runner.reads = []sandbox.Read{{Question: sandbox.AskInput, Kind: abi.InputArguments}}
			list := "[" + many(15_000, "1", ",") + "]"
			s.subscribe(100, tenant.Identity{}, "subscription($n: [Int]) { item(n: $n) { id } }", func(int) string { return `{"n":` + list + `}` })
			return func() { s.receive("c", "1") }, nothing
		}},
		{"projection of 100 KB", func(s *chargesStage) (func(), func()) {
			s.runner.verdict, s.runner.output = abi.Deliver, []byte("["+many(2_500, `{"id":"%d","a":%d,"b":"text %d"}`, ",")+"]")
			return func() { s.open(tenant.Identity{}, "{ list { id a b } }", "").Execute(context.Background()) }, nothing
		}},
		{"output of 100 KB that nobody asks for", func(s *chargesStage) (func(), func()) {
			s.runner.verdict, s.runner.output = abi.Deliver, []byte(`[{"id":1,"c":[`+many(50_000, "1", ",")+"]}]")
			return func() { s.open(tenant.Identity{}, "{ list { id } }", "").Execute(context.Background()) }, nothing
		}},
		{"validation", func(s *chargesStage) (func(), func()) {
			n := 0
			return func() { n++; s.open(tenant.Identity{}, fmt.Sprintf("{ f%d: list { id a b c } }", n), "").Close() }, nothing
		}},
		{"validation of 4 KB", func(s *chargesStage) (func(), func()) {
			n := 0
			return func() {
				n++
				s.open(tenant.Identity{}, fmt.Sprintf("{ f%d: list { %s } }", n, many(250, "a a b b c c id ", "")), "").Close()
			}, nothing
		}},
		{"validation of 9 KB, nested", func(s *chargesStage) (func(), func()) {
			n := 0
			return func() {
				n++
				s.open(tenant.Identity{}, fmt.Sprintf("{ f%d: list { %s } }", n, many(200, "item { item { item { item { id a b c } } } }", " ")), "").Close()
			}, nothing
		}},
		{"variables", func(s *chargesStage) (func(), func()) {
			return func() { s.open(tenant.Identity{}, "query($n: [Int]) { take(n: $n) }", `{"n":[1]}`).Close() }, nothing
		}},
		{"variables of 60 KB, numbers", func(s *chargesStage) (func(), func()) {
			text := `{"n":[` + many(30_000, "1", ",") + `]}`
			return func() { s.open(tenant.Identity{}, "query($n: [Int]) { take(n: $n) }", text).Close() }, nothing
		}},
		{"variables of 60 KB, objects", func(s *chargesStage) (func(), func()) {
			text := `{"in":[` + many(2_400, `{"a":1,"in":{"b":"xx"}}`, ",") + `]}`
			return func() { s.open(tenant.Identity{}, "query($in: [In]) { take(in: $in) }", text).Close() }, nothing
		}},
		{"subscribing and leaving", func(s *chargesStage) (func(), func()) {
			s.subscribe(100, tenant.Identity{}, "subscription { item { id } }", noVariables)
			return func() { s.subscribe(1, tenant.Identity{}, "subscription { item { id } }", noVariables)[0].Close() }, nothing
		}},
		{"subscribing with 4,096 keys and leaving", func(s *chargesStage) (func(), func()) {
			list := json.RawMessage("[" + many(64, "%d", ",") + "]")
			id, _ := tenant.NewIdentity(map[string]json.RawMessage{"x": list, "y": list}, nil)
			return func() { s.subscribe(1, id, "subscription { mine { id } }", noVariables)[0].Close() }, nothing
		}},
		{"regrouping of 20,000", func(s *chargesStage) (func(), func()) {
			s.subscribe(20_000, tenant.Identity{}, "subscription { item { id } }", noVariables)
			question := 0
			return func() { s.receive("c", "1") }, func() {
				question++
				s.runner.reads = []sandbox.Read{{Question: sandbox.AskPermitted, Name: fmt.Sprint(question % maxLearned)}}
				if question%maxLearned == 0 {
					s.activate()
				}
				s.receive("c", "1") // which learns
			}
		}},
		{"re-planning of 5,000", func(s *chargesStage) (func(), func()) {
			s.subscribe(5_000, tenant.Identity{}, "subscription { item { id } }", noVariables)
			return s.activate, nothing
		}},
		{"re-planning of 5,000 with variables", func(s *chargesStage) (func(), func()) {
			s.subscribe(5_000, tenant.Identity{}, "subscription($a: Int) { mine(a: $a) { id } }", func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) })
			return s.activate, nothing
		}},
		{"order of 20,000 who wait", func(s *chargesStage) (func(), func()) {
			w := s.waiting(20_000)
			return func() { w.begin(); w.turn.release() }, nothing
		}},
		{"past event, 20,000 who wait", func(s *chargesStage) (func(), func()) {
			w := s.waiting(20_000)
			h := handing{some: w.begin(), replays: s.state().mu.replays}
			for _, one := range h.some {
				one.progress.walked, one.progress.from = true, "9"
			}
			h.some[0].progress.from = "0"
			return func() {
				h.reached = 0
				w.handOut(&h, &event.Event{Channel: "c", Position: "5", Payload: []byte("1")})
				w.turn.release()
			}, nothing
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newChargesStage(b)
			each, after := c.begin(s)
			flow := s.state().flow
			after()
			each()
			after()
			var ratios, measured []float64
			for b.Loop() {
				for range 5 {
					var took time.Duration
					var charged uint64
					calls := 0
					for ; took < 20*time.Millisecond; calls++ {
						before, _ := flow.used()
						began := bench.ProcessorTime()
						each()
						took += bench.ProcessorTime() - began
						now, _ := flow.used()
						charged += now - before
						after()
					}
					units := float64(took.Nanoseconds()) / unit
					measured = append(measured, units/float64(calls))
					ratios = append(ratios, float64(charged)/units)
				}
			}
			b.ReportMetric(bench.Median(measured), "units")
			b.ReportMetric(bench.Median(ratios), "charge/measured")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// waiting has so many wait for past events, each behind a position of its own.
func (s *chargesStage) waiting(n int) *walk {
	st, o := s.state(), s.open(tenant.Identity{}, "subscription { item { id } }", "")
	field := o.operation.Roots()[0].Field
	for i := range n {
		one := &Subscription{state: st, resumes: true, progress: &progress{waiting: true, from: event.Position(fmt.Sprintf("%08d", i*7919%n))}}
		one.mu.sink = silent{}
		one.place = st.mu.replays.add(one, o.bound, field, keys{values: []string{""}})
		st.mu.waiting[one] = struct{}{}
	}
	return &walk{broker: s.broker, state: st, ctx: context.Background(), turn: st.flow.begin(context.Background(), laneReplays)}
}

type exampleInputs struct{ tenant.Identity }

func (exampleInputs) ID() string { return "e1" }
func (exampleInputs) Input(k abi.Kind) ([]byte, bool) {
	return []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`), k == abi.InputEvent
}
func (exampleInputs) Argument(string) ([]byte, bool) { return nil, false }
func (exampleInputs) Claim(string) ([]byte, bool)    { return nil, false }
func (exampleInputs) Permitted(string) bool          { return false }

// exampleUnit returns how many nanoseconds of processor time a unit of fuel of the example
// in Rust takes.
func exampleUnit(b *testing.B) float64 {
	b.Helper()
	e, err := sandbox.New(context.Background(), sandbox.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close(context.Background()) }()
	m, err := e.Load(context.Background(), examples.OrdersRust)
	if err != nil {
		b.Fatal(err)
	}
	p := m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits {
		return sandbox.Limits{FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20}
	}})
	defer func() { _ = p.Close() }()
	var r sandbox.Result
	took, err := bench.PerCall(func() error {
		p.Run(context.Background(), "Subscription.orderUpdated", exampleInputs{}, &r)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return took / float64(r.Fuel)
}
