package random

import (
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const hostFunction = 0

// call generates a call, and returns the types of what it leaves on the stack.
func (f *function) call() []wasm.ValueType {
	switch {
	case f.leaf && f.chance(3) || f.chance(6):
		f.value(i32)
		f.emit(wasmtest.Call(hostFunction))
		return wasmtest.I32s(1)
	case f.leaf, f.short:
		f.value(i32)
		return wasmtest.I32s(1)
	case f.risk():
		return f.wildCall()
	}
	c := f.functions[f.IntN(len(f.functions))]
	if c.leaf {
		f.callTo(c)
		return c.Results
	}
	f.boundedCall(c)
	return c.Results
}

// boundedCall calls where the bounds on calls allow it, so that recursion ends.
func (f *function) boundedCall(c callee) {
	f.emit(wasmtest.GlobalGet(f.turns), wasmtest.GlobalGet(f.levels), wasmtest.Op(wasm.OpI32Mul))
	f.begin(wasm.OpIf, wasm.FunctionType{Results: c.Results})
	f.decrement(f.turns)
	f.decrement(f.levels)
	f.callTo(c)
	f.emit(wasmtest.GlobalGet(f.levels), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Add), wasmtest.GlobalSet(f.levels))
	if len(c.Results) > 0 || f.chance(2) {
		f.op(wasm.OpElse)
		for _, t := range c.Results {
			f.plain(kind(t))
		}
	}
	f.close()
}

// callTo calls a function directly or through table 0.
func (f *function) callTo(c callee) {
	f.values(c.Params)
	if f.chance(3) {
		f.constant(int(c.slot))
		f.emit(wasmtest.CallIndirect(f.Type(c.Params, c.Results), 0))
		return
	}
	f.emit(wasmtest.Call(c.index))
}

// wildCall calls what may have another type, or be null or outside of the table. The functions that
// have that type may be any, so the bounds apply.
func (f *function) wildCall() []wasm.ValueType {
	t := f.functions[f.IntN(len(f.functions))].FunctionType
	f.emit(wasmtest.GlobalGet(f.turns), wasmtest.GlobalGet(f.levels), wasmtest.Op(wasm.OpI32Mul, wasm.OpI32Eqz))
	f.begin(wasm.OpIf, wasm.FunctionType{})
	f.op(wasm.OpUnreachable)
	f.close()
	f.decrement(f.turns)
	f.decrement(f.levels)
	f.values(t.Params)
	f.value(i32)
	f.constant(MaxElements)
	f.op(wasm.OpI32RemU)
	f.emit(wasmtest.CallIndirect(f.Type(t.Params, t.Results), []uint32{0, otherFunctions}[f.IntN(2)]))
	return t.Results
}
