package random

import (
	"cmp"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// kind is what is known of a value: its type, and whether it is loose, that is, a result of arithmetic
// whose NaNs may have any bits. Loose values go only where no bits are looked at.
type kind byte

const (
	i32       = kind(wasm.I32)
	i64       = kind(wasm.I64)
	f32       = kind(wasm.F32)
	f64       = kind(wasm.F64)
	v128      = kind(wasm.V128)
	funcref   = kind(wasm.FuncRef)
	externref = kind(wasm.ExternRef)

	looseF32   kind = 1
	looseF64   kind = 2
	looseF32x4 kind = 3
	looseF64x2 kind = 4
)

var letters = map[rune]kind{
	'i': i32, 'l': i64, 'f': f32, 'd': f64, 'v': v128,
	'F': looseF32, 'D': looseF64, 'P': looseF32x4, 'Q': looseF64x2,
}

// exact returns the kind of a loose value once its NaNs are canonical.
func (k kind) exact() kind {
	switch k {
	case looseF32:
		return f32
	case looseF64:
		return f64
	case looseF32x4, looseF64x2:
		return v128
	}
	return k
}

// operation is an instruction that takes its operands from the stack.
type operation struct {
	op     wasm.Opcode
	params []kind
	result kind // 0: none
	width  int  // of a load or store: the bytes of memory
}

// ranges list the operations: first and last of a range of opcodes, letters for what they take and
// give, and for loads and stores how many bytes.
var ranges = []struct {
	first, last wasm.Opcode
	kinds       string
	width       int
}{
	{wasm.OpI32Load, wasm.OpI32Load, "i:i", 4},
	{wasm.OpI64Load, wasm.OpI64Load, "i:l", 8},
	{wasm.OpF32Load, wasm.OpF32Load, "i:f", 4},
	{wasm.OpF64Load, wasm.OpF64Load, "i:d", 8},
	{wasm.OpI32Load8S, wasm.OpI32Load8U, "i:i", 1},
	{wasm.OpI32Load16S, wasm.OpI32Load16U, "i:i", 2},
	{wasm.OpI64Load8S, wasm.OpI64Load8U, "i:l", 1},
	{wasm.OpI64Load16S, wasm.OpI64Load16U, "i:l", 2},
	{wasm.OpI64Load32S, wasm.OpI64Load32U, "i:l", 4},
	{wasm.OpI32Store, wasm.OpI32Store, "ii:", 4},
	{wasm.OpI64Store, wasm.OpI64Store, "il:", 8},
	{wasm.OpF32Store, wasm.OpF32Store, "if:", 4},
	{wasm.OpF64Store, wasm.OpF64Store, "id:", 8},
	{wasm.OpI32Store8, wasm.OpI32Store8, "ii:", 1},
	{wasm.OpI32Store16, wasm.OpI32Store16, "ii:", 2},
	{wasm.OpI64Store8, wasm.OpI64Store8, "il:", 1},
	{wasm.OpI64Store16, wasm.OpI64Store16, "il:", 2},
	{wasm.OpI64Store32, wasm.OpI64Store32, "il:", 4},
	{wasm.OpMemorySize, wasm.OpMemorySize, ":i", 0},

	{wasm.OpI32Eqz, wasm.OpI32Eqz, "i:i", 0},
	{wasm.OpI32Eq, wasm.OpI32GeU, "ii:i", 0},
	{wasm.OpI64Eqz, wasm.OpI64Eqz, "l:i", 0},
	{wasm.OpI64Eq, wasm.OpI64GeU, "ll:i", 0},
	{wasm.OpF32Eq, wasm.OpF32Ge, "FF:i", 0},
	{wasm.OpF64Eq, wasm.OpF64Ge, "DD:i", 0},
	{wasm.OpI32Clz, wasm.OpI32Popcnt, "i:i", 0},
	{wasm.OpI32Add, wasm.OpI32Rotr, "ii:i", 0},
	{wasm.OpI64Clz, wasm.OpI64Popcnt, "l:l", 0},
	{wasm.OpI64Add, wasm.OpI64Rotr, "ll:l", 0},
	{wasm.OpF32Abs, wasm.OpF32Neg, "f:f", 0},
	{wasm.OpF32Ceil, wasm.OpF32Sqrt, "F:F", 0},
	{wasm.OpF32Add, wasm.OpF32Max, "FF:F", 0},
	{wasm.OpF32Copysign, wasm.OpF32Copysign, "ff:f", 0},
	{wasm.OpF64Abs, wasm.OpF64Neg, "d:d", 0},
	{wasm.OpF64Ceil, wasm.OpF64Sqrt, "D:D", 0},
	{wasm.OpF64Add, wasm.OpF64Max, "DD:D", 0},
	{wasm.OpF64Copysign, wasm.OpF64Copysign, "dd:d", 0},

	{wasm.OpI32WrapI64, wasm.OpI32WrapI64, "l:i", 0},
	{wasm.OpI32TruncF32S, wasm.OpI32TruncF32U, "F:i", 0},
	{wasm.OpI32TruncF64S, wasm.OpI32TruncF64U, "D:i", 0},
	{wasm.OpI64ExtendI32S, wasm.OpI64ExtendI32U, "i:l", 0},
	{wasm.OpI64TruncF32S, wasm.OpI64TruncF32U, "F:l", 0},
	{wasm.OpI64TruncF64S, wasm.OpI64TruncF64U, "D:l", 0},
	{wasm.OpF32ConvertI32S, wasm.OpF32ConvertI32U, "i:f", 0},
	{wasm.OpF32ConvertI64S, wasm.OpF32ConvertI64U, "l:f", 0},
	{wasm.OpF32DemoteF64, wasm.OpF32DemoteF64, "D:F", 0},
	{wasm.OpF64ConvertI32S, wasm.OpF64ConvertI32U, "i:d", 0},
	{wasm.OpF64ConvertI64S, wasm.OpF64ConvertI64U, "l:d", 0},
	{wasm.OpF64PromoteF32, wasm.OpF64PromoteF32, "F:D", 0},
	{wasm.OpI32ReinterpretF32, wasm.OpI32ReinterpretF32, "f:i", 0},
	{wasm.OpI64ReinterpretF64, wasm.OpI64ReinterpretF64, "d:l", 0},
	{wasm.OpF32ReinterpretI32, wasm.OpF32ReinterpretI32, "i:f", 0},
	{wasm.OpF64ReinterpretI64, wasm.OpF64ReinterpretI64, "l:d", 0},
	{wasm.OpI32Extend8S, wasm.OpI32Extend16S, "i:i", 0},
	{wasm.OpI64Extend8S, wasm.OpI64Extend32S, "l:l", 0},
	{wasm.OpI32TruncSatF32S, wasm.OpI32TruncSatF32U, "F:i", 0},
	{wasm.OpI32TruncSatF64S, wasm.OpI32TruncSatF64U, "D:i", 0},
	{wasm.OpI64TruncSatF32S, wasm.OpI64TruncSatF32U, "F:l", 0},
	{wasm.OpI64TruncSatF64S, wasm.OpI64TruncSatF64U, "D:l", 0},

	{wasm.OpV128Load, wasm.OpV128Load, "i:v", 16},
	{wasm.OpV128Load8x8S, wasm.OpV128Load32x2U, "i:v", 8},
	{wasm.OpV128Load8Splat, wasm.OpV128Load8Splat, "i:v", 1},
	{wasm.OpV128Load16Splat, wasm.OpV128Load16Splat, "i:v", 2},
	{wasm.OpV128Load32Splat, wasm.OpV128Load32Splat, "i:v", 4},
	{wasm.OpV128Load64Splat, wasm.OpV128Load64Splat, "i:v", 8},
	{wasm.OpV128Store, wasm.OpV128Store, "iv:", 16},
	{wasm.OpV128Load8Lane, wasm.OpV128Load8Lane, "iv:v", 1},
	{wasm.OpV128Load16Lane, wasm.OpV128Load16Lane, "iv:v", 2},
	{wasm.OpV128Load32Lane, wasm.OpV128Load32Lane, "iv:v", 4},
	{wasm.OpV128Load64Lane, wasm.OpV128Load64Lane, "iv:v", 8},
	{wasm.OpV128Store8Lane, wasm.OpV128Store8Lane, "iv:", 1},
	{wasm.OpV128Store16Lane, wasm.OpV128Store16Lane, "iv:", 2},
	{wasm.OpV128Store32Lane, wasm.OpV128Store32Lane, "iv:", 4},
	{wasm.OpV128Store64Lane, wasm.OpV128Store64Lane, "iv:", 8},
	{wasm.OpV128Load32Zero, wasm.OpV128Load32Zero, "i:v", 4},
	{wasm.OpV128Load64Zero, wasm.OpV128Load64Zero, "i:v", 8},

	{wasm.OpI8x16Shuffle, wasm.OpI8x16Swizzle, "vv:v", 0},
	{wasm.OpI8x16Splat, wasm.OpI32x4Splat, "i:v", 0},
	{wasm.OpI64x2Splat, wasm.OpI64x2Splat, "l:v", 0},
	{wasm.OpF32x4Splat, wasm.OpF32x4Splat, "f:v", 0},
	{wasm.OpF64x2Splat, wasm.OpF64x2Splat, "d:v", 0},
	{wasm.OpI8x16ExtractLaneS, wasm.OpI8x16ExtractLaneU, "v:i", 0},
	{wasm.OpI8x16ReplaceLane, wasm.OpI8x16ReplaceLane, "vi:v", 0},
	{wasm.OpI16x8ExtractLaneS, wasm.OpI16x8ExtractLaneU, "v:i", 0},
	{wasm.OpI16x8ReplaceLane, wasm.OpI16x8ReplaceLane, "vi:v", 0},
	{wasm.OpI32x4ExtractLane, wasm.OpI32x4ExtractLane, "v:i", 0},
	{wasm.OpI32x4ReplaceLane, wasm.OpI32x4ReplaceLane, "vi:v", 0},
	{wasm.OpI64x2ExtractLane, wasm.OpI64x2ExtractLane, "v:l", 0},
	{wasm.OpI64x2ReplaceLane, wasm.OpI64x2ReplaceLane, "vl:v", 0},
	{wasm.OpF32x4ExtractLane, wasm.OpF32x4ExtractLane, "v:f", 0},
	{wasm.OpF32x4ReplaceLane, wasm.OpF32x4ReplaceLane, "vf:v", 0},
	{wasm.OpF64x2ExtractLane, wasm.OpF64x2ExtractLane, "v:d", 0},
	{wasm.OpF64x2ReplaceLane, wasm.OpF64x2ReplaceLane, "vd:v", 0},
	{wasm.OpI8x16Eq, wasm.OpI32x4GeU, "vv:v", 0},
	{wasm.OpF32x4Eq, wasm.OpF32x4Ge, "PP:v", 0},
	{wasm.OpF64x2Eq, wasm.OpF64x2Ge, "QQ:v", 0},
	{wasm.OpV128Not, wasm.OpV128Not, "v:v", 0},
	{wasm.OpV128And, wasm.OpV128Xor, "vv:v", 0},
	{wasm.OpV128Bitselect, wasm.OpV128Bitselect, "vvv:v", 0},
	{wasm.OpV128AnyTrue, wasm.OpV128AnyTrue, "v:i", 0},
	{wasm.OpF32x4DemoteF64x2Zero, wasm.OpF32x4DemoteF64x2Zero, "Q:P", 0},
	{wasm.OpF64x2PromoteLowF32x4, wasm.OpF64x2PromoteLowF32x4, "P:Q", 0},
	{wasm.OpI8x16Abs, wasm.OpI8x16Popcnt, "v:v", 0},
	{wasm.OpI8x16AllTrue, wasm.OpI8x16Bitmask, "v:i", 0},
	{wasm.OpI8x16NarrowI16x8S, wasm.OpI8x16NarrowI16x8U, "vv:v", 0},
	{wasm.OpF32x4Ceil, wasm.OpF32x4Nearest, "P:P", 0},
	{wasm.OpI8x16Shl, wasm.OpI8x16ShrU, "vi:v", 0},
	{wasm.OpI8x16Add, wasm.OpI8x16SubSatU, "vv:v", 0},
	{wasm.OpF64x2Ceil, wasm.OpF64x2Floor, "Q:Q", 0},
	{wasm.OpI8x16MinS, wasm.OpI8x16MaxU, "vv:v", 0},
	{wasm.OpF64x2Trunc, wasm.OpF64x2Trunc, "Q:Q", 0},
	{wasm.OpI8x16AvgrU, wasm.OpI8x16AvgrU, "vv:v", 0},
	{wasm.OpI16x8ExtaddPairwiseI8x16S, wasm.OpI16x8Neg, "v:v", 0},
	{wasm.OpI16x8Q15mulrSatS, wasm.OpI16x8Q15mulrSatS, "vv:v", 0},
	{wasm.OpI16x8AllTrue, wasm.OpI16x8Bitmask, "v:i", 0},
	{wasm.OpI16x8NarrowI32x4S, wasm.OpI16x8NarrowI32x4U, "vv:v", 0},
	{wasm.OpI16x8ExtendLowI8x16S, wasm.OpI16x8ExtendHighI8x16U, "v:v", 0},
	{wasm.OpI16x8Shl, wasm.OpI16x8ShrU, "vi:v", 0},
	{wasm.OpI16x8Add, wasm.OpI16x8SubSatU, "vv:v", 0},
	{wasm.OpF64x2Nearest, wasm.OpF64x2Nearest, "Q:Q", 0},
	{wasm.OpI16x8Mul, wasm.OpI16x8MaxU, "vv:v", 0},
	{wasm.OpI16x8AvgrU, wasm.OpI16x8ExtmulHighI8x16U, "vv:v", 0},
	{wasm.OpI32x4Abs, wasm.OpI32x4Neg, "v:v", 0},
	{wasm.OpI32x4AllTrue, wasm.OpI32x4Bitmask, "v:i", 0},
	{wasm.OpI32x4ExtendLowI16x8S, wasm.OpI32x4ExtendHighI16x8U, "v:v", 0},
	{wasm.OpI32x4Shl, wasm.OpI32x4ShrU, "vi:v", 0},
	{wasm.OpI32x4Add, wasm.OpI32x4ExtmulHighI16x8U, "vv:v", 0},
	{wasm.OpI64x2Abs, wasm.OpI64x2Neg, "v:v", 0},
	{wasm.OpI64x2AllTrue, wasm.OpI64x2Bitmask, "v:i", 0},
	{wasm.OpI64x2ExtendLowI32x4S, wasm.OpI64x2ExtendHighI32x4U, "v:v", 0},
	{wasm.OpI64x2Shl, wasm.OpI64x2ShrU, "vi:v", 0},
	{wasm.OpI64x2Add, wasm.OpI64x2ExtmulHighI32x4U, "vv:v", 0},
	{wasm.OpF32x4Abs, wasm.OpF32x4Neg, "v:v", 0},
	{wasm.OpF32x4Sqrt, wasm.OpF32x4Sqrt, "P:P", 0},
	{wasm.OpF32x4Add, wasm.OpF32x4Max, "PP:P", 0},
	{wasm.OpF32x4Pmin, wasm.OpF32x4Pmax, "vv:v", 0},
	{wasm.OpF64x2Abs, wasm.OpF64x2Neg, "v:v", 0},
	{wasm.OpF64x2Sqrt, wasm.OpF64x2Sqrt, "Q:Q", 0},
	{wasm.OpF64x2Add, wasm.OpF64x2Max, "QQ:Q", 0},
	{wasm.OpF64x2Pmin, wasm.OpF64x2Pmax, "vv:v", 0},
	{wasm.OpI32x4TruncSatF32x4S, wasm.OpI32x4TruncSatF32x4U, "P:v", 0},
	{wasm.OpF32x4ConvertI32x4S, wasm.OpF32x4ConvertI32x4U, "v:v", 0},
	{wasm.OpI32x4TruncSatF64x2SZero, wasm.OpI32x4TruncSatF64x2UZero, "Q:v", 0},
	{wasm.OpF64x2ConvertLowI32x4S, wasm.OpF64x2ConvertLowI32x4U, "v:v", 0},
}

// operations holds the operations by what they give.
var operations = expand()

func expand() map[kind][]operation {
	all := make(map[kind][]operation)
	for _, r := range ranges {
		params, result, _ := strings.Cut(r.kinds, ":")
		o := operation{width: r.width}
		for _, c := range params {
			o.params = append(o.params, letters[c])
		}
		for _, c := range result {
			o.result = letters[c]
		}
		for o.op = r.first; o.op <= r.last; o.op++ {
			if o.op.Immediate() != 0 {
				all[o.result] = append(all[o.result], o)
			}
		}
	}
	return all
}

// Operation is an instruction that takes its operands from the stack.
type Operation struct {
	Op     wasm.Opcode
	Params []wasm.ValueType
	Result wasm.ValueType // 0: none
}

// Operations returns the numeric, vector, load and store instructions, each once.
func Operations() []Operation {
	var out []Operation
	for _, all := range operations {
		for _, o := range all {
			exported := Operation{Op: o.op}
			for _, k := range o.params {
				exported.Params = append(exported.Params, wasm.ValueType(k.exact()))
			}
			if o.result != 0 {
				exported.Result = wasm.ValueType(o.result.exact())
			}
			out = append(out, exported)
		}
	}
	slices.SortFunc(out, func(a, b Operation) int { return cmp.Compare(a.Op, b.Op) })
	return out
}

// divides tells whether the operation traps where its second operand is zero.
func (o operation) divides() bool {
	return o.op >= wasm.OpI32DivS && o.op <= wasm.OpI32RemU || o.op >= wasm.OpI64DivS && o.op <= wasm.OpI64RemU
}

// orders tells whether the operation compares integers by size.
func (o operation) orders() bool {
	return o.op >= wasm.OpI32LtS && o.op <= wasm.OpI32GeU || o.op >= wasm.OpI64LtS && o.op <= wasm.OpI64GeU
}

// truncates tells whether the operation traps where its operand is too large.
func (o operation) truncates() bool {
	return o.op >= wasm.OpI32TruncF32S && o.op <= wasm.OpI32TruncF64U ||
		o.op >= wasm.OpI64TruncF32S && o.op <= wasm.OpI64TruncF64U
}

// lanes returns how many lanes the immediate of an operation on lanes can name.
func (o operation) lanes() int {
	if o.width > 0 {
		return 16 / o.width
	}
	for shape, n := range map[string]int{"i8x16": 16, "i16x8": 8, "i32x4": 4, "f32x4": 4, "i64x2": 2, "f64x2": 2} {
		if strings.HasPrefix(o.op.String(), shape) {
			return n
		}
	}
	panic("random: " + o.op.String() + " has no lanes")
}
