package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// The cost model, in units of fuel. docs/fuel.md repeats it.
const (
	costInstruction  = 1
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
	return costInstruction
}

// entryCost returns what entering a function costs.
func entryCost(b *wasm.Body) uint32 {
	n := uint32(0)
	for _, g := range b.Locals {
		n += g.Count
	}
	return (n + localsPerUnit - 1) / localsPerUnit
}
