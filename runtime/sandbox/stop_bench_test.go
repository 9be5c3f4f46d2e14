package sandbox_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// BenchmarkStop has runs stopped that would never end. It gives, in ms, how long
// they went on after their context was cancelled, and after their time on the
// clock was up; and, as what the machine adds to that, how late a timer was with
// no run under way.
func BenchmarkStop(b *testing.B) {
	for name, code := range longRuns() {
		g := sandboxtest.New(schema)
		g.Resolver("Subscription.f", g.Call(abi.ImportLog, w.I32Const(int32(abi.LogInfo)), g.Text("begins")), code(g))
		binary := g.Bytes()
		b.Run(name+"/cancelled", func(b *testing.B) { benchmarkStop(b, binary, time.Hour, stopAfter) })
		b.Run(name+"/clock", func(b *testing.B) { benchmarkStop(b, binary, stopAfter, time.Hour) })
	}
}

const (
	stopAfter  = 20 * time.Millisecond
	stopRuns   = 50
	stopTarget = 10 // ms
)

// benchmarkStop has each run stopped by its time on the clock or by its context,
// whichever comes first after it began.
func benchmarkStop(b *testing.B, binary []byte, wall, cancelAfter time.Duration) {
	l := limits()
	l.MemoryBytes, l.FuelPerRun, l.WallMillisPerRun = 32<<20, 1<<60, wall.Milliseconds()
	m, err := newEngine(b).Load(context.Background(), binary)
	if err != nil {
		b.Fatal(err)
	}
	var began func()
	p := m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits { return l }, Log: func(line sandbox.Line) {
		if line.Message == "begins" {
			began()
		}
	}})
	var late, alone []time.Duration
	for b.Loop() {
		for range stopRuns {
			ctx, cancel := context.WithCancel(context.Background())
			due := make(chan time.Time, 1)
			began = func() {
				if wall < cancelAfter {
					due <- time.Now().Add(wall)
					return
				}
				time.AfterFunc(cancelAfter, func() {
					due <- time.Now()
					cancel()
				})
			}
			var r sandbox.Result
			p.Run(ctx, "Subscription.f", event("1"), &r)
			late = append(late, time.Since(<-due))
			cancel()
			if r.Fault == nil || !r.Fault.Unrepeatable {
				b.Fatalf("%+v", r.Fault)
			}
			up := time.Now().Add(stopAfter)
			<-time.After(stopAfter)
			alone = append(alone, time.Since(up))
		}
	}
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
	for unit, durations := range map[string][]time.Duration{"": late, "alone-": alone} {
		slices.Sort(durations)
		b.ReportMetric(milliseconds(durations[len(durations)/2]), unit+"median-ms")
		b.ReportMetric(milliseconds(durations[len(durations)-1]), unit+"max-ms")
	}
	b.ReportMetric(stopTarget, "target-ms")
	b.ReportMetric(0, "ns/op")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
