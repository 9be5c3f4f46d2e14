package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// kernel is a loop that shows the cost of fuel at its worst: its module exports
// "run", which takes a number of turns and returns a number that depends on all.
type kernel struct {
	name  string
	turns int32
	code  []byte
}

func kernels() []kernel {
	return []kernel{
		{"an arithmetic loop", 500_000, arithmetic()},
		{"a call loop", 300_000, calls()},
		{"a tight byte loop", 16, byteSum()},
	}
}

// Locals of the kernels; the parameter comes first.
const turns, sum, at = 0, 1, 2

// repeat repeats code until turns is 0.
func repeat(code ...w.Code) w.Code {
	return w.Loop(w.Result(), w.Join(code...),
		w.LocalGet(turns), w.I32Const(1), w.Op(wasm.OpI32Sub), w.LocalTee(turns), w.BrIf(0))
}

func module(b *w.Builder, code ...w.Code) []byte {
	locals := w.I32s(2)
	b.ExportFunction("run", b.Function(w.I32s(1), w.I32s(1), locals, append(code, w.LocalGet(sum))...))
	return b.Bytes()
}

// arithmetic is a random number generator: sum = (sum * a + turns) ^ (sum >> 7).
func arithmetic() []byte {
	return module(w.New(), repeat(
		w.LocalGet(sum), w.I32Const(1664525), w.Op(wasm.OpI32Mul), w.LocalGet(turns), w.Op(wasm.OpI32Add),
		w.LocalGet(sum), w.I32Const(7), w.Op(wasm.OpI32ShrU), w.Op(wasm.OpI32Xor), w.LocalSet(sum),
	))
}

// calls adds through a function: sum = add(sum, turns).
func calls() []byte {
	b := w.New()
	add := b.Function(w.I32s(2), w.I32s(1), nil, w.LocalGet(0), w.LocalGet(1), w.Op(wasm.OpI32Add))
	return module(b, repeat(w.LocalGet(sum), w.LocalGet(turns), w.Call(add), w.LocalSet(sum)))
}

// byteSum adds up the 64 KiB of the memory, a byte at a time.
func byteSum() []byte {
	b := w.New()
	b.Memory(1)
	b.Data(0, []byte("so that the sum is not 0"))
	return module(b, repeat(
		w.I32Const(0), w.LocalSet(at),
		w.Loop(w.Result(),
			w.LocalGet(sum), w.LocalGet(at), w.I32Load8U(0), w.Op(wasm.OpI32Add), w.LocalSet(sum),
			w.LocalGet(at), w.I32Const(1), w.Op(wasm.OpI32Add), w.LocalTee(at),
			w.I32Const(65536), w.Op(wasm.OpI32Ne), w.BrIf(0)),
	))
}

// runner calls a kernel once.
type runner func() (int32, error)

// kernelFuel is more than any kernel takes.
const kernelFuel = 1 << 40

// kernelRows compares both ways of counting with not counting, each on its own
// engine.
func kernelRows(ctx context.Context, s settings) (rows []bench.Row, err error) {
	runtime := wazero.NewRuntime(ctx)
	defer func() { err = errors.Join(err, runtime.Close(ctx)) }()
	for _, k := range kernels() {
		ours, err := wazeroPair(ctx, runtime, k)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		runners := ours[:]
		if withWasmtime {
			theirs, err := wasmtimePair(k)
			if err != nil {
				return nil, fmt.Errorf("%s on wasmtime: %w", k.name, err)
			}
			runners = append(runners, theirs[:]...)
		}
		more, err := compareKernel(s, k, runners)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// compareKernel takes the runners with and without fuel, wasmtime's last.
func compareKernel(s settings, k kernel, runners []runner) ([]bench.Row, error) {
	want, err := runners[0]()
	if err != nil {
		return nil, err
	}
	var pairs [][2]bench.Side
	for i := 0; i < len(runners); i += 2 {
		pairs = append(pairs, [2]bench.Side{runners[i].side(want), runners[i+1].side(want)})
	}
	measured, err := bench.Interleave(s.pairs, pairs...)
	if err != nil {
		return nil, err
	}
	limit, why := overheadTarget, "≤ 1.10 (without wasmtime)"
	var rows []bench.Row
	if len(measured) > 1 {
		own := bench.Median(measured[1].Ratios())
		limit, why = max(limit, own), fmt.Sprintf("≤ max(1.10, wasmtime's %.2f)", own)
		rows = append(rows, bench.Row{What: "  the same on wasmtime", Measured: measured[1].String()})
	}
	first := bench.Row{What: "fuel overhead, " + k.name, Measured: measured[0].String(), Target: why, Verdict: bench.AtMost(bench.Median(measured[0].Ratios()), limit)}
	return append([]bench.Row{first}, rows...), nil
}

func (r runner) side(want int32) bench.Side {
	return bench.Each(func() error {
		got, err := r()
		if err == nil && got != want {
			err = fmt.Errorf("the result is %d, another engine's %d", got, want)
		}
		return err
	})
}

// wazeroPair returns the kernel rewritten and as it is.
func wazeroPair(ctx context.Context, runtime wazero.Runtime, k kernel) (pair [2]runner, err error) {
	m, err := wasm.Decode(k.code)
	if err != nil {
		return pair, err
	}
	rewritten, err := meter.Rewrite(m, sandbox.Config{}.Metering())
	if err != nil {
		return pair, err
	}
	for i, code := range [][]byte{rewritten.Wasm, k.code} {
		module, err := runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return pair, err
		}
		call, stack := module.ExportedFunction("run"), make([]uint64, 1)
		counter := counterOf(module)
		pair[i] = func() (int32, error) {
			counter.set(kernelFuel)
			stack[0] = uint64(k.turns)
			err := call.CallWithStack(ctx, stack)
			return int32(stack[0]), err
		}
	}
	return pair, nil
}
