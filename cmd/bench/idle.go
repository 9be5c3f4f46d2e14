//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// idleTarget is in KB of 1,000 bytes, per connection.
const idleTarget = 10

// idle connects, and looks at the memory of the server's process before and after.
func idle(ctx context.Context, c *config) ([]bench.Row, error) {
	subscribed, err := idleRows(ctx, c, all, (c.rounds+1)/2, []string{"runnel", "floor", "gqlgen", "node"})
	if err != nil {
		return nil, err
	}
	// The floor has a goroutine for each connection until it subscribes.
	acknowledged, err := idleRows(ctx, c, nil, 1, []string{"runnel", "gqlgen", "node"})
	return append(subscribed, acknowledged...), err
}

func idleRows(ctx context.Context, c *config, customer func(int) int, rounds int, names []string) ([]bench.Row, error) {
	kilobytes := map[string][]float64{}
	for range rounds {
		for _, name := range names { // one at a time, each of them a new process
			err := lineup(ctx, c, []string{name}, c.idle, func(entrants []*entrant) error {
				for _, e := range entrants {
					grown, err := e.growth(ctx, c, customer)
					if err != nil {
						return err
					}
					kilobytes[name] = append(kilobytes[name], grown/1e3)
					fmt.Fprintf(c.log, "  %s: %s KB\n", name, bench.Figure(grown/1e3))
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	what := "with a subscription"
	if customer == nil {
		what = "acknowledged alone"
	}
	var rows []bench.Row
	for _, name := range names {
		if kilobytes[name] == nil {
			continue
		}
		row := bench.Row{What: fmt.Sprintf("idle connection of %d, %s, %s", c.idle, what, name), Measured: bench.Spread(kilobytes[name]) + " KB"}
		if name == "runnel" && customer != nil {
			row.Target, row.Verdict = fmt.Sprintf("≤ %d KB", idleTarget), bench.AtMost(bench.Median(kilobytes[name]), idleTarget)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// growth connects, and returns by how many bytes of memory each connection makes the
// server grow.
func (e *entrant) growth(ctx context.Context, c *config, customer func(int) int) (float64, error) {
	before, err := residentMemory(e.pid())
	if err != nil {
		return 0, err
	}
	if err := e.connect(ctx, c.idle, customer); err != nil {
		return 0, err
	}
	if err := sleep(ctx, c.settle); err != nil {
		return 0, err
	}
	after, err := residentMemory(e.pid())
	return float64(after-before) / float64(c.idle), err
}
