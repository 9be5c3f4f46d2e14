package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const schema = "type Subscription { f: String @on(channel: \"c\") }"

func newEngine(t testing.TB) *sandbox.Engine {
	t.Helper()
	e, err := sandbox.New(context.Background(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func limits() sandbox.Limits {
	return sandbox.Limits{
		FuelPerRun: 1_000_000, MemoryBytes: 1 << 20, OutputBytes: 64 << 10, LogBytesPerRun: 100,
		PublishesPerRun: 2, EventBytes: 1000,
	}
}

// bench is a pool with its log.
type bench struct {
	*sandbox.Pool
	mu  sync.Mutex
	log []sandbox.Line
}

func newPool(t testing.TB, binary []byte, config string, l sandbox.Limits) *bench {
	t.Helper()
	m, err := newEngine(t).Load(context.Background(), binary)
	if err != nil {
		t.Fatal(err)
	}
	return poolOf(t, m, config, l)
}

func poolOf(t testing.TB, m *sandbox.Module, config string, l sandbox.Limits) *bench {
	b := &bench{}
	c := sandbox.PoolConfig{
		Limits: func() sandbox.Limits { return l },
		Log: func(line sandbox.Line) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.log = append(b.log, line)
		},
	}
	if config != "" {
		c.Config = []byte(config)
	}
	b.Pool = m.Pool(c)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// fixed are inputs that are the same for every run.
type fixed struct {
	inputs      map[abi.Kind]string
	arguments   map[string]json.RawMessage
	claims      map[string]json.RawMessage
	permissions []string
}

func (f fixed) ID() string { return "e1" }

func (f fixed) Input(k abi.Kind) ([]byte, bool) {
	s, ok := f.inputs[k]
	return []byte(s), ok
}

func (f fixed) Argument(name string) ([]byte, bool) { v, ok := f.arguments[name]; return v, ok }

func (f fixed) Claim(name string) ([]byte, bool) { v, ok := f.claims[name]; return v, ok }

func (f fixed) Permitted(p string) bool {
	for _, held := range f.permissions {
		if held == p {
			return true
		}
	}
	return false
}

func event(payload string) fixed {
	return fixed{inputs: map[abi.Kind]string{abi.InputEvent: payload}}
}

func run(b *bench, resolver string, in sandbox.Inputs) *sandbox.Result {
	r := &sandbox.Result{}
	b.Run(context.Background(), resolver, in, r)
	return r
}

func TestEcho(t *testing.T) {
	g := sandboxtest.New(schema)
	b := newPool(t, g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes(), "", limits())
	for _, payload := range []string{`{"a":1}`, `"` + strings.Repeat("x", 1000) + `"`, `{"a":1}`} {
		r := run(b, "Subscription.f", event(payload))
		if r.Fault != nil || string(r.Output) != payload || r.Verdict != abi.Deliver {
			t.Fatalf("result %+v, want %s", r, payload)
		}
		if len(r.Reads) != 1 || r.Reads[0].String() != "event" || string(r.Reads[0].Value) != payload {
			t.Fatalf("reads %v", r.Reads)
		}
		if r.Fuel <= 0 {
			t.Fatalf("fuel %d", r.Fuel)
		}
	}
}

func TestReadsAreListedOnceInOrder(t *testing.T) {
	g := sandboxtest.New(schema)
	drop := w.Drop()
	code := w.Join(
		g.Call(abi.ImportPermitted, g.Text("p")), drop,
		g.Named(abi.ImportClaim, "sub"), drop,
		g.Named(abi.ImportArgument, "a"), drop,
		g.Named(abi.ImportArgument, "missing"), drop,
		g.Call(abi.ImportPermitted, g.Text("p")), drop,
		g.Named(abi.ImportArgument, "a"), drop,
		g.Call(abi.ImportInput, w.I32Const(9), sandboxtest.Range(0, 0)), drop,
		g.Call(abi.ImportInput, w.I32Const(4), sandboxtest.Range(0, 0)), drop,
		g.Call(abi.ImportInput, w.I32Const(1), sandboxtest.Range(0, 0)), drop,
		sandboxtest.Verdict(abi.Skip))
	b := newPool(t, g.Resolver("Subscription.f", code).Bytes(), `{"c":1}`, limits())
	r := run(b, "Subscription.f", fixed{
		inputs:      map[abi.Kind]string{abi.InputArguments: `{"a":7}`},
		arguments:   map[string]json.RawMessage{"a": json.RawMessage("7")},
		claims:      map[string]json.RawMessage{"sub": json.RawMessage(`"u"`)},
		permissions: []string{"p"},
	})
	if r.Fault != nil {
		t.Fatal(r.Fault)
	}
	var got []string
	for _, read := range r.Reads {
		got = append(got, read.String())
	}
	want := "permitted p, claim sub, argument a, argument missing, config, arguments"
	if strings.Join(got, ", ") != want {
		t.Errorf("reads %v, want %s", got, want)
	}
	if r.Reads[0].Present != true || string(r.Reads[1].Value) != `"u"` || r.Reads[3].Present || string(r.Reads[4].Value) != `{"c":1}` {
		t.Errorf("answers %+v", r.Reads)
	}
}

func TestAShortBufferIsLeftUntouched(t *testing.T) {
	g := sandboxtest.New(schema)
	code := w.Join(
		w.I32Const(sandboxtest.Buffer), w.I32Const('?'), w.I32Store8(0),
		g.Call(abi.ImportInput, w.I32Const(0), sandboxtest.Range(sandboxtest.Buffer, 6)), w.LocalSet(1),
		w.I32Const(sandboxtest.Buffer), w.I32Load8U(0), w.I32Const('?'), w.Op(wasm.OpI32Eq),
		w.LocalGet(1), w.I32Const(7), w.Op(wasm.OpI32Eq), w.Op(wasm.OpI32And), // 1: the verdict deliver, without output
		w.I32Const(2), w.Op(wasm.OpI32Mul))
	b := newPool(t, g.Resolver("Subscription.f", code).Bytes(), "", limits())
	if r := run(b, "Subscription.f", event(`{"a":1}`)); r.Fault != nil || r.Verdict != abi.Failed {
		t.Errorf("the buffer was touched or the length is wrong: %+v", r)
	}
}

func TestFaults(t *testing.T) {
	l := limits()
	for name, c := range map[string]struct {
		code  func(g *sandboxtest.Guest) w.Code
		code2 abi.Code
		limit string
		text  string
	}{
		"endless loop": {func(*sandboxtest.Guest) w.Code { return sandboxtest.Forever() }, abi.CodeFuelExhausted, "fuelPerRun", "units of fuel"},
		"endless host calls": {func(g *sandboxtest.Guest) w.Code {
			return w.Join(w.Loop(w.Result(), g.Call(abi.ImportLog, w.I32Const(0), sandboxtest.Range(0, 1)), w.Br(0)), sandboxtest.Trap())
		}, abi.CodeFuelExhausted, "fuelPerRun", ""},
		"memory eaten": {func(*sandboxtest.Guest) w.Code { return sandboxtest.EatMemory() }, abi.CodeMemoryLimit, "memoryBytes", "refused"},
		"memory asked for at once": {func(*sandboxtest.Guest) w.Code {
			return w.Join(w.I32Const(30000), w.MemoryGrow(), w.Drop(), sandboxtest.Trap())
		}, abi.CodeMemoryLimit, "memoryBytes", "refused"},
		"trap":       {func(*sandboxtest.Guest) w.Code { return sandboxtest.Trap() }, abi.CodeResolverTrap, "", "unreachable"},
		"division":   {func(*sandboxtest.Guest) w.Code { return w.Join(w.I32Const(1), w.I32Const(0), w.Op(wasm.OpI32DivS)) }, abi.CodeResolverTrap, "", "divide by zero"},
		"no verdict": {func(*sandboxtest.Guest) w.Code { return w.I32Const(17) }, abi.CodeBadOutput, "", "17 is no verdict"},
		"negative":   {func(*sandboxtest.Guest) w.Code { return w.I32Const(-1) }, abi.CodeBadOutput, "", "-1 is no verdict"},
		"no output":  {func(*sandboxtest.Guest) w.Code { return w.I32Const(1) }, abi.CodeBadOutput, "", "without an output"},
		"output of 4 GiB": {func(g *sandboxtest.Guest) w.Code {
			return w.Join(g.Call(abi.ImportOutput, sandboxtest.Range(0, 0xffffffff)), w.I32Const(1))
		}, abi.CodeResolverTrap, "", "outside the memory"},
		"output past the limit": {func(g *sandboxtest.Guest) w.Code {
			return w.Join(w.I32Const(1), w.MemoryGrow(), w.Drop(), g.Call(abi.ImportOutput, sandboxtest.Range(0, 65537)), w.I32Const(1))
		}, abi.CodeLimitExceeded, "outputBytes", "65536"},
		"wrapped range": {func(g *sandboxtest.Guest) w.Code {
			return w.Join(g.Call(abi.ImportInput, w.I32Const(0), sandboxtest.Range(0xfffffff0, 0x20)), w.Drop(), w.I32Const(0))
		}, abi.CodeResolverTrap, "", "outside the memory"},
		"publish in a subscription": {func(g *sandboxtest.Guest) w.Code {
			return w.Join(g.Call(abi.ImportPublish, g.Text("c"), g.Text("1")), w.Drop(), w.I32Const(0))
		}, abi.CodeResolverTrap, "", "Mutation"},
	} {
		t.Run(name, func(t *testing.T) {
			g := sandboxtest.New(schema)
			b := newPool(t, g.Resolver("Subscription.f", c.code(g)).Bytes(), "", l)
			for range 2 {
				r := run(b, "Subscription.f", event(`1`))
				if r.Fault == nil || r.Fault.Code != c.code2 || r.Fault.Limit != c.limit || !strings.Contains(r.Fault.Message, c.text) {
					t.Fatalf("fault %+v, want %s %s %q", r.Fault, c.code2, c.limit, c.text)
				}
				if r.HasOutput || len(r.Output) > 0 {
					t.Fatalf("a faulty run left an output")
				}
			}
			if len(b.log) > 0 && b.log[len(b.log)-1].Level == abi.LogError { // that is for the caller, who knows the incident
				t.Errorf("log %+v", b.log)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	g := sandboxtest.New(schema)
	fail := func(text string) w.Code { return w.Join(g.Call(abi.ImportFail, g.Text(text)), w.I32Const(2)) }
	g.Resolver("Subscription.skip", g.Output("1"), w.Drop(), w.I32Const(0))
	g.Resolver("Subscription.failPlain", g.Output("1"), w.Drop(), fail("no luck"))
	g.Resolver("Subscription.failObject", fail(`{"message":"m\n","extensions":{"code":"X"}}`))
	g.Resolver("Subscription.failLike", fail(`{"massage":"m"}`))
	g.Resolver("Subscription.failSilent", w.I32Const(2))
	g.Resolver("Subscription.completeWith", g.Output("7"), w.Drop(), w.I32Const(3))
	g.Resolver("Subscription.complete", w.I32Const(3))
	g.Resolver("Query.complete", w.I32Const(3))
	g.Resolver("Order.skip", w.I32Const(0))
	b := newPool(t, g.Bytes(), "", limits())
	for resolver, want := range map[string]string{
		"Subscription.skip":         "verdict 0",
		"Subscription.failPlain":    "verdict 2 fail no luck",
		"Subscription.failObject":   "verdict 2 fail m\n" + ` extensions {"code":"X"}`,
		"Subscription.failLike":     `verdict 2 fail {"massage":"m"}`,
		"Subscription.failSilent":   "verdict 2 fail resolver failed",
		"Subscription.completeWith": "verdict 3 output 7",
		"Subscription.complete":     "verdict 3",
		"Query.complete":            "fault verdict 3 (complete) is for Subscription resolvers",
		"Order.skip":                "fault verdict 0 (skip) is for root fields",
	} {
		if got := describe(run(b, resolver, event("1"))); got != want {
			t.Errorf("%s: %q, want %q", resolver, got, want)
		}
	}
}

func describe(r *sandbox.Result) string {
	if r.Fault != nil {
		return "fault " + r.Fault.Message
	}
	text := "verdict " + string('0'+rune(r.Verdict))
	if r.HasOutput {
		text += " output " + string(r.Output)
	}
	if r.Verdict == abi.Failed {
		text += " fail " + r.Failure.Message
	}
	if r.Failure.Extensions != nil {
		text += " extensions " + string(r.Failure.Extensions)
	}
	return text
}

func TestPublish(t *testing.T) {
	g := sandboxtest.New(schema)
	publish := func(channel, payload string) w.Code {
		return w.Join(g.Call(abi.ImportPublish, g.Text(channel), g.Text(payload)))
	}
	// The results of four calls as digits: 1 taken, 2 over, 3 refused.
	digits := func(calls ...w.Code) w.Code {
		code := w.I32Const(0)
		for _, c := range calls {
			code = w.Join(code, w.I32Const(10), w.Op(wasm.OpI32Mul), c, w.I32Const(1), w.Op(wasm.OpI32Add), w.Op(wasm.OpI32Add))
		}
		return code
	}
	check := func(code w.Code, want int32, verdict int32) w.Code {
		return w.Join(g.Output("1"), w.Drop(), w.I32Const(verdict), w.I32Const(9), code, w.I32Const(want), w.Op(wasm.OpI32Eq), w.Op(wasm.OpSelect))
	}
	bad := []w.Code{publish("bad channel", "1"), publish("c", "{"), publish("c", `{"a":1,"a":2}`)}
	good := []w.Code{publish("c", "1"), publish("c", `"`+strings.Repeat("x", 1000)+`"`), publish("d", "2"), publish("c", "3")}
	g.Resolver("Mutation.good", check(digits(good...), 1212, 1))
	g.Resolver("Mutation.bad", check(digits(bad...), 333, 1))
	g.Resolver("Mutation.failed", check(digits(good...), 1212, 2))
	g.Resolver("Mutation.noJSON", w.Join(publish("c", "1"), w.Drop(), g.Output(`{"a":1`)))
	b := newPool(t, g.Bytes(), "", limits())
	r := run(b, "Mutation.good", fixed{})
	if r.Fault != nil || len(r.Published) != 2 || r.Published[0].Channel != "c" || string(r.Published[1].Payload) != "2" {
		t.Errorf("good: %v %+v", r.Fault, r.Published)
	}
	if r := run(b, "Mutation.bad", fixed{}); r.Fault != nil || len(r.Published) != 0 {
		t.Errorf("bad: %v %+v", r.Fault, r.Published)
	}
	if r := run(b, "Mutation.failed", fixed{}); r.Fault != nil || len(r.Published) != 0 {
		t.Errorf("a mutation that fails publishes: %v %+v", r.Fault, r.Published)
	}
	if r := run(b, "Mutation.noJSON", fixed{}); r.Fault == nil || r.Fault.Code != abi.CodeBadOutput || len(r.Published) != 0 {
		t.Errorf("a mutation whose output is no JSON publishes: %v %+v", r.Fault, r.Published)
	}
}

func TestLogIsBounded(t *testing.T) {
	g := sandboxtest.New(schema)
	line := func(level int32, text string) w.Code {
		return g.Call(abi.ImportLog, w.I32Const(level), g.Text(text))
	}
	g.Resolver("Subscription.f", line(-5, "a\xffb"), line(99, strings.Repeat("x", 200)), line(1, "never"), w.I32Const(0))
	b := newPool(t, g.Bytes(), "", limits())
	run(b, "Subscription.f", event("1"))
	if len(b.log) != 2 || b.log[0].Level != abi.LogDebug || b.log[0].Message != "a\uFFFDb" || b.log[1].Level != abi.LogError || len(b.log[1].Message) != 33 || !b.log[1].Truncated {
		t.Errorf("log %+v", b.log)
	}
}

func TestRunsInParallel(t *testing.T) {
	g := sandboxtest.New(schema)
	b := newPool(t, g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes(), "", limits())
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			r := &sandbox.Result{}
			payload := strings.Repeat(string('a'+rune(n)), 100)
			for range 200 {
				b.Run(context.Background(), "Subscription.f", event(payload), r)
				if r.Fault != nil || string(r.Output) != payload {
					t.Errorf("%+v", r)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestClosedPoolRefuses(t *testing.T) {
	g := sandboxtest.New(schema)
	b := newPool(t, g.Resolver("Subscription.f", w.I32Const(0)).Bytes(), "", limits())
	run(b, "Subscription.f", event("1"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if r := run(b, "Subscription.f", event("1")); r.Fault == nil || r.Fault.Code != abi.CodeInternal {
		t.Errorf("%+v", r.Fault)
	}
}

func TestMemoryThatNeverFits(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", w.I32Const(0))
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if m.MemoryBytes() != 65536 {
		t.Errorf("memory of %d bytes", m.MemoryBytes())
	}
	l := limits()
	l.MemoryBytes = 65535
	if r := run(poolOf(t, m, "", l), "Subscription.f", event("1")); r.Fault == nil || r.Fault.Code != abi.CodeMemoryLimit {
		t.Errorf("%+v", r.Fault)
	}
}

func TestLoadIsSharedByDigest(t *testing.T) {
	e := newEngine(t)
	g := sandboxtest.New(schema)
	binary := g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes()
	first, err := e.Load(context.Background(), binary)
	if err != nil {
		t.Fatal(err)
	}
	second, err := e.Load(context.Background(), binary)
	if err != nil || second.Digest() != first.Digest() || !strings.HasPrefix(first.Digest(), "sha256:") {
		t.Fatalf("%v, digests %s and %s", err, first.Digest(), second.Digest())
	}
	if err := errors.Join(first.Release(), first.Release()); err != nil {
		t.Fatal(err)
	}
	if r := run(poolOf(t, second, "", limits()), "Subscription.f", event("1")); r.Fault != nil {
		t.Errorf("after the other was released: %v", r.Fault)
	}
}

func TestAClosedEngineIsNoFaultOfTheModule(t *testing.T) {
	e, err := sandbox.New(context.Background(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	binary := sandboxtest.New(schema).Resolver("Subscription.f", w.I32Const(0)).Bytes()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Load(ended, binary); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled load gives %v", err)
	}
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(context.Background(), binary); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("a closed engine gives %v", err)
	}
}
