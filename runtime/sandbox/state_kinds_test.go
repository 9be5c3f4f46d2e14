package sandbox_test

import (
	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// stateKinds are the kinds of state that a guest has: for each, code that looks
// for a mark and leaves whether there is one, and code that leaves it.
// References to what the host owns are not among them: a module can get none.
var stateKinds = map[string]func(g *sandboxtest.Guest) (look, leave w.Code){
	"the first bytes of memory": memoryMark(0),
	"the middle of a page":      memoryMark(40_000),
	"the last bytes of memory":  memoryMark(65_532),
	"memory, by fill": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return loadAt(50_000), w.Join(w.I32Const(49_152), w.I32Const(0xff), w.I32Const(16_384), w.MemoryFill())
	},
	"memory, by copy": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		g.Data(16, []byte{1, 2, 3, 4})
		return loadAt(50_000), w.Join(w.I32Const(50_000), w.I32Const(16), w.I32Const(4), w.MemoryCopy())
	},
	"memory, by init": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		segment := g.PassiveData([]byte{1, 2, 3, 4})
		return loadAt(50_000), w.Join(w.I32Const(50_000), w.I32Const(0), w.I32Const(4), w.MemoryInit(segment))
	},
	"memory, by vector": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return loadAt(50_012), w.Join(w.I32Const(50_000), vector(1), w.OpMemory(wasm.OpV128Store, 4, 0))
	},
	"memory, at a sum that wraps around": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return loadAt(72), w.Join(w.I32Const(-128), w.LocalSet(1),
			w.LocalGet(1), w.I32Const(200), w.Op(wasm.OpI32Add), w.I32Const(1), w.I32Store(0))
	},
	"memory, at a sum that wraps around twice": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return loadAt(100), w.Join(w.I32Const(-128), w.LocalSet(1),
			w.LocalGet(1), w.I32Const(150), w.Op(wasm.OpI32Add), w.I32Const(0), w.I32Store8(0),
			w.LocalGet(1), w.I32Const(200), w.Op(wasm.OpI32Add), w.I32Const(1), w.I32Store(28))
	},
	"memory, beside a call that writes": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		callee := g.Function(nil, nil, nil, storeAt(30_000, 1))
		return loadAt(30_000), w.Join(storeAt(40_000, 0), w.Call(callee), storeAt(50_000, 0))
	},
	"memory, in a loop that calls": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		callee := g.Function(nil, nil, nil, storeAt(30_000, 1))
		return loadAt(30_000), w.Join(w.I32Const(3), w.LocalSet(1), w.Loop(w.Result(),
			storeAt(40_000, 0), w.LocalGet(1), w.I32Const(2), w.Op(wasm.OpI32Eq), w.If(w.Result(), w.Call(callee)), storeAt(50_000, 0),
			w.LocalGet(1), w.I32Const(1), w.Op(wasm.OpI32Sub), w.LocalTee(1), w.BrIf(0)))
	},
	"memory, at a local that a loop moves": func(*sandboxtest.Guest) (w.Code, w.Code) {
		write := w.Join(w.LocalGet(1), w.I32Const(1), w.I32Store8(0))
		return loadAt(33_000), w.Join(w.I32Const(33_000-3*5000), w.LocalSet(1), write, w.Loop(w.Result(), write,
			w.LocalGet(1), w.I32Const(5000), w.Op(wasm.OpI32Add), w.LocalTee(1), w.I32Const(60_000), w.Op(wasm.OpI32LtU), w.BrIf(0)))
	},
	"memory, on one of two ways": func(*sandboxtest.Guest) (w.Code, w.Code) {
		write := func(offset uint32) w.Code { return w.Join(w.LocalGet(1), w.I32Const(1), w.I32Store8(offset)) }
		return loadAt(33_000), w.Join(w.I32Const(33_000), w.LocalSet(1), w.Block(w.Result(),
			w.LocalGet(1), w.BrIf(0), write(0)), write(0))
	},
	"memory, by the host": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		return loadAt(50_000), w.Join(g.Call(abi.ImportInput, w.I32Const(0), sandboxtest.Range(50_000, 100)), w.Drop())
	},
	"memory that data initialised": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		g.Data(50_000, []byte{1, 2, 3, 4})
		return w.Join(loadAt(50_000), w.I32Const(0x04030201), w.Op(wasm.OpI32Ne)), storeAt(50_000, 0)
	},
	"memory that start grew": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		g.Start(g.Function(nil, nil, nil, w.I32Const(2), w.MemoryGrow(), w.Drop()))
		return loadAt(3*65_536 - 4), storeAt(3*65_536-4, 1)
	},
	"the stack in memory": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		pointer := g.Global(wasm.I32, w.I32Const(60_000))
		return w.Join(w.GlobalGet(pointer), w.I32Const(60_000), w.Op(wasm.OpI32Ne), loadAt(59_984), w.Op(wasm.OpI32Or)),
			w.Join(w.GlobalGet(pointer), w.I32Const(16), w.Op(wasm.OpI32Sub), w.GlobalSet(pointer),
				w.GlobalGet(pointer), w.I32Const(7), w.I32Store(0))
	},
	"the size of memory": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return w.Join(w.MemorySize(), w.I32Const(1), w.Op(wasm.OpI32Ne)), growBy(1)
	},
	"a page that was grown": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return w.Join(growTo(3), loadAt(65_536)), w.Join(growTo(3), storeAt(65_536, 1))
	},
	"the last page that can be grown": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return w.Join(growTo(16), loadAt(1<<20-4)), w.Join(growTo(16), storeAt(1<<20-4, 1))
	},
	"a page that was grown in steps": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return w.Join(growTo(2), growTo(3), growTo(4), loadAt(4*65_536-4)), w.Join(growTo(4), storeAt(4*65_536-4, 1))
	},
	"how far memory can grow": func(*sandboxtest.Guest) (w.Code, w.Code) {
		return w.Join(growTo(16), w.MemorySize(), w.I32Const(16), w.Op(wasm.OpI32Ne), growBy(1), w.MemorySize(), w.I32Const(16), w.Op(wasm.OpI32Ne), w.Op(wasm.OpI32Or),
			loadAt(40_000), w.Op(wasm.OpI32Or)), w.Join(growBy(1000), storeAt(40_000, 1))
	},

	"an i32 global": globalMark(wasm.I32, w.I32Const(0), w.I32Const(1), nil),
	"an i64 global": globalMark(wasm.I64, w.I64Const(0), w.I64Const(1<<40), w.Join(w.I64Const(0), w.Op(wasm.OpI64Ne))),
	"an f32 global": globalMark(wasm.F32, w.F32Const(0), w.Join(w.I32Const(0x7fa00001), w.Op(wasm.OpF32ReinterpretI32)), w.Op(wasm.OpI32ReinterpretF32)),
	"an f64 global": globalMark(wasm.F64, w.F64Const(0), w.Join(w.I64Const(-1<<63), w.Op(wasm.OpF64ReinterpretI64)), w.Join(w.Op(wasm.OpI64ReinterpretF64), w.I64Const(0), w.Op(wasm.OpI64Ne))),
	"a v128 global": globalMark(wasm.V128, vector(0), vector(1), w.Op(wasm.OpV128AnyTrue)),
	"a funcref global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		g.DeclareElements(g.Host[abi.ImportLog])
		x := g.Global(wasm.FuncRef, null(wasm.FuncRef))
		return w.Join(w.GlobalGet(x), isThere()), w.Join(logFunction(g), w.GlobalSet(x))
	},
	"a funcref global that is emptied": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		x := g.Global(wasm.FuncRef, logFunction(g))
		return w.Join(w.GlobalGet(x), w.Op(wasm.OpRefIsNull)), w.Join(null(wasm.FuncRef), w.GlobalSet(x))
	},
	"an exported global": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		x := g.Global(wasm.I32, w.I32Const(0))
		g.Export("counter", wasm.GlobalKind, x)
		return w.GlobalGet(x), w.Join(w.I32Const(1), w.GlobalSet(x))
	},
	"a global that start set": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		x := g.Global(wasm.I32, w.I32Const(0))
		g.Start(g.Function(nil, nil, nil, w.I32Const(5), w.GlobalSet(x)))
		return w.Join(w.GlobalGet(x), w.I32Const(5), w.Op(wasm.OpI32Ne)), w.Join(w.I32Const(6), w.GlobalSet(x))
	},
	"the last of many globals": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		for range 500 {
			g.Global(wasm.I64, w.I64Const(1))
		}
		x := g.Global(wasm.I32, w.I32Const(0))
		return w.GlobalGet(x), w.Join(w.I32Const(1), w.GlobalSet(x))
	},

	"a table, by set": tableMark(func(g *sandboxtest.Guest, table uint32) w.Code {
		return w.Join(w.I32Const(1), logFunction(g), w.OpIndex(wasm.OpTableSet, table))
	}),
	"a table, by fill": tableMark(func(g *sandboxtest.Guest, table uint32) w.Code {
		return w.Join(w.I32Const(0), logFunction(g), w.I32Const(4), w.OpIndex(wasm.OpTableFill, table))
	}),
	"a table, by init": tableMark(func(g *sandboxtest.Guest, table uint32) w.Code {
		segment := g.PassiveElements(g.Host[abi.ImportLog])
		return w.Join(w.I32Const(1), w.I32Const(0), w.I32Const(1), w.OpIndex(wasm.OpTableInit, segment, table))
	}),
	"a table, by copy": tableMark(func(g *sandboxtest.Guest, table uint32) w.Code {
		from := g.Table(wasm.FuncRef, 2)
		g.Elements(from, 0, g.Host[abi.ImportLog])
		return w.Join(w.I32Const(1), w.I32Const(0), w.I32Const(1), w.OpIndex(wasm.OpTableCopy, table, from))
	}),
	"a table that is emptied": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.FuncRef, 4)
		g.Elements(table, 1, g.Host[abi.ImportLog])
		return w.Join(w.I32Const(1), w.OpIndex(wasm.OpTableGet, table), w.Op(wasm.OpRefIsNull)),
			w.Join(w.I32Const(1), null(wasm.FuncRef), w.OpIndex(wasm.OpTableSet, table))
	},
	"what a table calls": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		number := g.Type(nil, w.I32s(1))
		zero := g.Function(nil, w.I32s(1), nil, w.I32Const(0))
		one := g.Function(nil, w.I32s(1), nil, w.I32Const(1))
		table := g.Table(wasm.FuncRef, 1)
		g.Elements(table, 0, zero)
		g.DeclareElements(one)
		return w.Join(w.I32Const(0), w.CallIndirect(number, table)),
			w.Join(w.I32Const(0), w.OpIndex(wasm.OpRefFunc, one), w.OpIndex(wasm.OpTableSet, table))
	},
	"the size of a table": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.FuncRef, 1)
		return w.Join(w.OpIndex(wasm.OpTableSize, table), w.I32Const(1), w.Op(wasm.OpI32Ne)), growTable(table, null(wasm.FuncRef))
	},
	"the size of a table of the host's references": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.ExternRef, 1)
		return w.Join(w.OpIndex(wasm.OpTableSize, table), w.I32Const(1), w.Op(wasm.OpI32Ne)), growTable(table, null(wasm.ExternRef))
	},
	"an element that was grown": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.FuncRef, 1)
		g.DeclareElements(g.Host[abi.ImportLog])
		// To look is to grow by an element of nothing, and to see whether the first beyond the old size is one.
		return w.Join(growTable(table, null(wasm.FuncRef)), w.I32Const(1), w.OpIndex(wasm.OpTableGet, table), isThere()),
			growTable(table, logFunction(g))
	},

	"a dropped data segment": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		segment := g.PassiveData([]byte{0, 0, 0, 0})
		return w.Join(w.I32Const(50_000), w.I32Const(0), w.I32Const(4), w.MemoryInit(segment), w.I32Const(0)), w.OpIndex(wasm.OpDataDrop, segment)
	},
	"a dropped element segment": func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.FuncRef, 1)
		segment := g.PassiveElements(g.Host[abi.ImportLog])
		return w.Join(w.I32Const(0), w.I32Const(0), w.I32Const(1), w.OpIndex(wasm.OpTableInit, segment, table), w.I32Const(0)), w.OpIndex(wasm.OpElemDrop, segment)
	},
}

// memoryMark leaves a mark in 4 bytes of memory.
func memoryMark(address int32) func(*sandboxtest.Guest) (look, leave w.Code) {
	return func(*sandboxtest.Guest) (look, leave w.Code) { return loadAt(address), storeAt(address, 1) }
}

func loadAt(address int32) w.Code { return w.Join(w.I32Const(address), w.I32Load(0)) }

func storeAt(address, value int32) w.Code {
	return w.Join(w.I32Const(address), w.I32Const(value), w.I32Store(0))
}

func growBy(pages int32) w.Code { return w.Join(w.I32Const(pages), w.MemoryGrow(), w.Drop()) }

// growTo grows the memory unless it has the size already.
func growTo(pages int32) w.Code {
	missing := w.Join(w.I32Const(pages), w.MemorySize(), w.Op(wasm.OpI32Sub))
	return w.Join(w.MemorySize(), w.I32Const(pages), w.Op(wasm.OpI32LtU), w.If(w.Result(), missing, w.MemoryGrow(), w.Drop()))
}

// globalMark leaves a mark in a global. toBool turns its value into whether
// there is one.
func globalMark(t wasm.ValueType, none, mark, toBool w.Code) func(*sandboxtest.Guest) (look, leave w.Code) {
	return func(g *sandboxtest.Guest) (look, leave w.Code) {
		x := g.Global(t, none)
		return w.Join(w.GlobalGet(x), toBool), w.Join(mark, w.GlobalSet(x))
	}
}

// tableMark looks at the second element of a table of four.
func tableMark(leave func(g *sandboxtest.Guest, table uint32) w.Code) func(*sandboxtest.Guest) (look, leave w.Code) {
	return func(g *sandboxtest.Guest) (w.Code, w.Code) {
		table := g.Table(wasm.FuncRef, 4)
		g.DeclareElements(g.Host[abi.ImportLog])
		return w.Join(w.I32Const(1), w.OpIndex(wasm.OpTableGet, table), isThere()), leave(g, table)
	}
}

func growTable(table uint32, with w.Code) w.Code {
	return w.Join(with, w.I32Const(1), w.OpIndex(wasm.OpTableGrow, table), w.Drop())
}

func logFunction(g *sandboxtest.Guest) w.Code {
	return w.OpIndex(wasm.OpRefFunc, g.Host[abi.ImportLog])
}

func null(t wasm.ValueType) w.Code { return w.Code{byte(wasm.OpRefNull), byte(t)} }

// isThere turns a reference into whether it is one.
func isThere() w.Code { return w.Op(wasm.OpRefIsNull, wasm.OpI32Eqz) }

// vector pushes a v128 whose uppermost byte is given.
func vector(last byte) w.Code {
	value := make([]byte, 16)
	value[15] = last
	return append(wasm.AppendOpcode(nil, wasm.OpV128Const), value...)
}
