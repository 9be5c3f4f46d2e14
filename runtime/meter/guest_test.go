package meter_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// engine instantiates modules.
type engine struct {
	testing.TB
	runtime wazero.Runtime
	pace    *pace // of instances that yield; nil of those that do not
}

func newEngine(t testing.TB, config wazero.RuntimeConfig) *engine {
	t.Helper()
	ctx := context.Background()
	e := &engine{TB: t, runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	t.Cleanup(func() { _ = e.runtime.Close(ctx) })
	_, err := e.runtime.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(host), []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).
		Export("host").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// traceKey is the key of the context under which a number holds what a guest asked of the host.
type traceKey struct{}

// host is the function env.host of random modules.
func host(ctx context.Context, stack []uint64) {
	trace := ctx.Value(traceKey{}).(*uint64)
	*trace = (*trace + uint64(uint32(stack[0])) + 1) * 0x9e3779b97f4a7c15
	stack[0] = uint64(uint32(*trace >> 32))
}

// guest is an instance.
type guest struct {
	*engine
	api.Module
	output meter.Output
	trace  context.Context // that the host takes notes in
}

func (e *engine) compile(b []byte) wazero.CompiledModule {
	e.Helper()
	compiled, err := e.runtime.CompileModule(context.Background(), b)
	if err != nil {
		e.Fatal(err)
	}
	return compiled
}

func (e *engine) instance(compiled wazero.CompiledModule) *guest {
	e.Helper()
	g, _, err := e.start(compiled)
	if err != nil {
		e.Fatal(err)
	}
	return g
}

// start makes an instance, and returns where the host takes notes.
func (e *engine) start(compiled wazero.CompiledModule) (*guest, *uint64, error) {
	trace := new(uint64)
	ctx := context.WithValue(context.Background(), traceKey{}, trace)
	ctx, memory := e.withPace(ctx)
	m, err := e.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(""))
	if err == nil {
		memory.bind(m)
	}
	return &guest{engine: e, Module: m, trace: ctx}, trace, err
}

// instantiate makes an instance of a module as it is.
func (e *engine) instantiate(b []byte) *guest { return e.instance(e.compile(b)) }

// metered makes an instance of a module rewritten.
func (e *engine) metered(b []byte, o meter.Options) *guest {
	e.Helper()
	out := rewrite(e, b, o)
	g := e.instantiate(out.Wasm)
	g.output = out
	return g
}

func rewrite(t testing.TB, b []byte, o meter.Options) meter.Output {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := meter.Rewrite(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (g *guest) run(fuel int64) (left int64, err error) {
	g.setFuel(fuel)
	_, err = g.call("run")
	return g.fuel(), err
}

func (g *guest) call(name string, args ...uint64) ([]uint64, error) {
	g.Helper()
	f := g.ExportedFunction(name)
	if f == nil {
		g.Fatalf("no export %s", name)
	}
	return f.Call(g.trace, args...)
}

// words calls a function with words, of which a vector takes two, and prints what it returns, of a
// reference to a function only whether it is null.
func (g *guest) words(name string, args []uint64, results []wasm.ValueType) (string, error) {
	stack := make([]uint64, max(len(args), 2*len(results)))
	copy(stack, args)
	if err := g.ExportedFunction(name).CallWithStack(g.trace, stack); err != nil {
		return "", err
	}
	var out strings.Builder
	for _, t := range results {
		switch t {
		case wasm.I32, wasm.F32:
			fmt.Fprintf(&out, "%s %08x ", t, uint32(stack[0]))
		case wasm.FuncRef:
			fmt.Fprintf(&out, "null %v ", stack[0] == 0)
		case wasm.V128:
			fmt.Fprintf(&out, "v128 %016x%016x ", stack[1], stack[0])
			stack = stack[1:]
		default:
			fmt.Fprintf(&out, "%s %016x ", t, stack[0])
		}
		stack = stack[1:]
	}
	return out.String(), nil
}

// fuel returns the units left.
func (g *guest) fuel() int64 { return g.global(meter.FuelGlobal) + g.global(meter.ReserveGlobal) }

func (g *guest) setFuel(n int64) {
	first := min(n, meter.DefaultSlice)
	if g.pace != nil {
		first = min(n, g.pace.first())
	}
	g.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal).Set(uint64(first))
	g.ExportedGlobal(meter.ReserveGlobal).(api.MutableGlobal).Set(uint64(n - first))
}

func (g *guest) global(name string) int64 { return int64(g.ExportedGlobal(name).Get()) }

// memory returns a copy of the guest's memory.
func (g *guest) memory() string {
	b, _ := g.Memory().Read(0, g.Memory().Size())
	return string(b)
}

func (g *guest) close() { _ = g.Close(context.Background()) }
