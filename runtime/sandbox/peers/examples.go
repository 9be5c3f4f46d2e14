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
			rows = append(rows, row{"fuel overhead, " + e.name, "not there", "≤ 1.5", ""})
			continue
		}
		if err != nil {
			return nil, err
		}
		var pair [2]side
		for i, metered := range []bool{true, false} {
			g, err := newGuests(ctx, binary, metered)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			defer func() { err = errors.Join(err, g.close(ctx)) }()
			pair[i] = g.run
		}
		there, pairs = append(there, e), append(pairs, pair)
	}
	measured, err := interleave(s.pairs, pairs...)
	if err != nil {
		return nil, err
	}
	return append(overheadRows(there, measured), rows...), nil
}

func overheadRows(examples []example, measured []comparison) (rows []row) {
	var mean [][]float64
	for i, e := range examples {
		c := measured[i]
		r := row{what: "fuel overhead, " + e.name}
		r.measured = fmt.Sprintf("%s, %s of %s", spread(c.ratios()), duration(median(c.a)), duration(median(c.b)))
		if e.target > 0 {
			r.target, r.verdict = fmt.Sprintf("≤ %.1f", e.target), atMost(median(c.ratios()), e.target)
		} else {
			mean = append(mean, c.ratios())
		}
		rows = append(rows, r)
	}
	ratios := geometricMean(mean...)
	return append([]row{{
		"fuel overhead, geometric mean of Rust and AssemblyScript", spread(ratios),
		fmt.Sprintf("≤ %.2f", overheadTarget), atMost(median(ratios), overheadTarget),
	}}, rows...)
}
