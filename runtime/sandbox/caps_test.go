package sandbox_test

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// times calls f with 0 to n-1.
func times(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

func repeated(n int, code w.Code) w.Code { return slices.Repeat(code, n) }

// TestCaps holds that each cap lets its limit through, and refuses one more with
// the place.
func TestCaps(t *testing.T) {
	for name, c := range map[string]struct {
		limit    int
		make     func(g *sandboxtest.Guest, n int)
		want     string
		function bool
	}{
		// The guest has 6 types and 8 imports of its own, the resolver one function and one export.
		"types": {1000, func(g *sandboxtest.Guest, n int) {
			times(n-len(g.Module().Types), func(i int) { g.Module().Types = append(g.Module().Types, wasm.FunctionType{}) })
		}, "types", false},
		"parameters": {128, func(g *sandboxtest.Guest, n int) { g.Type(w.I32s(n), nil) }, "parameters", false},
		"results":    {16, func(g *sandboxtest.Guest, n int) { g.Type(nil, w.I32s(n)) }, "results", false},
		"functions": {50_000, func(g *sandboxtest.Guest, n int) {
			times(n-len(g.Module().Functions), func(int) { g.Function(nil, nil, nil) })
		}, "functions", false},
		"tables":        {16, func(g *sandboxtest.Guest, n int) { times(n, func(int) { g.Table(wasm.FuncRef, 0) }) }, "tables", false},
		"table minima":  {65_536, func(g *sandboxtest.Guest, n int) { g.Table(wasm.FuncRef, 1); g.Table(wasm.FuncRef, uint32(n-1)) }, "tables start with", false},
		"globals":       {1000, func(g *sandboxtest.Guest, n int) { times(n, func(int) { g.Constant(wasm.I32, w.I32Const(0)) }) }, "globals", false},
		"data segments": {100_000, func(g *sandboxtest.Guest, n int) { times(n-len(g.Module().Data), func(int) { g.Data(0, nil) }) }, "data segments", false},
		"exports": {5000, func(g *sandboxtest.Guest, n int) {
			times(n-len(g.Module().Exports), func(i int) { g.Export("e"+strconv.Itoa(i), wasm.Memory, 0) })
		}, "exports", false},
		"custom sections": {100, func(g *sandboxtest.Guest, n int) {
			times(n-len(g.Module().Customs), func(int) { g.Custom("c", []byte{0}) })
		}, "custom sections", false},
		"element segments": {1000, func(g *sandboxtest.Guest, n int) {
			g.Table(wasm.FuncRef, 1)
			times(n, func(int) { g.Elements(0, 0) })
		}, "element segments", false},
		"elements": {65_536, func(g *sandboxtest.Guest, n int) { g.DeclareElements(make([]uint32, n)...) }, "elements in its segments", false},
		"body bytes": {512 << 10, func(g *sandboxtest.Guest, n int) {
			long := w.Join(w.F64Const(0), w.Drop()) // 10 bytes
			g.Function(nil, nil, nil, repeated((n-1)/10, long), repeated((n-1)%10, w.Op(wasm.OpNop)))
		}, "bytes, at most", true},
		"instructions": {300_000, func(g *sandboxtest.Guest, n int) {
			g.Function(nil, nil, nil, repeated(n-1, w.Op(wasm.OpNop)))
		}, "instructions", true},
		"locals": {10_000, func(g *sandboxtest.Guest, n int) { g.Function(w.I32s(3), nil, w.I32s(n-3)) }, "parameters and locals", true},
		"loops times locals": {65_536, func(g *sandboxtest.Guest, n int) {
			code := w.Loop(w.Result())
			times((n-1)/8192, func(int) { code = w.Loop(w.Result(), code) })
			g.Function(nil, nil, w.I32s(8192), code)
		}, "loops nested", true},
		"nesting": {4000, func(g *sandboxtest.Guest, n int) {
			g.Function(nil, nil, nil, repeated(n, w.Code{byte(wasm.OpBlock), 0x40}), repeated(n, w.Op(wasm.OpEnd)))
		}, "nested deeper", true},
		"labels of a body": {32_768, func(g *sandboxtest.Guest, n int) {
			g.Function(nil, nil, nil, w.I32Const(0), w.BrTable(make([]uint32, n)...))
		}, "br_tables of the function", true},
		"labels": {500_000, func(g *sandboxtest.Guest, n int) {
			for ; n > 0; n -= 2000 {
				g.Function(nil, nil, nil, w.I32Const(0), w.BrTable(make([]uint32, min(n, 2000))...))
			}
		}, "br_tables of the module", true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, over := range []int{0, 1} {
				g := sandboxtest.New(schema)
				g.Resolver("Subscription.f", g.Output(`"x"`))
				c.make(g, c.limit+over)
				i, err := newEngine(t).Inspect(context.Background(), g.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				if over == 0 {
					if len(i.Problems) > 0 {
						t.Errorf("at the limit: %+v", i.Problems[0])
					}
					continue
				}
				if len(i.Problems) != 1 {
					t.Fatalf("past the limit: %+v", i.Problems)
				}
				if p := i.Problems[0]; !strings.Contains(p.Message, c.want) || !p.HasOffset || (p.Function != "") != c.function {
					t.Errorf("past the limit: %+v", p)
				}
			}
		})
	}
}

// TestImportsAreCapped is apart from the others since imports come first.
func TestImportsAreCapped(t *testing.T) {
	for _, n := range []int{1000, 1001} {
		g := sandboxtest.New(schema)
		times(n-len(g.Module().Imports), func(int) { g.Import("runnel_v1", "log", w.I32s(3), nil) })
		i, err := newEngine(t).Inspect(context.Background(), g.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(i.Problems) > 0; refused != (n > 1000) {
			t.Errorf("%d imports: %+v", n, i.Problems)
		}
	}
}

// TestStepsAreCapped finds the most that is let through of a body that costs
// compilers more than its length, and holds that one more is refused with it.
func TestStepsAreCapped(t *testing.T) {
	e := newEngine(t)
	refused := func(blocks int) (string, bool) {
		g := sandboxtest.New(schema)
		g.Function(nil, nil, w.I32s(500), repeated(blocks, w.Block(w.Result(), w.LocalGet(0), w.BrIf(0))))
		g.Resolver("Subscription.f", g.Output(`"x"`))
		i, err := e.Inspect(context.Background(), g.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(i.Problems) == 0 {
			return "", false
		}
		p := i.Problems[0]
		return p.Function + ": " + p.Message, true
	}
	limit := sort.Search(10_000, func(blocks int) bool { _, no := refused(blocks); return no })
	text, no := refused(limit)
	if _, before := refused(limit - 1); !no || before || limit < 1000 || !strings.Contains(text, "function 8: ") || !strings.Contains(text, "steps to compile") {
		t.Errorf("%d blocks: %s", limit, text)
	}
}
