package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// The cost model, in units of fuel. docs/fuel.md repeats it, with what a unit is.
const (
	costInstruction  = 1
	costSlow         = 4  // several machine instructions, or one that takes long
	costSlowest      = 8  // integer division, square roots
	costCall         = 4  // call
	costCallIndirect = 8  // call_indirect
	costBulk         = 8  // bulk memory and table operations, besides their length
	costHost         = 64 // instructions that leave compiled code: grow and ref.func

	localsPerUnit = 4    // declared locals are zeroed on entry
	bytesPerUnit  = 8    // memory.copy, memory.fill, memory.init
	unitsPerPage  = 4096 // memory.grow; table operations cost one unit per element
)

// cost returns what an instruction costs, its length aside. Marks of structure are free: they are no
// work, and every turn of a loop takes a branch.
func cost(op wasm.Opcode) uint32 {
	switch op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd:
		return 0
	case wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU,
		wasm.OpI64DivS, wasm.OpI64DivU, wasm.OpI64RemS, wasm.OpI64RemU,
		wasm.OpF32Sqrt, wasm.OpF64Sqrt, wasm.OpF32x4Sqrt, wasm.OpF64x2Sqrt,
		wasm.OpI32x4TruncSatF32x4S, wasm.OpI32x4TruncSatF32x4U,
		wasm.OpI32x4TruncSatF64x2SZero, wasm.OpI32x4TruncSatF64x2UZero, wasm.OpF32x4ConvertI32x4U:
		return costSlowest
	case wasm.OpCall:
		return costCall
	case wasm.OpCallIndirect:
		return costCallIndirect
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit, wasm.OpTableCopy, wasm.OpTableFill,
		wasm.OpTableInit:
		return costBulk
	case wasm.OpMemoryGrow, wasm.OpTableGrow, wasm.OpRefFunc:
		return costHost
	}
	if slow(op) {
		return costSlow
	}
	return costInstruction
}

// slow tells whether an instruction becomes several of the machine's, or one that takes several times as
// long as an addition (BenchmarkCost).
func slow(op wasm.Opcode) bool {
	switch op {
	case wasm.OpBrTable, wasm.OpTableGet, wasm.OpTableSet,
		wasm.OpF32Div, wasm.OpF64Div,
		wasm.OpF32Ceil, wasm.OpF32Floor, wasm.OpF32Trunc, wasm.OpF32Nearest,
		wasm.OpF64Ceil, wasm.OpF64Floor, wasm.OpF64Trunc, wasm.OpF64Nearest,
		wasm.OpF32Min, wasm.OpF32Max, wasm.OpF64Min, wasm.OpF64Max,
		wasm.OpF32ConvertI64U, wasm.OpF64ConvertI64U,
		wasm.OpI32TruncF32S, wasm.OpI32TruncF32U, wasm.OpI32TruncF64S, wasm.OpI32TruncF64U,
		wasm.OpI64TruncF32S, wasm.OpI64TruncF32U, wasm.OpI64TruncF64S, wasm.OpI64TruncF64U,
		wasm.OpI32TruncSatF32S, wasm.OpI32TruncSatF32U, wasm.OpI32TruncSatF64S, wasm.OpI32TruncSatF64U,
		wasm.OpI64TruncSatF32S, wasm.OpI64TruncSatF32U, wasm.OpI64TruncSatF64S, wasm.OpI64TruncSatF64U,
		wasm.OpI8x16Shuffle, wasm.OpI8x16Swizzle, wasm.OpI8x16Popcnt,
		wasm.OpI8x16Shl, wasm.OpI8x16ShrS, wasm.OpI8x16ShrU, wasm.OpI64x2ShrS, wasm.OpI64x2Mul,
		wasm.OpF32x4Div, wasm.OpF64x2Div,
		wasm.OpF32x4Ceil, wasm.OpF32x4Floor, wasm.OpF32x4Trunc, wasm.OpF32x4Nearest,
		wasm.OpF64x2Ceil, wasm.OpF64x2Floor, wasm.OpF64x2Trunc, wasm.OpF64x2Nearest,
		wasm.OpI32x4Mul, wasm.OpI16x8Q15mulrSatS,
		wasm.OpF32x4DemoteF64x2Zero, wasm.OpF64x2PromoteLowF32x4, wasm.OpF64x2ConvertLowI32x4S, wasm.OpF32x4ConvertI32x4S,
		wasm.OpF32x4Min, wasm.OpF32x4Max, wasm.OpF64x2Min, wasm.OpF64x2Max,
		wasm.OpF64x2ConvertLowI32x4U:
		return true
	}
	return within(op, wasm.OpI16x8ExtaddPairwiseI8x16S, wasm.OpI32x4ExtaddPairwiseI16x8U) ||
		within(op, wasm.OpI16x8ExtmulLowI8x16S, wasm.OpI16x8ExtmulHighI8x16U) ||
		within(op, wasm.OpI32x4ExtmulLowI16x8S, wasm.OpI32x4ExtmulHighI16x8U) ||
		within(op, wasm.OpI64x2ExtmulLowI32x4S, wasm.OpI64x2ExtmulHighI32x4U)
}

func within(op, first, last wasm.Opcode) bool { return op >= first && op <= last }

// entryCost returns what entering a function costs.
func entryCost(b *wasm.Body) uint32 {
	n := uint32(0)
	for _, g := range b.Locals {
		n += g.Count
	}
	return (n + localsPerUnit - 1) / localsPerUnit
}
