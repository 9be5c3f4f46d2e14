// Package random makes random WebAssembly modules for tests.
//
// A module is valid, ends by itself within some thousand instructions, and behaves the same on every
// engine: whatever an operation leaves open about the bits of a NaN is made canonical before anything
// can look at it. Together, the modules contain and execute every instruction of Core 2.0. Some
// trap: divisions, conversions, accesses to memory and tables and indirect calls that go wrong end
// about every fifth.
//
// A module imports env.host, of type (i32) -> i32, and exports
//
//	memory  its memory
//	run     the function to try; Module says with which arguments
//	state   a function that returns all other state: globals, and sizes and contents of tables, of
//	        function references only whether they are null
package random

import (
	"math/rand/v2"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// Limits of what a module contains. The largest table has at most MaxElements.
const (
	MaxElements = 12
	minElements = 8
	maxPages    = 3
)

// Module is a random module.
type Module struct {
	Wasm []byte
	// Arguments of the export "run", as words: a vector takes two.
	Arguments []uint64
	// Types of what the exports "run" and "state" return.
	RunResults, StateResults []wasm.ValueType
}

// FromSeed returns the module that belongs to a seed.
func FromSeed(seed uint64) Module { return generate(rand.New(rand.NewPCG(seed, 0x52756e6e656c))) }

// FromBytes returns the module that the bytes choose. Any bytes do; where they end, the module soon
// does, too.
func FromBytes(data []byte) Module { return generate(&choices{data: data}) }

// source makes the choices. The first choice is always the plainest.
type source interface {
	IntN(n int) int
	Uint64() uint64
}

// choices is a source that bytes make, all zero after its end.
type choices struct{ data []byte }

func (c *choices) IntN(n int) int {
	v := int(c.byte())
	if n > 256 {
		v = v<<8 | int(c.byte())
	}
	return v % n
}

func (c *choices) Uint64() uint64 {
	v := uint64(0)
	for range 8 {
		v = v<<8 | uint64(c.byte())
	}
	return v
}

func (c *choices) byte() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

// generator makes one module.
type generator struct {
	source
	*wasmtest.Builder
	signatures []wasm.FunctionType // of functions and blocks
	functions  []callee            // that code may call
	globals    []global            // that code may use
	number     uint32              // global that random conditions come from
	turns      uint32              // global, how many turns loops may still take, and calls
	levels     uint32              // global, how much deeper calls may nest
	wild       int                 // how many more places may trap
}

// callee is a function that code may call.
type callee struct {
	index uint32
	wasm.FunctionType
	leaf bool   // it contains no calls and no loops but short ones
	slot uint32 // where it lies in table 0
}

type global struct {
	index   uint32
	kind    kind
	mutable bool
}

func generate(s source) Module {
	g := &generator{source: s, Builder: wasmtest.New(), wild: max(0, s.IntN(6)-2)}
	g.Import("env", "host", wasmtest.I32s(1), wasmtest.I32s(1))
	for range 5 {
		g.signatures = append(g.signatures, wasm.FunctionType{Params: g.types(4), Results: g.types(4)})
	}
	g.signatures = append(g.signatures, wasm.FunctionType{Params: wasmtest.I32s(1), Results: wasmtest.I32s(1)})
	run := wasm.FunctionType{Params: g.types(5), Results: g.types(5)}
	runIndex := g.declare(run, false)
	for range 1 + g.IntN(3) {
		g.declare(g.signatures[g.IntN(len(g.signatures))], false)
	}
	for range 2 + g.IntN(2) {
		g.declare(g.signatures[g.IntN(len(g.signatures))], true)
	}
	g.memory()
	g.variables()
	g.tables()
	for i := range g.functions {
		g.define(&g.functions[i])
	}
	m := Module{RunResults: run.Results}
	g.ExportFunction("run", runIndex)
	m.StateResults = g.state()
	if g.IntN(4) == 3 {
		start := &callee{index: g.Declare(nil, nil), leaf: true}
		g.define(start)
		g.Start(start.index)
	}
	m.Arguments = g.arguments(run.Params)
	m.Wasm = g.Bytes()
	return m
}

func (g *generator) types(most int) []wasm.ValueType {
	var out []wasm.ValueType
	for range g.IntN(most) {
		out = append(out, valueTypes[g.IntN(len(valueTypes))])
	}
	return out
}

var valueTypes = []wasm.ValueType{
	wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128, wasm.I32, wasm.FuncRef, wasm.ExternRef,
}

func (g *generator) declare(t wasm.FunctionType, leaf bool) uint32 {
	f := callee{index: g.Declare(t.Params, t.Results), FunctionType: t, leaf: leaf, slot: uint32(len(g.functions))}
	g.functions = append(g.functions, f)
	return f.index
}

func (g *generator) arguments(types []wasm.ValueType) []uint64 {
	var out []uint64
	for _, t := range types {
		switch t {
		case wasm.I32:
			out = append(out, uint64(uint32(g.integer())))
		case wasm.I64:
			out = append(out, g.integer())
		case wasm.F32:
			out = append(out, uint64(g.float32Bits()))
		case wasm.F64:
			out = append(out, g.float64Bits())
		case wasm.V128:
			out = append(out, g.integer(), g.float64Bits())
		case wasm.FuncRef:
			out = append(out, 0)
		case wasm.ExternRef:
			out = append(out, uint64(g.IntN(1<<15)))
		}
	}
	return out
}
