package meter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

func TestMutableGlobalsAreExported(t *testing.T) {
	b := runner(nil, I32Const(5), GlobalSet(0), F64Const(2.5), GlobalSet(3))
	b.Global(wasm.I32, I32Const(1))
	b.Constant(wasm.I32, I32Const(2))
	b.Global(wasm.I64, I64Const(3))
	b.Global(wasm.F64, F64Const(4))
	b.Global(wasm.F32, F32Const(5))
	g := interpreter(t).metered(b.Bytes(), meter.Options{})
	want := []meter.GlobalExport{
		{Name: "_runnel_global_0", Type: wasm.I32},
		{Name: "_runnel_global_2", Type: wasm.I64},
		{Name: "_runnel_global_3", Type: wasm.F64},
		{Name: "_runnel_global_4", Type: wasm.F32},
	}
	if !reflect.DeepEqual(g.output.Globals, want) {
		t.Errorf("globals %v", g.output.Globals)
	}
	if g.output.Reinstantiate {
		t.Error("the globals are all there is")
	}
	if _, err := g.run(100); err != nil || g.global("_runnel_global_0") != 5 || g.global("_runnel_global_2") != 3 {
		t.Errorf("global 0 is %d, global 2 is %d, %v", g.global("_runnel_global_0"), g.global("_runnel_global_2"), err)
	}
}

func TestReinstantiate(t *testing.T) {
	table := func(code ...Code) *Builder {
		b := runner(nil, code...)
		b.Table(wasm.FuncRef, 2)
		b.PassiveElements()
		b.PassiveData(nil)
		return b
	}
	zeros := Join(I32Const(0), I32Const(0), I32Const(0))
	vector := runner(nil)
	vector.Global(wasm.V128, Join(Op(wasm.OpV128Const), make(Code, 16)))
	reference := runner(nil)
	reference.Global(wasm.FuncRef, refNull)
	for name, c := range map[string]struct {
		b    *Builder
		want bool
	}{
		"table.get":     {table(I32Const(0), OpIndex(wasm.OpTableGet, 0), Drop()), false},
		"memory.init":   {table(zeros, MemoryInit(0)), false},
		"table.set":     {table(I32Const(0), refNull, OpIndex(wasm.OpTableSet, 0)), true},
		"table.grow":    {table(refNull, I32Const(0), OpIndex(wasm.OpTableGrow, 0), Drop()), true},
		"table.fill":    {table(I32Const(0), refNull, I32Const(0), OpIndex(wasm.OpTableFill, 0)), true},
		"table.copy":    {table(zeros, OpIndex(wasm.OpTableCopy, 0, 0)), true},
		"table.init":    {table(zeros, OpIndex(wasm.OpTableInit, 0, 0)), true},
		"elem.drop":     {table(OpIndex(wasm.OpElemDrop, 0)), true},
		"data.drop":     {table(OpIndex(wasm.OpDataDrop, 0)), true},
		"v128 global":   {vector, true},
		"funcref local": {reference, true},
	} {
		g := interpreter(t).metered(c.b.Bytes(), meter.Options{})
		if g.output.Reinstantiate != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
		if _, err := g.run(1000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTablesAreCapped(t *testing.T) {
	b := runner(nil)
	b.Table(wasm.FuncRef, 3)
	b.Table(wasm.ExternRef, 3, 1000)
	b.Table(wasm.FuncRef, 3, 5)
	m, err := wasm.Decode(rewrite(t, b.Bytes(), meter.Options{TableElements: 10}).Wasm)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint32
	for _, table := range m.Tables {
		got = append(got, table.Limits.Max)
	}
	if !reflect.DeepEqual(got, []uint32{10, 10, 5}) {
		t.Errorf("maxima %v", got)
	}
	if _, err := meter.Rewrite(b.Module(), meter.Options{TableElements: 2}); err == nil {
		t.Error("a table larger than the cap was accepted")
	}
}

func TestCustomSections(t *testing.T) {
	b := runner(nil, I32Const(0), MemoryGrow(), Drop())
	b.Custom("runnel.schema", []byte("type Query"))
	b.Custom(".debug_info", []byte("large"))
	b.Custom("name", wasm.EncodeFunctionNames([]wasm.FunctionName{{Index: 0, Name: "main"}}))
	m, err := wasm.Decode(rewrite(t, b.Bytes(), meter.Options{}).Wasm)
	if err != nil {
		t.Fatal(err)
	}
	want := []wasm.FunctionName{{Index: 0, Name: "main"}, {Index: 1, Name: "runnel.charge_pages"}, {Index: 2, Name: "runnel.refill"}}
	if got := m.FunctionNames(); len(m.Customs) != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d custom sections, names %v", len(m.Customs), got)
	}
}

func TestGarbageNamesAreHarmless(t *testing.T) {
	for _, names := range []string{"\xff\xff\xff", "\x01\x7f", "\x01\x03\x05\x00\x01", "\x01\x04\x01\x00\x01\xff", "\x02\x01"} {
		b := runner(nil)
		b.Custom("name", []byte(names))
		if _, err := interpreter(t).metered(b.Bytes(), meter.Options{}).run(10); err != nil {
			t.Errorf("%q: %v", names, err)
		}
	}
}

// TestRefused holds that nothing of the host's can be named.
func TestRefused(t *testing.T) {
	with := func(change func(*Builder)) *Builder {
		b := runner(nil)
		change(b)
		return b
	}
	imported := New()
	imported.Import("env", "_runnel_x", nil, nil)
	from := New()
	from.Import("_runnel", "x", nil, nil)
	noMemory := New()
	noMemory.Function(nil, nil, nil, MemorySize(), Drop())
	for name, c := range map[string]struct {
		b    *Builder
		want string
	}{
		"export name":   {with(func(b *Builder) { b.ExportFunction("_runnel_fuel", 0) }), "reserved"},
		"import name":   {imported, "reserved"},
		"import module": {from, "reserved"},
		"global.get":    {runner(nil, GlobalGet(0), Drop()), "global 0 does not exist"},
		"global.set":    {runner(nil, I64Const(1), GlobalSet(0)), "global 0 does not exist"},
		"global export": {with(func(b *Builder) { b.Export("x", wasm.GlobalKind, 0) }), "global 0 does not exist"},
		"global init":   {with(func(b *Builder) { b.Constant(wasm.I64, GlobalGet(1)) }), "global 1 does not exist"},
		"call":          {runner(nil, I32Const(1), Call(1), Drop()), "func"},
		"export":        {with(func(b *Builder) { b.ExportFunction("x", 1) }), "func 1 does not exist"},
		"start":         {with(func(b *Builder) { b.Start(1) }), "function 1 does not exist"},
		"element":       {with(func(b *Builder) { b.Table(wasm.FuncRef, 1); b.Elements(0, 0, 1) }), "function 1 does not exist"},
		"element table": {with(func(b *Builder) { b.Elements(0, 0, 0) }), "table 0 does not exist"},
		"ref.func":      {runner(nil, OpIndex(wasm.OpRefFunc, 1), Drop()), "function 1 does not exist"},
		"local":         {runner(nil, LocalGet(0), Drop()), "local 0 does not exist"},
		"dead local":    {runner(nil, Unreachable(), LocalGet(0), Drop()), "local 0 does not exist"},
		"label":         {runner(nil, Block(Result(), Br(2))), "label 2 does not exist"},
		"labels":        {runner(nil, I32Const(0), BrTable(0, 1, 0)), "label 1 does not exist"},
		"block type":    {runner(nil, Block(1)), "type 1 does not exist"},
		"type":          {runner(nil, I32Const(0), CallIndirect(1, 0)), "type 1 does not exist"},
		"table":         {runner(nil, I32Const(0), CallIndirect(0, 0)), "table 0 does not exist"},
		"memory":        {noMemory, "there is no memory"},
		"elem.drop":     {runner(nil, OpIndex(wasm.OpElemDrop, 0)), "element segment 0 does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := wasm.Decode(c.b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			_, err = meter.Rewrite(m, meter.Options{})
			var at *wasm.Error
			if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if at.Section == "" || at.Offset < 8 || (at.Section == "code") != (at.Function >= 0) {
				t.Errorf("%v: without a place", at)
			}
		})
	}
}

// TestInputIsKept holds that rewriting changes nothing in the module that it reads.
func TestInputIsKept(t *testing.T) {
	b := random.FromSeed(3).Wasm
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	first, err := meter.Rewrite(m, meter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := meter.Rewrite(m, meter.Options{})
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("the second time, the result differs: %v", err)
	}
	if fresh, _ := wasm.Decode(b); !reflect.DeepEqual(m, fresh) {
		t.Error("the module changed")
	}
}
