package sandbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// endless holds resolvers that end by no fuel limit of these tests.
func endless() map[string]func(g *sandboxtest.Guest) w.Code {
	half := w.Join(w.I32Const(0), w.I32Const(32768), w.I32Const(32768))
	return map[string]func(g *sandboxtest.Guest) w.Code{
		"loop":        func(*sandboxtest.Guest) w.Code { return sandboxtest.Forever() },
		"bulk":        func(*sandboxtest.Guest) w.Code { return forever(half, w.MemoryCopy()) },
		"memory.grow": func(*sandboxtest.Guest) w.Code { return forever(w.I32Const(0), w.MemoryGrow(), w.Drop()) },
		"host calls":  func(g *sandboxtest.Guest) w.Code { return forever(g.Call(abi.ImportPermitted, g.Text("a")), w.Drop()) },
		"calls":       func(g *sandboxtest.Guest) w.Code { return forever(w.Call(g.Function(nil, nil, nil))) },
		"br_table": func(*sandboxtest.Guest) w.Code {
			return w.Join(w.Loop(w.Result(), w.I32Const(7), w.BrTable(0, 0, 0)), w.Op(wasm.OpUnreachable))
		},
		"big function": func(*sandboxtest.Guest) w.Code { return forever(bigBlock()) },
	}
}

func forever(code ...w.Code) w.Code {
	return w.Join(w.Loop(w.Result(), w.Join(code...), w.Br(0)), w.Op(wasm.OpUnreachable))
}

func bigBlock() (c w.Code) {
	for range 5000 {
		c = append(c, w.Join(w.LocalGet(0), w.I32Const(3), w.Op(wasm.OpI32Add), w.LocalSet(0))...)
	}
	return c
}

// TestTheClockStopsARun holds that a run ends at its limit by the clock, says
// which, and leaves the pool as it was.
func TestTheClockStopsARun(t *testing.T) {
	for name, code := range endless() {
		g := sandboxtest.New(schema)
		g.Resolver("Subscription.endless", code(g))
		g.Resolver("Subscription.f", g.Output("1"))
		l := limits()
		l.FuelPerRun, l.WallMillisPerRun = 1<<60, 20
		b := newPool(t, g.Bytes(), "", l)
		r := run(b, "Subscription.endless", event("1"))
		if r.Fault == nil || r.Fault.Code != abi.CodeLimitExceeded || r.Fault.Limit != "wallMillisPerRun" || !r.Fault.Unrepeatable {
			t.Errorf("%s: %+v", name, r.Fault)
		}
		if r := run(b, "Subscription.f", event("1")); r.Fault != nil {
			t.Errorf("after %s: %+v", name, r.Fault)
		}
	}
}

// TestAContextStopsARun cancels runs that are under way.
func TestAContextStopsARun(t *testing.T) {
	for name, code := range endless() {
		g := sandboxtest.New(schema)
		g.Resolver("Subscription.endless", code(g))
		l := limits()
		l.FuelPerRun, l.WallMillisPerRun = 1<<60, 3_600_000
		b := newPool(t, g.Bytes(), "", l)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		var r sandbox.Result
		b.Run(ctx, "Subscription.endless", event("1"), &r)
		if r.Fault == nil || r.Fault.Code != abi.CodeInternal || !r.Fault.Unrepeatable || !strings.Contains(r.Fault.Message, "cancelled") {
			t.Errorf("%s: %+v", name, r.Fault)
		}
	}
}

func TestRecursionNamesTheStack(t *testing.T) {
	g := sandboxtest.New(schema)
	f := g.Declare(nil, nil)
	g.Define(f, nil, w.Call(f))
	g.Resolver("Subscription.f", w.Call(f), w.I32Const(0))
	l := limits()
	l.FuelPerRun = 1 << 60
	b := newPool(t, g.Bytes(), "", l)
	for range 3 {
		r := run(b, "Subscription.f", event("1"))
		if r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap || !strings.Contains(r.Fault.Message, "the stack is exhausted") || r.Fault.Unrepeatable {
			t.Errorf("%+v", r.Fault)
		}
	}
}
