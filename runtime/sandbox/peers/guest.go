package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

const resolver = "Subscription.orderUpdated"

// orderEvent is the event of all runs, and orderOutput what a subscriber without
// permissions gets for it.
var (
	orderEvent  = []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`)
	orderOutput = []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000}`)
)

func readExample(s settings, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.examples, name, name+".wasm"))
}

// guests are instances of an example on plain wazero, with a host of its own that
// answers orderEvent. The rewritten module and the original are called in the
// same way, so that nothing but the rewriting differs: the product cannot run
// what is not rewritten.
type guests struct {
	runtime wazero.Runtime
	all     []*guest
	running *guest // whose calls the host answers
}

// guest is one instance. Its runs are made one after the other.
type guest struct {
	module  api.Module
	call    api.Function
	stack   []uint64
	counter counter
	globals []api.MutableGlobal
	output  []byte

	// What every run starts from.
	image  []byte
	values []uint64
}

const (
	fuelPerRun = 100_000_000
	// instances take turns, so that the clock is read once for all of them; more would not fit the caches.
	instances = 4
)

// variant says how much of the rewriting an example runs with.
type variant int

const (
	product  variant = iota // as it is served
	unmarked                // without the marks of what is written, which the reset goes by
	original
	variants
)

// newGuests instantiates a variant of an example.
func newGuests(ctx context.Context, binary []byte, v variant) (*guests, error) {
	m, err := wasm.Decode(binary)
	if err != nil {
		return nil, err
	}
	options := sandbox.Config{}.Metering()
	options.MarkWrites = options.MarkWrites && v == product
	rewritten, err := meter.Rewrite(m, options)
	if err != nil {
		return nil, err
	}
	code := rewritten.Wasm
	if v == original {
		code = withGlobals(m, rewritten.Globals)
	}
	g := &guests{runtime: wazero.NewRuntime(ctx)}
	if err := g.instantiate(ctx, code, rewritten.Globals); err != nil {
		return nil, errors.Join(err, g.close(ctx))
	}
	return g, nil
}

// withGlobals returns the original with the exports that a reset needs, under
// the names that the rewriter gives them: it numbers them by their index.
func withGlobals(m *wasm.Module, globals []meter.GlobalExport) []byte {
	out := *m
	out.Exports = append([]wasm.Export(nil), m.Exports...)
	for _, g := range globals {
		var index uint32
		if _, err := fmt.Sscanf(g.Name, abi.ReservedPrefix+"_global_%d", &index); err != nil {
			panic(fmt.Sprintf("the rewriter exports a global as %s", g.Name))
		}
		out.Exports = append(out.Exports, wasm.Export{Name: g.Name, Kind: wasm.GlobalKind, Index: index})
	}
	out.Customs = nil
	return out.Encode()
}

func (g *guests) instantiate(ctx context.Context, code []byte, globals []meter.GlobalExport) error {
	if err := g.host(ctx); err != nil {
		return err
	}
	compiled, err := g.runtime.CompileModule(ctx, code)
	if err != nil {
		return err
	}
	for range instances {
		module, err := g.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
		if err != nil {
			return err
		}
		g.running = &guest{module: module, call: module.ExportedFunction(resolver), stack: make([]uint64, 1)}
		if err := g.running.start(ctx, globals); err != nil {
			return err
		}
		g.all = append(g.all, g.running)
	}
	return nil
}

// start prepares the instance and keeps its state.
func (g *guest) start(ctx context.Context, globals []meter.GlobalExport) error {
	g.counter = counterOf(g.module)
	g.counter.set(fuelPerRun)
	for _, name := range []string{meter.StartExport, abi.InitializeExport} {
		if start := g.module.ExportedFunction(name); start != nil {
			if _, err := start.Call(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	g.image = append(g.image, g.memory()...)
	for _, x := range globals {
		global := g.module.ExportedGlobal(x.Name).(api.MutableGlobal)
		g.globals, g.values = append(g.globals, global), append(g.values, global.Get())
	}
	return nil
}

func (g *guest) memory() []byte {
	memory := g.module.Memory()
	view, _ := memory.Read(0, memory.Size())
	return view
}

// run makes n runs and returns the processor time of the calls. After all
// instances had one their state is put back, which both sides do alike and which
// is not counted: it would make the difference look smaller.
func (g *guests) run(n int) (elapsed time.Duration, err error) {
	for n > 0 {
		batch := g.all[:min(n, len(g.all))]
		start := bench.ProcessorTime()
		for _, g.running = range batch {
			g.running.counter.set(fuelPerRun)
			if err := g.running.call.CallWithStack(context.Background(), g.running.stack); err != nil {
				return 0, err
			}
		}
		elapsed += max(bench.ProcessorTime()-start-clock, 1)
		for _, one := range batch {
			if err := one.reset(); err != nil {
				return 0, err
			}
		}
		n -= len(batch)
	}
	return elapsed, nil
}

// reset looks at what the run gave and puts the state back.
func (g *guest) reset() error {
	if verdict := abi.Verdict(int32(g.stack[0])); verdict != abi.Deliver {
		return fmt.Errorf("the run gave the verdict %d", verdict)
	}
	// Some spell a note that is null, some leave it out.
	if !bytes.HasPrefix(g.output, orderOutput[:len(orderOutput)-1]) {
		return fmt.Errorf("the output is %s", g.output)
	}
	memory := g.memory()
	if len(memory) != len(g.image) {
		return fmt.Errorf("the run grew the memory from %d to %d bytes, which cannot be undone", len(g.image), len(memory))
	}
	copy(memory, g.image)
	g.counter.clean()
	for i, global := range g.globals {
		global.Set(g.values[i])
	}
	return nil
}

func (g *guests) close(ctx context.Context) error { return g.runtime.Close(ctx) }

// clock is what reading the processor time takes.
var clock = func() time.Duration {
	const n = 10_000
	start := bench.ProcessorTime()
	for range n {
		bench.ProcessorTime()
	}
	return (bench.ProcessorTime() - start) / n
}()
