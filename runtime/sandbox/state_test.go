package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// ends are the ways in which the run that leaves a mark ends.
func ends(g *sandboxtest.Guest) map[string]w.Code {
	output := g.Call(abi.ImportOutput, g.Text("1"))
	return map[string]w.Code{
		"skip":     w.I32Const(0),
		"deliver":  w.Join(output, w.I32Const(1)),
		"failed":   w.I32Const(2),
		"verdict":  w.I32Const(77),
		"trap":     sandboxtest.Trap(),
		"outside":  w.Join(w.I32Const(-1), w.I32Load(0)),
		"divide":   w.Join(w.I32Const(1), w.I32Const(0), w.Op(wasm.OpI32DivS)),
		"fuel":     sandboxtest.Forever(),
		"hostFuel": w.Join(w.Loop(w.Result(), g.Call(abi.ImportLog, w.I32Const(0), sandboxtest.Range(0, 0)), w.Br(0)), sandboxtest.Trap()),
		"memory":   w.Join(w.I32Const(1000), w.MemoryGrow(), w.Drop(), sandboxtest.Trap()),
		"range":    w.Join(g.Call(abi.ImportOutput, sandboxtest.Range(0, math.MaxUint32)), w.I32Const(1)),
		"output":   w.Join(w.I32Const(8), w.MemoryGrow(), w.Drop(), g.Call(abi.ImportOutput, sandboxtest.Range(0, 1<<17)), w.I32Const(1)),
	}
}

// TestNoStateSurvivesARun has a guest leave a mark in every kind of state there
// is, in runs that end in every way there is, and look for it in the next run,
// of the same tenant and of another that has the same module.
func TestNoStateSurvivesARun(t *testing.T) {
	for name, kind := range stateKinds {
		t.Run(name, func(t *testing.T) {
			g := sandboxtest.New(schema)
			look, leave := kind(g)
			// The verdict is complete where a mark was found, skip where not.
			look = w.Join(look, w.LocalSet(0), w.I32Const(3), w.I32Const(0), w.LocalGet(0), w.Op(wasm.OpSelect))
			g.Resolver("Subscription.look", look)
			g.Resolver("Subscription.seen", leave, look)
			for end, code := range ends(g) {
				g.Resolver("Subscription."+end, leave, code)
			}
			m, err := newEngine(t).Load(context.Background(), g.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			tenant, other := poolOf(t, m, "", limits()), poolOf(t, m, "", limits())
			if !finds(run(tenant, "Subscription.seen", event("1"))) {
				t.Fatal("a run does not find the mark that it left itself")
			}
			for _, leave := range m.Resolvers() {
				for range 2 {
					run(tenant, leave, event("1"))
					for _, b := range []*bench{tenant, other} {
						if r := run(b, "Subscription.look", event("1")); finds(r) {
							t.Errorf("after %s there is a mark, for the other tenant %t: %s", leave, b == other, describe(r))
						}
					}
				}
			}
			t.Run("in parallel", func(t *testing.T) { leaveAndLook(t, tenant, other) })
		})
	}
}

// finds tells whether a run saw a mark. Some are seen by a trap.
func finds(r *sandbox.Result) bool { return r.Fault != nil || r.Verdict != abi.Skip }

// leaveAndLook has one tenant leave marks while both look.
func leaveAndLook(t *testing.T, tenant, other *bench) {
	var group sync.WaitGroup
	repeated := func(b *bench, resolver string, found bool) {
		group.Go(func() {
			for range 10 {
				if r := run(b, resolver, event("1")); finds(r) != found {
					t.Errorf("%s: %s", resolver, describe(r))
				}
			}
		})
	}
	repeated(tenant, "Subscription.seen", true)
	repeated(tenant, "Subscription.trap", true)
	repeated(tenant, "Subscription.look", false)
	repeated(other, "Subscription.look", false)
	group.Wait()
}

// TestEveryStoreIsUndone has every instruction and every host call that writes
// memory write over a boundary of what a reset could take for clean.
func TestEveryStoreIsUndone(t *testing.T) {
	const boundary = 8192 // the last byte that is written
	ones := append(wasm.AppendOpcode(nil, wasm.OpV128Const), bytes.Repeat([]byte{0xff}, 16)...)
	one := w.Join(w.I32Const(-1), w.Op(wasm.OpF32ReinterpretI32))
	two := w.Join(w.I64Const(-1), w.Op(wasm.OpF64ReinterpretI64))
	g := sandboxtest.New(schema)
	g.Data(40_000, bytes.Repeat([]byte{0xff}, 100))
	segment := g.PassiveData(bytes.Repeat([]byte{0xff}, 5000))
	written := map[string]w.Code{
		"memory_fill":  w.Join(w.I32Const(boundary-4999), w.I32Const(0xff), w.I32Const(5000), w.MemoryFill()),
		"memory_copy":  w.Join(w.I32Const(boundary-99), w.I32Const(40_000), w.I32Const(100), w.MemoryCopy()),
		"memory_init":  w.Join(w.I32Const(boundary-4999), w.I32Const(0), w.I32Const(5000), w.MemoryInit(segment)),
		"memory_later": w.Join(w.I32Const(boundary-4096), w.I32Const(0xff), w.I32Const(20_000), w.MemoryFill()),
		"input":        w.Join(g.Call(abi.ImportInput, w.I32Const(0), sandboxtest.Range(boundary-6, 7)), w.Drop()),
		"argument":     w.Join(g.Call(abi.ImportArgument, g.Text("a"), sandboxtest.Range(boundary, 1)), w.Drop()),
		"claim":        w.Join(g.Call(abi.ImportClaim, g.Text("sub"), sandboxtest.Range(boundary-2, 3)), w.Drop()),
	}
	for _, s := range []struct {
		op    wasm.Opcode
		bytes uint32
		value w.Code
	}{
		{wasm.OpI32Store, 4, w.I32Const(-1)},
		{wasm.OpI32Store16, 2, w.I32Const(-1)},
		{wasm.OpI32Store8, 1, w.I32Const(-1)},
		{wasm.OpI64Store, 8, w.I64Const(-1)},
		{wasm.OpI64Store32, 4, w.I64Const(-1)},
		{wasm.OpI64Store16, 2, w.I64Const(-1)},
		{wasm.OpI64Store8, 1, w.I64Const(-1)},
		{wasm.OpF32Store, 4, one},
		{wasm.OpF64Store, 8, two},
		{wasm.OpV128Store, 16, ones},
		{wasm.OpV128Store8Lane, 1, ones},
		{wasm.OpV128Store16Lane, 2, ones},
		{wasm.OpV128Store32Lane, 4, ones},
		{wasm.OpV128Store64Lane, 8, ones},
	} {
		const offset = 100
		store := w.OpMemory(s.op, 0, offset)
		if s.op.Immediate() == wasm.ImmediateMemoryArgumentLane {
			store = append(store, 0)
		}
		name := strings.ReplaceAll(s.op.String(), ".", "_")
		written[name] = w.Join(w.I32Const(int32(boundary+1-s.bytes-offset)), s.value, store)
	}
	const look = "Subscription.look"
	for name, code := range written {
		g.Resolver("Subscription."+name, code, w.I32Const(9), w.I32Const(0), w.I32Const(boundary), w.I32Load8U(0), w.Op(wasm.OpSelect))
		g.Resolver("Subscription."+name+"_trap", code, sandboxtest.Trap())
	}
	// Whether any byte of the first page is set that should not be.
	g.Resolver(look, w.I32Const(4096), w.LocalSet(0), w.Loop(w.Result(),
		w.LocalGet(1), w.LocalGet(0), w.I32Load(0), w.Op(wasm.OpI32Or), w.LocalSet(1),
		w.LocalGet(0), w.I32Const(4), w.Op(wasm.OpI32Add), w.LocalTee(0), w.I32Const(32_768), w.Op(wasm.OpI32LtU), w.BrIf(0)),
		w.I32Const(3), w.I32Const(0), w.LocalGet(1), w.Op(wasm.OpSelect))
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	b := poolOf(t, m, "", limits())
	in := fixed{
		inputs:    map[abi.Kind]string{abi.InputEvent: `{"a":1}`},
		arguments: map[string]json.RawMessage{"a": json.RawMessage("7")},
		claims:    map[string]json.RawMessage{"sub": json.RawMessage(`"u"`)},
	}
	for _, resolver := range m.Resolvers() {
		// A resolver that traps says nothing of itself, one that does not says 9 where it wrote.
		if r := run(b, resolver, in); resolver != look && r.Fault == nil {
			t.Errorf("%s wrote nothing", resolver)
		}
		if r := run(b, look, in); finds(r) {
			t.Errorf("after %s: %s", resolver, describe(r))
		}
	}
}

// TestARunIsTheSameAfterAnyOther runs each resolver of a guest after each, in
// one pool and into one result, and compares with a run in a new pool. What one
// leaves on the host's side of the border would show: what it put out, failed
// with, published, logged, read, grew, used.
func TestARunIsTheSameAfterAnyOther(t *testing.T) {
	g := sandboxtest.New(schema)
	secret := g.Text(`"secret"`)
	kinds := map[string]w.Code{
		"output":   w.Join(g.Call(abi.ImportOutput, secret), w.I32Const(1)),
		"none":     w.I32Const(1),
		"empty":    w.Join(g.Call(abi.ImportOutput, sandboxtest.Range(0, 0)), w.I32Const(1)),
		"fail":     w.Join(g.Call(abi.ImportFail, g.Text(`{"message":"secret","extensions":{"a":1}}`)), w.I32Const(2)),
		"plain":    w.Join(g.Call(abi.ImportFail, secret), w.I32Const(2)),
		"silent":   w.I32Const(2),
		"log":      w.Join(g.Call(abi.ImportLog, w.I32Const(3), secret), w.I32Const(0)),
		"flood":    w.Join(g.Call(abi.ImportLog, w.I32Const(1), sandboxtest.Range(0, 1000)), w.I32Const(0)),
		"reads":    w.Join(g.Call(abi.ImportPermitted, secret), w.Drop(), g.Named(abi.ImportClaim, "sub"), w.Drop(), g.Echo(abi.InputEvent)),
		"names":    g.OutputOf(g.Named(abi.ImportArgument, "a")),
		"refused":  w.Join(w.I32Const(1000), w.MemoryGrow(), w.Drop(), w.I32Const(0)),
		"trap":     w.Join(g.Call(abi.ImportOutput, secret), g.Call(abi.ImportFail, secret), sandboxtest.Trap()),
		"memory":   sandboxtest.EatMemory(),
		"fuel":     w.Join(g.Call(abi.ImportLog, w.I32Const(3), secret), sandboxtest.Forever()),
		"publish":  w.Join(g.Call(abi.ImportPublish, g.Text("c"), secret), w.Drop(), g.Output("1")),
		"over":     w.Join(g.Call(abi.ImportOutput, secret), w.I32Const(1), w.MemoryGrow(), w.Drop(), g.Call(abi.ImportOutput, sandboxtest.Range(0, 65537)), w.I32Const(1)),
		"complete": w.I32Const(3),
	}
	for name, code := range kinds {
		g.Resolver("Subscription."+name, code)
		g.Resolver("Mutation."+name, code)
	}
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	in := fixed{
		inputs:    map[abi.Kind]string{abi.InputEvent: `{"a":1}`},
		arguments: map[string]json.RawMessage{"a": json.RawMessage("7")},
		claims:    map[string]json.RawMessage{"sub": json.RawMessage(`"u"`)},
	}
	alone := map[string]string{}
	for _, resolver := range m.Resolvers() {
		b := poolOf(t, m, "", limits())
		alone[resolver] = everything(run(b, resolver, in), b.log)
	}
	b, r := poolOf(t, m, "", limits()), &sandbox.Result{}
	for _, first := range m.Resolvers() {
		for _, second := range m.Resolvers() {
			b.Run(context.Background(), first, in, r)
			b.log = nil
			b.Run(context.Background(), second, in, r)
			if got := everything(r, b.log); got != alone[second] {
				t.Errorf("%s after %s: %s, alone: %s", second, first, got, alone[second])
			}
		}
	}
}

// everything is all that a run shows.
func everything(r *sandbox.Result, lines []sandbox.Line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; output %t %q; %d units; log %+v", describe(r), r.HasOutput, r.Output, r.Fuel, lines)
	for _, read := range r.Reads {
		fmt.Fprintf(&b, "; %s = %s %t", read, read.Value, read.Present)
	}
	for _, p := range r.Published {
		fmt.Fprintf(&b, "; %s: %s", p.Channel, p.Payload)
	}
	if r.Fault != nil {
		fmt.Fprintf(&b, "; %s %s", r.Fault.Code, r.Fault.Limit)
	}
	return b.String()
}

// TestNamesAskedForBeforeCostTheSame holds that a guest cannot tell by its fuel
// whether another run of its pool asked for a name before.
func TestNamesAskedForBeforeCostTheSame(t *testing.T) {
	g := sandboxtest.New(schema)
	var many w.Code
	for n := range 300 { // more than a pool remembers
		many = w.Join(many, g.Call(abi.ImportPermitted, g.Text(fmt.Sprintf("name %03d", n))), w.Drop())
	}
	g.Resolver("Subscription.many", many, w.I32Const(0))
	for _, name := range []string{"name 007", "name 299", "name xyz"} {
		g.Resolver("Subscription."+strings.ReplaceAll(name, " ", "_"), g.Call(abi.ImportPermitted, g.Text(name)))
	}
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	b := poolOf(t, m, "", limits())
	ask := func() (fuel []int64) {
		for _, resolver := range m.Resolvers() {
			if resolver != "Subscription.many" {
				fuel = append(fuel, run(b, resolver, event("1")).Fuel)
			}
		}
		return fuel
	}
	before := ask()
	run(b, "Subscription.many", event("1"))
	after := ask()
	if slices.Compact(slices.Concat(before, after))[0] != before[0] || len(slices.Compact(slices.Concat(before, after))) != 1 {
		t.Errorf("fuel %v, then %v", before, after)
	}
}
