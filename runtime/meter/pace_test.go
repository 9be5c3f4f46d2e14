package meter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

// pace has instances of one module give way at each of their safepoints, as meter.Options.Yield has it.
// Where the safepoints lie is random, but the same each time.
type pace struct {
	slice    int64  // units between two safepoints
	maxBytes uint64 // that the original declares
	random   *rand.Rand
	ways     int64 // how often they gave way

	run    func() error // runs another instance of the module from start to end
	runAt  int64        // the safepoint at which it does
	others int64        // how many it ran
	err    error        // of run
}

func newPace(original *wasm.Module, slice int64) *pace {
	p := &pace{slice: slice, maxBytes: 65535 << 16, random: rand.New(rand.NewPCG(uint64(slice), uint64(len(original.Code))))}
	if len(original.Memories) > 0 && original.Memories[0].HasMax {
		p.maxBytes = uint64(original.Memories[0].Max) << 16
	}
	return p
}

// first is how many units an instance gets before its first safepoint.
func (p *pace) first() int64 { return p.random.Int64N(p.slice) + 1 }

// giveWay is called at safepoints. Meanwhile other goroutines run, one of them another instance, the
// garbage is collected, and the stack is moved.
func (p *pace) giveWay() {
	p.ways++
	switch {
	case p.ways == p.runAt:
		done := make(chan error)
		go func() { done <- p.run() }()
		if err := <-done; err != nil {
			p.err = fmt.Errorf("another instance, run at safepoint %d: %w", p.runAt, err)
		}
		p.others++
	case p.random.IntN(2000) == 0:
		runtime.GC()
	case p.random.IntN(20) == 0:
		deepen(200)
	default:
		runtime.Gosched()
	}
}

// deepen has the goroutine's stack grow.
func deepen(n int) byte {
	var frame [256]byte
	if n > 0 {
		frame[n] = deepen(n - 1)
	}
	return frame[(n+1)%len(frame)]
}

// tryPaced runs a module like try, and another instance of it at one of the safepoints, which has to end as want.
func (e *engine) tryPaced(compiled wazero.CompiledModule, m random.Module, fuel int64, want observation) (observation, error) {
	if e.pace == nil {
		return e.try(compiled, m, fuel), nil
	}
	e.pace.run = func() error {
		o := e.try(compiled, m, plentyOfFuel) // which gives way, too
		return o.same(want)
	}
	e.pace.runAt = e.pace.ways + e.pace.random.Int64N(10) + 1
	return e.try(compiled, m, fuel), e.pace.err
}

// pacedMemory backs an instance that is paced.
type pacedMemory struct {
	*pace
	bytes    []byte
	yielding api.Global // nil before the instance is there
}

// withPace has an instance give way, which the context makes.
func (e *engine) withPace(ctx context.Context) (context.Context, *pacedMemory) {
	if e.pace == nil {
		return ctx, nil
	}
	m := &pacedMemory{pace: e.pace}
	allocator := experimental.MemoryAllocatorFunc(func(uint64, uint64) experimental.LinearMemory { return m })
	return experimental.WithMemoryAllocator(ctx, allocator), m
}

// bind is called when the instance is there.
func (m *pacedMemory) bind(instance api.Module) {
	if m != nil {
		m.yielding = instance.ExportedGlobal(meter.YieldGlobal)
	}
}

func (m *pacedMemory) Reallocate(size uint64) []byte {
	if size == 65536<<16 && (m.yielding == nil || m.yielding.Get() != 0) {
		m.giveWay()
		return nil
	}
	if size > m.maxBytes {
		return nil
	}
	m.bytes = append(m.bytes, make([]byte, size-uint64(len(m.bytes)))...)
	return m.bytes
}

func (m *pacedMemory) Free() {}
