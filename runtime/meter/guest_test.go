package meter_test

import (
	"context"
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
}

func newEngine(t testing.TB, config wazero.RuntimeConfig) *engine {
	t.Helper()
	e := &engine{TB: t, runtime: wazero.NewRuntimeWithConfig(context.Background(), config)}
	t.Cleanup(func() { _ = e.runtime.Close(context.Background()) })
	return e
}

// guest is an instance.
type guest struct {
	*engine
	api.Module
	output meter.Output
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
	m, err := e.runtime.InstantiateModule(context.Background(), compiled, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		e.Fatal(err)
	}
	return &guest{engine: e, Module: m}
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
	return f.Call(context.Background(), args...)
}

// fuel returns the units left.
func (g *guest) fuel() int64 { return g.global(meter.FuelGlobal) + g.global(meter.ReserveGlobal) }

func (g *guest) setFuel(n int64) {
	first := min(n, meter.DefaultSlice)
	g.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal).Set(uint64(first))
	g.ExportedGlobal(meter.ReserveGlobal).(api.MutableGlobal).Set(uint64(n - first))
}

func (g *guest) global(name string) int64 { return int64(g.ExportedGlobal(name).Get()) }

func (g *guest) close() { _ = g.Close(context.Background()) }
