package main

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// idle connects, and looks at the server's memory before and after.
func idle(ctx context.Context, c *config) (rows []bench.Row, err error) {
	for _, subscribed := range []bool{true, false} {
		customer := always
		what := "with a subscription"
		if !subscribed {
			customer, what = nil, "acknowledged alone"
		}
		err = each(ctx, c, nil, c.idle, func(entrants []*entrant) error {
			for _, e := range entrants {
				before, err := residentMemory(e.pid())
				if err != nil {
					return err
				}
				if err := e.connect(ctx, c.idle, customer); err != nil {
					return err
				}
				time.Sleep(c.settle)
				after, err := residentMemory(e.pid())
				if err != nil {
					return err
				}
				rows = append(rows, bench.Row{What: e.name + ", idle connection, " + what, Measured: fmt.Sprintf("%.1f KB", float64(after-before)/float64(c.idle)/1e3)})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}
