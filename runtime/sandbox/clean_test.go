package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// held are inputs whose event keeps the guest waiting.
type held struct {
	sandbox.Inputs
	asked, answer chan struct{}
}

func (h held) Input(k abi.Kind) ([]byte, bool) {
	close(h.asked)
	<-h.answer
	return h.Inputs.Input(k)
}

// TestALimitThatChangesDuringARun holds that an instance which was made under
// another memory limit serves no run after it.
func TestALimitThatChangesDuringARun(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", g.Echo(abi.InputEvent))
	// Skip where the memory grows by four pages, complete where it does not.
	g.Resolver("Subscription.g", w.I32Const(3), w.I32Const(0), w.I32Const(4), w.MemoryGrow(), w.I32Const(-1), w.Op(wasm.OpI32Eq, wasm.OpSelect))
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var pages atomic.Int64
	pages.Store(2)
	b := &bench{Pool: m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits {
		l := limits()
		l.MemoryBytes = pages.Load() * 65536
		return l
	}})}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), m.Release()); err != nil {
			t.Error(err)
		}
	})
	in := held{event("1"), make(chan struct{}), make(chan struct{})}
	done := make(chan *sandbox.Result)
	go func() { done <- run(b, "Subscription.f", in) }()
	<-in.asked
	pages.Store(8)
	if r := run(b, "Subscription.f", event("1")); r.Fault != nil {
		t.Fatal(r.Fault)
	}
	close(in.answer)
	if r := <-done; r.Fault != nil {
		t.Fatal(r.Fault)
	}
	for range 2 { // one for each instance that may wait
		if r := run(b, "Subscription.g", event("1")); r.Fault != nil || r.Verdict != abi.Skip {
			t.Errorf("the new limit does not hold: verdict %d, %v", r.Verdict, r.Fault)
		}
	}
}

func TestRunsStartFromTheImageAfterInitialize(t *testing.T) {
	g := sandboxtest.New(schema)
	started := g.Global(wasm.I32, w.I32Const(0))
	start := g.Function(nil, nil, nil, w.I32Const('s'), w.GlobalSet(started))
	g.Start(start)
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil,
		g.Call(abi.ImportInput, w.I32Const(int32(abi.InputConfig)), sandboxtest.Range(sandboxtest.Buffer, 100)), w.Drop(),
		w.I32Const(sandboxtest.Buffer), w.GlobalGet(started), w.I32Store8(1),
		// What a run could ask for is not there yet.
		g.Named(abi.ImportClaim, "sub"), w.I32Const(-1), w.Op(wasm.OpI32Ne), w.If(w.Result(), sandboxtest.Trap()),
	))
	b := newPool(t, g.Resolver("Subscription.f",
		w.I32Const(sandboxtest.Buffer), w.I32Const(6), w.Call(g.Host[abi.ImportOutput]), w.I32Const(1)).Bytes(), `"conf"`, limits())
	for range 2 {
		r := run(b, "Subscription.f", event("1"))
		if r.Fault != nil || string(r.Output) != `"sonf"` {
			t.Fatalf("%+v %s", r.Fault, r.Output)
		}
	}
}

func TestStartIsLimited(t *testing.T) {
	forever := func(g *sandboxtest.Guest) uint32 {
		return g.Function(nil, nil, nil, g.Call(abi.ImportLog, w.I32Const(1), g.Text("tried")), sandboxtest.Forever())
	}
	for name, build := range map[string]func(g *sandboxtest.Guest){
		"start":       func(g *sandboxtest.Guest) { g.Start(forever(g)) },
		"_initialize": func(g *sandboxtest.Guest) { g.ExportFunction(abi.InitializeExport, forever(g)) },
	} {
		g := sandboxtest.New(schema)
		build(g)
		b := newPool(t, g.Resolver("Subscription.f", w.I32Const(0)).Bytes(), "", limits())
		for range 2 {
			r := run(b, "Subscription.f", event("1"))
			if r.Fault == nil || r.Fault.Code != abi.CodeFuelExhausted || !strings.HasPrefix(r.Fault.Message, name+": ") {
				t.Errorf("%s: %+v", name, r.Fault)
			}
		}
		if len(b.log) != 1 {
			t.Errorf("%s was tried %d times: %v", name, len(b.log), b.log)
		}
	}
}

// TestARunPaysForItsFreshInstance holds that a module which has to be
// instantiated for each run pays for start and _initialize each time, and one
// that is reset does not.
func TestARunPaysForItsFreshInstance(t *testing.T) {
	work := w.Join(w.I32Const(1000), w.LocalSet(0),
		w.Loop(w.Result(), w.LocalGet(0), w.I32Const(1), w.Op(wasm.OpI32Sub), w.LocalTee(0), w.BrIf(0)))
	build := func(drops bool) []byte {
		g := sandboxtest.New(schema)
		g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, w.I32s(1), work))
		code := w.I32Const(0)
		if drops {
			code = w.Join(w.OpIndex(wasm.OpDataDrop, g.PassiveData([]byte("x"))), code)
		}
		return g.Resolver("Subscription.f", code).Bytes()
	}
	fuel := func(binary []byte, l sandbox.Limits) (used int64, fault *sandbox.Fault) {
		b := newPool(t, binary, "", l)
		run(b, "Subscription.f", event("1"))
		r := run(b, "Subscription.f", event("1"))
		return r.Fuel, r.Fault
	}
	reset, _ := fuel(build(false), limits())
	fresh, fault := fuel(build(true), limits())
	if reset > 100 || fresh < 5000 || fault != nil {
		t.Errorf("fuel of a reset run %d, of a fresh one %d, %v", reset, fresh, fault)
	}
	l := limits()
	l.FuelPerRun = 1000
	if used, fault := fuel(build(true), l); fault == nil || fault.Code != abi.CodeFuelExhausted || used != 1000 {
		t.Errorf("with less fuel than _initialize takes: %d, %+v", used, fault)
	}
}

func TestFuelIsTheSameEveryTime(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", g.Echo(abi.InputEvent))
	b := newPool(t, g.Bytes(), "", limits())
	want := run(b, "Subscription.f", event(`{"a":1}`)).Fuel
	for range 5 {
		if got := run(b, "Subscription.f", event(`{"a":1}`)).Fuel; got != want {
			t.Fatalf("fuel %d, then %d", want, got)
		}
	}
	l := limits()
	l.FuelPerRun = want
	exact := newPool(t, g.Bytes(), "", l)
	if r := run(exact, "Subscription.f", event(`{"a":1}`)); r.Fault != nil {
		t.Errorf("a limit of exactly what is used: %v", r.Fault)
	}
	l.FuelPerRun = want - 1
	less := newPool(t, g.Bytes(), "", l)
	if r := run(less, "Subscription.f", event(`{"a":1}`)); r.Fault == nil || r.Fault.Code != abi.CodeFuelExhausted {
		t.Errorf("a limit of one unit less: %+v", r.Fault)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	g := sandboxtest.New(schema)
	b := newPool(t, g.Resolver("Subscription.f", g.Named(abi.ImportArgument, "a"), w.Drop(), g.Echo(abi.InputEvent)).Bytes(), "", limits())
	r := &sandbox.Result{}
	var in sandbox.Inputs = &fixedEvent{payload: []byte(`{"a":1}`)}
	ctx := context.Background()
	b.Run(ctx, "Subscription.f", in, r)
	if n := testing.AllocsPerRun(100, func() { b.Run(ctx, "Subscription.f", in, r) }); n != 0 || r.Fault != nil {
		t.Errorf("%v allocations per run, %v", n, r.Fault)
	}
}

type fixedEvent struct{ payload []byte }

func (*fixedEvent) ID() string                        { return "e1" }
func (f *fixedEvent) Input(k abi.Kind) ([]byte, bool) { return f.payload, k == abi.InputEvent }
func (*fixedEvent) Argument(string) ([]byte, bool)    { return nil, false }
func (*fixedEvent) Claim(string) ([]byte, bool)       { return nil, false }
func (*fixedEvent) Permitted(string) bool             { return false }
