package sandbox_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/plugins/examples"
	measure "github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// touch writes or reads a byte every so many bytes of so many pages.
func touch(pages, every int32, write bool) w.Code {
	access := w.Join(w.LocalGet(0), w.I32Const(1), w.OpMemory(wasm.OpI32Store8, 0, 0))
	if !write {
		access = w.Join(w.LocalGet(0), w.OpMemory(wasm.OpI32Load8U, 0, 0), w.Drop())
	}
	return w.Join(w.Loop(w.Result(), access,
		w.LocalGet(0), w.I32Const(every), w.Op(wasm.OpI32Add), w.LocalTee(0),
		w.I32Const(pages<<16), w.Op(wasm.OpI32LtU), w.BrIf(0)))
}

// BenchmarkCharges holds what is charged for hostile runs, their fuel included, against
// what they take: how many units a unit's worth of time costs, a unit being what one of
// the example in Rust takes.
func BenchmarkCharges(b *testing.B) {
	const pages = 256
	guest := func(memory uint32, code ...w.Code) []byte {
		g := sandboxtest.New(schema)
		g.Module().Memories[0].Min = memory
		return g.Resolver("Subscription.f", code...).Bytes()
	}
	elements := sandboxtest.New(schema)
	one := elements.Function(nil, nil, nil)
	all := make([]uint32, 60_000)
	for i := range all {
		all[i] = one
	}
	elements.Table(wasm.FuncRef, uint32(len(all)))
	elements.Elements(0, 0, all...)
	elements.Resolver("Subscription.f", sandboxtest.Trap())
	data := sandboxtest.New(schema)
	data.Module().Memories[0].Min = pages
	data.Data(1<<16, bytes.Repeat([]byte{1}, 3<<20))
	data.Resolver("Subscription.f", sandboxtest.Trap())
	segments := sandboxtest.New(schema)
	for range 50_000 {
		segments.Data(1<<10, []byte{1})
	}
	segments.Resolver("Subscription.f", sandboxtest.Trap())
	copied := sandboxtest.New(schema)
	copied.Module().Memories[0].Min = pages
	copied.Data(1<<16, bytes.Repeat([]byte{1}, 3<<20))
	deliver := sandboxtest.Verdict(abi.Skip)
	started := sandboxtest.New(schema)
	started.Module().Memories[0].Min = pages
	started.Start(started.Function(nil, nil, w.I32s(1), touch(pages, 4096, true)))
	started.Resolver("Subscription.f", sandboxtest.Trap())
	goExample, err := os.ReadFile(filepath.Join("..", "..", "plugins", "examples", "orders-go", "orders-go.wasm"))
	if err != nil {
		b.Fatal(err)
	}
	unit := exampleUnit(b)
	for _, c := range []struct {
		name   string
		binary []byte
	}{
		{"trap at once", guest(1, sandboxtest.Trap())},
		{"trap at once, 16 MiB", guest(pages, sandboxtest.Trap())},
		{"trap, 16 MiB read", guest(pages, touch(pages, 4096, false), sandboxtest.Trap())},
		{"trap, 16 MiB written", guest(pages, touch(pages, 4096, true), sandboxtest.Trap())},
		{"trap, 16 MiB grown and written", guest(1, w.I32Const(pages-1), w.MemoryGrow(), w.Drop(), touch(pages, 4096, true), sandboxtest.Trap())},
		{"trap, 16 MiB written by its start", started.Bytes()},
		{"trap, 60,000 elements", elements.Bytes()},
		{"trap, 50,000 segments", segments.Bytes()},
		{"trap, 3 MiB of data", data.Bytes()},
		{"skip, 3 MiB of data written", copied.Resolver("Subscription.f", touch(49, 1<<18, true), deliver).Bytes()},
		{"skip", guest(1, deliver)},
		{"skip, 64 KiB written", guest(1, touch(1, 1024, true), deliver)},
		{"skip, 16 MiB written", guest(pages, touch(pages, 1<<18, true), deliver)},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := limits()
			l.MemoryBytes, l.FuelPerRun = pages<<16, 10_000_000
			p := newPool(b, c.binary, "", l)
			in := &paced{fixed: event("1")}
			var fuel int64
			side := measure.Each(func() error {
				in.told = in.told[:0]
				r := run(p, "Subscription.f", in)
				fuel += r.Fuel
				return nil
			})
			run(p, "Subscription.f", in)
			reportCharge(b, side, unit, func() int64 { return fuel + in.charged })
		})
	}
	for name, binary := range map[string][]byte{"code": distinct(0), "code of 3 MB": goExample} {
		b.Run(name, func(b *testing.B) {
			e := engineOf(b, sandbox.Config{CodeBytes: 1})
			m, err := e.Load(context.Background(), binary)
			if err != nil {
				b.Fatal(err)
			}
			in := &paced{}
			reportCharge(b, measure.Each(func() error { return e.ColdFor(m, in) }), unit, func() int64 { return in.charged })
		})
	}
}

// reportCharge measures a side, and what it was charged for.
func reportCharge(b *testing.B, side measure.Side, unit float64, charged func() int64) {
	b.Helper()
	calls := 0
	for b.Loop() {
		calls++
		if calls == 1 {
			if _, err := side(5); err != nil { // warm
				b.Fatal(err)
			}
		}
		var ratios, measured []float64
		for range 5 {
			const n = 20
			before := charged()
			took, err := side(n)
			if err != nil {
				b.Fatal(err)
			}
			units := float64(took.Nanoseconds()) / unit
			measured = append(measured, units/n)
			ratios = append(ratios, float64(charged()-before)/units)
		}
		b.ReportMetric(measure.Median(measured), "units")
		b.ReportMetric(measure.Median(ratios), "charge/measured")
	}
	b.ReportMetric(0, "ns/op")
}

// exampleUnit returns how many nanoseconds of processor time a unit of fuel of the
// example in Rust takes.
func exampleUnit(b *testing.B) float64 {
	b.Helper()
	p := newPool(b, examples.OrdersRust, "", sandbox.Limits{FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20})
	in := event(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`)
	var r *sandbox.Result
	took, err := measure.PerCall(func() error {
		r = run(p, "Subscription.orderUpdated", in)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return took / float64(r.Fuel)
}
