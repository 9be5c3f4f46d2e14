package wasm

import "strings"

// Signature returns what an instruction takes from the operand stack and gives. ok is false for those where
// that depends on the module: control, calls, variables, tables, references, bulk memory, drop and select;
// and for constants, which take nothing.
func (o Opcode) Signature() (t FunctionType, ok bool) {
	switch o >> 8 {
	case 0x00:
		t = signatures[0][o]
	case 0xfc:
		t = signatures[1][o&0xff]
	case 0xfd:
		t = signatures[2][o&0xff]
	}
	return t, len(t.Params)+len(t.Results) > 0
}

// operands lists the signatures of the instructions from first to last: i for i32, l for i64, f for f32, d for
// f64 and v for v128, the parameters before the colon.
var operands = []struct {
	first, last Opcode
	types       string
}{
	{OpI32Load, OpI32Load, "i:i"},
	{OpI64Load, OpI64Load, "i:l"},
	{OpF32Load, OpF32Load, "i:f"},
	{OpF64Load, OpF64Load, "i:d"},
	{OpI32Load8S, OpI32Load8U, "i:i"},
	{OpI32Load16S, OpI32Load16U, "i:i"},
	{OpI64Load8S, OpI64Load8U, "i:l"},
	{OpI64Load16S, OpI64Load16U, "i:l"},
	{OpI64Load32S, OpI64Load32U, "i:l"},
	{OpI32Store, OpI32Store, "ii:"},
	{OpI64Store, OpI64Store, "il:"},
	{OpF32Store, OpF32Store, "if:"},
	{OpF64Store, OpF64Store, "id:"},
	{OpI32Store8, OpI32Store8, "ii:"},
	{OpI32Store16, OpI32Store16, "ii:"},
	{OpI64Store8, OpI64Store8, "il:"},
	{OpI64Store16, OpI64Store16, "il:"},
	{OpI64Store32, OpI64Store32, "il:"},
	{OpMemorySize, OpMemorySize, ":i"},
	{OpI32Eqz, OpI32Eqz, "i:i"},
	{OpI32Eq, OpI32GeU, "ii:i"},
	{OpI64Eqz, OpI64Eqz, "l:i"},
	{OpI64Eq, OpI64GeU, "ll:i"},
	{OpF32Eq, OpF32Ge, "ff:i"},
	{OpF64Eq, OpF64Ge, "dd:i"},
	{OpI32Clz, OpI32Popcnt, "i:i"},
	{OpI32Add, OpI32Rotr, "ii:i"},
	{OpI64Clz, OpI64Popcnt, "l:l"},
	{OpI64Add, OpI64Rotr, "ll:l"},
	{OpF32Abs, OpF32Neg, "f:f"},
	{OpF32Ceil, OpF32Sqrt, "f:f"},
	{OpF32Add, OpF32Max, "ff:f"},
	{OpF32Copysign, OpF32Copysign, "ff:f"},
	{OpF64Abs, OpF64Neg, "d:d"},
	{OpF64Ceil, OpF64Sqrt, "d:d"},
	{OpF64Add, OpF64Max, "dd:d"},
	{OpF64Copysign, OpF64Copysign, "dd:d"},
	{OpI32WrapI64, OpI32WrapI64, "l:i"},
	{OpI32TruncF32S, OpI32TruncF32U, "f:i"},
	{OpI32TruncF64S, OpI32TruncF64U, "d:i"},
	{OpI64ExtendI32S, OpI64ExtendI32U, "i:l"},
	{OpI64TruncF32S, OpI64TruncF32U, "f:l"},
	{OpI64TruncF64S, OpI64TruncF64U, "d:l"},
	{OpF32ConvertI32S, OpF32ConvertI32U, "i:f"},
	{OpF32ConvertI64S, OpF32ConvertI64U, "l:f"},
	{OpF32DemoteF64, OpF32DemoteF64, "d:f"},
	{OpF64ConvertI32S, OpF64ConvertI32U, "i:d"},
	{OpF64ConvertI64S, OpF64ConvertI64U, "l:d"},
	{OpF64PromoteF32, OpF64PromoteF32, "f:d"},
	{OpI32ReinterpretF32, OpI32ReinterpretF32, "f:i"},
	{OpI64ReinterpretF64, OpI64ReinterpretF64, "d:l"},
	{OpF32ReinterpretI32, OpF32ReinterpretI32, "i:f"},
	{OpF64ReinterpretI64, OpF64ReinterpretI64, "l:d"},
	{OpI32Extend8S, OpI32Extend16S, "i:i"},
	{OpI64Extend8S, OpI64Extend32S, "l:l"},
	{OpI32TruncSatF32S, OpI32TruncSatF32U, "f:i"},
	{OpI32TruncSatF64S, OpI32TruncSatF64U, "d:i"},
	{OpI64TruncSatF32S, OpI64TruncSatF32U, "f:l"},
	{OpI64TruncSatF64S, OpI64TruncSatF64U, "d:l"},
	{OpV128Load, OpV128Load, "i:v"},
	{OpV128Load8x8S, OpV128Load32x2U, "i:v"},
	{OpV128Load8Splat, OpV128Load8Splat, "i:v"},
	{OpV128Load16Splat, OpV128Load16Splat, "i:v"},
	{OpV128Load32Splat, OpV128Load32Splat, "i:v"},
	{OpV128Load64Splat, OpV128Load64Splat, "i:v"},
	{OpV128Store, OpV128Store, "iv:"},
	{OpV128Load8Lane, OpV128Load8Lane, "iv:v"},
	{OpV128Load16Lane, OpV128Load16Lane, "iv:v"},
	{OpV128Load32Lane, OpV128Load32Lane, "iv:v"},
	{OpV128Load64Lane, OpV128Load64Lane, "iv:v"},
	{OpV128Store8Lane, OpV128Store8Lane, "iv:"},
	{OpV128Store16Lane, OpV128Store16Lane, "iv:"},
	{OpV128Store32Lane, OpV128Store32Lane, "iv:"},
	{OpV128Store64Lane, OpV128Store64Lane, "iv:"},
	{OpV128Load32Zero, OpV128Load32Zero, "i:v"},
	{OpV128Load64Zero, OpV128Load64Zero, "i:v"},
	{OpI8x16Shuffle, OpI8x16Swizzle, "vv:v"},
	{OpI8x16Splat, OpI32x4Splat, "i:v"},
	{OpI64x2Splat, OpI64x2Splat, "l:v"},
	{OpF32x4Splat, OpF32x4Splat, "f:v"},
	{OpF64x2Splat, OpF64x2Splat, "d:v"},
	{OpI8x16ExtractLaneS, OpI8x16ExtractLaneU, "v:i"},
	{OpI8x16ReplaceLane, OpI8x16ReplaceLane, "vi:v"},
	{OpI16x8ExtractLaneS, OpI16x8ExtractLaneU, "v:i"},
	{OpI16x8ReplaceLane, OpI16x8ReplaceLane, "vi:v"},
	{OpI32x4ExtractLane, OpI32x4ExtractLane, "v:i"},
	{OpI32x4ReplaceLane, OpI32x4ReplaceLane, "vi:v"},
	{OpI64x2ExtractLane, OpI64x2ExtractLane, "v:l"},
	{OpI64x2ReplaceLane, OpI64x2ReplaceLane, "vl:v"},
	{OpF32x4ExtractLane, OpF32x4ExtractLane, "v:f"},
	{OpF32x4ReplaceLane, OpF32x4ReplaceLane, "vf:v"},
	{OpF64x2ExtractLane, OpF64x2ExtractLane, "v:d"},
	{OpF64x2ReplaceLane, OpF64x2ReplaceLane, "vd:v"},
	{OpI8x16Eq, OpI32x4GeU, "vv:v"},
	{OpF32x4Eq, OpF32x4Ge, "vv:v"},
	{OpF64x2Eq, OpF64x2Ge, "vv:v"},
	{OpV128Not, OpV128Not, "v:v"},
	{OpV128And, OpV128Xor, "vv:v"},
	{OpV128Bitselect, OpV128Bitselect, "vvv:v"},
	{OpV128AnyTrue, OpV128AnyTrue, "v:i"},
	{OpF32x4DemoteF64x2Zero, OpF32x4DemoteF64x2Zero, "v:v"},
	{OpF64x2PromoteLowF32x4, OpF64x2PromoteLowF32x4, "v:v"},
	{OpI8x16Abs, OpI8x16Popcnt, "v:v"},
	{OpI8x16AllTrue, OpI8x16Bitmask, "v:i"},
	{OpI8x16NarrowI16x8S, OpI8x16NarrowI16x8U, "vv:v"},
	{OpF32x4Ceil, OpF32x4Nearest, "v:v"},
	{OpI8x16Shl, OpI8x16ShrU, "vi:v"},
	{OpI8x16Add, OpI8x16SubSatU, "vv:v"},
	{OpF64x2Ceil, OpF64x2Floor, "v:v"},
	{OpI8x16MinS, OpI8x16MaxU, "vv:v"},
	{OpF64x2Trunc, OpF64x2Trunc, "v:v"},
	{OpI8x16AvgrU, OpI8x16AvgrU, "vv:v"},
	{OpI16x8ExtaddPairwiseI8x16S, OpI16x8Neg, "v:v"},
	{OpI16x8Q15mulrSatS, OpI16x8Q15mulrSatS, "vv:v"},
	{OpI16x8AllTrue, OpI16x8Bitmask, "v:i"},
	{OpI16x8NarrowI32x4S, OpI16x8NarrowI32x4U, "vv:v"},
	{OpI16x8ExtendLowI8x16S, OpI16x8ExtendHighI8x16U, "v:v"},
	{OpI16x8Shl, OpI16x8ShrU, "vi:v"},
	{OpI16x8Add, OpI16x8SubSatU, "vv:v"},
	{OpF64x2Nearest, OpF64x2Nearest, "v:v"},
	{OpI16x8Mul, OpI16x8MaxU, "vv:v"},
	{OpI16x8AvgrU, OpI16x8ExtmulHighI8x16U, "vv:v"},
	{OpI32x4Abs, OpI32x4Neg, "v:v"},
	{OpI32x4AllTrue, OpI32x4Bitmask, "v:i"},
	{OpI32x4ExtendLowI16x8S, OpI32x4ExtendHighI16x8U, "v:v"},
	{OpI32x4Shl, OpI32x4ShrU, "vi:v"},
	{OpI32x4Add, OpI32x4ExtmulHighI16x8U, "vv:v"},
	{OpI64x2Abs, OpI64x2Neg, "v:v"},
	{OpI64x2AllTrue, OpI64x2Bitmask, "v:i"},
	{OpI64x2ExtendLowI32x4S, OpI64x2ExtendHighI32x4U, "v:v"},
	{OpI64x2Shl, OpI64x2ShrU, "vi:v"},
	{OpI64x2Add, OpI64x2ExtmulHighI32x4U, "vv:v"},
	{OpF32x4Abs, OpF32x4Neg, "v:v"},
	{OpF32x4Sqrt, OpF32x4Sqrt, "v:v"},
	{OpF32x4Add, OpF32x4Max, "vv:v"},
	{OpF32x4Pmin, OpF32x4Pmax, "vv:v"},
	{OpF64x2Abs, OpF64x2Neg, "v:v"},
	{OpF64x2Sqrt, OpF64x2Sqrt, "v:v"},
	{OpF64x2Add, OpF64x2Max, "vv:v"},
	{OpF64x2Pmin, OpF64x2Pmax, "vv:v"},
	{OpI32x4TruncSatF32x4S, OpI32x4TruncSatF32x4U, "v:v"},
	{OpF32x4ConvertI32x4S, OpF32x4ConvertI32x4U, "v:v"},
	{OpI32x4TruncSatF64x2SZero, OpI32x4TruncSatF64x2UZero, "v:v"},
	{OpF64x2ConvertLowI32x4S, OpF64x2ConvertLowI32x4U, "v:v"},
}

var signatures = func() (table [3][256]FunctionType) {
	letters := map[rune]ValueType{'i': I32, 'l': I64, 'f': F32, 'd': F64, 'v': V128}
	for _, r := range operands {
		params, results, _ := strings.Cut(r.types, ":")
		var t FunctionType
		for _, c := range params {
			t.Params = append(t.Params, letters[c])
		}
		for _, c := range results {
			t.Results = append(t.Results, letters[c])
		}
		for o := r.first; o <= r.last; o++ {
			if o.Immediate() != 0 {
				table[map[Opcode]int{0x00: 0, 0xfc: 1, 0xfd: 2}[o>>8]][o&0xff] = t
			}
		}
	}
	return table
}()
