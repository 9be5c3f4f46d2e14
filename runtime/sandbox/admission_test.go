package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

func TestRefusedModules(t *testing.T) {
	guest := func(change func(g *w.Builder)) []byte {
		g := w.New()
		change(g)
		return g.Bytes()
	}
	complete := func(g *w.Builder) {
		g.Memory(1)
		g.Custom(abi.SchemaSection, []byte(schema))
	}
	with := func(change func(g *w.Builder)) []byte {
		return guest(func(g *w.Builder) { change(g); complete(g) })
	}
	for name, c := range map[string]struct {
		binary []byte
		want   []string // each found in one problem: message, function, or "@" and the offset
	}{
		"empty":        {nil, []string{"@0"}},
		"no wasm":      {[]byte("not wasm"), []string{"@0"}},
		"cut":          {guest(complete)[:20], []string{"@"}},
		"nothing":      {guest(func(*w.Builder) {}), []string{`no memory named "memory"`, `no custom section "runnel.schema"`}},
		"two schemas":  {with(func(g *w.Builder) { g.Custom(abi.SchemaSection, []byte("x")) }), []string{"2 custom sections"}},
		"schema bytes": {guest(func(g *w.Builder) { g.Memory(1); g.Custom(abi.SchemaSection, []byte("\xff")) }), []string{"not valid UTF-8"}},
		"foreign import": {with(func(g *w.Builder) {
			g.Import("env", "abort", w.I32s(4), nil)
			g.Import("wasi_unstable", "fd_write", w.I32s(4), w.I32s(1))
		}), []string{"env.abort", "wasi_unstable.fd_write", "functions of runnel_v1 and wasi_snapshot_preview1 only"}},
		"unknown function of WASI": {with(func(g *w.Builder) {
			g.Import(abi.WASIModuleName, "fd_write", w.I32s(4), w.I32s(1))
			g.Import(abi.WASIModuleName, "thread_spawn", w.I32s(1), w.I32s(1))
		}), []string{"wasi_snapshot_preview1.thread_spawn: wasi_snapshot_preview1 has no such function; it has args_get, "}},
		"WASI type":          {with(func(g *w.Builder) { g.Import(abi.WASIModuleName, "fd_seek", w.I32s(4), w.I32s(1)) }), []string{"(i32, i32, i32, i32) -> i32", "(i32, i64, i32, i32) -> i32"}},
		"WASI without errno": {with(func(g *w.Builder) { g.Import(abi.WASIModuleName, "proc_exit", w.I32s(1), w.I32s(1)) }), []string{"it is (i32) -> ()"}},
		"WASI memory":        {guest(func(g *w.Builder) { g.ImportMemory(abi.WASIModuleName, "memory", 1) }), []string{"imports a memory"}},
		"unknown import":     {with(func(g *w.Builder) { g.Import(abi.ModuleName, "now", nil, w.I32s(1)) }), []string{"runnel_v1.now", "it has input, argument"}},
		"import type":        {with(func(g *w.Builder) { g.Import(abi.ModuleName, "output", w.I32s(3), nil) }), []string{"(i32, i32, i32) -> ()", "(i32, i32) -> ()"}},
		"imported memory":    {guest(func(g *w.Builder) { g.ImportMemory(abi.ModuleName, "memory", 1) }), []string{"imports a memory"}},
		"imported global":    {with(func(g *w.Builder) { g.ImportGlobal(abi.ModuleName, "g", wasm.I32, true) }), []string{"imports a global"}},
		"resolver type": {with(func(g *w.Builder) {
			g.ExportFunction("Subscription.f", g.Function(w.I32s(1), w.I32s(1), nil, w.I32Const(0)))
		}), []string{"Subscription.f", "() -> i32"}},
		"resolver kind":  {with(func(g *w.Builder) { g.Export("Subscription.f", wasm.Memory, 0) }), []string{"must be a function, it is a memory"}},
		"memory kind":    {guest(func(g *w.Builder) { g.ExportFunction("memory", g.Function(nil, nil, nil)) }), []string{"must be a memory, it is a func"}},
		"_initialize":    {with(func(g *w.Builder) { g.ExportFunction("_initialize", g.Function(nil, w.I32s(1), nil, w.I32Const(0))) }), []string{"_initialize", "() -> ()"}},
		"reserved name":  {with(func(g *w.Builder) { g.Export("_runnel_fuel", wasm.GlobalKind, g.Global(wasm.I64, w.I64Const(0))) }), []string{"reserved"}},
		"type mismatch":  {with(func(g *w.Builder) { g.Function(nil, w.I32s(1), nil, w.I64Const(1)) }), []string{"function 0"}},
		"appended index": {with(func(g *w.Builder) { g.Function(nil, nil, nil, w.I64Const(1), w.GlobalSet(0)) }), []string{"function 0"}},
		"large tables": {with(func(g *w.Builder) {
			g.Table(wasm.FuncRef, 65536)
			g.Table(wasm.FuncRef, 1)
		}), []string{"65537 elements"}},
		"exported twice": {with(func(g *w.Builder) {
			f := g.Function(nil, w.I32s(1), nil, w.I32Const(0))
			g.ExportFunction("Subscription.f", f)
			g.ExportFunction("Subscription.f", f)
		}), []string{"Subscription.f: is exported twice"}},
		"unknown function": {with(func(g *w.Builder) { g.Function(nil, nil, nil, w.Call(17)) }), []string{"function 0", "@9"}},
		"own the counter": {with(func(g *w.Builder) {
			g.Function(nil, nil, nil, w.Call(1))
		}), []string{"function"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t).Load(context.Background(), c.binary)
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v", err)
			}
			text := describeProblems(refused.Problems)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("problems:\n%s\nwant %q", text, want)
				}
			}
		})
	}
}

func describeProblems(problems []sandbox.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Function + ": " + p.Message)
		if p.HasOffset {
			b.WriteString(" @" + string(rune('0'+min(p.Offset, 9))))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestInspect(t *testing.T) {
	g := sandboxtest.New(schema)
	binary := g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes()
	e := newEngine(t)
	i, err := e.Inspect(context.Background(), binary)
	if err != nil || len(i.Problems) > 0 || i.Schema != schema || len(i.Resolvers) != 1 || i.Metered <= 0 || len(i.Module.Imports) != 8 {
		t.Errorf("%+v, %v", i, err)
	}
	foreign := w.New()
	foreign.Import("env", "abort", nil, nil)
	i, err = e.Inspect(context.Background(), foreign.Bytes())
	if err != nil || len(i.Problems) != 3 {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err = e.Inspect(context.Background(), []byte("no")); err == nil {
		t.Error("bytes that are no module were inspected")
	}
}

// FuzzLoad holds that no upload does more than be refused: what is admitted
// runs, ends within its limits, and does the same when it gives way.
func FuzzLoad(f *testing.F) {
	g := sandboxtest.New(schema)
	f.Add(g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes())
	f.Add(sandboxtest.New(schema).Resolver("Subscription.f", sandboxtest.Forever()).Bytes())
	f.Add(sandboxtest.New(schema).Resolver("Subscription.f", sandboxtest.EatMemory()).Bytes())
	f.Add(randomGuest(random.FromSeed(1)))
	e := newEngine(f)
	f.Fuzz(func(t *testing.T, binary []byte) {
		m, err := e.Load(context.Background(), binary)
		if err != nil {
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) || len(refused.Problems) == 0 {
				t.Fatalf("refused without a problem: %v", err)
			}
			return
		}
		l := limits()
		l.FuelPerRun = 4 * meter.DefaultSlice
		b := poolOf(t, m, "", l)
		for _, resolver := range m.Resolvers() {
			gives := &paced{fixed: event(`{"a":1}`), giveWay: func() bool { return true }}
			first, second := run(b, resolver, event(`{"a":1}`)), run(b, resolver, gives)
			if describe(first) != describe(second) || first.Fuel != second.Fuel || !bytes.Equal(first.Output, second.Output) {
				t.Fatalf("%s: %s with %d, then %s with %d", resolver, describe(first), first.Fuel, describe(second), second.Fuel)
			}
			if first.Fuel < 0 || int64(len(first.Output)) > l.OutputBytes {
				t.Fatalf("%s: fuel %d, output of %d bytes", resolver, first.Fuel, len(first.Output))
			}
		}
		if err := errors.Join(b.Close(), m.Release()); err != nil {
			t.Fatal(err)
		}
	})
}
