package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// costly adds to a module what inspect has most to say about.
func costly(b *wasmtest.Builder) {
	table := b.Table(wasm.FuncRef, 1)
	null := wasmtest.Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)}
	again := b.Declare(nil, nil)
	b.Define(again, nil, wasmtest.Call(again),
		wasmtest.I32Const(0), null, wasmtest.OpIndex(wasm.OpTableSet, table),
		wasmtest.F64Const(1), wasmtest.Op(wasm.OpF64Sqrt, wasm.OpI64ReinterpretF64), wasmtest.Drop(),
		wasmtest.I32Const(1), wasmtest.MemoryGrow(), wasmtest.Drop())
	b.Custom("name", wasm.EncodeFunctionNames([]wasm.FunctionName{{Index: again, Name: "again\x1b[31m\n" + strings.Repeat("x", 200)}}))
}

func TestInspectCosts(t *testing.T) {
	file := writeFile(t, "orders.wasm", string(guest(costly)))
	got := invoke(t, "", "inspect", file)
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	name := `again\u001b[31m\u000a` + strings.Repeat("x", 117)
	for _, want := range []string{
		"fuel       95 units; regions: 2, the largest: 87, checks: 1\n",
		"           instructions: 2 cost 0, 11 cost 1, 3 cost 4, 1 cost 8, 1 cost 64, 1 of them by length besides\n",
		"; recursion is counted in functions: 1, indirect calls: 0\nreset      a fresh instance for every run\n           function 2 (" + name + "), offset ",
		": table.set\nNaN        could look at the bits of one, which differ by machine\n           function 2 (" + name + "), offset ",
		": f64.sqrt\n", ": i64.reinterpret_f64\nadmission  accepted",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "instructions  bytes") {
		t.Errorf("functions without being asked for:\n%s", got.out)
	}
}

func TestInspectFunctions(t *testing.T) {
	got := invoke(t, string(guest(costly)), "inspect", "--functions", "-")
	_, table, ok := strings.Cut(got.out, "function  instructions  bytes  metered  units  regions  largest  entry  checks  frame  counted  name\n")
	lines := strings.Split(table, "\n")
	if !ok || len(lines) != 3 || lines[2] != "" || got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	for i, want := range []string{"Query.a", `again\u001b[31m\u000a` + strings.Repeat("x", 117)} {
		columns := strings.Fields(lines[i])
		if len(columns) != 12 || columns[11] != want || columns[0] != []string{"1", "2"}[i] || columns[10] != []string{"0", "1"}[i] {
			t.Errorf("%q, want %s", columns, want)
		}
	}
}

func TestInspectCostsJSON(t *testing.T) {
	got := invoke(t, string(guest(costly)), "inspect", "--json", "-")
	var d description
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || got.code != exitDone || d.Metering == nil {
		t.Fatalf("%+v: %v", got, err)
	}
	m := d.Metering
	if m.Bytes != d.Metered || m.Regions != 2 || m.Checks != 1 || m.ByLength != 1 || len(m.Classes) != 5 || !m.Stack.Recursive {
		t.Errorf("%+v", m)
	}
	if !m.Reset.Reinstantiate || len(m.Reset.Because) != 1 || *m.Reset.Because[0].Function != 2 || m.Reset.RegionBytes != 2048 {
		t.Errorf("%+v", m.Reset)
	}
	if !m.NaN.Could || len(m.NaN.Makes) != 1 || len(m.NaN.Looks) != 1 || m.NaN.Looks[0].What != "i64.reinterpret_f64" || m.NaN.Looks[0].Offset == 0 {
		t.Errorf("%+v", m.NaN)
	}
	if len(m.Functions) != 2 || m.Functions[0].Name != "Query.a" || !m.Functions[1].CountsFrame || m.Functions[1].Offset == 0 {
		t.Errorf("%+v", m.Functions)
	}
}

// A module that is refused for what it imports has costs nevertheless; one that
// cannot be rewritten has none.
func TestInspectCostsRefused(t *testing.T) {
	b := wasmtest.New()
	b.Import("env", "pow", []wasm.ValueType{wasm.F64, wasm.F64}, []wasm.ValueType{wasm.F64})
	b.Function(nil, nil, nil, wasmtest.F64Const(1), wasmtest.Op(wasm.OpF64Floor), wasmtest.Drop())
	got := invoke(t, string(b.Bytes()), "inspect", "-")
	if got.code != exitFailed || !strings.Contains(got.out, ": import env.pow takes f64\n") || !strings.Contains(got.out, "admission  refused\n") {
		t.Errorf("%+v", got)
	}
	b.ExportFunction("_runnel", 1)
	for flag, want := range map[string]string{"--functions": "admission  refused\n", "--json": `"metering":null`} {
		got = invoke(t, string(b.Bytes()), "inspect", flag, "-")
		if got.code != exitFailed || !strings.Contains(got.out, want) || strings.Contains(got.out, "fuel  ") {
			t.Errorf("%+v", got)
		}
	}
}

func TestPlace(t *testing.T) {
	function := 7
	for want, p := range map[string]place{
		"offset 3: import env.f":             {What: "import env.f", Offset: 3},
		"function 7, offset 3: x":            {What: "x", Function: &function, Offset: 3},
		`function 7 (a\u000ab), offset 3: x`: {What: "x", Function: &function, Name: "a\nb", Offset: 3},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
