package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

func always(int) int { return everyone }

// broadcast sends each event to all connections, one event at a time.
func broadcast(ctx context.Context, c *config) (rows []bench.Row, err error) {
	err = each(ctx, c, nil, c.broadcast, func(entrants []*entrant) error {
		l := load{requests: max(1, int(c.rate*c.turn.Seconds())), every: time.Duration(float64(time.Second) / c.rate), events: 1, receivers: c.broadcast, customer: always}
		for _, e := range entrants {
			if err := e.connect(ctx, c.broadcast, always); err != nil {
				return err
			}
		}
		time.Sleep(time.Second)
		measured := map[string][]figures{}
		for round := range c.rounds + 1 {
			for _, e := range entrants {
				f, err := e.deliver(ctx, l)
				if err != nil {
					return err
				}
				if round > 0 { // the first warms up
					measured[e.name] = append(measured[e.name], f)
				}
				fmt.Fprintf(c.log, "  %s: %s a message, %s of ours\n", e.name, bench.Duration(f.perMessage()), bench.Duration(float64(f.own)/float64(f.messages)))
			}
		}
		for _, e := range entrants {
			rows = append(rows, latencyRow(e.name, measured[e.name]))
		}
		return nil
	})
	return rows, err
}

func latencyRow(name string, rounds []figures) bench.Row {
	var all []time.Duration
	var cost []float64
	for _, f := range rounds {
		all = append(all, f.latencies...)
		cost = append(cost, f.perMessage()/1e3)
	}
	slices.Sort(all)
	at := func(q float64) string { return bench.Duration(float64(all[int(q*float64(len(all)-1))])) }
	return bench.Row{What: name, Measured: fmt.Sprintf("%s µs; p50 %s p90 %s p99 %s p99.9 %s", bench.Spread(cost), at(.5), at(.9), at(.99), at(.999))}
}
