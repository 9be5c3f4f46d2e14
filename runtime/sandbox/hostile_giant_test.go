package sandbox_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// giants are the modules of the corpus that would be long as text. What comes of
// them is said as there.
func giants(t *testing.T) (corpus []*hostile) {
	t.Helper()
	const (
		skips = ";; upload: admitted\n;; run Subscription.f: skip"
		burns = ";; upload: admitted\n;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun \"all of its 10000000 units of fuel are used\""
		stack = ";; upload: admitted\n;; run Subscription.f: RESOLVER_TRAP \"stack\""
	)
	for _, c := range []struct {
		name, text string
		build      func(g *sandboxtest.Guest)
	}{
		{"blocks as deep as may be", skips, func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", nested(wasm.OpBlock, 4000), w.I32Const(0))
		}},
		{"blocks a level deeper", ";; upload: refused \"blocks are nested deeper than 4000\" in \"Subscription.f\" at 8268", func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", nested(wasm.OpBlock, 4001), w.I32Const(0))
		}},
		{"blocks of half a mebibyte", ";; upload: refused \"blocks are nested deeper than 4096\" in \"function 8\" at 8462", func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", nested(wasm.OpBlock, 1<<18), w.I32Const(0))
		}},
		{"ifs that no else follows", ";; upload: refused \"unexpected end\" in \"function 8\" at 2269", func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", bytes.Repeat(w.Join(w.I32Const(0), w.Code{byte(wasm.OpIf), 0x40}), 500))
		}},
		{"br_table of 10,000 labels", skips, func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", w.Block(w.Result(), w.I32Const(-1), w.BrTable(make([]uint32, 10_000)...)), w.I32Const(0))
		}},
		{"br_table of one label more than there may be", ";; upload: refused \"br_table has 65521 labels, at most 65520 are allowed\" in \"function 8\" at 275", func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", w.Block(w.Result(), w.I32Const(-1), w.BrTable(make([]uint32, wasm.MaxBranchTargets+2)...)), w.I32Const(0))
		}},
		{"br_table in a loop", burns, func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", w.Loop(w.Result(), w.I32Const(8_000), w.BrTable(make([]uint32, 10_000)...)), sandboxtest.Trap())
		}},
		{"as many locals as may be", skips, func(g *sandboxtest.Guest) {
			many := g.Function(nil, nil, repeat(wasm.I64, 10_000))
			g.Resolver("Subscription.f", w.Call(many), w.I32Const(0))
		}},
		{"one local more", ";; upload: refused \"10001 parameters and locals, at most 10000 are allowed\" in \"function 8\" at 271", func(g *sandboxtest.Guest) {
			many := g.Function(nil, nil, repeat(wasm.I64, 10_001))
			g.Resolver("Subscription.f", w.Call(many), w.I32Const(0))
		}},
		{"locals that live through recursion", stack, func(g *sandboxtest.Guest) {
			const locals = 500
			self := g.Declare(nil, nil)
			var set, sum w.Code
			for n := range uint32(locals) {
				set = w.Join(set, w.MemorySize(), w.LocalSet(n))
				sum = w.Join(sum, w.LocalGet(n), w.I32Const(1), w.Op(wasm.OpI32Add), w.LocalSet(n), w.I32Const(0), w.LocalGet(n), w.I32Store(0))
			}
			g.Define(self, w.I32s(locals), set, w.Call(self), sum)
			g.Resolver("Subscription.f", w.Call(self), w.I32Const(0))
		}},
		{"locals that are only declared in recursion", stack, func(g *sandboxtest.Guest) {
			self := g.Declare(nil, nil)
			g.Define(self, w.I32s(1000), w.Call(self))
			g.Resolver("Subscription.f", w.Call(self), w.I32Const(0))
		}},
		{"a body without a branch", skips, func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", bytes.Repeat(w.Join(w.I32Const(1), w.LocalSet(0)), 50_000), w.I32Const(0))
		}},
		{"a loop around a body without a branch", burns, func(g *sandboxtest.Guest) {
			g.Resolver("Subscription.f", w.Loop(w.Result(), bytes.Repeat(w.Join(w.I32Const(1), w.LocalSet(0)), 20_000), w.Br(0)), sandboxtest.Trap())
		}},
		{"custom sections without content", skips, func(g *sandboxtest.Guest) {
			for range 90 {
				g.Custom("x", nil)
			}
			g.Resolver("Subscription.f", w.I32Const(0))
		}},
		{"more custom sections than there may be", ";; upload: refused \"more than 200000 custom sections\" at 600360", func(g *sandboxtest.Guest) {
			for range wasm.MaxEntries {
				g.Custom("", nil)
			}
			g.Resolver("Subscription.f", w.I32Const(0))
		}},
		{"a custom section of 300 KB", skips, func(g *sandboxtest.Guest) {
			g.Custom("name", bytes.Repeat([]byte{0xff}, 300_000))
			g.Resolver("Subscription.f", w.I32Const(0))
		}},
		{"names of 100 KB", ";; upload: admitted\n;; run Subscription." + long + ": RESOLVER_TRAP \"unreachable\"", func(g *sandboxtest.Guest) {
			g.ExportFunction(long, g.Function(nil, nil, nil))
			g.Resolver("Subscription."+long, sandboxtest.Trap())
		}},
		{"imports by the hundred", skips, func(g *sandboxtest.Guest) {
			for range 900 {
				g.Import(abi.ModuleName, abi.ImportPermitted, w.I32s(2), w.I32s(1))
			}
			g.Resolver("Subscription.f", w.I32Const(0))
		}},
		{"segments by the thousand", skips, func(g *sandboxtest.Guest) {
			for n := range uint32(10_000) {
				g.Data(n, []byte{1})
				g.PassiveData(nil)
			}
			g.Resolver("Subscription.f", w.I32Const(0))
		}},
		{"globals by the thousand", skips, func(g *sandboxtest.Guest) {
			for range 1_000 {
				g.Global(wasm.I64, w.I64Const(0))
			}
			g.Resolver("Subscription.f", w.GlobalGet(999), w.Op(wasm.OpI32WrapI64), w.I64Const(1), w.GlobalSet(999))
		}},
	} {
		g := sandboxtest.New(schema)
		c.build(g)
		g.Resolver(okResolver, g.Output(`"ok"`))
		corpus = append(corpus, expecting(t, c.name, c.text, g.Bytes()))
	}
	return corpus
}

// long is a name of 100 KB.
var long = strings.Repeat("a", 100_000)

// nested is blocks of nothing in each other.
func nested(op wasm.Opcode, levels int) w.Code {
	return w.Join(bytes.Repeat(w.Code{byte(op), 0x40}, levels), bytes.Repeat(w.Op(wasm.OpEnd), levels))
}

func repeat(t wasm.ValueType, n int) []wasm.ValueType {
	types := make([]wasm.ValueType, n)
	for i := range types {
		types[i] = t
	}
	return types
}
