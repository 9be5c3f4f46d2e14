package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// searchTime is how long BenchmarkCompileBombs looks for worse bombs.
const searchTime = 40 * time.Second

// found is a bomb that admission let through, with what it cost.
type found struct {
	bomb
	uploaded int
	cpu      time.Duration
	memory   int64
	over     bool // stopped by the limits
}

func (f found) perMiB() float64 {
	return f.cpu.Seconds() / float64(max(f.uploaded, 1)) * (1 << 20)
}

// BenchmarkCompileBombs searches for the shapes of modules that cost a child
// process the most for their length, among those that admission lets through.
func BenchmarkCompileBombs(b *testing.B) {
	for b.Loop() {
		e := engineOf(b, sandbox.Config{CompileInChild: true})
		worst := make([]found, len(shapes))
		r := rand.New(rand.NewPCG(1, 2))
		tried, refused := 0, 0
		for end := time.Now().Add(searchTime); time.Now().Before(end); tried++ {
			shape := tried % len(shapes)
			candidate := randomBomb(r, shape)
			if best := worst[shape]; best.uploaded > 0 && r.IntN(2) == 0 {
				candidate = best.changed(r)
			}
			f, ok := candidate.explode(b, e)
			if !ok {
				refused++
			} else if f.perMiB() > worst[shape].perMiB() {
				worst[shape] = f
			}
		}
		report(b, worst, tried, refused)
	}
}

func report(b *testing.B, worst []found, tried, refused int) {
	slices.SortFunc(worst, func(x, y found) int { return int(math.Copysign(1, y.perMiB()-x.perMiB())) })
	var table strings.Builder
	memory := 0.0
	for _, f := range worst {
		if f.uploaded == 0 {
			continue
		}
		perMiB := float64(f.memory) / float64(f.uploaded)
		memory = max(memory, perMiB)
		_, _ = fmt.Fprintf(&table, "\n%-15s %8d bytes %6.2f s %5d MiB %8.1f s/MiB %6.0f MiB/MiB  stopped %-5v %+v",
			shapes[f.shape].name, f.uploaded, f.cpu.Seconds(), f.memory>>20, f.perMiB(), perMiB, f.over, f.bomb)
	}
	b.Logf("%d bombs, %d refused by admission%s", tried, refused, &table)
	b.ReportMetric(worst[0].perMiB(), "cpu-s/MiB")
	b.ReportMetric(memory, "MiB/MiB")
	b.ReportMetric(0, "ns/op")
}

// explode loads a bomb; false where admission refuses it.
func (b bomb) explode(t testing.TB, e *sandbox.Engine) (found, bool) {
	binary := b.module(1)
	f := found{bomb: b, uploaded: len(binary)}
	m, err := e.Load(context.Background(), binary)
	var refused *sandbox.AdmissionError
	switch {
	case err == nil:
		f.cpu, f.memory = m.Cost()
		if err := m.Release(); err != nil {
			t.Error(err)
		}
		return f, true
	case !errors.As(err, &refused):
		t.Errorf("%s %+v: %v", shapes[b.shape].name, b, err)
		return f, false
	case strings.HasPrefix(refused.Problems[0].Message, "compiling the module takes more than"):
		f.over, f.cpu = true, sandbox.DefaultCompileLimits.CPUFor(len(binary))
		return f, true
	}
	return f, false
}

// between is a random number whose logarithm is evenly spread.
func between(r *rand.Rand, low, high int) int {
	span := math.Log(float64(high)) - math.Log(float64(low))
	return int(math.Round(float64(low) * math.Exp(r.Float64()*span)))
}

func randomBomb(r *rand.Rand, shape int) bomb {
	return bomb{
		shape: shape, bytes: between(r, 20_000, 200_000), bodies: between(r, 1, 500), locals: between(r, 2, 5000),
		depth: between(r, 1, 500), width: between(r, 1, 128), variant: r.IntN(12),
	}
}

// changed returns the bomb with one number changed.
func (f found) changed(r *rand.Rand) bomb {
	b := f.bomb
	scale := func(n, low, high int) int { return min(max(int(float64(n)*(0.3+2*r.Float64())), low), high) }
	switch r.IntN(6) {
	case 0:
		b.locals = scale(b.locals, 2, 10_000)
	case 1:
		b.depth = scale(b.depth, 1, 4000)
	case 2:
		b.width = scale(b.width, 1, 128)
	case 3:
		b.bodies = scale(b.bodies, 1, 10_000)
	case 4:
		b.bytes = scale(b.bytes, 10_000, 1_000_000)
	default:
		b.variant = r.IntN(12)
	}
	return b
}

// TestKnownBombs holds that what is known to take a compiler seconds is refused
// before one sees it, with the place.
func TestKnownBombs(t *testing.T) {
	loops := func(bytes, locals, depth int) bomb {
		return bomb{bytes: bytes, bodies: 1, locals: locals, depth: depth, width: 1}
	}
	for name, b := range map[string]bomb{
		"15 KB of loops":    loops(15_000, 200, 100),
		"241 KB of loops":   loops(241_000, 200, 100),
		"loops in turn":     loops(100_000, 4, 1),
		"blocks in turn":    {shape: 1, bytes: 60_000, bodies: 4, locals: 2300, depth: 1, width: 1},
		"block types":       {shape: 14, bytes: 100_000, bodies: 1, locals: 3, depth: 12, width: 16},
		"a state machine":   {shape: 5, bytes: 100_000, bodies: 5, locals: 2000, depth: 26, width: 1},
		"a ladder of br_if": {shape: 3, bytes: 90_000, bodies: 1, locals: 900, depth: 90, width: 1},
	} {
		_, err := newEngine(t).Load(context.Background(), b.module(1))
		var refused *sandbox.AdmissionError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		} else if p := refused.Problems[0]; p.Function == "" || !p.HasOffset {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestEveryShapeIsValid holds that bombs are refused for what they cost only.
func TestEveryShapeIsValid(t *testing.T) {
	e := newEngine(t)
	for shape := range shapes {
		for variant := range 12 {
			b := bomb{shape: shape, bytes: 300, bodies: 2, locals: 6, depth: 3, width: 5, variant: variant}
			if _, err := e.Load(context.Background(), b.module(1)); err != nil {
				t.Errorf("%s %d: %v", shapes[shape].name, variant, err)
			}
		}
	}
}
