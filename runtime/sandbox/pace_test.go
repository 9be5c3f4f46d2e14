package sandbox_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// paced are inputs that are told of slices.
type paced struct {
	fixed
	told    []int64
	giveWay func() bool // nil where it is not to
	charged int64       // units
	left    int         // times
	ends    bool        // with the first wait
}

func (p *paced) Spend(fuel int64) bool {
	p.told = append(p.told, fuel)
	return p.giveWay != nil
}

func (p *paced) GiveWay() bool { return p.giveWay() }

func (p *paced) Charge(units int64) { p.charged += units }

func (p *paced) Leave(wait func()) bool {
	p.left++
	wait()
	return !p.ends
}

// growing asks for so many pages one time after the other, with slices between, and puts
// out a digit for each answer, that of -1 being 0.
func growing(g *sandboxtest.Guest, ask ...int32) (c w.Code) {
	for n, pages := range ask {
		c = append(c, w.Join(spin(), w.I32Const(sandboxtest.Buffer+int32(n)),
			w.I32Const(pages), w.MemoryGrow(), w.I32Const('1'), w.Op(wasm.OpI32Add), w.OpMemory(wasm.OpI32Store8, 0, 0))...)
	}
	return w.Join(c, spin(), g.Call(abi.ImportOutput, sandboxtest.Range(sandboxtest.Buffer, uint32(len(ask)))))
}

// spin takes a few slices.
func spin() w.Code {
	return w.Join(w.I32Const(20_000), w.LocalSet(0), w.Loop(w.Result(), w.LocalGet(0), w.I32Const(1), w.Op(wasm.OpI32Sub), w.LocalTee(0), w.BrIf(0)))
}

// TestGuestsSeeNothingOfTheirPace holds that a run is the same whether or not it gives
// way: its memory can grow as far, it uses the same fuel, and ends with the same fault.
func TestGuestsSeeNothingOfTheirPace(t *testing.T) {
	const all = 65535 // with the first page all that there can be
	build := func(maxPages uint32, end func(*sandboxtest.Guest) w.Code) []byte {
		g := sandboxtest.New(schema)
		g.Resolver("Subscription.f", end(g))
		m, err := wasm.Decode(g.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if maxPages > 0 {
			m.Memories[0].Max, m.Memories[0].HasMax = maxPages, true
		}
		return m.Encode()
	}
	output := func(ask ...int32) func(*sandboxtest.Guest) w.Code {
		return func(g *sandboxtest.Guest) w.Code { return w.Join(growing(g, ask...), sandboxtest.Verdict(abi.Deliver)) }
	}
	traps := func(ask ...int32) func(*sandboxtest.Guest) w.Code {
		return func(g *sandboxtest.Guest) w.Code { return w.Join(growing(g, ask...), sandboxtest.Trap()) }
	}
	for name, c := range map[string]struct {
		maxPages uint32
		code     func(*sandboxtest.Guest) w.Code
		output   string
		fault    abi.Code
	}{
		"no maximum":            {0, output(1, all, 0, all-1, 14, 1, 1), "2030300", ""},
		"a maximum":             {3, output(1, 2, all-1, 1, 1, all, -1), "2003000", ""},
		"no growth":             {1, output(0, 1, all), "200", ""},
		"never grows":           {1, func(*sandboxtest.Guest) w.Code { return w.Join(spin(), sandboxtest.Trap()) }, "", abi.CodeResolverTrap},
		"over the limit":        {0, traps(1, 15, 1), "", abi.CodeMemoryLimit},
		"all there can be":      {0, traps(all), "", abi.CodeMemoryLimit},
		"over its own maximum":  {2, traps(2), "", abi.CodeResolverTrap},
		"all, over its maximum": {2, traps(all), "", abi.CodeResolverTrap},
		"refused nothing":       {0, traps(1), "", abi.CodeResolverTrap},
	} {
		b := newPool(t, build(c.maxPages, c.code), "", limits())
		plain := *run(b, "Subscription.f", event("1"))
		plain.Output = slices.Clone(plain.Output)
		if code := faultCode(&plain); string(plain.Output) != c.output || code != c.fault {
			t.Errorf("%s: %s, %s; want %s, %s", name, plain.Output, code, c.output, c.fault)
		}
		ways := 0
		in := &paced{fixed: event("1"), giveWay: func() bool { ways++; return true }}
		given := run(b, "Subscription.f", in)
		if string(given.Output) != c.output || faultCode(given) != c.fault || given.Fuel != plain.Fuel {
			t.Errorf("%s, giving way: %s, %s, %d units; want %s, %s, %d", name, given.Output, faultCode(given), given.Fuel, c.output, c.fault, plain.Fuel)
		}
		told := int64(0)
		for _, n := range in.told {
			told += n
			if n < 1 || n > 4*meter.DefaultSlice { // with the charge for growing
				t.Errorf("%s: a slice of %d units", name, n)
			}
		}
		if told > given.Fuel || given.Fuel-told > 2*meter.DefaultSlice || ways == 0 || ways != len(in.told) {
			t.Errorf("%s: told of %d units of %d, gave way %d times in %d slices", name, told, given.Fuel, ways, len(in.told))
		}
	}
}

func faultCode(r *sandbox.Result) abi.Code {
	if r.Fault == nil {
		return ""
	}
	return r.Fault.Code
}

// paceEndless runs each guest that never ends by itself, with so many milliseconds by the clock, in inputs
// that give way as pace says, which has what ends the run's context, too. It returns how the runs ended, by
// guest.
func paceEndless(t *testing.T, wall int64, pace func(in *paced, cancel func()) func() bool) map[string]*paceEnd {
	ends := map[string]*paceEnd{}
	for name, code := range endless() {
		g := sandboxtest.New(schema)
		g.Resolver("Subscription.f", code(g))
		l := limits()
		l.FuelPerRun, l.WallMillisPerRun = 1<<60, wall
		ctx, cancel := context.WithCancel(t.Context())
		end := &paceEnd{in: paced{fixed: event("1")}}
		end.in.giveWay = pace(&end.in, cancel)
		newPool(t, g.Bytes(), "", l).Run(ctx, "Subscription.f", &end.in, &end.Result)
		cancel()
		ends[name] = end
	}
	return ends
}

// paceEnd is how a run ended, and the inputs that it was paced by.
type paceEnd struct {
	sandbox.Result
	in paced
}

// TestStandingStillIsNoRun holds that a run's limit by the clock leaves out how long it gives way. In the
// bubble no other time passes.
func TestStandingStillIsNoRun(t *testing.T) {
	const wall, slices = 20, 10
	synctest.Test(t, func(t *testing.T) {
		for name, r := range paceEndless(t, wall, func(in *paced, cancel func()) func() bool {
			return func() bool {
				if time.Sleep(2 * wall * time.Millisecond); len(in.told) == slices {
					cancel()
				}
				return true
			}
		}) {
			if r.Fault == nil || r.Fault.Code != abi.CodeInternal || len(r.in.told) != slices {
				t.Errorf("%s: %+v, in %d slices", name, r.Fault, len(r.in.told))
			}
		}
	})
}

// TestCancelledWhileGivingWay holds that a run ends with its context, whether it is told not to go
// on or gives way more often than it is looked at.
func TestCancelledWhileGivingWay(t *testing.T) {
	for _, goesOn := range []bool{false, true} {
		const slices = 10
		for name, r := range paceEndless(t, 3_600_000, func(in *paced, cancel func()) func() bool {
			return func() bool {
				if len(in.told) < slices {
					return true
				}
				cancel()
				return goesOn
			}
		}) {
			if r.Fault == nil || r.Fault.Code != abi.CodeInternal || !r.Fault.Unrepeatable || len(r.in.told) != slices {
				t.Errorf("%s, told to go on: %v: %+v, in %d slices", name, goesOn, r.Fault, len(r.in.told))
			}
		}
	}
}

// TestTheStartIsPaced holds that what starting an instance takes is told, too.
func TestTheStartIsPaced(t *testing.T) {
	g := sandboxtest.New(schema)
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, w.I32s(1), spin()))
	g.Resolver("Subscription.f", g.Output("1"))
	b := newPool(t, g.Bytes(), "", limits())
	in := &paced{fixed: event("1")}
	if r := run(b, "Subscription.f", in); r.Fault != nil || len(in.told) == 0 {
		t.Errorf("%+v, in %d slices", r.Fault, len(in.told))
	}
	told := len(in.told)
	if run(b, "Subscription.f", in); len(in.told) != told {
		t.Error("a start was told of that was made before")
	}
}

// TestHostWorkIsCharged holds that what the host does for hostile runs costs what it is
// worth, however little fuel they take, and that none of it is told twice.
func TestHostWorkIsCharged(t *testing.T) {
	const pages = 16 // all of the limit
	guest := func(code ...w.Code) []byte {
		g := sandboxtest.New(schema)
		g.Module().Memories[0].Min = pages
		return g.Resolver("Subscription.f", code...).Bytes()
	}
	write := touch(pages, 1<<14, true)
	started := func(by func(g *sandboxtest.Guest, function uint32)) []byte {
		g := sandboxtest.New(schema)
		g.Module().Memories[0].Min = pages
		by(g, g.Function(nil, nil, w.I32s(1), write))
		return g.Resolver("Subscription.f", sandboxtest.Trap()).Bytes()
	}
	start := started(func(g *sandboxtest.Guest, function uint32) { g.Start(function) })
	initialize := started(func(g *sandboxtest.Guest, function uint32) { g.ExportFunction(abi.InitializeExport, function) })
	elements := sandboxtest.New(schema)
	elements.Table(wasm.FuncRef, 10_000)
	elements.Elements(0, 0, make([]uint32, 10_000)...)
	elements.Resolver("Subscription.f", sandboxtest.Trap())
	for name, c := range map[string]struct {
		binary      []byte
		least, most int64 // units of each run but the first
	}{
		"a trap":           {guest(sandboxtest.Trap()), 50_000, 200_000},
		"a large module":   {elements.Bytes(), 2_000_000, 5_000_000},
		"a written memory": {guest(write, sandboxtest.Trap()), pages << 16, pages<<16 + 200_000},
		"a start":          {start, pages << 16, pages<<16 + 200_000},
		"an _initialize":   {initialize, pages << 16, pages<<16 + 200_000},
		"a reset":          {guest(write, sandboxtest.Verdict(abi.Skip)), pages << 16 / 16, pages << 16},
		"nothing":          {guest(sandboxtest.Verdict(abi.Skip)), 0, 0},
	} {
		b := newPool(t, c.binary, "", limits())
		in := &paced{fixed: event("1")}
		run(b, "Subscription.f", in)
		if in.charged < 50_000 {
			t.Errorf("%s: the first instance was charged %d units", name, in.charged)
		}
		for range 3 {
			in.charged = 0
			if r := run(b, "Subscription.f", in); in.charged < c.least || in.charged > c.most || r.Fuel > 10_000 {
				t.Errorf("%s: charged %d units beside %d of fuel, want %d to %d", name, in.charged, r.Fuel, c.least, c.most)
			}
		}
	}
}

// TestCodeIsBroughtBackOutsideTheTurn holds that a run leaves its turn while its code
// comes from the disk, is charged for it, and ends where its context has meanwhile.
func TestCodeIsBroughtBackOutsideTheTurn(t *testing.T) {
	e := engineOf(t, sandbox.Config{CodeBytes: 1})
	b := poolOf(t, load(t, e, "hello"), "", limits())
	in := &paced{fixed: event("1"), ends: true}
	if r := run(b, "Subscription.f", in); in.left != 1 || faultCode(r) != abi.CodeInternal {
		t.Errorf("left %d times: %s", in.left, describe(r))
	}
	if loaded, _ := e.Codes(); loaded != 0 {
		t.Errorf("%d modules are in memory after a run that did not go on", loaded)
	}
	in.ends, in.charged = false, 0
	if r := run(b, "Subscription.f", in); in.left != 2 || string(r.Output) != `"hello"` || in.charged < 1_000_000 {
		t.Errorf("left %d times, charged %d units: %s", in.left, in.charged, describe(r))
	}
	in.charged = 0
	if r := run(b, "Subscription.f", in); in.left != 2 || r.Fault != nil || in.charged > 10_000 {
		t.Errorf("with code and an instance: left %d times, charged %d units: %s", in.left, in.charged, describe(r))
	}
}
