package meter_test

import (
	"math"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const naiveCount = "naive"

// naiveUnits is the table of docs/fuel.md, by name: what is not here costs one unit.
var naiveUnits = byName(map[int64]string{
	0: `block loop else end`,
	4: `br_table table.get table.set call
		f32.div f64.div f32.ceil f32.floor f32.trunc f32.nearest f64.ceil f64.floor f64.trunc f64.nearest f32.min f64.min f32.max f64.max
		i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
		i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u
		i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
		i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u
		f32.convert_i64_u f64.convert_i64_u
		i8x16.shuffle i8x16.swizzle i8x16.popcnt i8x16.shl i8x16.shr_s i8x16.shr_u i64x2.shr_s i64x2.mul
		f32x4.div f64x2.div f32x4.min f64x2.min f32x4.max f64x2.max i32x4.mul i16x8.q15mulr_sat_s
		f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest f64x2.ceil f64x2.floor f64x2.trunc f64x2.nearest
		f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 f32x4.convert_i32x4_s f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u
		i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u
		i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u
		i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u
		i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u`,
	8: `call_indirect memory.copy memory.fill memory.init table.copy table.fill table.init
		i32.div_s i32.div_u i32.rem_s i32.rem_u i64.div_s i64.div_u i64.rem_s i64.rem_u
		f32.sqrt f64.sqrt f32x4.sqrt f64x2.sqrt f32x4.convert_i32x4_u
		i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero`,
	64: `memory.grow table.grow ref.func`,
})

func byName(table map[int64]string) map[string]int64 {
	units := make(map[string]int64)
	for n, names := range table {
		for name := range strings.FieldsSeq(names) {
			units[name] = n
		}
	}
	return units
}

func naiveCost(op wasm.Opcode) int64 {
	if n, ok := naiveUnits[op.String()]; ok {
		return n
	}
	return 1
}

// naive returns a module with a counter, exported as naiveCount, that is raised before every single
// instruction by what docs/fuel.md says it costs. It is the oracle of the metering proper. A module
// that counts itself can be metered: it counts the instructions that count, too, and lengths once the
// operation is done, since one that is stopped before has done nothing.
func naive(b []byte, countsItself bool) []byte {
	m, err := wasm.Decode(b)
	if err != nil {
		panic(err)
	}
	n := naiveCounter{m: m, counter: uint32(len(m.Globals)), countsItself: countsItself}
	for i := range m.Code {
		m.Code[i].Code = n.body(&m.Code[i])
	}
	for range 3 {
		m.Globals = append(m.Globals, wasm.Global{
			Type: wasm.GlobalType{Value: wasm.I64, Mutable: true},
			Init: wasm.Expression{Code: Join(I64Const(0), Op(wasm.OpEnd))},
		})
	}
	m.Exports = append(m.Exports, wasm.Export{Name: naiveCount, Kind: wasm.GlobalKind, Index: n.counter})
	return m.Encode()
}

type naiveCounter struct {
	m            *wasm.Module
	counter      uint32 // global; the next two hold a length and its units
	countsItself bool
}

// naiveSelf is what it costs to raise the counter.
const naiveSelf = 4

func (n *naiveCounter) body(b *wasm.Body) Code {
	locals := int64(0)
	for _, g := range b.Locals {
		locals += int64(g.Count)
	}
	code := n.raise((locals + 3) / 4)
	r := b.Reader()
	for r.Next() {
		in := &r.Instruction
		if units := naiveCost(in.Op); units > 0 {
			code = append(code, n.raise(units)...)
		}
		instruction := Code(b.Code[in.Start:in.End])
		if bound, shift := n.length(in.Op); bound != nil {
			instruction = n.withLength(instruction, bound, shift)
		}
		code = append(code, instruction...)
	}
	if err := r.Err(); err != nil {
		panic(err)
	}
	return code
}

func (n *naiveCounter) raise(units int64) Code {
	if n.countsItself {
		units += naiveSelf
	}
	return n.add(I64Const(units))
}

func (n *naiveCounter) add(units Code) Code {
	return Join(units, GlobalGet(n.counter), Op(wasm.OpI64Add), GlobalSet(n.counter))
}

// length returns code that pushes, as an i64, the largest length that an operation is charged for, and
// the units for each as a shift: to the left, or where it is negative, to the right.
func (n *naiveCounter) length(op wasm.Opcode) (bound Code, shift int64) {
	size := Join(MemorySize(), Op(wasm.OpI64ExtendI32U))
	switch op {
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit:
		return Join(size, I64Const(16), Op(wasm.OpI64Shl)), -3
	case wasm.OpMemoryGrow:
		return Join(I64Const(int64(n.m.Memories[0].Max)), size, Op(wasm.OpI64Sub)), 12
	case wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit, wasm.OpTableGrow:
		return I64Const(tableElements), 0
	}
	return nil, 0
}

// withLength returns an operation that raises the counter by the length on the stack, shifted, where
// that is at most the bound.
func (n *naiveCounter) withLength(instruction, bound Code, shift int64) Code {
	length, units := n.counter+1, n.counter+2
	shifted := Join(GlobalGet(length), I64Const(shift), Op(wasm.OpI64Shl))
	if shift < 0 {
		shifted = Join(GlobalGet(length), I64Const(-shift), Op(wasm.OpI64ShrU))
	}
	keep := Join(
		Op(wasm.OpI64ExtendI32U), GlobalSet(length),
		shifted, I64Const(0), GlobalGet(length), bound, Op(wasm.OpI64LeU, wasm.OpSelect), GlobalSet(units),
		GlobalGet(length), Op(wasm.OpI32WrapI64),
	)
	raise := n.add(GlobalGet(units))
	if !n.countsItself {
		return Join(keep, raise, instruction)
	}
	own := int64(0)
	for r := (&wasm.Body{Code: Join(keep, raise, Op(wasm.OpEnd))}).Reader(); r.Next(); {
		own += naiveCost(r.Instruction.Op)
	}
	return Join(n.raise(own), keep, instruction, raise)
}

// tableElements caps tables in tests that compare with the naive count.
const tableElements = 12

func TestNaiveTableNamesInstructions(t *testing.T) {
	names := map[string]bool{}
	for op := range wasm.Opcode(math.MaxUint16) {
		if op.Immediate() != 0 {
			names[op.String()] = true
		}
	}
	for name := range naiveUnits {
		if !names[name] {
			t.Errorf("there is no instruction %s", name)
		}
	}
}
