package random

import (
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// variables adds the globals.
func (g *generator) variables() {
	g.number = g.Global(wasm.I32, wasmtest.I32Const(int32(g.Uint64())))
	g.turns = g.Global(wasm.I32, wasmtest.I32Const(int32(5+g.IntN(60))))
	g.levels = g.Global(wasm.I32, wasmtest.I32Const(int32(3+g.IntN(25))))
	for _, t := range []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128, wasm.FuncRef, wasm.ExternRef} {
		for i := range g.IntN(3) {
			v := global{kind: kind(t), mutable: i == 0}
			if v.mutable {
				v.index = g.Global(t, g.literal(v.kind))
			} else {
				v.index = g.Constant(t, g.literal(v.kind))
			}
			g.globals = append(g.globals, v)
		}
	}
	g.globals = append(g.globals, global{index: g.Constant(wasm.I32, wasmtest.I32Const(1)), kind: i32})
}

// state adds the export "state" and returns its results.
func (g *generator) state() []wasm.ValueType {
	var results []wasm.ValueType
	var code wasmtest.Code
	for _, v := range append([]global{{g.number, i32, true}, {g.turns, i32, true}}, g.globals...) {
		if !v.mutable {
			continue
		}
		code = append(code, wasmtest.GlobalGet(v.index)...)
		if v.kind == funcref {
			code = append(code, byte(wasm.OpRefIsNull))
			results = append(results, wasm.I32)
			continue
		}
		results = append(results, wasm.ValueType(v.kind))
	}
	for t := range uint32(3) {
		code = append(code, wasmtest.OpIndex(wasm.OpTableSize, t)...)
		code = append(code, nulls(t)...)
		results = append(results, wasm.I32, wasm.I32)
	}
	f := g.Function(nil, results, wasmtest.I32s(2), code)
	g.ExportFunction("state", f)
	return results
}

// nulls pushes a number whose bits say which elements of a table are null.
func nulls(t uint32) wasmtest.Code {
	const index, bits = 0, 1
	return wasmtest.Join(
		wasmtest.I32Const(0), wasmtest.LocalSet(index), wasmtest.I32Const(0), wasmtest.LocalSet(bits),
		wasmtest.Loop(
			wasmtest.Result(),
			wasmtest.LocalGet(bits), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Shl),
			wasmtest.LocalGet(index), wasmtest.OpIndex(wasm.OpTableGet, t), wasmtest.Op(wasm.OpRefIsNull, wasm.OpI32Or),
			wasmtest.LocalSet(bits),
			wasmtest.LocalGet(index), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Add), wasmtest.LocalTee(index),
			wasmtest.OpIndex(wasm.OpTableSize, t), wasmtest.Op(wasm.OpI32LtU), wasmtest.BrIf(0),
		),
		wasmtest.LocalGet(bits),
	)
}
