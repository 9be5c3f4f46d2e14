package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// order is the event of an order for a subscriber without permissions.
type order struct{}

func (order) ID() string                      { return "e1" }
func (order) Input(k abi.Kind) ([]byte, bool) { return orderEvent, k == abi.InputEvent }
func (order) Argument(string) ([]byte, bool)  { return nil, false }
func (order) Claim(string) ([]byte, bool)     { return nil, false }
func (order) Permitted(string) bool           { return false }

// runLimits are those of a tenant who got none of his own.
func runLimits() sandbox.Limits {
	return sandbox.Limits{
		FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20, LogBytesPerRun: 1 << 10,
		PublishesPerRun: 16, EventBytes: 64 << 10,
	}
}

// caller runs an example in its pool, from a clean state each time.
type caller struct {
	pool   *sandbox.Pool
	inputs sandbox.Inputs
	result sandbox.Result
}

func newCaller(m *sandbox.Module) *caller {
	return &caller{pool: m.Pool(sandbox.PoolConfig{Limits: runLimits}), inputs: order{}}
}

func (c *caller) run(ctx context.Context) error {
	r := &c.result
	c.pool.Run(ctx, resolver, c.inputs, r)
	if r.Fault != nil {
		return r.Fault
	}
	if !bytes.Equal(r.Output, orderOutput) {
		return fmt.Errorf("the output is %s", r.Output)
	}
	return nil
}
