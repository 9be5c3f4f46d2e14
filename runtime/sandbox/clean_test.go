package sandbox_test

import (
	"context"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// TestNoStateSurvivesARun has a guest leave a mark in every kind of state there
// is, and look for it in the next run.
func TestNoStateSurvivesARun(t *testing.T) {
	funcref := []wasm.ValueType{wasm.FuncRef}
	for name, build := range map[string]func(g *sandboxtest.Guest) (look, leave w.Code){
		"memory": func(*sandboxtest.Guest) (w.Code, w.Code) {
			return w.Join(w.I32Const(40000), w.I32Load(0)), w.Join(w.I32Const(40000), w.I32Const(1), w.I32Store(0))
		},
		"the last byte of memory": func(*sandboxtest.Guest) (w.Code, w.Code) {
			return w.Join(w.I32Const(65535), w.I32Load8U(0)), w.Join(w.I32Const(65535), w.I32Const(1), w.I32Store8(0))
		},
		"the size of memory": func(*sandboxtest.Guest) (w.Code, w.Code) {
			return w.Join(w.MemorySize(), w.I32Const(1), w.Op(wasm.OpI32Sub)), w.Join(w.I32Const(1), w.MemoryGrow(), w.Drop())
		},
		"grown memory": func(*sandboxtest.Guest) (w.Code, w.Code) {
			grow := w.Join(w.I32Const(1), w.MemoryGrow(), w.Drop())
			return w.Join(grow, w.I32Const(65536), w.I32Load(0)), w.Join(w.I32Const(65536), w.I32Const(1), w.I32Store(0))
		},
		"a global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Global(wasm.I32, w.I32Const(0))
			return w.GlobalGet(x), w.Join(w.I32Const(1), w.GlobalSet(x))
		},
		"a 64-bit global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Global(wasm.I64, w.I64Const(0))
			return w.Join(w.GlobalGet(x), w.I64Const(0), w.Op(wasm.OpI64Ne)), w.Join(w.I64Const(1<<40), w.GlobalSet(x))
		},
		"a vector global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Global(wasm.V128, vector(0))
			return w.Join(w.GlobalGet(x), w.Op(wasm.OpV128AnyTrue)), w.Join(vector(1), w.GlobalSet(x))
		},
		"a reference global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Global(wasm.FuncRef, w.Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)})
			g.DeclareElements(g.Host[abi.ImportLog])
			return w.Join(w.GlobalGet(x), w.Op(wasm.OpRefIsNull), w.Op(wasm.OpI32Eqz)), w.Join(w.OpIndex(wasm.OpRefFunc, g.Host[abi.ImportLog]), w.GlobalSet(x))
		},
		"a table": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Table(funcref[0], 1)
			g.DeclareElements(g.Host[abi.ImportLog])
			return w.Join(w.I32Const(0), w.OpIndex(wasm.OpTableGet, x), w.Op(wasm.OpRefIsNull), w.Op(wasm.OpI32Eqz)),
				w.Join(w.I32Const(0), w.OpIndex(wasm.OpRefFunc, g.Host[abi.ImportLog]), w.OpIndex(wasm.OpTableSet, x))
		},
		"the size of a table": func(g *sandboxtest.Guest) (w.Code, w.Code) {
			x := g.Table(funcref[0], 1)
			return w.Join(w.OpIndex(wasm.OpTableSize, x), w.I32Const(1), w.Op(wasm.OpI32Sub)),
				w.Join(w.Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)}, w.I32Const(1), w.OpIndex(wasm.OpTableGrow, x), w.Drop())
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := sandboxtest.New(schema)
			look, leave := build(g)
			// The verdict is complete where a mark was found, skip where not.
			code := w.Join(look, w.LocalSet(0), leave,
				w.I32Const(3), w.I32Const(0), w.LocalGet(0), w.Op(wasm.OpSelect))
			b := newPool(t, g.Resolver("Subscription.f", code).Bytes(), "", limits())
			for range 3 {
				if r := run(b, "Subscription.f", event("1")); r.Fault != nil || r.Verdict != abi.Skip {
					t.Fatalf("%+v %v", r, r.Fault)
				}
			}
		})
	}
}

// vector pushes a v128 whose uppermost byte is given.
func vector(last byte) w.Code {
	value := make([]byte, 16)
	value[15] = last
	return append(wasm.AppendOpcode(nil, wasm.OpV128Const), value...)
}

func TestDroppedSegmentsComeBack(t *testing.T) {
	g := sandboxtest.New(schema)
	segment := g.PassiveData([]byte("abc"))
	code := w.Join(
		w.I32Const(sandboxtest.Buffer), w.I32Const(0), w.I32Const(3), w.MemoryInit(segment),
		w.OpIndex(wasm.OpDataDrop, segment), w.I32Const(0))
	b := newPool(t, g.Resolver("Subscription.f", code).Bytes(), "", limits())
	for range 3 {
		if r := run(b, "Subscription.f", event("1")); r.Fault != nil {
			t.Fatal(r.Fault)
		}
	}
}

// TestStateBeforeATrapIsGone leaves a mark and traps; the next run looks.
func TestStateBeforeATrapIsGone(t *testing.T) {
	g := sandboxtest.New(schema)
	x := g.Global(wasm.I32, w.I32Const(0))
	g.Resolver("Subscription.leave", w.I32Const(1), w.GlobalSet(x), w.I32Const(40000), w.I32Const(1), w.I32Store(0), sandboxtest.Trap())
	g.Resolver("Subscription.look", w.GlobalGet(x), w.I32Const(40000), w.I32Load(0), w.Op(wasm.OpI32Or), w.I32Const(3), w.Op(wasm.OpI32Mul))
	b := newPool(t, g.Bytes(), "", limits())
	if r := run(b, "Subscription.leave", event("1")); r.Fault == nil {
		t.Fatal("no trap")
	}
	if r := run(b, "Subscription.look", event("1")); r.Fault != nil || r.Verdict != abi.Skip {
		t.Fatalf("%+v", r)
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
		return g.Function(nil, nil, nil, sandboxtest.Forever())
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
