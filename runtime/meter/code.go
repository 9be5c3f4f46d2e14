package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// code is a body being written.
type code []byte

// op appends instructions without immediates.
func (c *code) op(ops ...wasm.Opcode) {
	for _, o := range ops {
		*c = wasm.AppendOpcode(*c, o)
	}
}

// index appends an instruction with one or two indices.
func (c *code) index(o wasm.Opcode, indices ...uint32) {
	*c = wasm.AppendOpcode(*c, o)
	for _, i := range indices {
		*c = wasm.AppendUint32(*c, i)
	}
}

func (c *code) i32(v int32) { *c = wasm.AppendInt64(append(*c, byte(wasm.OpI32Const)), int64(v)) }

func (c *code) i64(v int64) { *c = wasm.AppendInt64(append(*c, byte(wasm.OpI64Const)), v) }

// begin opens a block, loop or if without parameters and results.
func (c *code) begin(o wasm.Opcode) { *c = append(*c, byte(o), 0x40) }

// pages pushes the size of the memory as an i64.
func (c *code) pages() { *c = append(*c, byte(wasm.OpMemorySize), 0, byte(wasm.OpI64ExtendI32U)) }
