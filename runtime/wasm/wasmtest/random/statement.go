package random

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func (f *function) statements() {
	for range 1 + f.IntN(4) {
		f.statement()
	}
}

// statement generates code that leaves the stack as it is.
func (f *function) statement() {
	if f.spent() {
		f.op(wasm.OpNop)
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	switch f.IntN(20) {
	case 0:
		f.op(wasm.OpNop)
	case 1:
		f.value(kind(valueTypes[f.IntN(len(valueTypes))]))
		f.op(wasm.OpDrop)
	case 2, 3, 4:
		f.set(kind(valueTypes[f.IntN(len(valueTypes))]))
	case 5, 6:
		stores := operations[0]
		f.apply(stores[f.IntN(len(stores))])
	case 7, 8:
		f.bulk()
	case 9:
		f.changeTable()
	case 10, 11, 12:
		f.discard(f.construct())
	case 13:
		if !f.short {
			f.shortLoop()
		}
	case 14:
		f.discard(f.call())
	case 15, 16:
		f.branchIf()
	case 17:
		f.condition()
		f.begin(wasm.OpIf, wasm.FunctionType{})
		f.leave()
		f.close()
	case 18:
		f.begin(wasm.OpBlock, wasm.FunctionType{})
		f.leave()
		f.close()
	case 19:
		f.long()
	}
}

// discard takes values off the stack, some into locals and globals.
func (f *function) discard(types []wasm.ValueType) {
	for _, t := range slices.Backward(types) {
		f.put(kind(t))
	}
}

// put pops a value into a local or a global, or drops it.
func (f *function) put(k kind) {
	if local, ok := f.anyLocal(k); ok && f.chance(3) {
		f.emit(wasmtest.LocalSet(local))
	} else if global, ok := f.anyGlobal(k, true); ok && f.chance(2) {
		f.emit(wasmtest.GlobalSet(global))
	} else {
		f.op(wasm.OpDrop)
	}
}

func (f *function) set(k kind) {
	f.value(k)
	if local, ok := f.anyLocal(k); ok && f.chance(2) {
		f.emit(wasmtest.LocalSet(local))
	} else if global, ok := f.anyGlobal(k, true); ok {
		f.emit(wasmtest.GlobalSet(global))
	} else {
		f.emit(wasmtest.LocalSet(f.local(k)))
	}
}

// construct generates a block, if or loop with what it takes, and returns the types of what it leaves
// on the stack.
func (f *function) construct() []wasm.ValueType {
	t := wasm.FunctionType{Results: f.types(3)}
	if f.chance(3) {
		t = f.signatures[f.IntN(len(f.signatures))]
	}
	f.values(t.Params)
	switch n := f.IntN(4); {
	case n == 0:
		f.begin(wasm.OpBlock, t)
		f.body(t)
	case n == 1 && !f.leaf:
		f.begin(wasm.OpLoop, t)
		f.turn()
		f.body(t)
	default:
		f.condition()
		f.begin(wasm.OpIf, t)
		f.body(t)
		if !slices.Equal(t.Params, t.Results) || f.chance(2) {
			f.op(wasm.OpElse)
			f.body(t)
		}
	}
	f.close()
	return t.Results
}

// turn leaves the loop, past all others, where no more turns may be taken.
func (f *function) turn() {
	f.emit(wasmtest.GlobalGet(f.turns), wasmtest.Op(wasm.OpI32Eqz))
	f.begin(wasm.OpIf, wasm.FunctionType{})
	depth := uint32(2 + f.IntN(len(f.labels)-2))
	for f.label(depth).loop {
		depth++
	}
	for _, t := range f.label(depth).types {
		f.plain(kind(t))
	}
	f.emit(wasmtest.Br(depth))
	f.close()
	f.decrement(f.turns)
}

func (f *function) decrement(global uint32) {
	f.emit(wasmtest.GlobalGet(global), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Sub), wasmtest.GlobalSet(global))
}

// body takes the parameters of a construct from the stack and leaves its results.
func (f *function) body(t wasm.FunctionType) {
	late := f.chance(3)
	if !late {
		f.discard(t.Params)
	}
	f.statements()
	if f.label(0).loop && f.chance(2) {
		f.values(t.Params)
		f.condition()
		f.emit(wasmtest.BrIf(0))
		f.discard(t.Params)
	}
	if late {
		f.discard(t.Params)
	}
	f.end(t.Results)
}

// shortLoop generates a loop that counts its own turns. It contains none like it and no calls, or the
// work would multiply.
func (f *function) shortLoop() {
	counter := f.local(i32)
	f.constant(1 + f.IntN(9))
	f.emit(wasmtest.LocalSet(counter))
	f.begin(wasm.OpLoop, wasm.FunctionType{})
	f.labels[len(f.labels)-1] = label{loop: true, closed: true}
	f.hidden[counter], f.short = true, true
	f.set(kind(valueTypes[f.IntN(5)]))
	f.hidden[counter], f.short = false, false
	f.emit(wasmtest.LocalGet(counter), wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Sub))
	f.emit(wasmtest.LocalTee(counter), wasmtest.BrIf(0))
	f.close()
}

// long generates code without a branch, seldom more than can be charged at once.
func (f *function) long() {
	if f.chance(12) {
		f.emit(slices.Repeat(wasmtest.Op(wasm.OpNop), 1000+f.IntN(5000)))
		return
	}
	for range f.IntN(20) {
		f.plain(i32)
		f.op(wasm.OpDrop)
	}
}

// label returns what lies that deep.
func (f *function) label(depth uint32) label { return f.labels[len(f.labels)-1-int(depth)] }

// target returns the depth of a label to branch to.
func (f *function) target() uint32 {
	depth := uint32(f.IntN(len(f.labels)))
	for f.label(depth).closed {
		depth++
	}
	return depth
}

func (f *function) branchIf() {
	depth := f.target()
	types := f.label(depth).types
	f.values(types)
	f.condition()
	f.emit(wasmtest.BrIf(depth))
	f.discard(types)
}

// leave generates code that never gets to its end.
func (f *function) leave() {
	switch n := f.IntN(8); {
	case n < 2:
		f.values(f.callee.Results)
		f.op(wasm.OpReturn)
	case n < 5:
		depth := f.target()
		f.values(f.label(depth).types)
		f.emit(wasmtest.Br(depth))
	case n < 7:
		f.branchTable()
	default:
		if !f.risk() {
			f.values(f.callee.Results)
			f.op(wasm.OpReturn)
			f.dead()
		}
		f.op(wasm.OpUnreachable)
	}
	if f.chance(2) {
		f.dead()
	}
}

func (f *function) branchTable() {
	first := f.target()
	types := f.label(first).types
	var fitting []uint32
	for depth := range uint32(len(f.labels)) {
		if l := f.label(depth); !l.closed && slices.Equal(l.types, types) {
			fitting = append(fitting, depth)
		}
	}
	depths := []uint32{first}
	n := f.IntN(6)
	if f.chance(40) {
		n = f.IntN(300)
	}
	for range n {
		depths = append(depths, fitting[f.IntN(len(fitting))])
	}
	f.values(types)
	f.value(i32)
	if f.chance(2) {
		f.constant(7)
		f.op(wasm.OpI32And)
	}
	f.emit(wasmtest.BrTable(depths...))
}

// dead generates code that cannot be reached, on the stack of any types that is there.
func (f *function) dead() {
	for range 1 + f.IntN(5) {
		switch f.IntN(8) {
		case 0, 1, 2:
			all := operations[[]kind{0, i32, i64, f32, f64, v128, looseF32x4}[f.IntN(7)]]
			o := all[f.IntN(len(all))]
			f.instruction(o, uint32(f.Uint64()))
			if o.result != 0 {
				f.op(wasm.OpDrop)
			}
		case 3:
			f.op(wasm.OpDrop)
		case 4:
			f.op(wasm.OpSelect, wasm.OpDrop)
		case 5:
			f.put(kind(valueTypes[f.IntN(len(valueTypes))]))
		case 6:
			f.emit(wasmtest.Br(f.target()))
		case 7:
			f.statement()
		}
	}
}
