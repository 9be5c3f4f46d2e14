package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// starting is a module whose start function or _initialize does what code says.
func starting(initialize bool, code ...w.Code) []byte {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", g.Output(`"ok"`))
	f := g.Function(nil, nil, nil, code...)
	if initialize {
		g.ExportFunction(abi.InitializeExport, f)
	} else {
		g.Start(f)
	}
	return g.Bytes()
}

func TestStart(t *testing.T) {
	for name, c := range map[string]struct {
		module []byte
		code   abi.Code // empty where it starts
		where  string
		text   string
	}{
		"nothing":         {echo("x"), "", "", ""},
		"a good start":    {starting(false, w.I32Const(1), w.Drop()), "", "", ""},
		"trap":            {starting(false, sandboxtest.Trap()), abi.CodeResolverTrap, "start", "the start function failed after "},
		"initialize":      {starting(true, sandboxtest.Trap()), abi.CodeResolverTrap, "_initialize", "_initialize failed after "},
		"endless":         {starting(false, sandboxtest.Forever(), w.Drop()), abi.CodeFuelExhausted, "start", "failed after 1000000 of 1000000 units of fuel: all of its 1000000"},
		"too much memory": {starting(true, sandboxtest.EatMemory(), w.Drop()), abi.CodeMemoryLimit, "_initialize", "memory.grow past the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engineOf(t, sandbox.Config{StartFuel: 1_000_000})
			m, err := e.Load(t.Context(), c.module)
			if err != nil {
				t.Fatal(err)
			}
			used := int64(0)
			err = m.Start(t.Context(), limits(), nil, func(units int64) { used += units })
			if (used == 1_000_000) != (c.code == abi.CodeFuelExhausted) || (used > 0) != (name != "nothing") {
				t.Errorf("it used %d units", used)
			}
			var failed *sandbox.StartError
			switch {
			case c.code == "" && err != nil:
				t.Error(err)
			case c.code != "" && (!errors.As(err, &failed) || failed.Fault.Code != c.code || failed.Where != c.where || !strings.Contains(err.Error(), c.text)):
				t.Errorf("got %v, want %s of %s with %q", err, c.code, c.where, c.text)
			}
			if _, unused := e.Codes(); unused == 0 {
				t.Error("an instance is kept")
			}
			if err := m.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStartThatLogs has what a module said last.
func TestStartThatLogs(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", g.Output(`"ok"`))
	var code []w.Code
	for _, text := range strings.Fields("a b c d e f g h i j k") {
		code = append(code, g.Call(abi.ImportLog, w.I32Const(int32(abi.LogWarn)), g.Text(text)))
	}
	g.Start(g.Function(nil, nil, nil, append(code, sandboxtest.Trap())...))
	m, err := engineOf(t, sandbox.Config{}).Load(t.Context(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var failed *sandbox.StartError
	if err := m.Start(t.Context(), defaults(), nil, nil); !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var said []string
	for _, line := range failed.Lines {
		said = append(said, line.Message)
	}
	if strings.Join(said, " ") != "d e f g h i j k" {
		t.Errorf("the lines are %q", said)
	}
}

func TestStartThatIsCancelled(t *testing.T) {
	m, err := engineOf(t, sandbox.Config{StartFuel: 1 << 50}).Load(t.Context(), starting(false, sandboxtest.Forever(), w.Drop()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var failed *sandbox.StartError
	if err := m.Start(ctx, limits(), nil, nil); !errors.Is(err, context.Canceled) || errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
}

// TestStartThatEveryRunPays has a module that needs a fresh instance for each
// run, whose start takes more than a run may use.
func TestStartThatEveryRunPays(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f", g.Output(`"ok"`))
	g.Constant(wasm.FuncRef, w.Code{byte(wasm.OpRefNull), byte(wasm.FuncRef)})
	g.Table(wasm.FuncRef, 1)
	// What writes a table cannot be reset.
	g.Start(g.Function(nil, nil, nil,
		w.I32Const(0), w.GlobalGet(0), w.OpIndex(wasm.OpTableSet, 0)))
	m, err := engineOf(t, sandbox.Config{}).Load(t.Context(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	l := limits()
	if err := m.Start(t.Context(), l, nil, nil); err != nil {
		t.Error(err)
	}
	l.FuelPerRun = 1
	var failed *sandbox.StartError
	if err := m.Start(t.Context(), l, nil, nil); !errors.As(err, &failed) || failed.Fault.Limit != "fuelPerRun" {
		t.Errorf("got %v", err)
	}
}
