package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// overheadTarget is what a metered run may cost of an unmetered one.
const overheadTarget = 1.10

// example is a module of plugins/examples.
type example struct {
	name   string
	target float64 // 0: part of the geometric mean
}

var examples = []example{{"orders-rust", 0}, {"orders-assemblyscript", 0}, {"orders-go", 1.5}}

// exampleRows compares runs of the rewritten examples with runs of the originals.
func exampleRows(ctx context.Context, s settings) (rows []bench.Row, err error) {
	var there []example
	var pairs [][2]bench.Side
	for _, e := range examples {
		binary, err := readExample(s, e.name)
		if errors.Is(err, fs.ErrNotExist) && e.target > 0 {
			rows = append(rows, bench.Row{What: "fuel overhead, " + e.name, Measured: "not there", Target: fmt.Sprintf("≤ %.1f", e.target)})
			continue
		}
		if err != nil {
			return nil, err
		}
		var sides [variants]bench.Side
		for v := range variants {
			g, err := newGuests(ctx, binary, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			defer g.close(ctx) // only memory is freed, which cannot fail
			sides[v] = g.run
		}
		there = append(there, e)
		pairs = append(pairs, [2]bench.Side{sides[product], sides[original]}, [2]bench.Side{sides[unmarked], sides[original]})
	}
	measured, err := bench.Interleave(s.pairs, pairs...)
	if err != nil {
		return nil, err
	}
	return append(overheadRows(there, measured), rows...), nil
}

// overheadRows takes two comparisons for each example: of the product, and of
// what it would be without marks.
func overheadRows(examples []example, measured []bench.Comparison) (rows []bench.Row) {
	var served, counted [][]float64
	for i, e := range examples {
		c, without := measured[2*i], measured[2*i+1]
		r := bench.Row{What: "  " + e.name, Measured: c.String()}
		if e.target > 0 {
			r.What = "fuel overhead, " + e.name
			r.Target, r.Verdict = fmt.Sprintf("≤ %.1f", e.target), bench.AtMost(bench.Median(c.Ratios()), e.target)
		} else {
			served, counted = append(served, c.Ratios()), append(counted, without.Ratios())
		}
		rows = append(rows, r, bench.Row{What: "  " + e.name + ", without marks", Measured: without.String()})
	}
	ratios := bench.GeometricMean(served...)
	return append([]bench.Row{
		{
			What: "fuel overhead, geometric mean of Rust and AssemblyScript", Measured: bench.Spread(ratios),
			Target: fmt.Sprintf("≤ %.2f", overheadTarget), Verdict: bench.AtMost(bench.Median(ratios), overheadTarget),
		},
		{What: "  without the marks of what is written", Measured: bench.Spread(bench.GeometricMean(counted...))},
	}, rows...)
}
