package wasm

// BlockType is the type of a block as in the binary format: a type index, or a negative number for no
// or one result.
type BlockType int64

// BlockEmpty is the block type without parameters and results.
const BlockEmpty BlockType = -64

// BlockResult returns the block type without parameters and with one result.
func BlockResult(t ValueType) BlockType { return BlockType(int64(t) - 0x80) }

// TypeIndex returns the index of the function type that the block has, if it has one.
func (b BlockType) TypeIndex() (uint32, bool) { return uint32(b), b >= 0 }

// Result returns the one result of a block that has no type index, if there is one.
func (b BlockType) Result() (ValueType, bool) {
	if b >= 0 || b == BlockEmpty {
		return 0, false
	}
	return ValueType(b + 0x80), true
}

// Instruction is one instruction of a body. Which fields are set beside the first three follows from
// Op.Immediate(); the others are zero.
type Instruction struct {
	Op         Opcode
	Start, End int // Code[Start:End] of the body
	Index      uint32
	Second     uint32
	Align      uint32 // a power of two
	Lane       byte
	Block      BlockType
	Value      uint64
	Bytes      []byte      // 16 bytes of the body
	Targets    []uint32    // labels of br_table, the default last; overwritten by the next instruction
	Types      []ValueType // overwritten by the next instruction
}
