//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/bench"
)

func all(int) int { return everyone }

// broadcast sends each event to all connections, one event at a time.
func broadcast(ctx context.Context, c *config) (rows []bench.Row, err error) {
	err = lineup(ctx, c, []string{"runnel", "floor", "gqlgen", "node", "graphql16"}, c.broadcast, func(entrants []*entrant) error {
		if err := subscribe(ctx, entrants, c.broadcast, all); err != nil {
			return err
		}
		measured, err := compare(ctx, c, entrants, c.paced(c.rate, 1, c.broadcast, all))
		what := fmt.Sprintf("broadcast to %d, %g a second, server CPU per message", c.broadcast, c.rate)
		rows = costRows(what, measured, []target{{"floor", 1.3}, {"gqlgen", 0.45}, {"node", 0.2}, {"graphql16", 0}})
		return err
	})
	return rows, err
}
