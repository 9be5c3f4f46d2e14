package random

import (
	"encoding/binary"
	"math"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func (f *function) values(types []wasm.ValueType) {
	for _, t := range types {
		f.value(kind(t))
	}
}

// value generates code that pushes a value.
func (f *function) value(k kind) {
	if f.spent() {
		f.plain(k)
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	switch n := f.IntN(20); {
	case n < 3:
		f.plain(k)
	case n < 13:
		f.operation(k)
	case k != k.exact():
		f.value(k.exact())
	case n < 14:
		f.keep(f.call(), k)
	case n < 16:
		f.keep(f.construct(), k)
	case n < 17:
		f.choose(k)
	case n < 18:
		f.statement()
		f.value(k)
	default:
		f.special(k)
	}
}

// plain pushes a constant, a local or a global.
func (f *function) plain(k kind) {
	k = k.exact()
	switch f.IntN(3) {
	case 1:
		if local, ok := f.anyLocal(k); ok {
			f.emit(wasmtest.LocalGet(local))
			return
		}
	case 2:
		if global, ok := f.anyGlobal(k, false); ok {
			f.emit(wasmtest.GlobalGet(global))
			return
		}
	}
	f.emit(f.literal(k))
}

// literal returns a constant, which is a constant expression, too.
func (g *generator) literal(k kind) wasmtest.Code {
	switch k {
	case i32:
		return wasmtest.I32Const(int32(g.integer()))
	case i64:
		return wasmtest.I64Const(int64(g.integer()))
	case f32:
		return binary.LittleEndian.AppendUint32(wasmtest.Op(wasm.OpF32Const), g.float32Bits())
	case f64:
		return binary.LittleEndian.AppendUint64(wasmtest.Op(wasm.OpF64Const), g.float64Bits())
	case v128:
		out := binary.LittleEndian.AppendUint64(wasmtest.Op(wasm.OpV128Const), g.integer())
		return binary.LittleEndian.AppendUint64(out, g.float64Bits())
	case funcref:
		if g.IntN(2) == 1 {
			return wasmtest.OpIndex(wasm.OpRefFunc, g.functions[g.IntN(len(g.functions))].index)
		}
	}
	return append(wasmtest.Op(wasm.OpRefNull), byte(k))
}

func (g *generator) integer() uint64 {
	switch g.IntN(6) {
	case 0:
		return uint64(g.IntN(8))
	case 1:
		return -uint64(g.IntN(4))
	case 2:
		return 1<<g.IntN(64) - uint64(g.IntN(2))
	case 3:
		return 1<<31 | 1<<63
	case 4:
		return uint64(g.IntN(1 << 16))
	default:
		return g.Uint64()
	}
}

var floats = []float64{
	0, 1, -1, 0.5, 1.5, 2.5, -0.4999, 100, 1e9, -3e9, 1e19, 1e-40, 1e300, math.Copysign(0, -1),
	math.Inf(1), math.Inf(-1), math.MaxFloat32, math.MaxFloat64, math.SmallestNonzeroFloat32,
	math.SmallestNonzeroFloat64,
}

func (g *generator) float32Bits() uint32 {
	switch g.IntN(8) {
	case 6:
		return 0x7f800000 | uint32(g.Uint64())>>g.IntN(32) // mostly a NaN
	case 7:
		return uint32(g.Uint64())
	default:
		return math.Float32bits(float32(floats[g.IntN(len(floats))]))
	}
}

func (g *generator) float64Bits() uint64 {
	switch g.IntN(8) {
	case 6:
		return 0x7ff0000000000000 | g.Uint64()>>g.IntN(64)
	case 7:
		return g.Uint64()
	default:
		return math.Float64bits(floats[g.IntN(len(floats))])
	}
}

// loosenings are the loose kinds that become an exact one.
var loosenings = map[kind][]kind{f32: {looseF32}, f64: {looseF64}, v128: {looseF32x4, looseF64x2}}

// operation pushes the result of an operation.
func (f *function) operation(k kind) {
	loose := loosenings[k]
	if loose != nil && f.chance(2+4*(len(loose)-1)) {
		f.canonical(loose[f.IntN(len(loose))])
		return
	}
	all := operations[k]
	if len(all) == 0 {
		f.special(k)
		return
	}
	f.apply(all[f.IntN(len(all))])
}

// canonical pushes a loose value and makes its NaNs canonical.
func (f *function) canonical(k kind) {
	f.value(k)
	local := f.asideLocal(k.exact())
	twice := wasmtest.Join(wasmtest.LocalGet(local), wasmtest.LocalGet(local))
	const nan32, nan64 = 0x7fc00000, 0x7ff8000000000000
	switch k {
	case looseF32:
		nan := binary.LittleEndian.AppendUint32(wasmtest.Op(wasm.OpF32Const), nan32)
		f.emit(wasmtest.LocalSet(local), twice, wasmtest.Op(wasm.OpF32Eq))
		f.emit(wasmtest.IfElse(wasmtest.Result(wasm.F32), wasmtest.LocalGet(local), nan))
	case looseF64:
		nan := binary.LittleEndian.AppendUint64(wasmtest.Op(wasm.OpF64Const), nan64)
		f.emit(wasmtest.LocalSet(local), twice, wasmtest.Op(wasm.OpF64Eq))
		f.emit(wasmtest.IfElse(wasmtest.Result(wasm.F64), wasmtest.LocalGet(local), nan))
	case looseF32x4:
		f.emit(wasmtest.LocalTee(local))
		f.vector(nan32<<32|nan32, nan32<<32|nan32)
		f.emit(twice, wasmtest.Op(wasm.OpF32x4Eq, wasm.OpV128Bitselect))
	case looseF64x2:
		f.emit(wasmtest.LocalTee(local))
		f.vector(nan64, nan64)
		f.emit(twice, wasmtest.Op(wasm.OpF64x2Eq, wasm.OpV128Bitselect))
	}
}

func (f *function) vector(low, high uint64) {
	f.op(wasm.OpV128Const)
	f.out = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(f.out, low), high)
}

// apply generates an operation with its operands.
func (f *function) apply(o operation) {
	offset, left := uint32(0), f.chance(2)
	for i, k := range o.params {
		switch {
		case i == 0 && o.width > 0:
			offset = f.address(o.width)
		case i == 0 && o.truncates() && !f.risk():
			f.small(k)
		default:
			f.value(k)
		}
		// wazero 1.12 on amd64 compiles a branch on 0 < a & b as one on a & b < 0, and so on: the left is
		// never 0, or the right never the result of an and.
		switch {
		case o.orders() && left && i == 0:
			f.one(k, wasm.OpI32Or, wasm.OpI64Or)
		case o.orders() && !left && i == 1:
			f.one(k, wasm.OpI32Xor, wasm.OpI64Xor)
		}
	}
	if o.divides() && !f.risk() {
		f.nonzero(o.result)
	}
	f.instruction(o, offset)
}

// one combines an integer with 1.
func (f *function) one(k kind, with32, with64 wasm.Opcode) {
	if k == i32 {
		f.emit(wasmtest.I32Const(1), wasmtest.Op(with32))
		return
	}
	f.emit(wasmtest.I64Const(1), wasmtest.Op(with64))
}

// small pushes a float that fits any integer.
func (f *function) small(k kind) {
	f.value(i32)
	f.constant(0x7fffff)
	f.op(wasm.OpI32And)
	if k == looseF32 {
		f.op(wasm.OpF32ConvertI32S)
	} else {
		f.op(wasm.OpF64ConvertI32S)
	}
}

// nonzero makes an integer odd and positive.
func (f *function) nonzero(k kind) {
	if k == i32 {
		f.emit(wasmtest.I32Const(1), wasmtest.Op(wasm.OpI32Or), wasmtest.I32Const(math.MaxInt32), wasmtest.Op(wasm.OpI32And))
		return
	}
	f.emit(wasmtest.I64Const(1), wasmtest.Op(wasm.OpI64Or), wasmtest.I64Const(math.MaxInt64), wasmtest.Op(wasm.OpI64And))
}

// instruction generates an operation without its operands.
func (f *function) instruction(o operation, offset uint32) {
	f.op(o.op)
	align := 0
	for 1<<align < o.width {
		align++
	}
	switch o.op.Immediate() {
	case wasm.ImmediateMemory:
		f.out = append(f.out, 0)
	case wasm.ImmediateMemoryArgument, wasm.ImmediateMemoryArgumentLane:
		f.out = wasm.AppendUint32(append(f.out, byte(f.IntN(align+1))), offset)
		if o.op.Immediate() == wasm.ImmediateMemoryArgumentLane {
			f.out = append(f.out, byte(f.IntN(o.lanes())))
		}
	case wasm.ImmediateLane:
		f.out = append(f.out, byte(f.IntN(o.lanes())))
	case wasm.ImmediateShuffle:
		for range 16 {
			f.out = append(f.out, byte(f.IntN(32)))
		}
	}
}

// choose pushes one of two values.
func (f *function) choose(k kind) {
	f.value(k)
	f.value(k)
	f.condition()
	if k == funcref || k == externref || f.chance(2) {
		f.emit(wasmtest.Op(wasm.OpSelectTyped), wasmtest.Code{1, byte(k)})
		return
	}
	f.op(wasm.OpSelect)
}

// keep takes the values of these types off the stack but for one of kind k; where there is none, it
// pushes one.
func (f *function) keep(types []wasm.ValueType, k kind) {
	for i := len(types) - 1; i >= 0; i-- {
		if kind(types[i]) != k {
			f.op(wasm.OpDrop)
			continue
		}
		if i == 0 {
			return
		}
		f.emit(wasmtest.LocalSet(f.asideLocal(k)))
		for range i {
			f.op(wasm.OpDrop)
		}
		f.emit(wasmtest.LocalGet(f.asideLocal(k)))
		return
	}
	f.plain(k)
}

// condition pushes an i32 that is zero about half of the time, and changes each time.
func (f *function) condition() {
	if f.chance(3) && !f.spent() {
		f.value(i32)
		return
	}
	f.step()
	f.emit(wasmtest.GlobalGet(f.number))
	f.constant(8 + f.IntN(16))
	f.op(wasm.OpI32ShrU)
	f.constant(1)
	f.op(wasm.OpI32And)
}

// step changes the number that conditions come from.
func (f *function) step() {
	f.emit(wasmtest.GlobalGet(f.number), wasmtest.I32Const(1664525), wasmtest.Op(wasm.OpI32Mul))
	f.emit(wasmtest.I32Const(1013904223), wasmtest.Op(wasm.OpI32Add), wasmtest.GlobalSet(f.number))
}

// special pushes what only some kinds have: the result of a grow, a test of a reference, an element.
func (f *function) special(k kind) {
	switch k {
	case i32:
		switch f.IntN(5) {
		case 0:
			f.value([]kind{funcref, externref}[f.IntN(2)])
			f.op(wasm.OpRefIsNull)
		case 1:
			f.growMemory()
		case 2:
			f.growTable(f.anyTable())
		case 3:
			f.emit(wasmtest.OpIndex(wasm.OpTableSize, f.anyTable().index))
		case 4:
			f.condition()
		}
	case funcref, externref:
		f.element(k)
	default:
		f.tee(k)
	}
}

// tee pushes a value and puts it into a local.
func (f *function) tee(k kind) {
	f.value(k)
	if local, ok := f.anyLocal(k); ok {
		f.emit(wasmtest.LocalTee(local))
	}
}
