package meter_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

var (
	generated = flag.Int("generated", 150, "how many random modules TestGenerated compares")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first one")
)

// TestGenerated compares random modules as they are and as they are rewritten, on both engines. A
// module that fails is made again with -seed and -generated 1.
func TestGenerated(t *testing.T) {
	n := *generated
	if raceEnabled {
		n /= 10
	}
	var next, failed atomic.Int64
	var total tallyOfModules
	var wait sync.WaitGroup
	var miscompiled, ways, others atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		p := newPair(t)
		p.miscompiled, p.ways, p.others = &miscompiled, &ways, &others
		wait.Go(func() {
			for failed.Load() < 5 {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				seed := *firstSeed + uint64(i)
				end, err := p.check(random.FromSeed(seed))
				if err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v", seed, err)
				}
				if done := total.count(end); done%10_000 == 0 {
					t.Logf("%d modules", done)
				}
			}
		})
	}
	wait.Wait()
	t.Logf("seeds from %d: original against rewritten on the compiler, the same on the interpreter, and compiler "+
		"against interpreter: %s", *firstSeed, &total)
	t.Logf("gave way at %d safepoints, beside %d runs of other instances", ways.Load(), others.Load())
	if n >= 100 && (ways.Load() < 20*int64(n) || others.Load() < int64(n)) {
		t.Error("too few to tell")
	}
	if wrong := miscompiled.Load(); wrong > 0 {
		t.Logf("the compiler got %d originals wrong, and none rewritten", wrong)
		if wrong*1000 > int64(n) {
			t.Error("too many for the known fault")
		}
	}
	if n >= 100 && (total.returned < int64(n)/2 || total.trapped < int64(n)/20) {
		t.Errorf("%s of %d: too few to tell", &total, n)
	}
}

// FuzzGenerated does the same with modules that the fuzzer makes.
func FuzzGenerated(f *testing.F) {
	source := make([]byte, 0, 2048)
	for i := range 2048 {
		source = append(source, byte(i*i>>3^i*7))
	}
	for n := 64; n <= len(source); n *= 2 {
		f.Add(source[:n])
	}
	p := newPair(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		if _, err := p.check(random.FromBytes(choices)); err != nil {
			t.Error(err)
		}
	})
}

// ending is how a module's run ended.
type ending int

const (
	returned ending = iota
	trapped
	neverStarted
)

type tallyOfModules struct{ returned, trapped, neverStarted int64 }

// count adds one and returns how many there are now.
func (t *tallyOfModules) count(e ending) int64 {
	atomic.AddInt64([]*int64{&t.returned, &t.trapped, &t.neverStarted}[e], 1)
	return atomic.LoadInt64(&t.returned) + atomic.LoadInt64(&t.trapped) + atomic.LoadInt64(&t.neverStarted)
}

func (t *tallyOfModules) String() string {
	return fmt.Sprintf(
		"%d modules each, %d returned, %d trapped, %d in their start function",
		t.returned+t.trapped+t.neverStarted, t.returned, t.trapped+t.neverStarted, t.neverStarted,
	)
}

// pair is the two engines.
type pair struct {
	compiler, interpreter *engine
	miscompiled           *atomic.Int64 // originals that the compiler has got wrong
	ways, others          *atomic.Int64 // how often instances gave way, and how many ran meanwhile
}

// hasUnsafeSelect tells whether there is a select in a module, which the rewriter may have to replace.
func hasUnsafeSelect(b []byte) bool {
	m, err := wasm.Decode(b)
	if err != nil {
		return false
	}
	for i := range m.Code {
		for r := m.Code[i].Reader(); r.Next(); {
			if op := r.Instruction.Op; op == wasm.OpSelect || op == wasm.OpSelectTyped {
				return true
			}
		}
	}
	return false
}

func newPair(t testing.TB) pair {
	t.Helper()
	return pair{
		compiler:    newEngine(t, wazero.NewRuntimeConfigCompiler()),
		interpreter: newEngine(t, wazero.NewRuntimeConfigInterpreter()),
		miscompiled: new(atomic.Int64),
		ways:        new(atomic.Int64),
		others:      new(atomic.Int64),
	}
}

const (
	plentyOfFuel = 1 << 50
	startFuel    = 1 << 40
)

// check compares one module in every way, and says how it ended.
func (p pair) check(m random.Module) (ending, error) {
	want, err := p.interpreter.observe(m, m.Wasm)
	if err != nil {
		return 0, fmt.Errorf("original on the interpreter: %w", err)
	}
	compiled, err := p.compiler.observe(m, m.Wasm)
	if err != nil {
		return 0, fmt.Errorf("original on the compiler: %w", err)
	}
	if err := compiled.same(want); err != nil {
		if !hasUnsafeSelect(m.Wasm) {
			return 0, fmt.Errorf("the engines differ on the original: %w", err)
		}
		p.miscompiled.Add(1) // as selectSafely says; the interpreter tells what is right
	}
	counted, err := p.interpreter.count(m)
	if err != nil {
		return 0, err
	}
	onInterpreter, err := p.interpreter.checkMetered(m, meteredOptions, want, counted)
	if err != nil {
		return 0, fmt.Errorf("interpreter: %w", err)
	}
	options := meteredOptions
	options.Yield, options.Slice = true, 1<<(len(m.Wasm)%11)
	onCompiler, err := p.paced(p.compiler, m, options, want, counted)
	if err != nil {
		return 0, fmt.Errorf("compiler, in slices of %d: %w", options.Slice, err)
	}
	options.MarkWrites = false
	sliced, err := p.paced(p.interpreter, m, options, want, counted)
	if err != nil {
		return 0, fmt.Errorf("interpreter, in slices of %d: %w", options.Slice, err)
	}
	if onInterpreter != onCompiler || onInterpreter != sliced {
		return 0, fmt.Errorf(
			"%d units on the interpreter; in slices of %d, %d on the compiler, %d on the interpreter", onInterpreter, options.Slice, onCompiler, sliced,
		)
	}
	return want.ending(), nil
}

// paced is checkMetered where the module gives way at each safepoint.
func (p pair) paced(e *engine, m random.Module, o meter.Options, want observation, counted units) (int64, error) {
	original, err := wasm.Decode(m.Wasm)
	if err != nil {
		return 0, err
	}
	e.pace = newPace(original, o.Slice)
	defer func() {
		p.ways.Add(e.pace.ways)
		p.others.Add(e.pace.others)
		e.pace = nil
	}()
	return e.checkMetered(m, o, want, counted)
}

var meteredOptions = meter.Options{TableElements: tableElements, StartFuel: startFuel, MarkWrites: true}

// count returns what the naive counter says.
func (e *engine) count(m random.Module) (units, error) {
	compiled, err := e.runtime.CompileModule(context.Background(), naive(m.Wasm, false))
	if err != nil {
		return units{}, fmt.Errorf("counted: %w", err)
	}
	defer compiled.Close(context.Background())
	g, _, err := e.start(compiled)
	if err != nil {
		return units{}, nil
	}
	defer g.close()
	n := units{start: g.global(naiveCount)}
	_, _ = g.words("run", m.Arguments, m.RunResults)
	n.run = g.global(naiveCount) - n.start
	return n, nil
}

type units struct{ start, run int64 }

// checkMetered compares a rewritten module on one engine with what the original did and with the naive
// count, and returns what a run is charged.
func (e *engine) checkMetered(m random.Module, o meter.Options, want observation, counted units) (int64, error) {
	decoded, err := wasm.Decode(m.Wasm)
	if err != nil {
		return 0, err
	}
	out, err := meter.Rewrite(decoded, o)
	if err != nil {
		return 0, err
	}
	compiled, err := e.runtime.CompileModule(context.Background(), out.Wasm)
	if err != nil {
		return 0, fmt.Errorf("rewritten: %w", err)
	}
	defer compiled.Close(context.Background())
	first, err := e.tryPaced(compiled, m, plentyOfFuel, want)
	if err == nil {
		err = first.same(want)
	}
	if err != nil {
		return 0, fmt.Errorf("rewritten: %w", err)
	}
	if first.yielding {
		return 0, errors.New("yields behind the run")
	}
	if o.MarkWrites {
		if err := first.checkMarks(out.RegionShift); err != nil {
			return 0, err
		}
	}
	if first.stackTaken != 0 && want.ending() == returned {
		return 0, fmt.Errorf("%d bytes of stack were not given back", first.stackTaken)
	}
	switch want.ending() {
	case neverStarted:
		return 0, nil
	case trapped:
		return first.used, e.checkTrapped(compiled, m, first, counted)
	}
	if first.start != counted.start || first.used != counted.run {
		return 0, fmt.Errorf(
			"charged %d units for start and %d for the run, counted %d and %d",
			first.start, first.used, counted.start, counted.run,
		)
	}
	exact := e.try(compiled, m, first.used)
	if err := exact.same(want); err != nil || exact.used != first.used {
		return 0, fmt.Errorf("with exactly %d units: used %d, %w", first.used, exact.used, err)
	}
	if short := e.try(compiled, m, first.used-1); first.used > 0 && short.used < first.used {
		return 0, fmt.Errorf("with %d units, one too few: used %d", first.used-1, short.used)
	}
	return first.used, nil
}

// checkTrapped holds that a trap is charged at least for what was executed, and each time the same.
func (e *engine) checkTrapped(compiled wazero.CompiledModule, m random.Module, first observation, counted units) error {
	if first.used < counted.run {
		return fmt.Errorf("trapped: charged %d units, counted %d", first.used, counted.run)
	}
	again := e.try(compiled, m, plentyOfFuel)
	if err := again.same(first); err != nil || again.used != first.used {
		return fmt.Errorf("trapped after %d units, then after %d, %w", first.used, again.used, err)
	}
	return nil
}
