package wasm

import "fmt"

// Opcode names an instruction: its byte, or for an instruction behind a prefix, 0xfc00 or 0xfd00 plus
// the number behind it.
type Opcode uint16

// Immediate is what follows an opcode in the binary format; it says which fields of an [Instruction]
// are set.
type Immediate uint8

// The immediates, with the fields that hold them. Zero belongs to opcodes that do not exist.
const (
	ImmediateNone               Immediate = iota + 1
	ImmediateBlock                        // Block
	ImmediateLabel                        // Index
	ImmediateLabels                       // Targets
	ImmediateFunction                     // Index
	ImmediateTypeTable                    // Index: type, Second: table
	ImmediateLocal                        // Index
	ImmediateGlobal                       // Index
	ImmediateTable                        // Index
	ImmediateTableTable                   // Index: destination, Second: source
	ImmediateElement                      // Index
	ImmediateElementTable                 // Index: element segment, Second: table
	ImmediateMemory                       // none: there is one memory
	ImmediateMemoryMemory                 // none
	ImmediateData                         // Index
	ImmediateDataMemory                   // Index: data segment
	ImmediateMemoryArgument               // Align, Value: offset
	ImmediateMemoryArgumentLane           // Align, Value: offset, Lane
	ImmediateLane                         // Lane
	ImmediateI32                          // Value, sign-extended
	ImmediateI64                          // Value
	ImmediateF32                          // Value: the bits
	ImmediateF64                          // Value: the bits
	ImmediateV128                         // Bytes
	ImmediateShuffle                      // Bytes
	ImmediateReferenceType                // Types
	ImmediateValueTypes                   // Types
)

type operation struct {
	name      string
	immediate Immediate
}

func (o Opcode) operation() operation {
	switch o >> 8 {
	case 0x00:
		return coreOperations[o]
	case 0xfc:
		return extendedOperations[o&0xff]
	case 0xfd:
		return vectorOperations[o&0xff]
	}
	return operation{}
}

// Immediate returns what follows the opcode, 0 for an opcode that does not exist.
func (o Opcode) Immediate() Immediate { return o.operation().immediate }

// String returns the instruction's name in the text format.
func (o Opcode) String() string {
	if n := o.operation().name; n != "" {
		return n
	}
	return fmt.Sprintf("opcode 0x%02x", uint16(o))
}

// AppendOpcode appends the opcode as the binary format has it.
func AppendOpcode(dst []byte, o Opcode) []byte {
	if o < 0x100 {
		return append(dst, byte(o))
	}
	return AppendUint32(append(dst, byte(o>>8)), uint32(o&0xff))
}

// unsupported says which proposal outside Core 2.0 a byte in the place of an opcode belongs to.
func unsupported(b byte) string {
	switch b {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "exceptions"
	case 0x12, 0x13, 0x15:
		return "tail calls"
	case 0x14, 0xd3, 0xd4, 0xd5, 0xd6:
		return "typed function references"
	case 0xfb:
		return "garbage collected types"
	case 0xfe:
		return "threads and atomics"
	}
	return ""
}
