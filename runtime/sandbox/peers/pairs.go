package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// side is one of the two that a ratio compares. It makes n calls and returns
// the processor time they took; what it does between the calls may be left out.
type side func(n int) (time.Duration, error)

// each makes a side of a call.
func each(call func() error) side {
	return func(n int) (time.Duration, error) {
		start := processorTime()
		for range n {
			if err := call(); err != nil {
				return 0, err
			}
		}
		return processorTime() - start, nil
	}
}

// comparison is the outcome of interleaved pairs: two figures for each pair,
// which were taken one right after the other.
type comparison struct {
	a, b []float64 // nanoseconds of processor time for each call
}

// turn is how long a side is measured each time.
const turn = 30 * time.Millisecond

// interleave measures all pairs in turn, round by round, so that what disturbs
// the machine for a while disturbs both sides of a pair.
func interleave(rounds int, pairs ...[2]side) ([]comparison, error) {
	calls := make([][2]int, len(pairs))
	for i, pair := range pairs {
		for s := range pair {
			n, err := callsInTurn(pair[s])
			if err != nil {
				return nil, err
			}
			calls[i][s] = n
		}
	}
	measured := make([]comparison, len(pairs))
	for range rounds {
		for i, pair := range pairs {
			var figures [2]float64
			for s := range pair {
				elapsed, err := pair[s](calls[i][s])
				if err != nil {
					return nil, err
				}
				figures[s] = float64(elapsed.Nanoseconds()) / float64(calls[i][s])
			}
			measured[i].a = append(measured[i].a, figures[0])
			measured[i].b = append(measured[i].b, figures[1])
		}
	}
	return measured, nil
}

// callsInTurn finds out how many calls fill a turn, which warms the side up too.
func callsInTurn(s side) (int, error) {
	for n := 1; ; n *= 2 {
		elapsed, err := s(n)
		if err != nil {
			return 0, err
		}
		if elapsed >= turn/4 {
			return max(1, int(float64(n)*float64(turn)/float64(elapsed))), nil
		}
	}
}

// ratios returns a/b of each pair.
func (c comparison) ratios() []float64 {
	r := make([]float64, len(c.a))
	for i := range r {
		r[i] = c.a[i] / c.b[i]
	}
	return r
}

// geometricMean returns, round by round, the geometric mean of several ratios.
func geometricMean(ratios ...[]float64) []float64 {
	mean := make([]float64, len(ratios[0]))
	for i := range mean {
		product := 1.0
		for _, r := range ratios {
			product *= r[i]
		}
		mean[i] = math.Pow(product, 1/float64(len(ratios)))
	}
	return mean
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// spread prints the median with the range.
func spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", figure(median(values)), figure(slices.Min(values)), figure(slices.Max(values)))
}

// figure prints three digits of a ratio.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// duration prints nanoseconds in a fitting unit.
func duration(nanoseconds float64) string {
	return time.Duration(nanoseconds).Round(time.Duration(math.Pow10(max(0, int(math.Log10(max(nanoseconds, 1)))-2)))).String()
}
