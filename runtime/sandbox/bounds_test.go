package sandbox_test

import (
	"context"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// TestEmptyLinesDoNotFloodTheLog holds that a line without text counts as well.
func TestEmptyLinesDoNotFloodTheLog(t *testing.T) {
	g := sandboxtest.New(schema)
	g.Resolver("Subscription.f",
		w.Loop(w.Result(), g.Call(abi.ImportLog, w.I32Const(1), sandboxtest.Range(0, 0)), w.Br(0)), sandboxtest.Trap())
	b := newPool(t, g.Bytes(), "", limits())
	run(b, "Subscription.f", event("1"))
	if most := 10; len(b.log) > most {
		t.Errorf("%d lines with logBytesPerRun 100, want at most %d", len(b.log), most)
	}
}

// TestALineThatDoesNotFitIsTold holds that no line is dropped in silence.
func TestALineThatDoesNotFitIsTold(t *testing.T) {
	g := sandboxtest.New(schema)
	line := func(text string) w.Code { return g.Call(abi.ImportLog, w.I32Const(1), g.Text(text)) }
	const lineBytes = 32 // that a line counts beside its text
	g.Resolver("Subscription.f", line("a"), line(strings.Repeat("x", 100-1-2*lineBytes)), line("dropped"), line("too"), w.I32Const(0))
	b := newPool(t, g.Bytes(), "", limits())
	run(b, "Subscription.f", event("1"))
	if len(b.log) != 3 || b.log[1].Truncated || !b.log[2].Truncated || b.log[2].Message != "" {
		t.Errorf("log %+v", b.log)
	}
}

// TestFaultsHaveABoundedMessage has a guest trap in functions whose names it
// chose to be long: they stand in the stack trace.
func TestFaultsHaveABoundedMessage(t *testing.T) {
	g := sandboxtest.New(schema)
	inner := g.Function(nil, w.I32s(1), nil, sandboxtest.Trap())
	g.Resolver("Subscription.f", w.Call(inner))
	g.Custom(wasm.NameSection, wasm.EncodeFunctionNames([]wasm.FunctionName{{Index: inner, Name: strings.Repeat("é", 100_000)}}))
	r := run(newPool(t, g.Bytes(), "", limits()), "Subscription.f", event("1"))
	if r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap || len(r.Fault.Message) > 5000 || !strings.Contains(r.Fault.Message, "unreachable") {
		t.Errorf("a message of %d bytes", len(r.Fault.Message))
	}
	if strings.Contains(r.Fault.Message, "\uFFFD") || strings.ToValidUTF8(r.Fault.Message, "") != r.Fault.Message {
		t.Error("the message was cut within a character")
	}
}

func TestAnEmptyOutputIsNoJSON(t *testing.T) {
	g := sandboxtest.New(schema)
	empty := g.Call(abi.ImportOutput, sandboxtest.Range(0, 0))
	g.Resolver("Subscription.deliver", empty, w.I32Const(1))
	g.Resolver("Subscription.complete", empty, w.I32Const(3))
	g.Resolver("Subscription.skip", empty, w.I32Const(0))
	b := newPool(t, g.Bytes(), "", limits())
	for resolver, want := range map[string]string{
		"Subscription.deliver":  "fault the output is empty",
		"Subscription.complete": "fault the output is empty",
		"Subscription.skip":     "verdict 0",
	} {
		if got := describe(run(b, resolver, event("1"))); got != want {
			t.Errorf("%s: %q, want %q", resolver, got, want)
		}
	}
}

// TestRefusedPayloadsArePaidFor holds that parsing what publish then refuses
// costs what it takes: a guest could else keep a processor far beyond its fuel.
func TestRefusedPayloadsArePaidFor(t *testing.T) {
	g := sandboxtest.New(schema)
	payload := "[" + strings.Repeat("1,", 400)
	g.Resolver("Mutation.f", g.Call(abi.ImportPublish, g.Text("c"), g.Text(payload)))
	r := run(newPool(t, g.Bytes(), "", limits()), "Mutation.f", fixed{})
	if r.Fuel < int64(len(payload)) {
		t.Errorf("%d units for parsing %d bytes", r.Fuel, len(payload))
	}
}

// TestANewMemoryLimitHoldsForAllInstances has _initialize take what it can get,
// so that its image depends on the limit.
func TestANewMemoryLimitHoldsForAllInstances(t *testing.T) {
	g := sandboxtest.New(schema)
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil, w.I32Const(3), w.MemoryGrow(), w.Drop()))
	// The verdict is 3 with 4 pages, 0 with one.
	g.Resolver("Subscription.f", w.MemorySize(), w.I32Const(1), w.Op(wasm.OpI32Sub))
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	l := limits()
	p := m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits { return l }})
	defer func() { _ = p.Close() }()
	for _, c := range []struct {
		pages int64
		want  abi.Verdict
	}{{16, abi.Complete}, {16, abi.Complete}, {2, abi.Skip}, {2, abi.Skip}, {4, abi.Complete}, {4, abi.Complete}} {
		l.MemoryBytes = c.pages << 16
		r := &sandbox.Result{}
		p.Run(context.Background(), "Subscription.f", event("1"), r)
		if r.Fault != nil || r.Verdict != c.want {
			t.Errorf("with %d pages allowed: %v %v, want %v", c.pages, r.Verdict, r.Fault, c.want)
		}
	}
}
