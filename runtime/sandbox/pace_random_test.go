package sandbox_test

import (
	"context"
	"flag"
	"runtime"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

var (
	generated = flag.Int("generated", 60, "how many random guests TestRandomGuestsSeeNothingOfTheirPace runs")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first one")
)

// TestRandomGuestsSeeNothingOfTheirPace holds that a random module does and costs the same whether or not it
// gives way at each safepoint, while another instance of it runs, and leaves no mark for the next run. What it has
// left in its memory and its globals decides what it costs.
func TestRandomGuestsSeeNothingOfTheirPace(t *testing.T) {
	l := limits()
	l.FuelPerRun, l.WallMillisPerRun = 1<<40, 3_600_000
	n := *generated
	if raceEnabled {
		n = (n + 9) / 10
	}
	e := newEngine(t)
	ways, ended := 0, 0
	for seed := *firstSeed; seed < *firstSeed+uint64(n); seed++ {
		m, err := e.Load(context.Background(), randomGuest(random.FromSeed(seed)))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		b := poolOf(t, m, "", l)
		same := func(when string, want, got *sandbox.Result) {
			if describe(got) != describe(want) || got.Fuel != want.Fuel {
				t.Errorf("seed %d, %s: %s with %d units; want %s with %d", seed, when, describe(got), got.Fuel, describe(want), want.Fuel)
			}
		}
		plain := run(b, "Subscription.f", event("1"))
		if plain.Fault == nil {
			ended++
		}
		in := &paced{fixed: event("1")}
		in.giveWay = func() bool {
			if ways++; ways%10 != 0 {
				runtime.Gosched()
				return true
			}
			other := make(chan *sandbox.Result)
			go func() { other <- run(b, "Subscription.f", event("1")) }()
			same("beside one that gives way", plain, <-other)
			return true
		}
		same("giving way", plain, run(b, "Subscription.f", in))
		same("behind it", plain, run(b, "Subscription.f", event("1")))
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Release(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d guests, of which %d end without a fault, gave way %d times", n, ended, ways)
	if ended < n/2 || ways < 5*n {
		t.Error("too few to tell")
	}
}

// randomGuest makes a guest of a random module. Its resolver calls the module's function run, spends units by
// what that left, and does so again from there.
func randomGuest(from random.Module) []byte {
	m, err := wasm.Decode(from.Wasm)
	if err != nil {
		panic(err)
	}
	// A function of WASI with the type of the one that the module imports.
	m.Imports[0].Module, m.Imports[0].Name = "wasi_snapshot_preview1", "fd_close"
	m.Customs = append(m.Customs, wasm.Custom{Name: abi.SchemaSection, Bytes: []byte(schema), After: wasm.SectionData})
	exports := map[string]uint32{}
	for _, e := range m.Exports {
		if e.Kind == wasm.Function {
			exports[e.Name] = e.Index
		}
	}
	run, state := exports["run"], exports["state"]
	code := w.Join(
		arguments(m.Types[m.Functions[run-1]].Params, from.Arguments), w.Call(run), digest(from.RunResults),
		w.Call(state), digest(from.StateResults), digestMemory(), spend(),
	)
	m.Exports = append(m.Exports, wasm.Export{Name: "Subscription.f", Kind: wasm.Function, Index: uint32(1 + len(m.Functions))})
	m.Functions = append(m.Functions, uint32(len(m.Types)))
	m.Types = append(m.Types, wasm.FunctionType{Results: w.I32s(1)})
	m.Code = append(m.Code, wasm.Body{
		Locals: []wasm.LocalGroup{{Count: 1, Type: wasm.I64}, {Count: 1, Type: wasm.I32}},
		Code:   w.Join(code, code, code, sandboxtest.Verdict(abi.Skip), w.Op(wasm.OpEnd)),
	})
	return m.Encode()
}

// The locals of what randomGuest adds.
const (
	localDigest  = iota // i64
	localAddress        // i32
)

// arguments pushes what a function takes; of references to host objects, which a guest has none of, null.
func arguments(types []wasm.ValueType, words []uint64) (c w.Code) {
	for _, t := range types {
		switch t {
		case wasm.I32:
			c = append(c, w.I32Const(int32(words[0]))...)
		case wasm.I64:
			c = append(c, w.I64Const(int64(words[0]))...)
		case wasm.F32:
			c = append(c, w.Join(w.I32Const(int32(words[0])), w.Op(wasm.OpF32ReinterpretI32))...)
		case wasm.F64:
			c = append(c, w.Join(w.I64Const(int64(words[0])), w.Op(wasm.OpF64ReinterpretI64))...)
		case wasm.V128:
			c = append(c, w.Join(w.I64Const(int64(words[0])), w.Op(wasm.OpI64x2Splat))...)
			words = words[1:]
		default:
			c = append(c, null(t)...)
		}
		words = words[1:]
	}
	return c
}

// digest takes values off the stack; of references only whether they are null.
func digest(types []wasm.ValueType) (c w.Code) {
	for i := len(types) - 1; i >= 0; i-- {
		switch types[i] {
		case wasm.I32:
			c = append(c, w.Op(wasm.OpI64ExtendI32U)...)
		case wasm.F32:
			c = append(c, w.Op(wasm.OpI32ReinterpretF32, wasm.OpI64ExtendI32U)...)
		case wasm.F64:
			c = append(c, w.Op(wasm.OpI64ReinterpretF64)...)
		case wasm.V128:
			c = append(c, append(w.Op(wasm.OpI64x2ExtractLane), 1)...)
		case wasm.FuncRef, wasm.ExternRef:
			c = append(c, w.Op(wasm.OpRefIsNull, wasm.OpI64ExtendI32U)...)
		}
		c = append(c, mix()...)
	}
	return c
}

// mix takes an i64 off the stack.
func mix() w.Code {
	return w.Join(w.LocalGet(localDigest), w.Op(wasm.OpI64Xor), w.I64Const(-0x61c8864680b583eb), w.Op(wasm.OpI64Mul), w.LocalSet(localDigest))
}

// digestMemory takes the whole memory, which is a few slices.
func digestMemory() w.Code {
	var words w.Code
	for at := uint32(0); at < 64; at += 8 {
		words = append(words, w.Join(w.LocalGet(localAddress), w.OpMemory(wasm.OpI64Load, 0, at), mix())...)
	}
	return w.Join(w.I32Const(0), w.LocalSet(localAddress), w.Block(w.Result(), w.Loop(w.Result(),
		w.LocalGet(localAddress), w.MemorySize(), w.I32Const(16), w.Op(wasm.OpI32Shl, wasm.OpI32GeU), w.BrIf(1),
		words, w.LocalGet(localAddress), w.I32Const(64), w.Op(wasm.OpI32Add), w.LocalSet(localAddress), w.Br(0))))
}

// spend takes one unit or more for each of what ten bits of the digest say.
func spend() w.Code {
	return w.Join(
		w.LocalGet(localDigest), w.I64Const(54), w.Op(wasm.OpI64ShrU, wasm.OpI32WrapI64), w.LocalSet(localAddress),
		w.Block(w.Result(), w.Loop(w.Result(), w.LocalGet(localAddress), w.Op(wasm.OpI32Eqz), w.BrIf(1),
			w.LocalGet(localAddress), w.I32Const(1), w.Op(wasm.OpI32Sub), w.LocalSet(localAddress), w.Br(0))))
}
