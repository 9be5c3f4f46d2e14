package meter

import (
	"math/bits"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

const (
	maskBits  = 64
	pageBytes = 65536

	minRegionShift = 10

	// RegionSlack is how many bytes on both sides of a region count as part of it: what a store may
	// touch beside the byte whose region it marks. So a mark covers the stores near it, and one store
	// seldom needs more than one mark. Beside the last byte that can be addressed lies the first, since
	// sums wrap around: so many bytes at the start of the memory count as marked where any are.
	RegionSlack = 256

	maxStoreBytes = 16
)

// regionShift returns which power of two the size of a region is: as small as 64 of them cover a memory of
// that many pages.
func regionShift(pages uint32) uint32 {
	if pages == 0 {
		return minRegionShift
	}
	return max(minRegionShift, uint32(bits.Len64((uint64(pages)*pageBytes-1)/maskBits)))
}

// operand is what is known of a value on the operand stack: the value of a local at some time, or zero,
// plus an offset.
type operand struct {
	base    base
	offset  int64
	version uint32 // of the local
}

// base is a local's index, or one of these.
type base int64

const (
	unknown base = -1
	zero    base = -2
)

// marker emits code that marks regions of memory as written, one bit each in a global. It follows the
// operand stack and the locals as far as they tell that a region is marked already: most stores of
// compilers go to a local plus a constant, several after each other.
type marker struct {
	shift    uint32
	stack    []operand // what is known of the top; below lies what is not
	versions []uint32  // of the locals: how many times each was set
	marks    []operand // addresses whose regions every way here has marked
	usable   int       // the index of the first that was made since the innermost loop began
	saved    []savedMarks
}

// savedMarks is what was known when a construct opened.
type savedMarks struct{ count, usable int }

func (m *marker) reset(locals uint32) {
	m.stack, m.marks, m.usable, m.saved = m.stack[:0], m.marks[:0], 0, m.saved[:0]
	if cap(m.versions) < int(locals) {
		m.versions = make([]uint32, locals)
	}
	m.versions = m.versions[:locals]
	clear(m.versions)
}

func (m *marker) push(o operand) { m.stack = append(m.stack, o) }

func (m *marker) pop() operand {
	last := len(m.stack) - 1
	if last < 0 {
		return operand{base: unknown}
	}
	o := m.stack[last]
	m.stack = m.stack[:last]
	return o
}

func (m *marker) set(local uint32) { m.versions[local]++ }

func (m *marker) local(index uint32) operand {
	return operand{base: base(index), version: m.versions[index]}
}

// current tells whether the local still holds what the operand was made of.
func (m *marker) current(o operand) bool {
	return o.base == zero || o.base >= 0 && m.versions[o.base] == o.version
}

// covered tells whether a store to the address is marked on every way here.
func (m *marker) covered(o operand) bool {
	for _, k := range m.marks[m.usable:] {
		distance := o.offset - k.offset
		if k.base == o.base && k.version == o.version && distance >= -RegionSlack && distance <= RegionSlack-maxStoreBytes {
			return true
		}
	}
	return false
}

// maxMarks bounds what covered looks at.
const maxMarks = 32

func (m *marker) note(o operand) {
	if o.base != unknown && len(m.marks)-m.usable < maxMarks {
		m.marks = append(m.marks, o)
	}
}

// step follows one instruction, a store aside.
func (m *marker) step(in *wasm.Instruction) {
	switch in.Op {
	case wasm.OpLocalGet:
		m.push(m.local(in.Index))
	case wasm.OpLocalSet:
		m.pop()
		m.set(in.Index)
	case wasm.OpLocalTee:
		m.pop()
		m.set(in.Index)
		m.push(m.local(in.Index))
	case wasm.OpI32Const:
		m.push(operand{base: zero, offset: int64(uint32(in.Value))})
	case wasm.OpI32Add:
		y, x := m.pop(), m.pop()
		m.push(sum(x, y))
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		m.saved = append(m.saved, savedMarks{len(m.marks), m.usable})
		if in.Op == wasm.OpLoop {
			m.usable = len(m.marks)
		}
		m.stack = m.stack[:0]
	case wasm.OpElse:
		m.marks = m.marks[:m.saved[len(m.saved)-1].count]
		m.stack = m.stack[:0]
	case wasm.OpEnd:
		if last := len(m.saved) - 1; last >= 0 {
			m.marks, m.usable = m.marks[:m.saved[last].count], m.saved[last].usable
			m.saved = m.saved[:last]
		}
		m.stack = m.stack[:0]
	default:
		pops, pushes, ok := arity(in.Op)
		if !ok {
			m.stack = m.stack[:0]
			return
		}
		for range pops {
			m.pop()
		}
		for range pushes {
			m.push(operand{base: unknown})
		}
	}
}

// sum returns what is known of x + y: that of a local and a small constant.
func sum(x, y operand) operand {
	if x.base == zero {
		x, y = y, x
	}
	if y.base != zero || x.base == unknown {
		return operand{base: unknown}
	}
	x.offset += int64(int32(y.offset))
	const far = 1 << 20
	if x.base == zero || x.offset < -far || x.offset > far {
		return operand{base: unknown}
	}
	return x
}

// arity returns how many operands an instruction takes and gives, for those that are common in front of
// a store.
func arity(op wasm.Opcode) (pops, pushes int, ok bool) {
	switch {
	case op == wasm.OpNop:
		return 0, 0, true
	case op == wasm.OpDrop || op == wasm.OpGlobalSet:
		return 1, 0, true
	case op == wasm.OpSelect:
		return 3, 1, true
	case op == wasm.OpGlobalGet || op == wasm.OpMemorySize || op >= wasm.OpI64Const && op <= wasm.OpF64Const:
		return 0, 1, true
	case op >= wasm.OpI32Load && op <= wasm.OpI64Load32U:
		return 1, 1, true
	case op == wasm.OpI32Eqz || op == wasm.OpI64Eqz, op >= wasm.OpI32Clz && op <= wasm.OpI32Popcnt,
		op >= wasm.OpI64Clz && op <= wasm.OpI64Popcnt, op >= wasm.OpF32Abs && op <= wasm.OpF32Sqrt,
		op >= wasm.OpF64Abs && op <= wasm.OpF64Sqrt, op >= wasm.OpI32WrapI64 && op <= wasm.OpI64Extend32S:
		return 1, 1, true
	case op > wasm.OpI32Eqz && op < wasm.OpI32WrapI64:
		return 2, 1, true
	}
	return 0, 0, false
}

// storedType returns the type of the value that an instruction stores.
func storedType(op wasm.Opcode) (wasm.ValueType, bool) {
	switch op {
	case wasm.OpI32Store, wasm.OpI32Store8, wasm.OpI32Store16:
		return wasm.I32, true
	case wasm.OpI64Store, wasm.OpI64Store8, wasm.OpI64Store16, wasm.OpI64Store32:
		return wasm.I64, true
	case wasm.OpF32Store:
		return wasm.F32, true
	case wasm.OpF64Store:
		return wasm.F64, true
	case wasm.OpV128Store, wasm.OpV128Store8Lane, wasm.OpV128Store16Lane, wasm.OpV128Store32Lane, wasm.OpV128Store64Lane:
		return wasm.V128, true
	}
	return 0, false
}

// store emits a store, which has the address on the operand stack below the value, and marks its region
// unless that is marked already. What it emits takes the place of the instruction itself.
func (e *emitter) store(in *wasm.Instruction, instruction []byte) {
	m := &e.marks
	value, _ := storedType(in.Op)
	m.pop()
	address := m.pop()
	to := address
	to.offset += int64(in.Value)
	switch {
	case !e.flow.live || address.base != unknown && m.covered(to):
		e.out = append(e.out, instruction...)
	case m.current(address):
		e.out = append(e.out, instruction...)
		m.note(e.mark(address, to.offset))
	default: // the address is at hand only before the store
		v, a := e.temporary(temporaryOf(value)), e.temporary(temporaryAddress)
		e.out.index(wasm.OpLocalSet, v)
		e.out.index(wasm.OpLocalTee, a)
		e.out.index(wasm.OpLocalGet, v)
		e.out = append(e.out, instruction...)
		at := e.mark(operand{base: base(a)}, int64(in.Value))
		address.offset += at.offset
		m.note(address)
	}
}

// mark sets the bit of the region that an offset from a base lies in, and returns what was marked: the base
// itself where the offset is small.
func (e *emitter) mark(from operand, offset int64) operand {
	shift := e.marks.shift
	if e.flow.marksCached {
		e.out.index(wasm.OpLocalGet, e.temporary(temporaryMarks))
	} else {
		e.out.index(wasm.OpGlobalGet, e.rewriter.dirty)
	}
	if from.base == zero {
		e.out.i64(1 << (uint64(offset) >> shift % maskBits))
	} else {
		e.out.i64(1)
		e.out.index(wasm.OpLocalGet, uint32(from.base))
		if offset < 0 || offset > RegionSlack-maxStoreBytes {
			e.out.i32(int32(offset))
			e.out.op(wasm.OpI32Add)
		} else {
			offset = 0
		}
		e.out.i32(int32(shift))
		e.out.op(wasm.OpI32ShrU, wasm.OpI64ExtendI32U, wasm.OpI64Shl)
	}
	e.out.op(wasm.OpI64Or)
	e.out.index(wasm.OpLocalTee, e.temporary(temporaryMarks))
	e.out.index(wasm.OpGlobalSet, e.rewriter.dirty)
	e.flow.marksCached, e.changed = true, true
	from.offset = offset
	return from
}
