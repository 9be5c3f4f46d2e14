package sandbox_test

import (
	"bytes"
	"context"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// longRuns are resolvers that burn all of their fuel in different ways.
func longRuns() map[string]func(g *sandboxtest.Guest) w.Code {
	const pages = 256 // 16 MiB
	grown := func(code w.Code) w.Code { return w.Join(w.I32Const(pages-1), w.MemoryGrow(), w.Drop(), code) }
	return map[string]func(g *sandboxtest.Guest) w.Code{
		"loop": func(*sandboxtest.Guest) w.Code { return sandboxtest.Forever() },
		// Each load goes to a place that depends on the last one's, and misses the caches.
		"misses": func(*sandboxtest.Guest) w.Code {
			return grown(forever(
				w.LocalGet(0), w.I32Const(1664525), w.Op(wasm.OpI32Mul), w.I32Const(1013904223), w.Op(wasm.OpI32Add), w.LocalTee(0),
				w.I32Const(8), w.Op(wasm.OpI32ShrU), w.I32Const(pages<<16-4), w.Op(wasm.OpI32And), w.I32Load(0),
				w.LocalGet(0), w.Op(wasm.OpI32Add), w.LocalSet(0),
			))
		},
		"copies": func(*sandboxtest.Guest) w.Code {
			return grown(forever(w.I32Const(0), w.I32Const(pages<<15), w.I32Const(pages<<15), w.MemoryCopy()))
		},
		// Nothing but loads, each of which needs the last one's result.
		"loads": func(*sandboxtest.Guest) w.Code {
			return grown(w.Join(circle(pages), forever(w.LocalGet(1), bytes.Repeat(w.I32Load(0), 8192), w.LocalSet(1))))
		},
		"divisions": func(*sandboxtest.Guest) w.Code {
			return forever(w.LocalGet(0), w.I32Const(7), w.Op(wasm.OpI32Or), w.LocalGet(0), w.I32Const(13), w.Op(wasm.OpI32Or, wasm.OpI32DivU), w.LocalSet(0))
		},
		"tables": func(g *sandboxtest.Guest) w.Code {
			table := g.Table(wasm.FuncRef, 30000)
			return forever(w.I32Const(0), w.I32Const(1), w.I32Const(29999), w.OpIndex(wasm.OpTableCopy, table, table))
		},
	}
}

// circle stores an address in each cache line of the memory, so that who follows
// them comes through all lines, in an order that nothing foresees.
func circle(pages int32) w.Code {
	const line = 6 // the logarithm of its length
	lines := pages << (16 - line)
	return w.Loop(w.Result(),
		w.LocalGet(0), w.I32Const(line), w.Op(wasm.OpI32Shl),
		w.LocalGet(0), w.I32Const(1664525), w.Op(wasm.OpI32Mul), w.I32Const(1013904223), w.Op(wasm.OpI32Add),
		w.I32Const(lines-1), w.Op(wasm.OpI32And), w.I32Const(line), w.Op(wasm.OpI32Shl),
		w.I32Store(0),
		w.LocalGet(0), w.I32Const(1), w.Op(wasm.OpI32Add), w.LocalTee(0), w.I32Const(lines), w.Op(wasm.OpI32LtU), w.BrIf(0),
	)
}

// BenchmarkCollection collects garbage again and again beside a run of two
// seconds. It gives, in ms, the longest pause that a collection caused, from
// when it asked all goroutines to stop until they went on; the same with no run
// under way, and beside a loop in Go, which the Go scheduler can interrupt
// anywhere: what is left of that is the machine's.
func BenchmarkCollection(b *testing.B) {
	for name, code := range longRuns() {
		b.Run(name, func(b *testing.B) {
			g := sandboxtest.New(schema)
			g.Resolver("Subscription.f", code(g))
			l := limits()
			l.MemoryBytes, l.FuelPerRun, l.WallMillisPerRun = 32<<20, 1<<60, 2000
			p := newPool(b, g.Bytes(), "", l)
			for b.Loop() {
				b.ReportMetric(longestPause(func() { time.Sleep(time.Second) })*1000, "alone-max-ms")
				b.ReportMetric(longestPause(goLoop)*1000, "go-max-ms")
				b.ReportMetric(longestPause(func() {
					var r sandbox.Result
					p.Run(context.Background(), "Subscription.f", event("1"), &r)
				})*1000, "beside-max-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// goLoop keeps a processor busy for two seconds.
func goLoop() {
	x := uint64(1)
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		for range 1_000_000 {
			x = x*6364136223846793005 + 1
		}
	}
	runtime.KeepAlive(x)
}

// longestPause collects garbage until work, on a goroutine of its own, is done.
// It returns the longest pause in seconds.
func longestPause(work func()) float64 {
	before := pauses()
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	for {
		runtime.GC()
		select {
		case <-done:
			return pauses().since(before)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// histogram counts pauses by their length.
type histogram metrics.Float64Histogram

func pauses() *histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	return (*histogram)(sample[0].Value.Float64Histogram())
}

// since returns the longest pause since then, as the upper end of its bucket in
// seconds.
func (h *histogram) since(then *histogram) (longest float64) {
	for i, n := range h.Counts {
		if n > then.Counts[i] {
			longest = h.Buckets[i+1]
		}
	}
	return longest
}
