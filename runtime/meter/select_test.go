package meter_test

import (
	"math"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// TestSelectIsReplaced holds that no float or vector is selected in what runs, in whatever way its type has to
// be found out, and that dead code stays as it is.
func TestSelectIsReplaced(t *testing.T) {
	i64, v128 := []wasm.ValueType{wasm.I64}, []wasm.ValueType{wasm.V128}
	vector := append(Op(wasm.OpV128Const), make(Code, 16)...)
	typed := func(t wasm.ValueType) Code { return append(Op(wasm.OpSelectTyped), 1, byte(t)) }
	choose := Join(I32Const(1), Op(wasm.OpSelect))
	for name, c := range map[string]struct {
		code func(b *Builder) Code
		left int // selects in the function afterwards: those of integers
	}{
		"integers":  {func(*Builder) Code { return Join(I32Const(1), I32Const(2), choose, Drop()) }, 1},
		"constants": {func(*Builder) Code { return Join(F32Const(1), F32Const(2), choose, Drop()) }, 1},
		"doubles":   {func(*Builder) Code { return Join(F64Const(1), F64Const(2), choose, Drop()) }, 1},
		"vectors":   {func(*Builder) Code { return Join(vector, vector, choose, Drop()) }, 0},
		"typed":     {func(*Builder) Code { return Join(vector, vector, I32Const(0), typed(wasm.V128), Drop()) }, 0},
		"typed integers": {func(*Builder) Code {
			return Join(I32Const(1), I32Const(1), I32Const(0), typed(wasm.I32), Drop())
		}, 1},
		"of a call": {func(b *Builder) Code {
			g := b.Function(i64, v128, nil, vector)
			return Join(I64Const(1), Call(g), I64Const(1), Call(g), choose, Drop())
		}, 0},
		"of blocks": {func(*Builder) Code {
			one := Block(Result(wasm.V128), I64Const(1), Drop(), vector)
			return Join(one, Loop(Result(wasm.V128), one), choose, Drop())
		}, 0},
		"of an if": {func(*Builder) Code {
			either := Join(I32Const(1), IfElse(Result(wasm.V128), vector, Unreachable()))
			return Join(either, either, choose, Drop())
		}, 0},
		"behind dead code": {func(*Builder) Code {
			return Join(Block(Result(wasm.V128), vector, Br(0), Op(wasm.OpI32Add), Drop()), vector, choose, Drop())
		}, 0},
		"of variables": {func(b *Builder) Code {
			g := b.Global(wasm.V128, vector)
			return Join(GlobalGet(g), LocalGet(0), choose, Drop())
		}, 0},
		"of a select": {func(*Builder) Code { return Join(vector, vector, choose, vector, choose, Drop()) }, 0},
		"dead":        {func(*Builder) Code { return Join(Unreachable(), choose, Drop()) }, 1},
		"dead typed":  {func(*Builder) Code { return Join(Unreachable(), typed(wasm.F32), Drop()) }, 1},
	} {
		b := New()
		code := c.code(b)
		run := b.Function(nil, nil, v128, code)
		b.ExportFunction("run", run)
		m := decode(t, rewrite(t, b.Bytes(), meter.Options{}).Wasm)
		left := 0
		for r := m.Code[run].Reader(); r.Next(); {
			if op := r.Instruction.Op; op == wasm.OpSelect || op == wasm.OpSelectTyped {
				left++
			}
		}
		if left != c.left {
			t.Errorf("%s: %d selects are left, want %d", name, left, c.left)
		}
		interpreter(t).compile(m.Encode())
	}
}

// TestSelectKeepsBits selects NaNs, whose bits must not change, by conditions of several bits.
func TestSelectKeepsBits(t *testing.T) {
	b := New()
	nan32, nan64 := uint64(0x7fa12345), uint64(0x7ff4123456789abc)
	params32 := []wasm.ValueType{wasm.F32, wasm.F32, wasm.I32}
	params64 := []wasm.ValueType{wasm.F64, wasm.F64, wasm.I32}
	all := Join(LocalGet(0), LocalGet(1), LocalGet(2), Op(wasm.OpSelect))
	b.ExportFunction("f32", b.Function(params32, []wasm.ValueType{wasm.F32}, nil, all))
	b.ExportFunction("f64", b.Function(params64, []wasm.ValueType{wasm.F64}, nil, all))
	b.ExportFunction("v128", b.Function([]wasm.ValueType{wasm.I64, wasm.I64, wasm.I32}, []wasm.ValueType{wasm.I64}, nil,
		LocalGet(0), Op(wasm.OpI64x2Splat), LocalGet(1), Op(wasm.OpI64x2Splat), LocalGet(2), Op(wasm.OpSelect),
		append(Op(wasm.OpI64x2ExtractLane), 1)))
	for _, config := range []wazero.RuntimeConfig{wazero.NewRuntimeConfigCompiler(), wazero.NewRuntimeConfigInterpreter()} {
		g := newEngine(t, config).metered(b.Bytes(), meter.Options{})
		g.setFuel(1 << 40)
		for _, condition := range []uint64{0, 1, 2, 0x80000000, math.MaxUint32} {
			for name, values := range map[string][2]uint64{
				"f32": {nan32, 0xffc00001}, "f64": {nan64, 0xfff8000000000001}, "v128": {0x0123456789abcdef, 42},
			} {
				want := values[1]
				if condition != 0 {
					want = values[0]
				}
				got, err := g.call(name, values[0], values[1], condition)
				if err != nil || got[0] != want {
					t.Errorf("%s by %x: %x, want %x, %v", name, condition, got, want, err)
				}
			}
		}
	}
}
