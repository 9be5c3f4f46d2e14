package meter_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

// overshoot is the bound that docs/fuel.md states, in units.
const overshoot = 8192

// TestOvershoot runs programs that count themselves out of fuel, and sees how far they get.
func TestOvershoot(t *testing.T) {
	e := newEngine(t, wazero.NewRuntimeConfigInterpreter())
	furthest := int64(0)
	for seed := range uint64(120) {
		far, err := e.overshoot(random.FromSeed(seed))
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		furthest = max(furthest, far)
	}
	if furthest > overshoot || furthest <= 0 {
		t.Errorf("programs got %d units past their limit, at most %d are allowed", furthest, overshoot)
	}
	t.Logf("furthest past the limit: %d units", furthest)
}

// overshoot returns how far past several limits a module gets.
func (e *engine) overshoot(m random.Module) (furthest int64, err error) {
	out := rewrite(e, naive(m.Wasm, true), meter.Options{TableElements: tableElements})
	compiled := e.compile(out.Wasm)
	defer compiled.Close(context.Background())
	run := func(limit int64) (executed, left int64, err error) {
		g, _, err := e.start(compiled)
		if err != nil {
			return 0, 0, err
		}
		defer g.close()
		before := g.global(naiveCount)
		g.setFuel(limit)
		_, err = g.words("run", m.Arguments, m.RunResults)
		return g.global(naiveCount) - before, g.fuel(), err
	}
	all, left, err := run(plentyOfFuel)
	if err == nil && plentyOfFuel-left != all {
		return 0, fmt.Errorf("executed %d units, charged %d", all, plentyOfFuel-left)
	}
	for _, part := range []int64{2, 3, 10} {
		limit := all / part
		executed, left, _ := run(limit)
		if left >= 0 && executed > limit {
			return 0, fmt.Errorf("executed %d of %d units, %d left", executed, limit, left)
		}
		furthest = max(furthest, executed-limit)
	}
	return furthest, nil
}
