package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// defaults are a tenant's default limits, but for the clock: tests run on busy
// machines.
func defaults() sandbox.Limits {
	return sandbox.Limits{
		WallMillisPerRun: 60_000,
		FuelPerRun:       10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20, LogBytesPerRun: 16 << 10,
		PublishesPerRun: 16, EventBytes: 64 << 10,
	}
}

// okResolver is what modules of the corpus export beside what is hostile in
// them: it puts out "ok".
const okResolver = "Subscription.ok"

// TestHostileModules uploads every module of the corpus and runs all of its
// resolvers for two tenants, beside a module that is not hostile. What comes of
// each is what its text says, the same each time, and nobody's next run is
// another for it.
func TestHostileModules(t *testing.T) {
	corpus := append(hostileCorpus(t), giants(t)...)
	if len(corpus) < 60 {
		t.Fatalf("%d modules", len(corpus))
	}
	holdsNothing(t, func() {
		s := newStage(t)
		for _, h := range corpus {
			t.Run(h.name, func(t *testing.T) { s.try(t, h) })
		}
		s.close(t)
	})
}

// holdsNothing fails the test where f leaves goroutines or memory behind.
func holdsNothing(t *testing.T, f func()) {
	t.Helper()
	const most = 8 << 20
	goroutines, held := runtime.NumGoroutine(), memoryInUse()
	f()
	if n := memoryInUse(); n > held+most {
		t.Errorf("%d bytes in use, %d before", n, held)
	}
	// The runtime's own goroutine for finalizers counts while one runs.
	for range 1000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// stage is an engine with a neighbour of the hostile modules.
type stage struct {
	engine    *sandbox.Engine
	healthy   *sandbox.Module
	neighbour *sandbox.Pool
	fuel      int64 // of a run of the neighbour
}

func newStage(t *testing.T) *stage {
	t.Helper()
	// Start and _initialize get little, so that they end long before the clock ends them.
	e, err := sandbox.New(context.Background(), sandbox.Config{StartFuel: 5_000_000})
	if err != nil {
		t.Fatal(err)
	}
	g := sandboxtest.New(schema)
	m, err := e.Load(context.Background(), g.Resolver("Subscription.f", g.Echo(abi.InputEvent)).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return &stage{engine: e, healthy: m, neighbour: m.Pool(sandbox.PoolConfig{Limits: defaults})}
}

func (s *stage) close(t *testing.T) {
	t.Helper()
	for _, end := range []func() error{s.neighbour.Close, s.healthy.Release, func() error { return s.engine.Close(context.Background()) }} {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

// try uploads a module and, where it is admitted, runs it.
func (s *stage) try(t *testing.T, h *hostile) {
	m, err := s.engine.Load(context.Background(), h.binary)
	if len(h.refusals) > 0 {
		if err := h.checkRefusal(err); err != nil {
			t.Error(err)
		}
		s.checkNeighbour(t)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	s.checkNeighbour(t)
	h.checkStart(t, m)
	h.checkComplete(t, m.Resolvers())
	after := h.afterEach(m.Resolvers())
	tenant, other := poolOf(t, m, `"config"`, defaults()), poolOf(t, m, `"config"`, defaults())
	first := map[string]string{} // what the first run of a resolver gave
	for _, e := range h.runs {
		for _, b := range []*bench{tenant, tenant, other} {
			runExpecting(t, b, e, first)
			for _, e := range after {
				runExpecting(t, b, e, first)
			}
			s.checkNeighbour(t)
		}
	}
	if err := m.Release(); err != nil {
		t.Error(err)
	}
}

// checkStart holds that a module is told to fail at its start where its runs would say so, with the same code.
func (h *hostile) checkStart(t *testing.T, m *sandbox.Module) {
	t.Helper()
	want := ""
	for _, e := range h.runs {
		for _, text := range e.texts {
			if strings.HasPrefix(text, "start: ") || strings.HasPrefix(text, "_initialize: ") || strings.HasPrefix(text, "the module starts with ") {
				want = e.outcome
			}
		}
	}
	err := m.Start(context.Background(), defaults(), nil, nil)
	var failed *sandbox.StartError
	switch {
	case want == "" && err != nil:
		t.Errorf("it does not start: %v", err)
	case want != "" && !errors.As(err, &failed):
		t.Errorf("the start gives %v, want %s", err, want)
	case want != "" && (string(failed.Fault.Code) != want || (failed.Where != "") != (failed.Fuel > 0) || failed.Fuel > failed.Limit):
		t.Errorf("the start gives %+v, want %s", failed, want)
	}
}

// afterEach is the run that follows every other: that of the resolver which is
// not hostile, unless the text says itself what comes of it.
func (h *hostile) afterEach(resolvers []string) []expectation {
	said := func(e expectation) bool { return e.resolver == okResolver }
	if !slices.Contains(resolvers, okResolver) || slices.ContainsFunc(h.runs, said) {
		return nil
	}
	return []expectation{{resolver: okResolver, outcome: "deliver", texts: []string{`"ok"`}, published: 0, logged: 0}}
}

// checkComplete holds that each resolver has its expectation.
func (h *hostile) checkComplete(t *testing.T, resolvers []string) {
	t.Helper()
	for _, r := range resolvers {
		expected := func(e expectation) bool { return e.resolver == r }
		if r != okResolver && !slices.ContainsFunc(h.runs, expected) {
			t.Errorf("it does not say what comes of %s", r)
		}
	}
}

// runExpecting runs a resolver and checks what comes of it.
func runExpecting(t *testing.T, b *bench, e expectation, first map[string]string) {
	t.Helper()
	// Far above what any takes: what it finds is a run without a bound.
	const longest = time.Minute
	b.log = nil
	start := time.Now()
	r := run(b, e.resolver, hostileInputs())
	took := time.Since(start)
	if err := e.check(r, b.log); err != nil {
		t.Errorf("%s: %v", e.resolver, err)
	}
	if err := withinLimits(r, b.log, defaults()); err != nil {
		t.Errorf("%s: %v", e.resolver, err)
	}
	if took > longest {
		t.Errorf("%s took %v", e.resolver, took)
	}
	got := fmt.Sprintf("%s, %d units of fuel, reads %v, %d events", describe(r), r.Fuel, r.Reads, len(r.Published))
	if was, ran := first[e.resolver]; ran && was != got {
		t.Errorf("%s: %.300s, the first time %.300s", e.resolver, got, was)
	}
	first[e.resolver] = got
}

func (s *stage) checkNeighbour(t *testing.T) {
	t.Helper()
	payload := `{"of":"the neighbour"}`
	r := &sandbox.Result{}
	s.neighbour.Run(context.Background(), "Subscription.f", event(payload), r)
	if s.fuel == 0 {
		s.fuel = r.Fuel
	}
	if r.Fault != nil || !bytes.Equal(r.Output, []byte(payload)) || r.Fuel != s.fuel {
		t.Errorf("the neighbour: %s with %d units of fuel, not %d", describe(r), r.Fuel, s.fuel)
	}
}

func hostileInputs() fixed {
	return fixed{
		inputs: map[abi.Kind]string{
			abi.InputEvent: `{"a":1}`, abi.InputArguments: `{"a":7}`, abi.InputMeta: `{"id":"e1","time":"2026-01-02T03:04:05.678Z"}`,
		},
		arguments:   map[string]json.RawMessage{"a": json.RawMessage("7")},
		claims:      map[string]json.RawMessage{"sub": json.RawMessage(`"u"`)},
		permissions: []string{"p"},
	}
}
