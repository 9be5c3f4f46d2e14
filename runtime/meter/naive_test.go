package meter_test

import (
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const naiveCount = "naive"

// naive returns m with a counter, exported as naiveCount, that is raised before every single
// instruction by what docs/fuel.md says it costs, plus surcharge for each time that it is raised. It
// is the oracle of the metering proper. Without a limit the counter only counts; else the code traps
// when it exceeds the limit.
func naive(t testing.TB, b []byte, surcharge, limit int64) []byte {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	counter := uint32(len(m.Globals))
	length := counter + 1
	add := func(push Code) Code {
		code := Join(push, GlobalGet(counter), Op(wasm.OpI64Add), GlobalSet(counter))
		if limit > 0 {
			code = Join(code, GlobalGet(counter), I64Const(limit), Op(wasm.OpI64GtS), If(Result(), Unreachable()))
		}
		return code
	}
	for i := range m.Code {
		body := &m.Code[i]
		locals := int64(0)
		for _, g := range body.Locals {
			locals += int64(g.Count)
		}
		code := add(I64Const((locals+3)/4 + surcharge))
		r := body.Reader()
		for r.Next() {
			in := &r.Instruction
			if n := naiveCost(in.Op); n > 0 {
				code = append(code, add(I64Const(n+surcharge))...)
			}
			if units := naiveLength(in.Op, length); units != nil {
				code = Join(code, GlobalSet(length), add(units), GlobalGet(length))
			}
			code = append(code, body.Code[in.Start:in.End]...)
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		body.Code = code
	}
	m.Globals = append(
		m.Globals,
		wasm.Global{
			Type: wasm.GlobalType{Value: wasm.I64, Mutable: true},
			Init: wasm.Expression{Code: Join(I64Const(0), Op(wasm.OpEnd))},
		},
		wasm.Global{
			Type: wasm.GlobalType{Value: wasm.I32, Mutable: true},
			Init: wasm.Expression{Code: Join(I32Const(0), Op(wasm.OpEnd))},
		},
	)
	m.Exports = append(m.Exports, wasm.Export{Name: naiveCount, Kind: wasm.GlobalKind, Index: counter})
	return m.Encode()
}

func naiveCost(op wasm.Opcode) int64 {
	switch op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd:
		return 0
	case wasm.OpCall, wasm.OpBrTable:
		return 4
	case wasm.OpCallIndirect, wasm.OpMemoryFill, wasm.OpMemoryCopy:
		return 8
	case wasm.OpMemoryGrow:
		return 64
	}
	return 1
}

// naiveLength returns code that pushes the units that an operation costs by its length, for memories
// of at most 3 pages and lengths inside the memory.
func naiveLength(op wasm.Opcode, length uint32) Code {
	switch op {
	case wasm.OpMemoryFill, wasm.OpMemoryCopy:
		return Join(GlobalGet(length), I32Const(8), Op(wasm.OpI32DivU, wasm.OpI64ExtendI32U))
	case wasm.OpMemoryGrow:
		fits := Join(MemorySize(), GlobalGet(length), Op(wasm.OpI32Add), I32Const(3), Op(wasm.OpI32LeU))
		units := Join(GlobalGet(length), I32Const(4096), Op(wasm.OpI32Mul, wasm.OpI64ExtendI32U))
		return Join(units, I64Const(0), fits, Op(wasm.OpSelect))
	}
	return nil
}
