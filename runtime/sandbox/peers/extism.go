package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"testing"

	extism "github.com/extism/go-sdk"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// ordersExtism is orders-rust as an Extism plugin; `make plugins` builds it from
// testdata/orders-extism.
//
//go:embed testdata/orders-extism.wasm
var ordersExtism []byte

const pluginFunction = "order_updated"

// pluginOutput is orderOutput as serde_json spells its numbers.
var pluginOutput = []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000.0}`)

// The targets of a run against Extism, and of its allocations.
const (
	freshTarget  = 20 // times as fast as a fresh instance for each call
	reusedTarget = 1  // times as fast as an instance that cleans nothing
)

// extismRows compares a run of the example with the same work in Extism, and
// counts the run's allocations.
func extismRows(ctx context.Context, s settings) (rows []bench.Row, err error) {
	binary, err := readExample(s, "orders-rust")
	if err != nil {
		return nil, err
	}
	engine, err := sandbox.New(ctx, sandbox.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	m, err := engine.Load(ctx, binary)
	if err != nil {
		return nil, err
	}
	c := newCaller(m)
	defer func() { err = errors.Join(err, c.pool.Close(), m.Release()) }()
	plugin, err := compilePlugin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plugin.Close(ctx)) }()
	reused, err := plugin.Instance(ctx, extism.PluginInstanceConfig{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reused.Close(ctx)) }()

	ours := bench.Each(func() error { return c.run(ctx) })
	measured, err := bench.Interleave(s.pairs,
		[2]bench.Side{bench.Each(func() error { return freshPlugin(ctx, plugin) }), ours},
		[2]bench.Side{bench.Each(func() error { return callPlugin(ctx, reused) }), ours})
	if err != nil {
		return nil, err
	}
	allocations, err := allocationsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return []bench.Row{
		againstExtism("a fresh Extism instance per call / a run from a clean state", measured[0], freshTarget),
		againstExtism("a reused Extism instance, not cleaned / a run from a clean state", measured[1], reusedTarget),
		{What: "allocations per run", Measured: bench.Figure(allocations), Target: "0", Verdict: bench.None(allocations)},
	}, nil
}

func againstExtism(what string, c bench.Comparison, target float64) bench.Row {
	return bench.Row{What: what, Measured: c.String(), Target: fmt.Sprintf("≥ %.0f", target), Verdict: bench.AtLeast(bench.Median(c.Ratios()), target)}
}

func allocationsOf(ctx context.Context, c *caller) (allocations float64, err error) {
	allocations = testing.AllocsPerRun(10_000, func() { err = errors.Join(err, c.run(ctx)) })
	return allocations, err
}

// compilePlugin compiles the plugin with the host function that takes the place
// of permitted, for a subscriber without permissions.
func compilePlugin(ctx context.Context) (*extism.CompiledPlugin, error) {
	permitted := extism.NewHostFunctionWithStack("permitted",
		func(_ context.Context, p *extism.CurrentPlugin, stack []uint64) {
			if _, err := p.ReadString(stack[0]); err != nil {
				panic(err)
			}
			stack[0] = 0
		}, []extism.ValueType{extism.ValueTypePTR}, []extism.ValueType{extism.ValueTypeI64})
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: ordersExtism}}}
	return extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{}, []extism.HostFunction{permitted})
}

// freshPlugin makes an instance, calls it and closes it: the clean state that
// Extism offers.
func freshPlugin(ctx context.Context, compiled *extism.CompiledPlugin) error {
	p, err := compiled.Instance(ctx, extism.PluginInstanceConfig{})
	if err != nil {
		return err
	}
	return errors.Join(callPlugin(ctx, p), p.Close(ctx))
}

func callPlugin(ctx context.Context, p *extism.Plugin) error {
	_, output, err := p.CallWithContext(ctx, pluginFunction, orderEvent)
	if err != nil {
		return err
	}
	if !bytes.Equal(output, pluginOutput) {
		return fmt.Errorf("the plugin's output is %s", output)
	}
	return nil
}
