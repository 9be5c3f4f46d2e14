package wasm

// The instructions behind the prefix 0xfc: saturating conversion, bulk memory and tables.
const (
	OpI32TruncSatF32S Opcode = 0xfc00
	OpI32TruncSatF32U Opcode = 0xfc01
	OpI32TruncSatF64S Opcode = 0xfc02
	OpI32TruncSatF64U Opcode = 0xfc03
	OpI64TruncSatF32S Opcode = 0xfc04
	OpI64TruncSatF32U Opcode = 0xfc05
	OpI64TruncSatF64S Opcode = 0xfc06
	OpI64TruncSatF64U Opcode = 0xfc07
	OpMemoryInit      Opcode = 0xfc08
	OpDataDrop        Opcode = 0xfc09
	OpMemoryCopy      Opcode = 0xfc0a
	OpMemoryFill      Opcode = 0xfc0b
	OpTableInit       Opcode = 0xfc0c
	OpElemDrop        Opcode = 0xfc0d
	OpTableCopy       Opcode = 0xfc0e
	OpTableGrow       Opcode = 0xfc0f
	OpTableSize       Opcode = 0xfc10
	OpTableFill       Opcode = 0xfc11
)

// extendedOperations is indexed by what follows the prefix.
var extendedOperations = [256]operation{
	OpI32TruncSatF32S & 0xff: {"i32.trunc_sat_f32_s", ImmediateNone},
	OpI32TruncSatF32U & 0xff: {"i32.trunc_sat_f32_u", ImmediateNone},
	OpI32TruncSatF64S & 0xff: {"i32.trunc_sat_f64_s", ImmediateNone},
	OpI32TruncSatF64U & 0xff: {"i32.trunc_sat_f64_u", ImmediateNone},
	OpI64TruncSatF32S & 0xff: {"i64.trunc_sat_f32_s", ImmediateNone},
	OpI64TruncSatF32U & 0xff: {"i64.trunc_sat_f32_u", ImmediateNone},
	OpI64TruncSatF64S & 0xff: {"i64.trunc_sat_f64_s", ImmediateNone},
	OpI64TruncSatF64U & 0xff: {"i64.trunc_sat_f64_u", ImmediateNone},
	OpMemoryInit & 0xff:      {"memory.init", ImmediateDataMemory},
	OpDataDrop & 0xff:        {"data.drop", ImmediateData},
	OpMemoryCopy & 0xff:      {"memory.copy", ImmediateMemoryMemory},
	OpMemoryFill & 0xff:      {"memory.fill", ImmediateMemory},
	OpTableInit & 0xff:       {"table.init", ImmediateElementTable},
	OpElemDrop & 0xff:        {"elem.drop", ImmediateElement},
	OpTableCopy & 0xff:       {"table.copy", ImmediateTableTable},
	OpTableGrow & 0xff:       {"table.grow", ImmediateTable},
	OpTableSize & 0xff:       {"table.size", ImmediateTable},
	OpTableFill & 0xff:       {"table.fill", ImmediateTable},
}
