package meter_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func interpreter(t *testing.T) *engine {
	t.Helper()
	return newEngine(t, wazero.NewRuntimeConfigInterpreter())
}

// runner returns a module with a memory of one to four pages, whose export "run" is code.
func runner(locals []wasm.ValueType, code ...Code) *Builder {
	b := New()
	b.Memory(1, 4)
	b.ExportFunction("run", b.Function(nil, nil, locals, code...))
	return b
}

func TestEndlessCodeIsStopped(t *testing.T) {
	recursion := New()
	f := recursion.Declare(nil, nil)
	recursion.Define(f, I32s(1), I32Const(10), LocalSet(0), Loop(
		Result(), LocalGet(0), I32Const(1), Op(wasm.OpI32Sub), LocalTee(0), BrIf(0),
	), Call(f))
	recursion.ExportFunction("run", f)

	indirect := New()
	indirect.Table(wasm.FuncRef, 1)
	g := indirect.Function(nil, nil, nil, Loop(Result(), I32Const(0), CallIndirect(0, 0), Br(0)))
	indirect.Elements(0, 0, indirect.Function(nil, nil, nil))
	indirect.ExportFunction("run", g)

	fill := Join(I32Const(0), I32Const(1), I32Const(65536), MemoryFill())
	grow := Join(I32Const(0), MemoryGrow(), Drop())
	modules := map[string]*Builder{
		"empty loop":       runner(nil, Loop(Result(), Br(0))),
		"nested loops":     runner(nil, Loop(Result(), Loop(Result(), I32Const(1), BrIf(1)), Br(0))),
		"loop with result": runner(nil, Loop(Result(wasm.I32), Br(0)), Drop()),
		"br_table":         runner(nil, Loop(Result(), I32Const(9), BrTable(0, 0, 0))),
		"loop in dead end": runner(nil, Loop(Result(), Block(Result(), Br(1)), Br(0))),
		"long turns":       runner(nil, Loop(Result(), Join(repeat(Op(wasm.OpNop), 20000)...), Br(0))),
		"memory.fill":      runner(nil, Loop(Result(), fill, Br(0))),
		"memory.grow":      runner(nil, Loop(Result(), grow, Br(0))),
		"recursion":        recursion,
		"calls":            indirect,
	}
	for name, b := range modules {
		for _, fuel := range []int64{0, 1, 1000, 100_000} {
			t.Run(name, func(t *testing.T) {
				g := interpreter(t).metered(b.Bytes(), meter.Options{})
				left, err := g.run(fuel)
				if err == nil || !strings.Contains(err.Error(), "unreachable") {
					t.Errorf("ended with %v", err)
				}
				if left >= 0 || left < -2*overshoot-8192 {
					t.Errorf("left %d of %d", left, fuel)
				}
			})
		}
	}
}

func repeat(c Code, n int) []Code {
	out := make([]Code, n)
	for i := range out {
		out[i] = c
	}
	return out
}

// TestUnwindingIsChecked lets a run end its fuel at the bottom of a recursion, each level of which
// would go on without a loop or a call, and for less than may go unchecked.
func TestUnwindingIsChecked(t *testing.T) {
	const levels = 500
	const tail = 600 * (1 + naiveSelf)
	b := New()
	b.Global(wasm.I32, I32Const(levels))
	f := b.Declare(nil, nil)
	b.Define(
		f, nil,
		GlobalGet(0), Op(wasm.OpI32Eqz), If(Result(), Return()),
		GlobalGet(0), I32Const(1), Op(wasm.OpI32Sub), GlobalSet(0),
		Call(f),
		Block(Result(), GlobalGet(0), BrIf(0), GlobalGet(0), BrIf(1), Join(repeat(Op(wasm.OpNop), 600)...)),
	)
	b.ExportFunction("run", f)
	e := interpreter(t)
	compiled := e.compile(rewrite(t, naive(b.Bytes(), true), meter.Options{StackBytes: 1 << 30}).Wasm)
	all := e.instance(compiled)
	if _, err := all.run(1 << 40); err != nil {
		t.Fatal(err)
	}
	limit := all.global(naiveCount) - levels*tail // where the last level returns, about
	g := e.instance(compiled)
	left, err := g.run(limit)
	if executed := g.global(naiveCount); err == nil || left >= 0 || executed > limit+overshoot {
		t.Errorf("executed %d of %d units, left %d, %v", executed, limit, left, err)
	}
}

// TestLongPathsAreChecked runs code without loops and calls, put together from parts none of which
// costs enough to be checked for itself.
func TestLongPathsAreChecked(t *testing.T) {
	nops := Join(repeat(Op(wasm.OpNop), 100)...)
	then := Join(I32Const(1), If(Result(), nops))
	leave := Join(I32Const(0), If(Result(), Return()))
	for name, part := range map[string]Code{
		"if":            then,
		"else":          Join(I32Const(0), IfElse(Result(), Op(wasm.OpNop), nops)),
		"if leaves":     Join(then, leave),
		"else leaves":   Join(I32Const(1), IfElse(Result(), nops, Return())),
		"out by branch": Block(Result(), I32Const(1), If(Result(), nops, Br(1)), Return()),
		"out by table":  Block(Result(), I32Const(1), If(Result(), nops, I32Const(0), BrTable(1, 2)), Return()),
		"back and on":   Join(then, Loop(Result(), Join(repeat(Op(wasm.OpNop), 10)...))),
	} {
		t.Run(name, func(t *testing.T) {
			b := runner(nil, repeat(part, 200)...)
			g := interpreter(t).metered(naive(b.Bytes(), true), meter.Options{})
			const limit = 20_000
			left, err := g.run(limit)
			if executed := g.global(naiveCount); err == nil || left >= 0 || executed > limit+overshoot {
				t.Errorf("executed %d of %d units, left %d, %v", executed, limit, left, err)
			}
		})
	}
}

// TestLengths compares guests that ask for lengths that cannot be: they end as they would unmetered,
// and free of charge.
func TestLengths(t *testing.T) {
	refuse := Join(If(Result(), Unreachable()))
	for name, c := range map[string]struct {
		code  Code
		traps string // else it returns
		units int64
	}{
		"fill":             {Join(I32Const(0), I32Const(1), I32Const(4096), MemoryFill()), "", 3 + 8 + 512},
		"fill nothing":     {Join(I32Const(0), I32Const(1), I32Const(0), MemoryFill()), "", 3 + 8},
		"fill all":         {Join(I32Const(0), I32Const(1), I32Const(65536), MemoryFill()), "", 3 + 8 + 8192},
		"fill too much":    {Join(I32Const(0), I32Const(1), I32Const(-1), MemoryFill()), "out of bounds", 3 + 8},
		"copy too much":    {Join(I32Const(0), I32Const(1), I32Const(65537), MemoryCopy()), "out of bounds", 3 + 8},
		"grow":             {Join(I32Const(3), MemoryGrow(), I32Const(1), Op(wasm.OpI32Ne), refuse), "", 1 + 64 + 2 + 1 + 3*4096},
		"grow too much":    {Join(I32Const(4), MemoryGrow(), I32Const(-1), Op(wasm.OpI32Ne), refuse), "", 1 + 64 + 2 + 1},
		"grow by all":      {Join(I32Const(-1), MemoryGrow(), I32Const(-1), Op(wasm.OpI32Ne), refuse), "", 1 + 64 + 2 + 1},
		"table.grow":       {Join(refNull, I32Const(5), OpIndex(wasm.OpTableGrow, 0), Drop()), "", 2 + 64 + 5 + 1},
		"table.grow, huge": {Join(refNull, I32Const(-1), OpIndex(wasm.OpTableGrow, 0), Drop()), "", 2 + 64 + 1},
		"table.fill":       {Join(I32Const(0), refNull, I32Const(2), OpIndex(wasm.OpTableFill, 0)), "", 3 + 8 + 2},
		"table.copy":       {Join(I32Const(0), I32Const(0), I32Const(9), OpIndex(wasm.OpTableCopy, 0, 0)), "invalid table access", 3 + 8 + 9},
	} {
		t.Run(name, func(t *testing.T) {
			b := runner(nil, c.code)
			b.Table(wasm.FuncRef, 2)
			const fuel = 1_000_000
			left, err := interpreter(t).metered(b.Bytes(), meter.Options{TableElements: 20}).run(fuel)
			if c.traps == "" && err != nil || c.traps != "" && (err == nil || !strings.Contains(err.Error(), c.traps)) {
				t.Errorf("ended with %v", err)
			}
			if fuel-left != c.units {
				t.Errorf("cost %d, want %d", fuel-left, c.units)
			}
		})
	}
}

// refNull pushes a null reference to a function.
var refNull = Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)}

// TestLengthIsChargedBefore fills with one unit too few: nothing is written.
func TestLengthIsChargedBefore(t *testing.T) {
	b := runner(nil, I32Const(0), I32Const(1), I32Const(4096), MemoryFill())
	g := interpreter(t).metered(b.Bytes(), meter.Options{})
	if left, err := g.run(3 + 8 + 511); err == nil || left != -1 {
		t.Errorf("left %d, %v", left, err)
	}
	if first, _ := g.Memory().ReadByte(0); first != 0 {
		t.Error("the memory was filled")
	}
}

func TestStartHasItsOwnFuel(t *testing.T) {
	b := runner(nil)
	b.Start(b.Function(nil, nil, nil, repeat(Op(wasm.OpNop), 3000)...))
	g := interpreter(t).metered(b.Bytes(), meter.Options{StartFuel: 3500})
	if left := g.fuel(); left != 500 {
		t.Errorf("left %d", left)
	}
	out := rewrite(t, b.Bytes(), meter.Options{StartFuel: 2999})
	e := interpreter(t)
	_, err := e.runtime.Instantiate(t.Context(), out.Wasm)
	var exit *sys.ExitError
	if err == nil || errors.As(err, &exit) || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("instantiated with %v", err)
	}
}

func TestStartIsExportedOnRequest(t *testing.T) {
	b := New()
	start := b.Function(nil, nil, nil, Op(wasm.OpNop))
	b.Start(start)
	for export, want := range map[bool]string{true: meter.StartExport, false: ""} {
		out := rewrite(t, b.Bytes(), meter.Options{ExportStart: export})
		m, err := wasm.Decode(out.Wasm)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, x := range m.Exports {
			if x.Kind == wasm.Function && x.Index == start {
				got = x.Name
			}
		}
		if got != want || (m.Start == nil) != export {
			t.Errorf("ExportStart %v: export %q, start %v", export, got, m.Start)
		}
	}
}

// TestBulkInPieces compares long operations with those of the engine: overlapping ones in both directions,
// ones that end at the end of memory, and ones that trap, which must change nothing.
func TestBulkInPieces(t *testing.T) {
	const pages, mib = 80, 1 << 20
	const size = pages * 65536
	b := New()
	b.Memory(pages, pages)
	three := func() Code { return Join(LocalGet(0), LocalGet(1), LocalGet(2)) }
	segment := make([]byte, 3*mib)
	for i := range segment {
		segment[i] = byte(i * 7 >> 3)
	}
	b.PassiveData(segment)
	b.ExportFunction("copy", b.Function(I32s(3), nil, nil, three(), MemoryCopy()))
	b.ExportFunction("fill", b.Function(I32s(3), nil, nil, three(), MemoryFill()))
	b.ExportFunction("init", b.Function(I32s(3), nil, nil, three(), MemoryInit(0)))
	for _, config := range []wazero.RuntimeConfig{wazero.NewRuntimeConfigCompiler(), wazero.NewRuntimeConfigInterpreter()} {
		e := newEngine(t, config)
		plain, metered := e.instantiate(b.Bytes()), e.metered(b.Bytes(), meter.Options{MarkWrites: true})
		metered.setFuel(1 << 50)
		for _, c := range []struct {
			name string
			args []uint64
		}{
			{"init", []uint64{0, 0, 3 * mib}},
			{"init", []uint64{size - 2*mib - 1, mib - 1, 2*mib + 1}},
			{"init", []uint64{5, 1, 3 * mib}},
			{"init", []uint64{size - 2*mib, 0, 2*mib + 1}},
			{"copy", []uint64{1000, 0, 4 * mib}},
			{"copy", []uint64{mib + 3, mib, 3*mib + 5}},
			{"copy", []uint64{0, 1, 4*mib - 1}},
			{"copy", []uint64{77, 3*mib + 1, size - 3*mib - 1}},
			{"copy", []uint64{0, 0, size}},
			{"copy", []uint64{1, 0, size}},
			{"copy", []uint64{0, 1, size}},
			{"copy", []uint64{1 << 31, 0, 2 * mib}},
			{"copy", []uint64{1<<32 - 1, 1<<32 - 1, 2 * mib}},
			{"fill", []uint64{3, 0x1a7, 2*mib + 1}},
			{"fill", []uint64{size - 3*mib, 9, 3 * mib}},
			{"fill", []uint64{size - 3*mib, 9, 3*mib + 1}},
			{"fill", []uint64{mib, 1, 1<<32 - 1}},
			{"fill", []uint64{0, 5, mib}},
			{"fill", []uint64{0, 6, mib + 1}},
		} {
			_, want := plain.call(c.name, c.args...)
			_, got := metered.call(c.name, c.args...)
			if (want == nil) != (got == nil) || want != nil && !strings.Contains(got.Error(), "out of bounds memory access") {
				t.Errorf("%s%d: %v, want %v", c.name, c.args, got, want)
			}
			was, _ := plain.Memory().Read(0, size)
			is, _ := metered.Memory().Read(0, size)
			if !bytes.Equal(was, is) {
				t.Fatalf("%s%d: another memory", c.name, c.args)
			}
		}
	}
}

// TestStop holds that an endless run heeds the host within a slice, at every kind of safepoint.
func TestStop(t *testing.T) {
	copies := Join(I32Const(0), I32Const(1), I32Const(4<<16-1), MemoryCopy())
	for name, code := range map[string]Code{
		"loop": Loop(Result(), Br(0)), "bulk": Loop(Result(), copies, Br(0)),
		"grow": Loop(Result(), I32Const(0), MemoryGrow(), Drop(), Br(0)),
	} {
		b := runner(nil, code)
		b.Module().Memories[0] = wasm.Limits{Min: 4, Max: 4, HasMax: true}
		g := newEngine(t, wazero.NewRuntimeConfigCompiler()).metered(b.Bytes(), meter.Options{})
		g.setFuel(1 << 60)
		stop := g.ExportedGlobal(meter.StopGlobal).(api.MutableGlobal)
		time.AfterFunc(10*time.Millisecond, func() { stop.Set(1) })
		if _, err := g.call("run"); err == nil || !strings.Contains(err.Error(), "unreachable") || g.fuel() < 1<<59 {
			t.Errorf("%s: %v, %d left", name, err, g.fuel())
		}
	}
}
