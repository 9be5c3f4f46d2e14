package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// way is one way to put the memory back after a run. Globals are put back alike
// in all.
type way struct {
	name  string
	marks bool // the module marks what it writes
	// attach takes an instance that is in the state of the image, and returns what
	// brings its memory back to that. release, which may be nil, comes before the
	// instance is closed.
	attach func(i *instance, m *image) (restore, release func(), err error)
}

// ways are those that the rationale compares, the product's first.
var ways = []way{
	{"marked regions copied back", true, func(i *instance, m *image) (_, _ func(), _ error) {
		return func() { i.restoreMemory(m) }, nil, nil
	}},
	{"all copied back", false, func(i *instance, m *image) (_, _ func(), _ error) {
		return func() { m.restore(i.memory.bytes, 0, m.size) }, nil, nil
	}},
	{"all compared, pages that differ copied back", false, comparing},
	{"copy-on-write, all copies discarded", false, overMapping((*privateMapping).discardAll)},
	{"copy-on-write, mapped again", false, overMapping((*privateMapping).mapAgain)},
	{"copy-on-write, those of marked regions discarded", true, overMapping((*privateMapping).discardMarked)},
	{"copy-on-write, the copies found and written over", false, overMapping((*privateMapping).overwriteFound)},
	{"copy-on-write, known ones written over, others discarded", false, overMapping((*privateMapping).overwriteKnown)},
}

// comparing puts back the pages that are not those of the image.
func comparing(i *instance, m *image) (restore, _ func(), _ error) {
	whole, page := bytes.Clone(i.memory.bytes), os.Getpagesize()
	return func() {
		memory := i.memory.bytes
		for at := 0; at < m.size; at += page {
			if want := whole[at : at+page]; !bytes.Equal(memory[at:at+page], want) {
				copy(memory[at:], want)
			}
		}
	}, nil, nil
}

// wayGuest is an instance that is reset in one of the ways.
type wayGuest struct {
	*instance
	image   *image
	restore func()
	release func()
	output  Result
}

// once is an event: a run, and the reset.
func (g *wayGuest) once(b *testing.B) {
	g.event(b)
	g.back()
}

func (g *wayGuest) event(b *testing.B) {
	g.run(context.Background(), "Subscription.orderUpdated", orderInputs{}, g.limits, &g.output)
	if g.output.Fault != nil || !g.output.HasOutput {
		b.Fatalf("%+v", g.output)
	}
}

func (g *wayGuest) back() {
	g.restore()
	for n, global := range g.globals {
		global.Set(g.image.globals[n])
	}
	g.clean()
}

// BenchmarkWaysToReset compares ways to reset an instance, by the processor time
// of an event as a whole: the run, with the marks or the page faults that a way
// brings about, and the reset. All ways take turns, round by round; the table has
// medians with their ranges, and times what the product takes in the same round.
func BenchmarkWaysToReset(b *testing.B) {
	for _, example := range []string{"orders-rust", "orders-assemblyscript", "orders-go"} {
		b.Run(example, func(b *testing.B) {
			marked := examplePool(b, example)
			unmarked := unmarkedPool(b, marked, example)
			var samples []*waySample
			for _, w := range ways {
				s, p := &waySample{way: w}, unmarked
				if w.marks {
					p = marked
				}
				err := s.open(b, p)
				if errors.Is(err, syscall.ENOTTY) {
					b.Logf("%s: this kernel cannot", w.name)
					continue
				}
				if err != nil {
					b.Fatalf("%s: %v", w.name, err)
				}
				samples = append(samples, s)
			}
			for b.Loop() {
				const rounds = 41
				for range rounds {
					runtime.GC()
					for _, s := range samples {
						s.measure(b)
					}
				}
			}
			for _, s := range samples {
				s.own = ownKiB(b, s.guests[0])
			}
			printWays(example, samples)
			b.ReportMetric(0, "ns/op")
		})
	}
}

func printWays(example string, samples []*waySample) {
	m := samples[0].guests[0].image
	fmt.Printf("%s: %d KiB of memory, %d KiB of that not zero; µs of processor time\n", example, m.size>>10, len(m.content)>>10)
	const line = "  %-58s %-24s %-24s %-20s %s\n"
	fmt.Printf(line, "", "run and reset", "reset alone", "times the first", "own KiB")
	for _, s := range samples {
		fmt.Printf(line, s.name, bench.Spread(s.whole), bench.Spread(s.reset), bench.Spread(bench.Comparison{A: s.whole, B: samples[0].whole}.Ratios()), s.own)
	}
}

// waySample is what was measured of a way, in µs of processor time.
type waySample struct {
	way
	guests       []*wayGuest
	calls        int
	whole, reset []float64
	own          string // KiB of memory that an instance does not share
}

const (
	wayTurn = 4 * time.Millisecond
	// wayGuests take turns where resets are measured by themselves, so that the
	// processor time is read once for all.
	wayGuests = 4
)

// open makes the guests, tries the way and finds out how many calls make a turn.
func (s *waySample) open(b *testing.B, p *Pool) error {
	for range wayGuests {
		g, err := s.guest(b, p)
		if err != nil {
			return err
		}
		s.guests = append(s.guests, g)
	}
	for n := 1; ; n *= 2 {
		start := bench.ProcessorTime()
		for range n {
			s.guests[0].once(b)
		}
		if took := bench.ProcessorTime() - start; took >= wayTurn/2 {
			s.calls = n
			return nil
		}
	}
}

// guest makes an instance whose runs all start from the image.
func (s *waySample) guest(b *testing.B, p *Pool) (*wayGuest, error) {
	i, fault := p.instantiate(context.Background(), p.config.Limits(), nil)
	if fault != nil {
		b.Fatal(fault)
	}
	g := &wayGuest{instance: i, image: i.snapshot()}
	i.clean()
	before := bytes.Clone(i.memory.bytes)
	var err error
	g.restore, g.release, err = s.attach(i, g.image)
	b.Cleanup(func() {
		if g.release != nil {
			g.release()
		}
		i.close()
	})
	if err != nil {
		return nil, err
	}
	g.once(b) // before anything else looks at the memory
	for range 3 {
		if !bytes.Equal(i.memory.bytes, before) {
			b.Fatalf("%s: the memory is not that of the image", s.name)
		}
		g.event(b)
		if bytes.Equal(i.memory.bytes, before) {
			b.Fatalf("%s: the run has written nothing", s.name)
		}
		g.back()
	}
	return g, nil
}

func (s *waySample) measure(b *testing.B) {
	g := s.guests[0]
	start := bench.ProcessorTime()
	for range s.calls {
		g.once(b)
	}
	s.whole = append(s.whole, microseconds(bench.ProcessorTime()-start, s.calls))
	s.reset = append(s.reset, s.resets(b))
}

// ownKiB returns how much of its memory an instance has to itself after a reset,
// where the system tells.
func ownKiB(b *testing.B, g *wayGuest) string {
	pages, err := openPageScanner()
	if err != nil {
		b.Fatal(err)
	}
	defer pages.close()
	if err := pages.scan(addresses(g.memory.bytes), false); err != nil {
		return "unknown"
	}
	var bytes uintptr
	for _, s := range pages.found {
		bytes += s.end - s.start
	}
	return strconv.Itoa(int(bytes >> 10))
}

// resets measures the resets alone, each after a run.
func (s *waySample) resets(b *testing.B) float64 {
	var elapsed, looks time.Duration
	batches := max(1, s.calls/len(s.guests))
	for range batches {
		for _, g := range s.guests {
			g.event(b)
		}
		start := bench.ProcessorTime()
		for _, g := range s.guests {
			g.back()
		}
		end := bench.ProcessorTime()
		elapsed += end - start
		looks += bench.ProcessorTime() - end
	}
	return microseconds(max(elapsed-looks, 0), batches*len(s.guests))
}

// unmarkedPool has the example without marks, on the engine of the pool that has
// it as the product does.
func unmarkedPool(b *testing.B, p *Pool, example string) *Pool {
	b.Helper()
	e := p.module.engine
	options := e.config.Metering()
	options.MarkWrites = false
	admitted, err := admit(context.Background(), exampleModule(b, example), options)
	if err != nil {
		b.Fatal(err)
	}
	code, err := e.runtime.CompileModule(context.Background(), withUnusedMarks(b, admitted.metered.Wasm))
	if err != nil {
		b.Fatal(err)
	}
	c := newCompiled("without marks", "", &summary{
		MemoryBytes: admitted.memoryBytes, Globals: admitted.metered.Globals, FreshEach: admitted.metered.Reinstantiate,
	})
	c.code, c.pins, c.references = code, 1, 1 // the engine's end frees it
	unmarked := (&Module{engine: e, compiled: c, memoryBytes: admitted.memoryBytes}).Pool(p.config)
	b.Cleanup(func() {
		if err := unmarked.Close(); err != nil {
			b.Error(err)
		}
	})
	return unmarked
}

// withUnusedMarks gives a module the global that instances look up.
func withUnusedMarks(b *testing.B, metered []byte) []byte {
	m, err := wasm.Decode(metered)
	if err != nil {
		b.Fatal(err)
	}
	zero := wasm.AppendInt64([]byte{byte(wasm.OpI64Const)}, 0)
	m.Exports = append(m.Exports, wasm.Export{Name: meter.DirtyGlobal, Kind: wasm.GlobalKind, Index: uint32(len(m.Globals))})
	m.Globals = append(m.Globals, wasm.Global{
		Type: wasm.GlobalType{Value: wasm.I64, Mutable: true}, Init: wasm.Expression{Code: append(zero, byte(wasm.OpEnd))},
	})
	return m.Encode()
}

func microseconds(d time.Duration, calls int) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(calls)
}
