package sandbox_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// distinct returns the Rust example as another upload.
func distinct(n int) []byte {
	out := append([]byte(nil), examples.OrdersRust...)
	section := append(wasm.AppendName(nil, "tenant"), byte(n), byte(n>>8), byte(n>>16))
	out = append(out, byte(wasm.SectionCustom))
	return append(wasm.AppendUint32(out, uint32(len(section))), section...)
}

// BenchmarkColdLoad brings the code of the Rust example back from the disk, and
// makes an instance with it.
func BenchmarkColdLoad(b *testing.B) {
	e := engineOf(b, sandbox.Config{CodeBytes: 1})
	m, err := e.Load(context.Background(), distinct(0))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("code", func(b *testing.B) {
		for b.Loop() {
			if err := e.Cold(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEvictedModule measures what a module takes in memory while its code
// does not.
func BenchmarkEvictedModule(b *testing.B) {
	const modules = 50
	for b.Loop() {
		e := engineOf(b, sandbox.Config{CodeBytes: 1})
		before := heap()
		held := make([]*sandbox.Module, modules)
		for n := range held {
			var err error
			if held[n], err = e.Load(context.Background(), distinct(n)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/modules, "bytes/evicted")
		for _, m := range held {
			if err := e.Warm(m); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/modules, "heap-bytes/loaded")
		code, outline := e.Sizes(held[0])
		b.ReportMetric(float64(code), "code-bytes")
		b.ReportMetric(float64(outline), "outline-bytes")
		runtime.KeepAlive(held)
	}
	b.ReportMetric(0, "ns/op")
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
