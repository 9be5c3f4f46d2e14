package sandbox

import (
	"context"
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/bench"
)

// orderInputs are an event of the example, for a subscriber without permissions.
type orderInputs struct{}

var orderEvent = []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`)

func (orderInputs) ID() string                      { return "e1" }
func (orderInputs) Input(k abi.Kind) ([]byte, bool) { return orderEvent, k == abi.InputEvent }
func (orderInputs) Argument(string) ([]byte, bool)  { return nil, false }
func (orderInputs) Claim(string) ([]byte, bool)     { return nil, false }
func (orderInputs) Permitted(string) bool           { return false }

func exampleModule(t testing.TB, example string) []byte {
	t.Helper()
	binary, err := os.ReadFile(filepath.Join("..", "..", "plugins", "examples", example, example+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func examplePool(b *testing.B, example string) *Pool {
	b.Helper()
	binary := exampleModule(b, example)
	e, err := New(context.Background(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	m, err := e.Load(context.Background(), binary)
	if err != nil {
		b.Fatal(err)
	}
	limits := Limits{FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20, LogBytesPerRun: 1 << 10}
	p := m.Pool(PoolConfig{Limits: func() Limits { return limits }})
	b.Cleanup(func() {
		if err := errors.Join(p.Close(), e.Close(context.Background())); err != nil {
			b.Error(err)
		}
	})
	return p
}

// BenchmarkRun is one run of the example resolver, reset included.
func BenchmarkRun(b *testing.B) {
	for _, example := range []string{"orders-rust", "orders-assemblyscript", "orders-go"} {
		b.Run(example, func(b *testing.B) {
			p := examplePool(b, example)
			var in Inputs = orderInputs{}
			var r Result
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				p.Run(ctx, "Subscription.orderUpdated", in, &r)
				if r.Fault != nil || !r.HasOutput {
					b.Fatalf("%+v", r)
				}
			}
			b.ReportMetric(float64(r.Fuel), "fuel/run")
		})
	}
}

// BenchmarkFreshAgainstReset compares a fresh instance with one that is reset
// after a run, in interleaved pairs: the ratio is the median, with its range.
// Each reset puts back what the run has written.
func BenchmarkFreshAgainstReset(b *testing.B) {
	for _, example := range []string{"orders-rust", "orders-assemblyscript", "orders-go"} {
		b.Run(example, func(b *testing.B) {
			p := examplePool(b, example)
			limits := p.config.Limits()
			i, fault := p.lease(context.Background(), limits, nil)
			if fault != nil {
				b.Fatal(fault)
			}
			defer p.giveBack(i, true, nil)
			var result Result
			i.run(context.Background(), "Subscription.orderUpdated", orderInputs{}, limits, &result)
			if result.Fault != nil {
				b.Fatal(result.Fault)
			}
			marks := i.dirty.Get() | i.written
			const pairs, freshEach, resetEach = 9, 20, 2000
			var fresh, reset, ratios []float64
			for b.Loop() {
				for range pairs {
					f := perCall(freshEach, func() {
						other, fault := p.instantiate(context.Background(), limits, nil)
						if fault != nil {
							b.Fatal(fault)
						}
						other.close()
					})
					r := perCall(resetEach, func() {
						i.written = marks
						if !i.reset(p.mu.image, nil) {
							b.Fatal("no reset")
						}
					})
					fresh, reset, ratios = append(fresh, f), append(reset, r), append(ratios, f/r)
				}
			}
			b.ReportMetric(float64(bits.OnesCount64(marks)<<p.module.compiled.regionShift)/1024, "reset-KiB")
			b.ReportMetric(bench.Median(fresh), "fresh-ns")
			b.ReportMetric(bench.Median(reset), "reset-ns")
			b.ReportMetric(bench.Median(ratios), "ratio")
			b.ReportMetric(slices.Min(ratios), "ratio-min")
			b.ReportMetric(slices.Max(ratios), "ratio-max")
		})
	}
}

func perCall(n int, call func()) float64 {
	start := time.Now()
	for range n {
		call()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}
