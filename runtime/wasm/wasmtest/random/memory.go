package random

import (
	"math"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const pageBytes = 65536

// memory adds the memory and its segments. The last two segments are passive; the very last is
// dropped now and then, so that it is not used but with length 0.
func (g *generator) memory() {
	min := 1 + g.IntN(2)
	g.Memory(uint32(min), uint32(min+g.IntN(maxPages-min+1)))
	g.Data(uint32(g.IntN(1000)), g.bytes(64))
	g.PassiveData(g.bytes(keptData))
	g.PassiveData(g.bytes(20))
}

const (
	keptData    = 40 // bytes
	keptSegment = 1
	dropped     = 2
)

func (g *generator) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(g.IntN(256))
	}
	return out
}

// address pushes the address of so many bytes inside the memory, and returns the offset that goes
// with it. The address lies mostly at the start of the memory, sometimes at its end.
func (f *function) address(width int) (offset uint32) {
	if f.risk() {
		return f.wildAddress(width)
	}
	switch f.IntN(9) {
	case 3:
		offset = uint32(f.IntN(2048))
		f.below(1 << 12)
		f.emit(wasmtest.LocalTee(f.pointerLocal()))
	case 4, 5:
		offset = uint32(f.IntN(2048))
		f.emit(wasmtest.LocalGet(f.pointerLocal()))
	case 6:
		f.emit(wasmtest.LocalGet(f.pointerLocal()))
		f.constant(f.IntN(2048))
		f.op(wasm.OpI32Add)
	case 7:
		offset = uint32(f.IntN(100))
		f.fromEnd(width + int(offset))
	case 8:
		offset = uint32(f.IntN(pageBytes - width + 1))
		f.constant(f.IntN(pageBytes - width - int(offset) + 1))
	default:
		offset = uint32(f.IntN(256))
		f.below(1 << 12)
	}
	return offset
}

// pointerLocal returns the local that holds an address, as compilers use one: accesses lie around it.
func (f *function) pointerLocal() uint32 {
	if f.pointer == nil {
		local := f.local(i32)
		f.pointer, f.hidden[local] = &local, true
	}
	return *f.pointer
}

func (f *function) wildAddress(width int) (offset uint32) {
	switch f.IntN(4) {
	case 0:
		f.value(i32)
		return uint32(f.IntN(100))
	case 1:
		f.below(1 << 12)
		return math.MaxUint32 - uint32(f.IntN(1<<12))
	case 2:
		f.constant(-1 - f.IntN(100))
		return uint32(f.IntN(200))
	default:
		f.fromEnd(width + 7)
		return 8
	}
}

// fromEnd pushes the address so many bytes before the end of the memory.
func (f *function) fromEnd(n int) {
	f.emit(wasmtest.MemorySize(), wasmtest.I32Const(16), wasmtest.Op(wasm.OpI32Shl))
	f.constant(n)
	f.op(wasm.OpI32Sub)
}

// below pushes an i32 below a power of two.
func (f *function) below(n int) {
	f.value(i32)
	f.constant(n - 1)
	f.op(wasm.OpI32And)
}

// length pushes a length of at most n bytes, n a power of two.
func (f *function) length(n int) {
	if f.risk() {
		f.value(i32)
		return
	}
	if f.chance(3) {
		f.constant(f.IntN(n))
		return
	}
	f.below(n)
}

// bulk generates an operation on a range of the memory.
func (f *function) bulk() {
	switch f.IntN(8) {
	case 0, 1:
		f.below(1 << 14)
		f.value(i32)
		f.length(1 << 13)
		f.emit(wasmtest.MemoryFill())
	case 2, 3:
		f.below(1 << 14)
		f.below(1 << 14)
		f.length(1 << 13)
		f.emit(wasmtest.MemoryCopy())
	case 4:
		n := 1 << f.IntN(17)
		f.fromEnd(n)
		f.value(i32)
		f.constant(n)
		f.emit(wasmtest.MemoryFill())
	case 5:
		f.below(1 << 14)
		f.constant(f.IntN(keptData - 31))
		f.length(32)
		f.emit(wasmtest.MemoryInit(keptSegment))
	case 6:
		segment := []uint32{0, dropped}[f.IntN(2)]
		f.below(1 << 14)
		f.constant(0)
		if f.risk() {
			f.length(32)
		} else {
			f.constant(0)
		}
		f.emit(wasmtest.MemoryInit(segment))
	case 7:
		f.emit(wasmtest.OpIndex(wasm.OpDataDrop, []uint32{0, dropped}[f.IntN(2)]))
	}
}

// growMemory pushes what memory.grow returns.
func (f *function) growMemory() {
	if f.chance(4) {
		f.value(i32)
	} else {
		f.constant(f.IntN(maxPages))
	}
	f.emit(wasmtest.MemoryGrow())
}
