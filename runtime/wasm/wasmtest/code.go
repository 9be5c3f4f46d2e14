package wasmtest

import (
	"encoding/binary"
	"math"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Code is a run of instructions in the binary format. Helpers return fresh slices; [Join] puts them
// together.
type Code []byte

// Join returns the parts as one run of instructions.
func Join(parts ...Code) Code {
	var out Code
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// Op returns instructions without immediates, such as Op(wasm.OpI32Add, wasm.OpDrop).
func Op(ops ...wasm.Opcode) Code {
	var out Code
	for _, o := range ops {
		out = wasm.AppendOpcode(out, o)
	}
	return out
}

// OpIndex returns an instruction whose immediates are indices, such as OpIndex(wasm.OpTableCopy, 0, 1).
func OpIndex(op wasm.Opcode, indices ...uint32) Code {
	out := wasm.AppendOpcode(nil, op)
	for _, i := range indices {
		out = wasm.AppendUint32(out, i)
	}
	return out
}

// OpMemory returns a load or store with its alignment (as a power of two) and offset, such as
// OpMemory(wasm.OpI64Load, 3, 8).
func OpMemory(op wasm.Opcode, align, offset uint32) Code { return OpIndex(op, align, offset) }

// I32Const pushes v.
func I32Const(v int32) Code { return wasm.AppendInt64(Op(wasm.OpI32Const), int64(v)) }

// I64Const pushes v.
func I64Const(v int64) Code { return wasm.AppendInt64(Op(wasm.OpI64Const), v) }

// F32Const pushes v.
func F32Const(v float32) Code {
	return binary.LittleEndian.AppendUint32(Op(wasm.OpF32Const), math.Float32bits(v))
}

// F64Const pushes v.
func F64Const(v float64) Code {
	return binary.LittleEndian.AppendUint64(Op(wasm.OpF64Const), math.Float64bits(v))
}

// LocalGet pushes a local.
func LocalGet(local uint32) Code { return OpIndex(wasm.OpLocalGet, local) }

// LocalSet pops into a local.
func LocalSet(local uint32) Code { return OpIndex(wasm.OpLocalSet, local) }

// LocalTee copies the top of the stack into a local.
func LocalTee(local uint32) Code { return OpIndex(wasm.OpLocalTee, local) }

// GlobalGet pushes a global.
func GlobalGet(global uint32) Code { return OpIndex(wasm.OpGlobalGet, global) }

// GlobalSet pops into a global.
func GlobalSet(global uint32) Code { return OpIndex(wasm.OpGlobalSet, global) }

// I32Load replaces an address by the number at address plus offset.
func I32Load(offset uint32) Code { return OpMemory(wasm.OpI32Load, 2, offset) }

// I32Load8U replaces an address by the byte at address plus offset.
func I32Load8U(offset uint32) Code { return OpMemory(wasm.OpI32Load8U, 0, offset) }

// I32Store pops a value and an address and stores at address plus offset.
func I32Store(offset uint32) Code { return OpMemory(wasm.OpI32Store, 2, offset) }

// I32Store8 pops a value and an address and stores a byte at address plus offset.
func I32Store8(offset uint32) Code { return OpMemory(wasm.OpI32Store8, 0, offset) }

// MemorySize pushes the size of the memory in pages.
func MemorySize() Code { return OpIndex(wasm.OpMemorySize, 0) }

// MemoryGrow grows the memory by the pages on the stack.
func MemoryGrow() Code { return OpIndex(wasm.OpMemoryGrow, 0) }

// MemoryFill pops length, value and address.
func MemoryFill() Code { return OpIndex(wasm.OpMemoryFill, 0) }

// MemoryCopy pops length, source and destination.
func MemoryCopy() Code { return OpIndex(wasm.OpMemoryCopy, 0, 0) }

// MemoryInit pops length, source and destination.
func MemoryInit(segment uint32) Code { return OpIndex(wasm.OpMemoryInit, segment, 0) }

// Call calls a function.
func Call(function uint32) Code { return OpIndex(wasm.OpCall, function) }

// CallIndirect calls the function in a table at the index on the stack.
func CallIndirect(typeIndex, table uint32) Code {
	return OpIndex(wasm.OpCallIndirect, typeIndex, table)
}

// Drop pops a value.
func Drop() Code { return Op(wasm.OpDrop) }

// Return leaves the function.
func Return() Code { return Op(wasm.OpReturn) }

// Unreachable traps.
func Unreachable() Code { return Op(wasm.OpUnreachable) }

// Br branches to the label of that depth.
func Br(depth uint32) Code { return OpIndex(wasm.OpBr, depth) }

// BrIf branches where the top of the stack is not zero.
func BrIf(depth uint32) Code { return OpIndex(wasm.OpBrIf, depth) }

// BrTable branches to the label that the top of the stack selects, else to the last one.
func BrTable(depths ...uint32) Code {
	out := wasm.AppendUint32(Op(wasm.OpBrTable), uint32(len(depths)-1))
	for _, d := range depths {
		out = wasm.AppendUint32(out, d)
	}
	return out
}

// Result is the block type of no parameters and one result, or of none where none is given.
func Result(t ...wasm.ValueType) wasm.BlockType {
	if len(t) == 0 {
		return wasm.BlockEmpty
	}
	return wasm.BlockResult(t[0])
}

// Block returns a block; its end is added.
func Block(t wasm.BlockType, code ...Code) Code { return structured(wasm.OpBlock, t, code) }

// Loop returns a loop; its end is added. Br(0) inside starts the next turn.
func Loop(t wasm.BlockType, code ...Code) Code { return structured(wasm.OpLoop, t, code) }

// If returns an if without an else.
func If(t wasm.BlockType, code ...Code) Code { return structured(wasm.OpIf, t, code) }

// IfElse returns an if with both branches.
func IfElse(t wasm.BlockType, then, otherwise Code) Code {
	return structured(wasm.OpIf, t, []Code{then, Op(wasm.OpElse), otherwise})
}

func structured(op wasm.Opcode, t wasm.BlockType, code []Code) Code {
	out := wasm.AppendInt64(Op(op), int64(t))
	return Join(out, Join(code...), Op(wasm.OpEnd))
}
