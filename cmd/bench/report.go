//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// target is what the ratio of Runnel's processor time to another server's is to be
// at most, 0 where it is only told.
type target struct {
	peer string
	most float64
}

func (f figures) perMessage() float64 { return float64(f.processor) / float64(f.messages) }

func each(rounds []figures, figure func(figures) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, f := range rounds {
		values[i] = figure(f)
	}
	return values
}

// costRows say what each message cost, and how long it took.
func costRows(what string, measured map[string][]figures, targets []target) []bench.Row {
	var rows []bench.Row
	for _, k := range kinds {
		rounds, ok := measured[k.name]
		if !ok {
			continue
		}
		microseconds := each(rounds, func(f figures) float64 { return f.perMessage() / 1e3 })
		note := ""
		if slices.ContainsFunc(rounds, func(f figures) bool { return f.late }) {
			note = ", saturated: lower the rate"
		}
		if slices.ContainsFunc(rounds, func(f figures) bool { return f.pinged }) {
			note += ", with keep-alives"
		}
		rows = append(rows,
			bench.Row{What: what + ", " + k.name, Measured: bench.Spread(microseconds) + " µs" + note},
			bench.Row{What: "  from publish to receipt", Measured: latencies(rounds)})
	}
	for _, t := range targets {
		ratios := ratios(measured["runnel"], measured[t.peer])
		if ratios == nil {
			continue
		}
		rows = append(rows, judged("  runnel / "+t.peer, ratios, t.most))
	}
	return rows
}

// ratios are those of what a message cost, round by round.
func ratios(a, b []figures) []float64 {
	var r []float64
	for i := range min(len(a), len(b)) {
		r = append(r, a[i].perMessage()/b[i].perMessage())
	}
	return r
}

func judged(what string, ratios []float64, most float64) bench.Row {
	row := bench.Row{What: what, Measured: bench.Spread(ratios)}
	if most > 0 {
		row.Target = fmt.Sprintf("≤ %.2g", most)
		row.Verdict = bench.AtMost(bench.Median(ratios), most)
	}
	return row
}

// latencies prints percentiles over all messages of all rounds.
func latencies(rounds []figures) string {
	var all []time.Duration
	for _, f := range rounds {
		all = append(all, f.latencies...)
	}
	slices.Sort(all)
	var b strings.Builder
	for _, p := range []float64{50, 90, 99, 99.9} {
		fmt.Fprintf(&b, "p%g %s ", p, bench.Duration(float64(percentile(all, p))))
	}
	return strings.TrimSpace(b.String())
}

// percentile is that of sorted values.
func percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[int(p/100*float64(len(sorted)-1))]
}

// tail is the 99th percentile of a turn.
func tail(f figures) float64 {
	return float64(percentile(slices.Sorted(slices.Values(f.latencies)), 99))
}
