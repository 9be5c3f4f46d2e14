package meter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// What each instruction on floats, or whose name speaks of them, does with the bits of NaNs.
const (
	nanMakes   = " makes"
	nanLooks   = " looks"
	nanNeither = " "
)

// floatInstructions holds those of scalars by their names without the type that they give or take first.
var floatInstructions = map[string]string{
	"load": nanNeither, "const": nanNeither, "abs": nanNeither, "neg": nanNeither,
	"eq": nanNeither, "ne": nanNeither, "lt": nanNeither, "gt": nanNeither, "le": nanNeither, "ge": nanNeither,
	"convert_i32_s": nanNeither, "convert_i32_u": nanNeither, "convert_i64_s": nanNeither, "convert_i64_u": nanNeither,
	"reinterpret_i32": nanNeither, "reinterpret_i64": nanNeither,
	"trunc_f32_s": nanNeither, "trunc_f32_u": nanNeither, "trunc_f64_s": nanNeither, "trunc_f64_u": nanNeither,
	"trunc_sat_f32_s": nanNeither, "trunc_sat_f32_u": nanNeither, "trunc_sat_f64_s": nanNeither, "trunc_sat_f64_u": nanNeither,
	"add": nanMakes, "sub": nanMakes, "mul": nanMakes, "div": nanMakes, "sqrt": nanMakes, "min": nanMakes, "max": nanMakes,
	"ceil": nanMakes, "floor": nanMakes, "trunc": nanMakes, "nearest": nanMakes, "demote_f64": nanMakes, "promote_f32": nanMakes,
	"store": nanLooks, "copysign": nanLooks, "reinterpret_f32": nanLooks, "reinterpret_f64": nanLooks,
}

// vectorInstructions holds those of float lanes in the same way. All that take a vector look.
var vectorInstructions = map[string]string{
	"splat": nanNeither,
	"add":   nanMakes + nanLooks, "sub": nanMakes + nanLooks, "mul": nanMakes + nanLooks, "div": nanMakes + nanLooks,
	"sqrt": nanMakes + nanLooks, "min": nanMakes + nanLooks, "max": nanMakes + nanLooks, "ceil": nanMakes + nanLooks,
	"floor": nanMakes + nanLooks, "trunc": nanMakes + nanLooks, "nearest": nanMakes + nanLooks,
	"demote_f64x2_zero": nanMakes + nanLooks, "promote_low_f32x4": nanMakes + nanLooks,
	"extract_lane": nanLooks, "replace_lane": nanLooks, "abs": nanLooks, "neg": nanLooks, "pmin": nanLooks, "pmax": nanLooks,
	"eq": nanLooks, "ne": nanLooks, "lt": nanLooks, "gt": nanLooks, "le": nanLooks, "ge": nanLooks,
	"convert_i32x4_s": nanLooks, "convert_i32x4_u": nanLooks, "convert_low_i32x4_s": nanLooks, "convert_low_i32x4_u": nanLooks,
	"trunc_sat_f32x4_s": nanLooks, "trunc_sat_f32x4_u": nanLooks, "trunc_sat_f64x2_s_zero": nanLooks, "trunc_sat_f64x2_u_zero": nanLooks,
}

// nanClass returns what an instruction is to do, and false for one that nobody has classified.
func nanClass(name string) (class string, ok bool) {
	shape, rest, _ := strings.Cut(name, ".")
	switch {
	case shape == "f32x4" || shape == "f64x2" || strings.Contains(rest, "f32x4") || strings.Contains(rest, "f64x2"):
		class, ok = vectorInstructions[rest]
	case shape == "f32" || shape == "f64" || strings.Contains(rest, "f32") || strings.Contains(rest, "f64"):
		class, ok = floatInstructions[rest]
	case shape == "v128" && strings.HasPrefix(rest, "load") && !strings.HasSuffix(rest, "_lane"), rest == "const", rest == "splat":
		class, ok = nanNeither, true // they make a vector of memory, of their own bits or of an integer
	case shape == "v128" || strings.Contains(shape, "x"):
		class, ok = nanLooks, true
	default:
		class, ok = nanNeither, true
	}
	return strings.TrimPrefix(class, " "), ok
}

// allOpcodes are those that exist, each with immediates that every module has something for.
func allOpcodes() (ops []wasm.Opcode, code []Code) {
	for _, page := range []wasm.Opcode{0, 0xfc00, 0xfd00} {
		for op := page; op <= page+0xff; op++ {
			var immediates []byte
			switch op.Immediate() {
			case 0:
				continue
			case wasm.ImmediateNone:
			case wasm.ImmediateF32:
				immediates = make([]byte, 4)
			case wasm.ImmediateF64:
				immediates = make([]byte, 8)
			case wasm.ImmediateV128, wasm.ImmediateShuffle:
				immediates = make([]byte, 16)
			case wasm.ImmediateMemoryArgument, wasm.ImmediateTypeTable, wasm.ImmediateTableTable, wasm.ImmediateElementTable,
				wasm.ImmediateMemoryMemory, wasm.ImmediateDataMemory, wasm.ImmediateLabels:
				immediates = make([]byte, 2)
			case wasm.ImmediateMemoryArgumentLane:
				immediates = make([]byte, 3)
			case wasm.ImmediateBlock:
				immediates = []byte{0x40, byte(wasm.OpEnd)}
			case wasm.ImmediateReferenceType:
				immediates = []byte{byte(wasm.FuncRef)}
			case wasm.ImmediateValueTypes:
				immediates = []byte{1, byte(wasm.F32)}
			default:
				immediates = make([]byte, 1)
			}
			one := append(Op(op), immediates...)
			if op == wasm.OpElse || op == wasm.OpEnd {
				one = IfElse(Result(), nil, nil)
			}
			ops, code = append(ops, op), append(code, one)
		}
	}
	return ops, code
}

// everything is a module with one of each that an index may name, and a function of the code.
func everything(code Code) *Builder {
	b := New()
	b.Type(nil, nil)
	b.PrivateMemory(1)
	b.Table(wasm.FuncRef, 1)
	b.Constant(wasm.I32, I32Const(0))
	f := b.Function(nil, nil, []wasm.ValueType{wasm.I32}, Unreachable(), code, Unreachable())
	b.PassiveElements(f)
	b.PassiveData(nil)
	return b
}

func inspect(t testing.TB, b *Builder) *meter.Report {
	t.Helper()
	m, err := wasm.Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	out, report, err := meter.Inspect(m, meter.Options{MarkWrites: true})
	if err != nil {
		t.Fatal(err)
	}
	if plain := rewrite(t, b.Bytes(), meter.Options{MarkWrites: true}); string(plain.Wasm) != string(out.Wasm) {
		t.Error("Inspect and Rewrite give different modules")
	}
	return report
}

// TestNaNOpcodes compares how every instruction there is is classified.
func TestNaNOpcodes(t *testing.T) {
	ops, code := allOpcodes()
	if len(ops) < 430 {
		t.Fatalf("only %d opcodes", len(ops))
	}
	classes := map[string]int{}
	for i, op := range ops {
		want, ok := nanClass(op.String())
		if !ok {
			t.Errorf("nobody has said whether %v makes a NaN, or looks at its bits", op)
		}
		nan := inspect(t, everything(code[i])).NaN
		got := ""
		if len(nan.Makes) > 0 {
			got = "makes "
		}
		if len(nan.Looks) > 0 {
			got += "looks"
		}
		if got = strings.TrimSuffix(got, " "); got != want {
			t.Errorf("%v: %q, want %q", op, got, want)
		}
		for _, p := range append(nan.Makes, nan.Looks...) {
			if p.What != op.String() || p.Function != 0 || p.Offset == 0 {
				t.Errorf("%v is said to be at %+v", op, p)
			}
		}
		if nan.Could() != (want == "makes looks") {
			t.Errorf("%v: could: %t", op, nan.Could())
		}
		classes[want]++
	}
	t.Logf("%d opcodes: %v", len(ops), classes)
}

// TestNaNPlaces finds the ways by which a float gets out of a module.
func TestNaNPlaces(t *testing.T) {
	f64 := []wasm.ValueType{wasm.F64}
	refs := []wasm.ValueType{wasm.FuncRef}
	zero := F64Const(0)
	for name, test := range map[string]struct {
		build func(*Builder)
		want  string // the last look
	}{
		"nothing":             {func(b *Builder) { b.Function(nil, nil, nil) }, ""},
		"kept inside":         {func(b *Builder) { b.ExportFunction("f", b.Function(f64, nil, f64, LocalGet(0), LocalSet(1))) }, ""},
		"called inside":       {func(b *Builder) { b.Function(nil, f64, nil, zero) }, ""},
		"argument":            {func(b *Builder) { b.Import("env", "pow", []wasm.ValueType{wasm.I32, wasm.F64, wasm.F64}, f64) }, "import env.pow takes f64"},
		"result of an import": {func(b *Builder) { b.Import("env", "random", nil, f64) }, ""},
		"result":              {func(b *Builder) { b.ExportFunction("f", b.Function(nil, f64, nil, zero)) }, "gives f64 to others that may call it"},
		"import exported":     {func(b *Builder) { b.ExportFunction("f", b.Import("env", "random", nil, f64)) }, ""},
		"global":              {func(b *Builder) { b.Global(wasm.F64, zero) }, ""},
		"exported global":     {func(b *Builder) { b.Export("g", wasm.GlobalKind, b.Global(wasm.F64, zero)) }, "global 0, shared and mutable f64"},
		"exported constant":   {func(b *Builder) { b.Export("g", wasm.GlobalKind, b.Constant(wasm.F64, zero)) }, ""},
		"imported global":     {func(b *Builder) { b.ImportGlobal("env", "g", wasm.V128, true) }, "import env.g, mutable v128"},
		"imported constant":   {func(b *Builder) { b.ImportGlobal("env", "g", wasm.F32, false) }, ""},
		"table":               {func(b *Builder) { b.Elements(b.Table(wasm.FuncRef, 1), 0, b.Function(nil, f64, nil, zero)) }, ""},
		"exported table": {func(b *Builder) {
			b.Export("t", wasm.Table, b.Table(wasm.FuncRef, 1))
			b.Elements(0, 0, b.Function(nil, f64, nil, zero))
		}, "gives f64 to others that may call it"},
		"indirect":             {func(b *Builder) { b.Table(wasm.FuncRef, 1); indirect(b, f64) }, ""},
		"indirect, outside":    {func(b *Builder) { b.ImportTable("env", "t", 1); indirect(b, f64) }, "call_indirect with f64"},
		"indirect, exported":   {func(b *Builder) { b.Export("t", wasm.Table, b.Table(wasm.FuncRef, 1)); indirect(b, f64) }, "call_indirect with f64"},
		"indirect of integers": {func(b *Builder) { b.ImportTable("env", "t", 1); indirect(b, I32s(1)) }, ""},
		"reference got":        {func(b *Builder) { b.Import("env", "f", nil, refs); b.Table(wasm.FuncRef, 1); indirect(b, f64) }, "call_indirect with f64"},
		"reference given": {func(b *Builder) {
			b.ExportFunction("f", b.Function(refs, nil, nil))
			b.Table(wasm.FuncRef, 1)
			indirect(b, f64)
		}, "call_indirect with f64"},
		"global reference": {func(b *Builder) {
			b.ImportGlobal("env", "f", wasm.FuncRef, false)
			b.Table(wasm.FuncRef, 1)
			indirect(b, f64)
		}, "call_indirect with f64"},
	} {
		t.Run(name, func(t *testing.T) {
			b := New()
			test.build(b)
			nan := inspect(t, b).NaN
			got := ""
			if n := len(nan.Looks); n > 0 {
				got = nan.Looks[n-1].What
			}
			if got != test.want || nan.Could() {
				t.Errorf("looks %+v, want %q", nan.Looks, test.want)
			}
		})
	}
}

// indirect adds a function that calls another of those parameters, which it was given, indirectly.
func indirect(b *Builder, params []wasm.ValueType) {
	b.Function(params, nil, nil, LocalGet(0), I32Const(0), CallIndirect(b.Type(params, nil), 0))
}

// TestNaNKinds lists the first of each kind, once.
func TestNaNKinds(t *testing.T) {
	b := New()
	b.PrivateMemory(1)
	f32, f64 := F32Const(1), F64Const(1)
	store := Join(I32Const(0), f64, OpMemory(wasm.OpF64Store, 3, 0))
	sign := Join(f32, f32, Op(wasm.OpF32Copysign), Drop())
	bits := Join(f64, Op(wasm.OpI64ReinterpretF64), Drop())
	lanes := Join(f32, Op(wasm.OpF32x4Splat, wasm.OpV128AnyTrue), Drop())
	b.Function(nil, nil, nil, store, store)
	b.Function(nil, nil, nil, f64, Op(wasm.OpF64Sqrt), Drop(), f64, f64, Op(wasm.OpF64Add), Drop(), sign, bits, lanes, sign, bits, lanes, store)
	nan := inspect(t, b).NaN
	got := ""
	for _, p := range append(nan.Makes, nan.Looks...) {
		got += fmt.Sprintf("%s in %d; ", p.What, p.Function)
	}
	want := "f64.sqrt in 1; f64.store in 0; f32.copysign in 1; i64.reinterpret_f64 in 1; v128.any_true in 1; "
	if got != want || !nan.Could() {
		t.Errorf("got %s, want %s", got, want)
	}
}
