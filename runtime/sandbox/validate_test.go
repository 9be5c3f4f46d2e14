package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// imports makes the index of a function another than that of its body.
func imports(g *w.Builder) {
	g.Import(abi.ModuleName, abi.ImportOutput, w.I32s(2), nil)
	g.Import(abi.ModuleName, abi.ImportFail, w.I32s(2), nil)
}

// expression is a constant expression of one instruction.
func expression(code w.Code) wasm.Expression {
	return wasm.Expression{Code: w.Join(code, w.Op(wasm.OpEnd))}
}

// TestPlacesOfProblems holds that what is refused comes with its place.
func TestPlacesOfProblems(t *testing.T) {
	for name, c := range map[string]struct {
		change            func(g *w.Builder)
		function, message string
		at                func(m *wasm.Module) int
	}{
		"body": {
			func(g *w.Builder) {
				imports(g)
				g.Function(nil, w.I32s(1), nil, w.I32Const(1))
				g.Function(nil, w.I32s(1), nil, w.I64Const(1))
			},
			"function 3", "cannot use i64 as result[0] type i32",
			func(m *wasm.Module) int { return m.Code[1].Offset },
		},
		"body of an export": {
			func(g *w.Builder) {
				imports(g)
				f := g.Function(nil, w.I32s(1), nil, w.I64Const(1))
				g.ExportFunction(`Subscription."f]: `, f)
				g.ExportFunction("other", f)
			},
			`Subscription."f]: `, "cannot use i64 as result[0] type i32",
			func(m *wasm.Module) int { return m.Code[0].Offset },
		},
		"index": {
			func(g *w.Builder) {
				imports(g)
				g.ExportFunction("f", g.Function(nil, nil, nil, w.Call(17)))
			},
			"f", "code section: function 17 does not exist",
			func(m *wasm.Module) int { return m.Code[0].Offset },
		},
		"start": {
			func(g *w.Builder) {
				imports(g)
				g.Start(g.Function(nil, w.I32s(1), nil, w.I32Const(1)))
			},
			"function 2", "start section: the start function must be of type () -> (), it is () -> i32",
			func(m *wasm.Module) int { return m.Offsets[wasm.SectionStart] },
		},
		"global": {
			func(g *w.Builder) {
				g.Global(wasm.I32, w.I32Const(1))
				g.Global(wasm.I64, w.I32Const(1))
			},
			"", "global section: global 1 must be of type i64, it is of type i32",
			func(m *wasm.Module) int { return m.Globals[1].Init.Offset },
		},
		"global of a global": {
			func(g *w.Builder) {
				g.Global(wasm.I32, w.GlobalGet(g.Constant(wasm.I32, w.I32Const(1))))
			},
			"", "global section: global 1 reads a global that is not an imported immutable one",
			func(m *wasm.Module) int { return m.Globals[1].Init.Offset },
		},
		"data address": {
			func(g *w.Builder) {
				g.Data(1, []byte("x"))
				g.Module().Data[0].Start = expression(w.I64Const(1))
			},
			"", "data section: the address of segment 0 must be of type i32, it is of type i64",
			func(m *wasm.Module) int { return m.Data[0].Start.Offset },
		},
		"table index": {
			func(g *w.Builder) {
				g.Table(wasm.FuncRef, 1)
				g.Elements(0, 0)
				g.Module().Elements[0].Start = expression(w.F32Const(1))
			},
			"", "element section: the table index of segment 0 must be of type i32, it is of type f32",
			func(m *wasm.Module) int { return m.Elements[0].Start.Offset },
		},
		"element": {
			func(g *w.Builder) {
				g.PassiveElements()
				e := &g.Module().Elements[0]
				e.UsesExpressions, e.Expressions = true, []wasm.Expression{expression(null(wasm.FuncRef)), expression(null(wasm.ExternRef))}
			},
			"", "element section: element 1 of segment 0 must be of type funcref, it is of type externref",
			func(m *wasm.Module) int { return m.Elements[0].Expressions[1].Offset },
		},
		"table of another type": {
			func(g *w.Builder) {
				g.Table(wasm.ExternRef, 1)
				g.Elements(0, 0, g.Function(nil, nil, nil))
			},
			"", "element section: element type mismatch",
			func(m *wasm.Module) int { return m.Offsets[wasm.SectionElement] },
		},
		"table limits": {
			func(g *w.Builder) { g.Table(wasm.FuncRef, 2, 1) },
			"", "table section: ",
			func(m *wasm.Module) int { return m.Offsets[wasm.SectionTable] },
		},
		"schema": {
			func(g *w.Builder) { g.Custom(abi.SchemaSection, []byte("# \uFFFD \xff")) },
			"", `the custom section "runnel.schema" is not valid UTF-8`,
			func(m *wasm.Module) int { return m.Customs[0].Offset + 6 },
		},
		"two schemas": {
			func(g *w.Builder) {
				g.Custom(abi.SchemaSection, []byte("# one"))
				g.Custom(abi.SchemaSection, []byte("# two"))
			},
			"", `the module has 2 custom sections "runnel.schema", one is allowed`,
			func(m *wasm.Module) int { return m.Customs[1].Offset },
		},
		"data outside": {
			func(g *w.Builder) {
				g.Data(65535, []byte("x"))
				g.Data(65535, []byte("xy"))
			},
			"", "data segment 1 has 2 bytes for the address 65535, the memory starts with 65536",
			func(m *wasm.Module) int { return m.Data[1].Offset },
		},
		"data far outside": {
			func(g *w.Builder) { g.Data(0xffff_ffff, []byte("xy")) },
			"", "data segment 0 has 2 bytes for the address 4294967295, the memory starts with 65536",
			func(m *wasm.Module) int { return m.Data[0].Offset },
		},
		"no data outside": {
			func(g *w.Builder) {
				g.Data(65536, nil)
				g.Data(65537, nil)
			},
			"", "data segment 1 has 0 bytes for the address 65537, the memory starts with 65536",
			func(m *wasm.Module) int { return m.Data[1].Offset },
		},
		"elements outside": {
			func(g *w.Builder) {
				f := g.Function(nil, nil, nil)
				g.Table(wasm.FuncRef, 9)
				g.Table(wasm.FuncRef, 3)
				g.Elements(1, 1, f, f)
				g.Elements(1, 2, f, f)
			},
			"", "element segment 1 has 2 elements for the index 2, the table starts with 3",
			func(m *wasm.Module) int { return m.Elements[1].Offset },
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := w.New()
			c.change(g)
			g.Memory(1)
			if len(g.Module().Customs) == 0 {
				g.Custom(abi.SchemaSection, []byte(schema))
			}
			binary := g.Bytes()
			m, err := wasm.Decode(binary)
			if err != nil {
				t.Fatal(err)
			}
			_, err = newEngine(t).Load(context.Background(), binary)
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) || len(refused.Problems) != 1 {
				t.Fatalf("error %v", err)
			}
			if c.at(m) <= 8 {
				t.Fatal("the place that is wanted is none")
			}
			p := refused.Problems[0]
			if p.Function != c.function || !strings.HasPrefix(p.Message, c.message) && !strings.HasSuffix(p.Message, c.message) || strings.Contains(p.Message, "[\"") {
				t.Errorf("%s: %s; want %s: %s", p.Function, p.Message, c.function, c.message)
			}
			if want := c.at(m); !p.HasOffset || p.Offset != want {
				t.Errorf("offset %d, %v; want %d", p.Offset, p.HasOffset, want)
			}
		})
	}
}

// TestValidate holds that any valid module passes, fit for a server or not.
func TestValidate(t *testing.T) {
	ctx := context.Background()
	foreign := w.New()
	foreign.Import("env", "abort", nil, nil)
	foreign.ImportMemory("env", "memory", 1)
	foreign.ImportGlobal("env", "base", wasm.I32, false)
	foreign.Global(wasm.I32, w.GlobalGet(0))
	if err := sandbox.Validate(ctx, foreign.Module()); err != nil {
		t.Error(err)
	}
	wrong := w.New()
	wrong.Function(nil, w.I32s(1), nil)
	var refused *sandbox.AdmissionError
	if err := sandbox.Validate(ctx, wrong.Module()); !errors.As(err, &refused) || refused.Problems[0].Function != "function 0" {
		t.Error(err)
	}
}
