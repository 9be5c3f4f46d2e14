package meter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// recursions are functions without an end, as their export "run", with frames of many shapes.
func recursions() map[string][]byte {
	plain := func(locals []wasm.ValueType, params []wasm.ValueType, code func(self uint32) Code) []byte {
		b := New()
		b.Memory(1, 1)
		f := b.Declare(params, nil)
		b.Define(f, locals, code(f))
		var arguments Code
		for range params {
			arguments = append(arguments, I64Const(7)...)
		}
		b.ExportFunction("run", b.Function(nil, nil, nil, arguments, Call(f)))
		return b.Bytes()
	}
	i64s := func(n int) []wasm.ValueType {
		t := make([]wasm.ValueType, n)
		for i := range t {
			t[i] = wasm.I64
		}
		return t
	}
	pass := func(n int) (c Code) {
		for i := range n {
			c = append(c, LocalGet(uint32(i))...)
		}
		return c
	}
	load := func(n int) (c Code) {
		for i := range n {
			c = append(c, Join(I32Const(int32(i*8)), OpMemory(wasm.OpI64Load, 3, 0))...)
		}
		return c
	}
	drop := func(n int) Code { return Join(repeat(Drop(), n)...) }
	modules := map[string][]byte{
		"nothing":    plain(nil, nil, func(self uint32) Code { return Call(self) }),
		"two":        plain(nil, nil, func(self uint32) Code { return Join(Call(self), Call(self)) }),
		"parameters": plain(nil, i64s(40), func(self uint32) Code { return Join(pass(40), Call(self), pass(40), drop(40)) }),
		"operands": plain(nil, nil, func(self uint32) Code {
			return Join(I32Const(0), load(200), Call(self), Join(repeat(Op(wasm.OpI64Add), 199)...), OpMemory(wasm.OpI64Store, 3, 0))
		}),
		"locals": plain(i64s(200), nil, func(self uint32) Code {
			var set, use Code
			for i := range 200 {
				set = append(set, Join(load(1), LocalSet(uint32(i)))...)
				use = append(use, Join(I32Const(0), LocalGet(uint32(i)), OpMemory(wasm.OpI64Store, 3, 0))...)
			}
			return Join(set, Call(self), use)
		}),
		"merges": plain(i64s(50), nil, func(self uint32) Code {
			var c Code
			for range 20 {
				var set Code
				for i := range 50 {
					set = append(set, Join(load(1), LocalSet(uint32(i)))...)
				}
				c = append(c, Join(I32Const(0), OpMemory(wasm.OpI32Load, 2, 0), If(Result(), set), Call(self))...)
			}
			for i := range 50 {
				c = append(c, Join(I32Const(0), LocalGet(uint32(i)), OpMemory(wasm.OpI64Store, 3, 0))...)
			}
			return c
		}),
		"loops": plain(i64s(50), nil, func(self uint32) Code {
			var step Code
			for i := range 50 {
				step = append(step, Join(LocalGet(uint32(i)), load(1), Op(wasm.OpI64Add), LocalSet(uint32(i)))...)
			}
			inner := Join(step, Call(self))
			for range 20 {
				inner = Loop(Result(), inner, I32Const(0), OpMemory(wasm.OpI32Load, 2, 0), BrIf(0))
			}
			return inner
		}),
		"vectors": plain(nil, nil, func(self uint32) Code {
			var set Code
			for i := range 100 {
				set = append(set, Join(I32Const(int32(i*16)), OpMemory(wasm.OpV128Load, 4, 0))...)
			}
			return Join(I32Const(0), set, Call(self), Join(repeat(Op(wasm.OpV128Xor), 99)...), OpMemory(wasm.OpV128Store, 4, 0))
		}),
	}
	return modules
}

// TestStackEstimate lets recursion run into the engine's own limit, to see what its frames are.
func TestStackEstimate(t *testing.T) {
	const engineStack = 84_000_000 // what the engine's stack has grown to when it is refused more
	const tolerated = 4            // by how much the estimate may be too low
	e := newEngine(t, wazero.NewRuntimeConfigCompiler())
	for name, b := range recursions() {
		const budget = int64(1 << 40)
		g := e.metered(b, meter.Options{StackBytes: budget})
		g.setFuel(1 << 50)
		_, err := g.call("run")
		if err == nil || !strings.Contains(err.Error(), "stack overflow") {
			t.Errorf("%s: %.60v", name, err)
		}
		estimate := budget - g.global(meter.StackGlobal)
		if engineStack > tolerated*estimate {
			t.Errorf("%s: the estimate is %d bytes", name, estimate)
		}
		t.Logf("%s: the engine needs %.2f bytes for each of the estimate", name, float64(engineStack)/float64(estimate))
		g.close()
	}
}

// TestRecursionEnds holds that recursion without an end traps for want of stack, and long before the
// engine's own limit.
func TestRecursionEnds(t *testing.T) {
	for _, e := range []*engine{newEngine(t, wazero.NewRuntimeConfigCompiler()), interpreter(t)} {
		for name, b := range recursions() {
			g := e.metered(b, meter.Options{StackBytes: 100_000})
			g.setFuel(1 << 50)
			_, err := g.call("run")
			if err == nil || !strings.Contains(err.Error(), "unreachable") || g.global(meter.StackGlobal) >= 0 {
				t.Errorf("%s: %.60v, %d bytes left", name, err, g.global(meter.StackGlobal))
			}
			g.close()
		}
	}
}

// TestStackIsGivenBack leaves recursive functions in every way there is.
func TestStackIsGivenBack(t *testing.T) {
	b := New()
	f := b.Declare(I32s(1), I32s(2))
	two := Join(I32Const(1), I32Const(2))
	again := Join(LocalGet(0), I32Const(1), Op(wasm.OpI32Sub), Call(f), Drop(), Drop())
	b.Define(
		f, nil,
		LocalGet(0), Op(wasm.OpI32Eqz), If(Result(), two, Return()),
		Block(Result(), LocalGet(0), I32Const(3), Op(wasm.OpI32RemU), I32Const(1), Op(wasm.OpI32Eq), BrIf(0), again, two, Br(1)),
		again,
		two, LocalGet(0), I32Const(1), Op(wasm.OpI32And), BrIf(0),
		Drop(), I32Const(2), LocalGet(0), BrTable(0, 0),
	)
	b.ExportFunction("run", b.Function(nil, I32s(1), nil, I32Const(60), Call(f), Op(wasm.OpI32Add)))
	for _, e := range []*engine{newEngine(t, wazero.NewRuntimeConfigCompiler()), interpreter(t)} {
		g := e.metered(b.Bytes(), meter.Options{})
		for range 3 {
			g.setFuel(1 << 30)
			result, err := g.call("run")
			if err != nil || result[0] != 3 || g.global(meter.StackGlobal) != meter.DefaultStackBytes {
				t.Errorf("%v, %v, %d bytes left", result, err, g.global(meter.StackGlobal))
			}
		}
		g.close()
	}
}

// TestCallGraph says which functions count their depth.
func TestCallGraph(t *testing.T) {
	counts := func(b *Builder) bool {
		for _, x := range decode(t, rewrite(t, b.Bytes(), meter.Options{}).Wasm).Exports {
			if x.Name == meter.StackGlobal {
				return true
			}
		}
		return false
	}
	table := func(elements bool, code func(b *Builder) Code) *Builder {
		b := New()
		b.Table(wasm.FuncRef, 1)
		f := b.Declare(nil, nil)
		b.Define(f, nil, code(b))
		if elements {
			b.Elements(0, 0, f)
		}
		b.ExportFunction("run", f)
		return b
	}
	chain := New()
	next := chain.Function(nil, nil, nil)
	for range 20_000 { // and nothing of ours recurses
		next = chain.Function(nil, nil, nil, Call(next))
	}
	cycle := New()
	first := cycle.Declare(nil, nil)
	next = first
	for range 20_000 {
		next = cycle.Function(nil, nil, nil, Call(next))
	}
	cycle.Define(first, nil, Call(next))
	for name, c := range map[string]struct {
		b    *Builder
		want bool
	}{
		"chain":                    {chain, false},
		"cycle":                    {cycle, true},
		"indirect":                 {table(true, func(*Builder) Code { return Join(I32Const(0), CallIndirect(0, 0)) }), true},
		"indirect, not in a table": {table(false, func(*Builder) Code { return Join(I32Const(0), CallIndirect(0, 0)) }), false},
		"indirect, another type": {table(true, func(b *Builder) Code {
			return Join(I32Const(0), I32Const(0), CallIndirect(b.Type(I32s(1), nil), 0))
		}), false},
		"indirect, by reference": {table(false, func(b *Builder) Code {
			b.Export("reference", wasm.Function, 0)
			return Join(I32Const(0), OpIndex(wasm.OpRefFunc, 0), OpIndex(wasm.OpTableSet, 0), I32Const(0), CallIndirect(0, 0))
		}), true},
	} {
		if got := counts(c.b); got != c.want {
			t.Errorf("%s: counts %v", name, got)
		}
	}
}

// TestLongChainIsRefused holds that calls which nest too deep without a cycle are refused, with the place.
func TestLongChainIsRefused(t *testing.T) {
	b := New()
	next := b.Function(nil, nil, nil)
	for range 1000 {
		next = b.Function(nil, nil, nil, Call(next))
	}
	m := decode(t, b.Bytes())
	if _, err := meter.Rewrite(m, meter.Options{StackBytes: 72*1000 + 64}); err != nil {
		t.Error(err)
	}
	_, err := meter.Rewrite(m, meter.Options{StackBytes: 72*1000 + 63})
	var at *wasm.Error
	if !errors.As(err, &at) || at.Function != 1000 || at.Offset != m.Code[1000].Offset || !strings.Contains(at.Message, "a chain of 1001 calls") {
		t.Errorf("refused with %v", err)
	}
}

func decode(t *testing.T, b []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
