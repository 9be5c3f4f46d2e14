package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
func exampleRows(ctx context.Context, s settings) (rows []row, err error) {
	var there []example
	var pairs [][2]side
	for _, e := range examples {
		binary, err := readExample(s, e.name)
		if errors.Is(err, fs.ErrNotExist) && e.target > 0 {
			rows = append(rows, row{"fuel overhead, " + e.name, "not there", fmt.Sprintf("≤ %.1f", e.target), ""})
			continue
		}
		if err != nil {
			return nil, err
		}
		var sides [variants]side
		for v := range variants {
			g, err := newGuests(ctx, binary, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			defer g.close(ctx) // only memory is freed, which cannot fail
			sides[v] = g.run
		}
		there = append(there, e)
		pairs = append(pairs, [2]side{sides[product], sides[original]}, [2]side{sides[unmarked], sides[original]})
	}
	measured, err := interleave(s.pairs, pairs...)
	if err != nil {
		return nil, err
	}
	return append(overheadRows(there, measured), rows...), nil
}

// overheadRows takes two comparisons for each example: of the product, and of
// what it would be without marks.
func overheadRows(examples []example, measured []comparison) (rows []row) {
	var served, counted [][]float64
	for i, e := range examples {
		c, without := measured[2*i], measured[2*i+1]
		r := row{what: "  " + e.name, measured: compared(c)}
		if e.target > 0 {
			r.what = "fuel overhead, " + e.name
			r.target, r.verdict = fmt.Sprintf("≤ %.1f", e.target), atMost(median(c.ratios()), e.target)
		} else {
			served, counted = append(served, c.ratios()), append(counted, without.ratios())
		}
		rows = append(rows, r, row{what: "  " + e.name + ", without marks", measured: compared(without)})
	}
	ratios := geometricMean(served...)
	return append([]row{
		{
			"fuel overhead, geometric mean of Rust and AssemblyScript", spread(ratios),
			fmt.Sprintf("≤ %.2f", overheadTarget), atMost(median(ratios), overheadTarget),
		},
		{what: "  without the marks of what is written", measured: spread(geometricMean(counted...))},
	}, rows...)
}

// compared prints a ratio and what it is of.
func compared(c comparison) string {
	return fmt.Sprintf("%s, %s / %s", spread(c.ratios()), duration(median(c.a)), duration(median(c.b)))
}
