package meter_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func TestInspect(t *testing.T) {
	b := New()
	b.Import("env", "f", nil, nil)
	b.Memory(2)
	leaf := b.Function(nil, nil, wasmTypes(wasm.I32, 5)) // 2 for its locals, which its callers take
	b.ExportFunction("loop", b.Function(I32s(1), nil, nil,
		Call(leaf), // 4 and 2
		Loop(Result(), LocalGet(0), BrIf(0)),
		I32Const(1), I32Const(2), Op(wasm.OpI32DivU), Drop(), // 11, with the first call
		LocalGet(0), MemoryGrow(), Drop(), // 66
	))
	again := b.Declare(nil, nil)
	b.Define(again, nil, Call(again))
	report := inspect(t, b)

	at := func(n int) meter.FunctionReport {
		f := report.Functions[n]
		f.Offset, f.Bytes, f.RewrittenBytes = 0, 0, 0
		return f
	}
	for n, want := range []meter.FunctionReport{
		{Index: 1, Instructions: 1, Entry: 2, Frame: 64 + 5*8},
		{Index: 2, Instructions: 13, Regions: 2, Cost: 85, Largest: 83, Checks: 1, Frame: report.Functions[1].Frame},
		{Index: 3, Instructions: 2, Regions: 1, Cost: 4, Largest: 4, Checks: 1, Frame: report.Functions[2].Frame, CountsFrame: true},
	} {
		if got := at(n); got != want {
			t.Errorf("function %d: %+v, want %+v", n, got, want)
		}
		if f := report.Functions[n]; f.Offset == 0 || f.Bytes == 0 || f.RewrittenBytes < f.Bytes {
			t.Errorf("function %d: %+v", n, f)
		}
	}
	if want := []meter.Class{{0, 5}, {1, 7}, {4, 2}, {8, 1}, {64, 1}}; !slices.Equal(report.Classes, want) {
		t.Errorf("classes %v, want %v", report.Classes, want)
	}
	if report.ByLength != 1 || !report.Recursive || len(report.Hidden) != 0 {
		t.Errorf("%+v", report)
	}
	if want := report.Functions[0].Frame + report.Functions[1].Frame; report.StackBytes != want || report.StackCalls != 2 {
		t.Errorf("a stack of %d bytes by %d functions, want %d by 2", report.StackBytes, report.StackCalls, want)
	}
}

func wasmTypes(t wasm.ValueType, n int) []wasm.ValueType {
	return slices.Repeat([]wasm.ValueType{t}, n)
}

func TestInspectIndirectCalls(t *testing.T) {
	b := New()
	b.Table(wasm.FuncRef, 1)
	f := b.Declare(nil, nil)
	b.Define(f, nil, I32Const(0), CallIndirect(0, 0), I32Const(0), CallIndirect(0, 0))
	b.Elements(0, 0, f)
	if f := inspect(t, b).Functions[0]; f.CountedCalls != 2 || f.CountsFrame {
		t.Errorf("%+v", f)
	}
}

// TestInspectHidden gives the reasons for fresh instances.
func TestInspectHidden(t *testing.T) {
	b := New()
	b.ImportGlobal("env", "v", wasm.V128, true)
	b.Global(wasm.I32, I32Const(0))
	b.Global(wasm.FuncRef, Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)})
	b.Table(wasm.FuncRef, 1)
	b.PassiveData(nil)
	set := Join(I32Const(0), Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)}, OpIndex(wasm.OpTableSet, 0))
	b.Function(nil, nil, nil, set, OpIndex(wasm.OpDataDrop, 0), set)
	var got []meter.Place
	for _, p := range inspect(t, b).Hidden {
		if p.Offset == 0 {
			t.Errorf("%+v has no offset", p)
		}
		p.Offset = 0
		got = append(got, p)
	}
	want := []meter.Place{{"table.set", 0, 0}, {"data.drop", 0, 0}, {"global 0, mutable v128", -1, 0}, {"global 2, mutable funcref", -1, 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestInspectRefuses(t *testing.T) {
	b := New()
	b.Function(nil, nil, nil, Call(7))
	m, err := wasm.Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, report, err := meter.Inspect(m, meter.Options{}); err == nil || report != nil {
		t.Errorf("%v, %v", report, err)
	}
}

// TestInspectRealModules says of modules of many compilers what is known of them.
func TestInspectRealModules(t *testing.T) {
	for _, test := range realCases(t) {
		m, err := wasm.Decode(test.binary(t))
		if err != nil {
			t.Fatal(err)
		}
		out, report, err := meter.Inspect(m, meter.Options{MarkWrites: true})
		if err != nil {
			t.Errorf("%s: %v", test.Name, err)
			continue
		}
		instructions, classified := 0, 0
		for _, f := range report.Functions {
			instructions += f.Instructions
			if f.Index-len(report.Functions) >= m.ImportedCount(wasm.Function) || f.Largest > 4096+512 || f.Frame < 64 {
				t.Errorf("%s: %+v", test.Name, f)
			}
		}
		for _, c := range report.Classes {
			classified += c.Instructions
		}
		if instructions == 0 || instructions != classified {
			t.Errorf("%s: %d instructions, %d by class", test.Name, instructions, classified)
		}
		if out.Reinstantiate != (len(report.Hidden) > 0) {
			t.Errorf("%s: reinstantiate %t because of %v", test.Name, out.Reinstantiate, report.Hidden)
		}
		t.Logf("%s: could look at a NaN: %t; %v %v", test.Name, report.NaN.Could(), report.NaN.Makes, report.NaN.Looks)
	}
}
