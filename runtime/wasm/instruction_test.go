package wasm_test

import (
	"math"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// read returns the first instruction of code, as text, and how many bytes it takes.
func read(t *testing.T, code Code) (string, int) {
	t.Helper()
	b := wasm.Body{Code: code}
	r := b.Reader()
	if !r.Next() {
		t.Errorf("%x: %v", code, r.Err())
		return "", 0
	}
	return Text(&r.Instruction), r.Instruction.End
}

func TestImmediates(t *testing.T) {
	v128 := Code{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for want, code := range map[string]Code{
		"nop":                               Op(wasm.OpNop),
		"block":                             Block(Result()),
		"loop f64":                          Loop(Result(wasm.F64)),
		"if funcref":                        If(Result(wasm.FuncRef)),
		"block type 300":                    Block(300),
		"br 5":                              Br(5),
		"br_table 1 2 300":                  BrTable(1, 2, 300),
		"call 4294967295":                   Call(math.MaxUint32),
		"call_indirect 3 1":                 CallIndirect(3, 1),
		"select i64":                        {0x1c, 1, 0x7e},
		"local.tee 128":                     LocalTee(128),
		"i32.const -2147483648":             I32Const(math.MinInt32),
		"i32.const 2147483647":              I32Const(math.MaxInt32),
		"i64.const -9223372036854775808":    I64Const(math.MinInt64),
		"i64.const 9223372036854775807":     I64Const(math.MaxInt64),
		"i64.const -1":                      {0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"f32.const bits=0x3fc00000":         F32Const(1.5),
		"f64.const bits=0x3ff8000000000000": F64Const(1.5),
		"i64.store32 align=2 offset=65536":  OpMemory(wasm.OpI64Store32, 2, 65536),
		"memory.grow":                       MemoryGrow(),
		"memory.init 7":                     MemoryInit(7),
		"memory.copy":                       MemoryCopy(),
		"table.init 1 2":                    OpIndex(wasm.OpTableInit, 1, 2),
		"table.copy 1 2":                    OpIndex(wasm.OpTableCopy, 1, 2),
		"ref.null externref":                {0xd0, 0x6f},
		"ref.func 9":                        OpIndex(wasm.OpRefFunc, 9),
		"i32.trunc_sat_f64_u":               Op(wasm.OpI32TruncSatF64U),
		"v128.const 000102030405060708090a0b0c0d0e0f":    Join(Op(wasm.OpV128Const), v128),
		"i8x16.shuffle 000102030405060708090a0b0c0d0e0f": Join(Op(wasm.OpI8x16Shuffle), v128),
		"v128.load8_lane align=0 offset=4 lane=3":        Join(OpMemory(wasm.OpV128Load8Lane, 0, 4), Code{3}),
		"i16x8.replace_lane 7":                           Join(Op(wasm.OpI16x8ReplaceLane), Code{7}),
		"f64x2.convert_low_i32x4_u":                      Op(wasm.OpF64x2ConvertLowI32x4U),
	} {
		if got, n := read(t, Join(code, Op(wasm.OpEnd))); got != want || n > len(code) {
			t.Errorf("%x: %s, want %s", code, got, want)
		}
	}
}

// TestOpcodes counts what Core 2.0 has, and reads each instruction.
func TestOpcodes(t *testing.T) {
	counts := map[wasm.Opcode]int{}
	names := map[string]wasm.Opcode{}
	for _, prefix := range []wasm.Opcode{0, 0xfc00, 0xfd00} {
		for low := range wasm.Opcode(0x100) {
			op := prefix | low
			if op.Immediate() == 0 {
				continue
			}
			counts[prefix]++
			if other, ok := names[op.String()]; ok && op != wasm.OpSelectTyped {
				t.Errorf("%s is %#x and %#x", op, other, op)
			}
			names[op.String()] = op
			if op == wasm.OpElse || op == wasm.OpEnd || op == wasm.OpRefNull { // do not stand alone, or not with zeros
				continue
			}
			encoded := wasm.AppendOpcode(nil, op)
			if _, n := read(t, Join(encoded, make(Code, 20))); n < len(encoded) {
				t.Errorf("%s: %d bytes of %x read", op, n, encoded)
			}
		}
	}
	if counts[0] != 183 || counts[0xfc00] != 18 || counts[0xfd00] != 236 {
		t.Errorf("%v instructions", counts)
	}
}
