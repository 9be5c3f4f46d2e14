package main

import (
	"context"

	"github.com/runnel-dev/runnel/runtime/bench"
)

func selective(ctx context.Context, c *config) (rows []bench.Row, err error) { return nil, nil }
func stalled(ctx context.Context, c *config) (rows []bench.Row, err error)   { return nil, nil }
