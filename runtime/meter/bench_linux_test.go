package meter_test

import (
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// kernels are small loops, whose export "kernel" takes the number of turns.
func kernels() map[string][]byte {
	i32, i64 := []wasm.ValueType{wasm.I32}, []wasm.ValueType{wasm.I64}
	// turn counts parameter 0 down and branches back while it is not 0.
	turn := Join(LocalGet(0), I32Const(1), Op(wasm.OpI32Sub), LocalTee(0), BrIf(0))
	kernel := func(locals []wasm.ValueType, add func(b *Builder) Code) []byte {
		b := New()
		b.Memory(2, 2)
		code := add(b)
		b.ExportFunction("kernel", b.Function(i32, i64, locals, Loop(Result(), code, turn), LocalGet(1)))
		return b.Bytes()
	}
	return map[string][]byte{
		"arithmetic": kernel(i64, func(*Builder) Code {
			return Join(
				LocalGet(1), I64Const(6364136223846793005), Op(wasm.OpI64Mul), I64Const(1442695040888963407), Op(wasm.OpI64Add),
				LocalTee(1), LocalGet(1), I64Const(33), Op(wasm.OpI64ShrU), Op(wasm.OpI64Xor), LocalSet(1),
			)
		}),
		"calls": kernel(i64, func(b *Builder) Code {
			f := b.Function(i64, i64, nil, LocalGet(0), I64Const(3), Op(wasm.OpI64Add))
			return Join(LocalGet(1), Call(f), LocalSet(1))
		}),
		"bytes": kernel(i64, func(*Builder) Code {
			return Join(
				LocalGet(1), LocalGet(0), I32Const(0xffff), Op(wasm.OpI32And), I32Load8U(0),
				Op(wasm.OpI64ExtendI32U, wasm.OpI64Add), LocalSet(1),
			)
		}),
		"stores": kernel(i64, func(*Builder) Code {
			return Join(
				LocalGet(0), I32Const(0xffff), Op(wasm.OpI32And), LocalGet(0), I32Store8(0),
			)
		}),
	}
}

// BenchmarkOverhead runs small loops as they are and metered, and gives the ratio: the median of
// interleaved pairs, with the range. What counts is the thread's own time, so that other work on the machine
// disturbs less.
func BenchmarkOverhead(b *testing.B) {
	for _, name := range []string{"arithmetic", "calls", "bytes", "stores"} {
		b.Run(name, func(b *testing.B) {
			e := newEngine(b, wazero.NewRuntimeConfigCompiler())
			plain := e.instantiate(kernels()[name])
			metered := e.metered(kernels()[name], meter.Options{})
			const turns = 20_000_000
			run := func(g *guest) time.Duration {
				start := threadTime(b)
				if _, err := g.call("kernel", turns); err != nil {
					b.Fatal(err)
				}
				return threadTime(b) - start
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var ratios []float64
			for range max(b.N, 21) {
				metered.setFuel(1 << 50)
				p, m := run(plain), run(metered)
				ratios = append(ratios, float64(m)/float64(p))
			}
			slices.Sort(ratios)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ratios[len(ratios)/2], "times")
			b.ReportMetric(ratios[0], "times-min")
			b.ReportMetric(ratios[len(ratios)-1], "times-max")
		})
	}
}

// threadTime is how long this thread has been running.
func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if err := syscall.Getrusage(thread, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano())
}
