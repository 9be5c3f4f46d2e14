package random

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// maxDepth bounds how deep values and statements nest.
const maxDepth = 7

// function makes the code of one function.
type function struct {
	*generator
	callee
	out     wasmtest.Code
	params  int
	locals  []wasm.ValueType // parameters and others
	aside   map[kind]uint32  // locals for values that are put aside for a moment
	hidden  map[uint32]bool  // locals that only the code that made them may use
	pointer *uint32          // a local, once there is one
	labels  []label          // open constructs, the function first
	nodes   int              // how much more may be generated
	depth   int
	short   bool // inside of a loop that counts its own turns
}

// label is what a branch to a construct takes along.
type label struct {
	types  []wasm.ValueType
	loop   bool
	closed bool // nothing may branch to it
}

// define generates the body of a declared function.
func (g *generator) define(c *callee) {
	f := g.function(c)
	f.nodes = 20 + g.IntN(120)
	for range g.IntN(6) {
		f.locals = append(f.locals, slices.Repeat(valueTypes[g.IntN(len(valueTypes)):][:1], 1+g.IntN(3))...)
	}
	if g.IntN(40) == 39 {
		f.locals = append(f.locals, slices.Repeat([]wasm.ValueType{wasm.I64}, 100+g.IntN(500))...)
	}
	f.statements()
	f.end(c.Results)
	f.finish()
}

func (g *generator) function(c *callee) *function {
	return &function{
		generator: g, callee: *c, params: len(c.Params), locals: slices.Clone(c.Params), aside: map[kind]uint32{}, hidden: map[uint32]bool{},
		labels: []label{{types: c.Results}},
	}
}

func (f *function) finish() { f.Define(f.index, f.locals[f.params:], f.out) }

func (f *function) emit(parts ...wasmtest.Code) {
	for _, p := range parts {
		f.out = append(f.out, p...)
	}
}

func (f *function) op(ops ...wasm.Opcode) { f.emit(wasmtest.Op(ops...)) }

func (f *function) constant(v int) { f.emit(wasmtest.I32Const(int32(v))) }

// chance is true once in n times, and never where the choices have run out.
func (f *function) chance(n int) bool { return f.IntN(n) == n-1 }

// risk tells whether to generate something that may trap.
func (f *function) risk() bool {
	if f.wild > 0 && f.chance(5) {
		f.wild--
		return true
	}
	return false
}

// spent tells whether nothing but the plainest code may follow.
func (f *function) spent() bool {
	f.nodes--
	return f.nodes < 0 || f.depth > maxDepth
}

// asideLocal returns the local in which values of a kind are put aside. They may be loose there.
func (f *function) asideLocal(k kind) uint32 {
	local, ok := f.aside[k]
	if !ok {
		local = f.local(k)
		f.aside[k], f.hidden[local] = local, true
	}
	return local
}

func (f *function) local(k kind) uint32 {
	f.locals = append(f.locals, wasm.ValueType(k))
	return uint32(len(f.locals) - 1)
}

// anyLocal returns a local of a kind, where there is one.
func (f *function) anyLocal(k kind) (uint32, bool) {
	if len(f.locals) == 0 {
		return 0, false
	}
	start := f.IntN(len(f.locals))
	for i := range f.locals {
		if n := uint32((start + i) % len(f.locals)); f.locals[n] == wasm.ValueType(k) && !f.hidden[n] {
			return n, true
		}
	}
	return 0, false
}

func (f *function) anyGlobal(k kind, mutable bool) (uint32, bool) {
	start := f.IntN(len(f.globals))
	for i := range f.globals {
		if g := f.globals[(start+i)%len(f.globals)]; g.kind == k && (g.mutable || !mutable) {
			return g.index, true
		}
	}
	return 0, false
}

// begin opens a construct; what branches to it take along depends on what it is.
func (f *function) begin(op wasm.Opcode, t wasm.FunctionType) {
	f.op(op)
	f.out = wasm.AppendInt64(f.out, int64(f.blockType(t)))
	l := label{types: t.Results}
	if op == wasm.OpLoop {
		l = label{types: t.Params, loop: true}
	}
	f.labels = append(f.labels, l)
}

func (f *function) blockType(t wasm.FunctionType) wasm.BlockType {
	if len(t.Params) > 0 || len(t.Results) > 1 || f.chance(8) {
		return wasm.BlockType(f.Type(t.Params, t.Results))
	}
	return wasmtest.Result(t.Results...)
}

func (f *function) close() {
	f.op(wasm.OpEnd)
	f.labels = f.labels[:len(f.labels)-1]
}

// end leaves results on an empty stack, or branches away.
func (f *function) end(results []wasm.ValueType) {
	if f.chance(6) {
		f.leave()
		return
	}
	f.values(results)
}
