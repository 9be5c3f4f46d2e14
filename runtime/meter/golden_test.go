package meter_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	add := Join(LocalGet(0), LocalGet(1), Op(wasm.OpI32Add))
	calls := New()
	log := calls.Import("env", "log", I32s(1), nil)
	leaf := calls.Function(I32s(2), I32s(1), nil, add)
	calls.Function(I32s(2), I32s(1), []wasm.ValueType{wasm.I64, wasm.F32}, LocalGet(0), If(
		Result(), LocalGet(0), Call(log),
	), LocalGet(0), I32Const(1), Call(leaf))

	lengths := New()
	lengths.Memory(1, 10)
	lengths.Table(wasm.FuncRef, 1)
	lengths.Function(I32s(1), nil, nil,
		I32Const(0), I32Const(0), LocalGet(0), MemoryFill(), LocalGet(0), MemoryGrow(), Drop(),
		I32Const(0), refNull, LocalGet(0), OpIndex(wasm.OpTableFill, 0))

	globals := New()
	globals.Global(wasm.I32, I32Const(1))
	globals.Constant(wasm.F64, F64Const(1))
	globals.Global(wasm.I64, I64Const(-1))
	globals.ExportFunction("run", globals.Function(nil, nil, nil))
	globals.Custom("runnel.schema", []byte("type Query { a: Int }"))

	function := func(code ...Code) *Builder {
		b := New()
		b.Function(I32s(2), I32s(1), nil, code...)
		return b
	}
	yields := New()
	yields.Memory(1, 10)
	yields.Function(I32s(1), nil, nil, Loop(Result(), LocalGet(0), MemoryGrow(), Drop(), Br(0)))

	for name, b := range map[string]*Builder{
		"straight": function(add),
		"if": function(
			LocalGet(0), IfElse(Result(), Join(I32Const(1), LocalSet(0)), Join(LocalGet(1), LocalSet(0))), add,
		),
		"if-leaves": function(LocalGet(0), If(Result(), I32Const(1), Return()), add),
		"block": function(
			Block(Result(), LocalGet(0), BrIf(0), I32Const(1), LocalSet(0)), add,
		),
		"block-in-block": function(Block(
			Result(), Block(Result(), LocalGet(0), BrIf(1), LocalGet(1), BrIf(0)), I32Const(1), LocalSet(0),
		), add),
		"loop": function(
			Loop(Result(), LocalGet(0), I32Const(1), Op(wasm.OpI32Sub), LocalTee(0), BrIf(0)), add,
		),
		"loop-of-nothing": function(Loop(Result(), I32Const(1), LocalSet(0)), add),
		"br-table": function(
			Block(Result(), Block(Result(), LocalGet(0), BrTable(0, 1, 2)), I32Const(1), Return()), add,
		),
		"dead-code": function(
			Block(Result(), Br(0), Loop(Result(), I32Const(1), BrIf(0)), Op(wasm.OpNop)), Unreachable(), add,
		),
		"calls":   calls,
		"yields":  yields,
		"lengths": lengths,
		"globals": globals,
	} {
		t.Run(name, func(t *testing.T) {
			out := rewrite(t, b.Bytes(), meter.Options{StartFuel: 1000, Yield: name == "yields"})
			compareGolden(t, name, Dump(b.Bytes())+"---\n"+Dump(out.Wasm))
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with -update and look at the change\n%s", path, got)
	}
}
