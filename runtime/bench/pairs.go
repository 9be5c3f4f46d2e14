// Package bench compares what two ways to do the same cost, and prints tables of
// it. It is for benchmarks alone; those against other libraries are Go modules of their
// own, and share it.
package bench

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Side is one of the two that a ratio compares. It makes n calls and returns
// the processor time they took; what it does between the calls may be left out.
type Side func(n int) (time.Duration, error)

// Each makes a side of a call.
func Each(call func() error) Side {
	return func(n int) (time.Duration, error) {
		start := ProcessorTime()
		for range n {
			if err := call(); err != nil {
				return 0, err
			}
		}
		return ProcessorTime() - start, nil
	}
}

// PerCall is how many nanoseconds of processor time a call takes: the median of nine
// measurements of a thousand.
func PerCall(call func() error) (float64, error) {
	const rounds, calls = 9, 1000
	side := Each(call)
	var took []float64
	for range rounds {
		d, err := side(calls)
		if err != nil {
			return 0, err
		}
		took = append(took, float64(d)/calls)
	}
	return Median(took), nil
}

// Comparison is the outcome of interleaved pairs: two figures for each pair,
// which were taken one right after the other.
type Comparison struct {
	A, B []float64 // nanoseconds of processor time for each call
}

// turn is how long a side is measured each time.
const turn = 30 * time.Millisecond

// Interleave measures all pairs in turn, round by round, so that what disturbs
// the machine for a while disturbs both sides of a pair.
func Interleave(rounds int, pairs ...[2]Side) ([]Comparison, error) {
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
	measured := make([]Comparison, len(pairs))
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
			measured[i].A = append(measured[i].A, figures[0])
			measured[i].B = append(measured[i].B, figures[1])
		}
	}
	return measured, nil
}

// callsInTurn finds out how many calls fill a turn, which warms the side up too.
func callsInTurn(s Side) (int, error) {
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

// Ratios returns A/B of each pair.
func (c Comparison) Ratios() []float64 {
	r := make([]float64, len(c.A))
	for i := range r {
		r[i] = c.A[i] / c.B[i]
	}
	return r
}

// GeometricMean returns, round by round, the geometric mean of several ratios.
func GeometricMean(ratios ...[]float64) []float64 {
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

// Median of the values, which are left as they are.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// Spread prints the median with the range.
func Spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", Figure(Median(values)), Figure(slices.Min(values)), Figure(slices.Max(values)))
}

// Figure prints three digits of a ratio.
func Figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// Duration prints nanoseconds in a fitting unit.
func Duration(nanoseconds float64) string {
	return time.Duration(nanoseconds).Round(time.Duration(math.Pow10(max(0, int(math.Log10(max(nanoseconds, 1)))-2)))).String()
}

// String prints the ratios, and what they are of.
func (c Comparison) String() string {
	return fmt.Sprintf("%s, %s / %s", Spread(c.Ratios()), Duration(Median(c.A)), Duration(Median(c.B)))
}
