package main

import (
	"context"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/runnel-dev/runnel/abi"
)

// host answers what the examples ask for.
func (g *guests) host(ctx context.Context) error {
	wasi_snapshot_preview1.MustInstantiate(ctx, g.runtime)
	builder := g.runtime.NewHostModuleBuilder(abi.ModuleName)
	for _, i := range abi.Imports() {
		call := func(*guest, []uint64) {}
		switch i.Name {
		case abi.ImportInput:
			call = (*guest).input
		case abi.ImportOutput:
			call = (*guest).keep
		case abi.ImportPermitted:
			call = (*guest).permitted
		}
		params, results := make([]api.ValueType, i.Params), make([]api.ValueType, i.Results)
		for n := range params {
			params[n] = api.ValueTypeI32
		}
		for n := range results {
			results[n] = api.ValueTypeI32
		}
		function := api.GoFunc(func(_ context.Context, stack []uint64) { call(g.running, stack) })
		builder.NewFunctionBuilder().WithGoFunction(function, params, results).Export(i.Name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// input gives the event, whatever is asked for: the examples ask for nothing else.
func (g *guest) input(stack []uint64) {
	pointer, capacity := uint32(stack[1]), uint32(stack[2])
	if int(capacity) >= len(orderEvent) {
		g.module.Memory().Write(pointer, orderEvent)
		g.counter.debit(len(orderEvent))
	}
	stack[0] = uint64(len(orderEvent))
}

func (g *guest) permitted(stack []uint64) {
	g.counter.debit(int(uint32(stack[1])))
	stack[0] = 0
}

func (g *guest) keep(stack []uint64) {
	text, _ := g.module.Memory().Read(uint32(stack[0]), uint32(stack[1]))
	g.counter.debit(len(text))
	g.output = append(g.output[:0], text...)
}
