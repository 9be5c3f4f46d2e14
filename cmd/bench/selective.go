//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// selective sends each event to the one subscriber of its customer.
func selective(ctx context.Context, c *config) (rows []bench.Row, err error) {
	// Each connection subscribes to a customer of its own.
	one := func(connection int) int { return connection }
	// The customers come up in an order of no meaning, all equally often.
	turn := func(event int) int { return event * stride % c.selective }
	err = lineup(ctx, c, []string{"runnel", "gqlgen", "node"}, c.selective, func(entrants []*entrant) error {
		if err := subscribe(ctx, entrants, c.selective, one); err != nil {
			return err
		}
		measured, err := compare(ctx, c, entrants, c.paced(c.batches, c.batch, 1, turn))
		what := fmt.Sprintf("one match of %d, %g × %d a second, server CPU per event", c.selective, c.batches, c.batch)
		rows = costRows(what, measured, []target{{"gqlgen", 1}, {"node", 0}})
		return err
	})
	return rows, err
}

// stride is a prime, so that it meets all customers.
const stride = 7919
