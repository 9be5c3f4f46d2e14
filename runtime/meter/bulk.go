package meter

import (
	"math/bits"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// bulkPiece is how many bytes of memory.copy, fill or init are done without a safepoint.
const bulkPiece = 1 << 20

// The parameters of the functions for bulk operations, and their locals.
const (
	bulkTo   = iota
	bulkFrom // for fill, the byte
	bulkLength
	bulkFuel
	bulkRegions
)

// bulk returns:
//
//	if length <= size of the memory { charge(length / bytesPerUnit) }
//	mark(to, length)
//	if length > bulkPiece {
//		if both ends lie below 4 GiB {
//			op(to + length, from + length, 0) // traps where the whole would
//			for length > bulkPiece { op one piece; refill }
//		}
//	}
//	op(to, from, length)
//
// A length over the size of the memory is free, since it traps at once.
func (r *rewriter) bulk(a added) (c code) {
	c.index(wasm.OpLocalGet, bulkLength)
	c.op(wasm.OpI64ExtendI32U)
	c.pages()
	c.i64(16)
	c.op(wasm.OpI64Shl, wasm.OpI64LeU)
	c.begin(wasm.OpIf)
	r.charge(&c, bulkFuel, func() {
		c.index(wasm.OpLocalGet, bulkLength)
		c.op(wasm.OpI64ExtendI32U)
		c.i64(int64(bits.TrailingZeros(bytesPerUnit)))
		c.op(wasm.OpI64ShrU)
	})
	c.op(wasm.OpEnd)
	if r.options.MarkWrites {
		r.bulkMarks(&c)
	}
	c.index(wasm.OpLocalGet, bulkLength)
	c.i32(bulkPiece)
	c.op(wasm.OpI32GtU)
	c.begin(wasm.OpIf)
	r.bulkPieces(&c, a)
	c.op(wasm.OpEnd)
	c.index(wasm.OpLocalGet, bulkTo)
	c.index(wasm.OpLocalGet, bulkFrom)
	c.index(wasm.OpLocalGet, bulkLength)
	a.operate(&c)
	c.op(wasm.OpEnd)
	return c
}

// bulkMarks marks the regions that are written, from the first to the last:
//
//	dirty |= rotl(-1 >> (63 - min(last - first, 63)), first)
//
// Where nothing is written, what it marks does not matter.
func (r *rewriter) bulkMarks(c *code) {
	region := func() {
		c.i32(int32(r.output.RegionShift))
		c.op(wasm.OpI32ShrU, wasm.OpI64ExtendI32U)
	}
	c.index(wasm.OpLocalGet, bulkTo)
	c.index(wasm.OpLocalGet, bulkLength)
	c.op(wasm.OpI32Add)
	c.i32(1)
	c.op(wasm.OpI32Sub)
	region()
	c.index(wasm.OpLocalGet, bulkTo)
	region()
	c.op(wasm.OpI64Sub)
	c.index(wasm.OpLocalSet, bulkRegions)
	c.index(wasm.OpGlobalGet, r.dirty)
	c.i64(-1)
	c.i64(maskBits - 1)
	c.index(wasm.OpLocalGet, bulkRegions)
	c.i64(maskBits - 1)
	c.index(wasm.OpLocalGet, bulkRegions)
	c.i64(maskBits - 1)
	c.op(wasm.OpI64LtU, wasm.OpSelect, wasm.OpI64Sub, wasm.OpI64ShrU)
	c.index(wasm.OpLocalGet, bulkTo)
	region()
	c.op(wasm.OpI64Rotl, wasm.OpI64Or)
	c.index(wasm.OpGlobalSet, r.dirty)
}

// operate appends the operation itself.
func (a added) operate(c *code) {
	switch a.kind {
	case addedCopy:
		c.index(wasm.OpMemoryCopy, 0, 0)
	case addedFill:
		c.index(wasm.OpMemoryFill, 0)
	default:
		c.index(wasm.OpMemoryInit, a.segment, 0)
	}
}

// bulkPieces does all but the last piece.
func (r *rewriter) bulkPieces(c *code, a added) {
	below := func(start uint32) {
		c.index(wasm.OpLocalGet, start)
		c.op(wasm.OpI64ExtendI32U)
		c.index(wasm.OpLocalGet, bulkLength)
		c.op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
		c.i64(32)
		c.op(wasm.OpI64ShrU, wasm.OpI64Eqz)
	}
	end := func(start uint32) {
		c.index(wasm.OpLocalGet, start)
		c.index(wasm.OpLocalGet, bulkLength)
		c.op(wasm.OpI32Add)
	}
	below(bulkTo)
	if a.kind != addedFill {
		below(bulkFrom)
		c.op(wasm.OpI32And)
	}
	c.begin(wasm.OpIf)
	end(bulkTo)
	if a.kind == addedFill {
		c.index(wasm.OpLocalGet, bulkFrom)
	} else {
		end(bulkFrom)
	}
	c.i32(0)
	a.operate(c)
	if a.kind == addedCopy {
		c.index(wasm.OpLocalGet, bulkTo)
		c.index(wasm.OpLocalGet, bulkFrom)
		c.op(wasm.OpI32GtU)
		c.begin(wasm.OpIf)
		r.bulkLoop(c, a, true)
		c.op(wasm.OpElse)
		r.bulkLoop(c, a, false)
		c.op(wasm.OpEnd)
	} else {
		r.bulkLoop(c, a, false)
	}
	c.op(wasm.OpEnd)
}

// bulkLoop appends a loop over the pieces, from the last to the first where backwards: that is the order
// in which ranges may overlap when they are copied to a higher address.
func (r *rewriter) bulkLoop(c *code, a added, backwards bool) {
	step := func(local uint32, o wasm.Opcode) {
		c.index(wasm.OpLocalGet, local)
		c.i32(bulkPiece)
		c.op(o)
		c.index(wasm.OpLocalSet, local)
	}
	push := func(local uint32) {
		c.index(wasm.OpLocalGet, local)
		if backwards {
			c.index(wasm.OpLocalGet, bulkLength)
			c.op(wasm.OpI32Add)
		}
	}
	c.begin(wasm.OpLoop)
	if backwards {
		step(bulkLength, wasm.OpI32Sub)
	}
	push(bulkTo)
	if a.kind == addedFill {
		c.index(wasm.OpLocalGet, bulkFrom)
	} else {
		push(bulkFrom)
	}
	c.i32(bulkPiece)
	a.operate(c)
	if !backwards {
		step(bulkTo, wasm.OpI32Add)
		if a.kind != addedFill {
			step(bulkFrom, wasm.OpI32Add)
		}
		step(bulkLength, wasm.OpI32Sub)
	}
	c.index(wasm.OpCall, r.use(added{kind: addedRefill}))
	c.op(wasm.OpDrop)
	c.index(wasm.OpLocalGet, bulkLength)
	c.i32(bulkPiece)
	c.op(wasm.OpI32GtU)
	c.index(wasm.OpBrIf, 0)
	c.op(wasm.OpEnd)
}
