package meter_test

import (
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// overshoot is the bound that docs/fuel.md states, in units.
const overshoot = 8192

const naiveLimit = 500_000

// TestFuelIsExact compares what random programs are charged with a count of every instruction.
func TestFuelIsExact(t *testing.T) {
	e := newEngine(t, wazero.NewRuntimeConfigInterpreter())
	var ended, trapped, exhausted int
	for seed := range uint64(120) {
		switch checkExact(e, e, seed) {
		case "ended":
			ended++
		case "trapped":
			trapped++
		case "exhausted":
			exhausted++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d ended, %d trapped, %d exhausted", ended, trapped, exhausted)
	if ended < 60 || trapped < 3 {
		t.Errorf("%d programs ended and %d trapped: too few to tell", ended, trapped)
	}
}

// checkExact runs a random program counted in one engine and metered in another, and says how it went.
func checkExact(counting, e *engine, seed uint64) string {
	e.Helper()
	b := randomModule(seed, true)
	o := counting.instantiate(naive(e.TB, b, 0, naiveLimit))
	defer o.close()
	_, naiveErr := o.call("run")
	count := o.global(naiveCount)

	compiled := e.compile(rewrite(e.TB, b, meter.Options{MarkWrites: true}).Wasm)
	run := func(fuel int64) (left, number int64, err error) {
		g := e.instance(compiled)
		defer g.close()
		left, err = g.run(fuel)
		return left, g.global("number"), err
	}
	left, number, err := run(naiveLimit)
	switch {
	case count > naiveLimit:
		if left >= 0 {
			e.Errorf("left %d after more than %d units", left, naiveLimit)
		}
		return "exhausted"
	case naiveErr != nil:
		if err == nil || naiveLimit-left < count {
			e.Errorf("trapped after %d units; metered: %d units, %v", count, naiveLimit-left, err)
		}
		return "trapped"
	}
	if err != nil || naiveLimit-left != count || number != o.global("number") {
		e.Errorf("ended after %d units; metered: %d units, %v", count, naiveLimit-left, err)
	}
	if left, _, err := run(count); err != nil || left != 0 {
		e.Errorf("with %d units: left %d, %v", count, left, err)
	}
	if left, _, _ := run(count - 1); left >= 0 {
		e.Errorf("with %d units, one too few: left %d", count-1, left)
	}
	return "ended"
}

// TestOvershoot runs programs that count themselves out of fuel, and sees how far they get.
func TestOvershoot(t *testing.T) {
	e := newEngine(t, wazero.NewRuntimeConfigInterpreter())
	const self = 4 // what raising the counter costs
	furthest := int64(0)
	for seed := range uint64(60) {
		b := naive(t, randomModule(seed, false), self, 0)
		g := e.metered(b, meter.Options{})
		left, err := g.run(naiveLimit)
		executed := g.global(naiveCount)
		if err == nil && naiveLimit-left != executed {
			t.Errorf("seed %d: executed %d units, charged %d", seed, executed, naiveLimit-left)
		}
		g.close()
		compiled := e.compile(g.output.Wasm)
		for _, part := range []int64{2, 3, 10} {
			limit := min(executed, naiveLimit) / part
			g := e.instance(compiled)
			left, _ := g.run(limit)
			got := g.global(naiveCount)
			if left >= 0 && got > limit {
				t.Errorf("seed %d: executed %d of %d units, %d left", seed, got, limit, left)
			}
			furthest = max(furthest, got-limit)
			g.close()
		}
	}
	if furthest > overshoot || furthest <= 0 {
		t.Errorf("programs got %d units past their limit, at most %d are allowed", furthest, overshoot)
	}
	t.Logf("furthest past the limit: %d units", furthest)
}
