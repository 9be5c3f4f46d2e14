package random

import (
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// The tables. Table 0 keeps the functions that it begins with, so that indirect calls find theirs.
const (
	otherFunctions = 1
	externs        = 2
)

// The element segments. Those that are active or declared count as dropped from the start, and one
// that is passive is dropped now and then: they are used with length 0 alone.
const (
	activeElements = iota
	declaredElements
	sameElements // those of table 0
	otherElements
	externElements
	droppedElements
)

// table is a table with what its elements are.
type table struct {
	index uint32
	kind  kind
}

func (f *function) anyTable() table {
	return []table{{0, funcref}, {otherFunctions, funcref}, {externs, externref}}[f.IntN(3)]
}

// tables adds the tables and their segments; all functions have to be declared.
func (g *generator) tables() {
	var all []uint32
	for _, f := range g.functions {
		all = append(all, f.index)
	}
	g.Table(wasm.FuncRef, minElements, MaxElements)
	for _, t := range []wasm.ValueType{wasm.FuncRef, wasm.ExternRef} {
		g.Table(t, minElements, uint32(minElements+g.IntN(MaxElements-minElements+1)))
	}
	g.Elements(0, 0, all...)
	g.DeclareElements(all...)
	g.PassiveElements(all...)
	g.expressions(wasm.FuncRef, func(i int) wasmtest.Code {
		if i%3 == 0 {
			return append(wasmtest.Op(wasm.OpRefNull), byte(wasm.FuncRef))
		}
		return wasmtest.OpIndex(wasm.OpRefFunc, all[i%len(all)])
	})
	g.expressions(wasm.ExternRef, func(int) wasmtest.Code {
		return append(wasmtest.Op(wasm.OpRefNull), byte(wasm.ExternRef))
	})
	g.PassiveElements(all[0])
}

// expressions adds a passive segment of minElements items that are constant expressions.
func (g *generator) expressions(t wasm.ValueType, item func(int) wasmtest.Code) {
	e := wasm.Element{Mode: wasm.Passive, Type: t, UsesExpressions: true}
	for i := range minElements {
		e.Expressions = append(e.Expressions, wasm.Expression{Code: append(item(i), byte(wasm.OpEnd))})
	}
	m := g.Module()
	m.Elements = append(m.Elements, e)
}

// place pushes an index into a table.
func (f *function) place(t table) {
	f.value(i32)
	if !f.risk() {
		f.emit(wasmtest.OpIndex(wasm.OpTableSize, t.index), wasmtest.Op(wasm.OpI32RemU))
	}
}

// element pushes an element of a table.
func (f *function) element(k kind) {
	t := table{externs, externref}
	if k == funcref {
		t = table{uint32(f.IntN(2)), funcref}
	}
	f.place(t)
	f.emit(wasmtest.OpIndex(wasm.OpTableGet, t.index))
}

// growTable pushes what table.grow returns.
func (f *function) growTable(t table) {
	f.value(t.kind)
	switch f.IntN(6) {
	case 4:
		f.constant(MaxElements - 1 + f.IntN(3)) // never fits
	case 5:
		f.value(i32)
	default:
		f.constant(f.IntN(3))
	}
	f.emit(wasmtest.OpIndex(wasm.OpTableGrow, t.index))
}

// changeTable generates an operation that may change a table, but leaves the functions in table 0.
func (f *function) changeTable() {
	t := []table{{otherFunctions, funcref}, {externs, externref}}[f.IntN(2)]
	switch f.IntN(7) {
	case 0:
		f.place(t)
		f.value(t.kind)
		f.emit(wasmtest.OpIndex(wasm.OpTableSet, t.index))
	case 1:
		start := f.IntN(minElements + 1)
		f.constant(start)
		f.value(t.kind)
		f.elements(minElements - start)
		f.emit(wasmtest.OpIndex(wasm.OpTableFill, t.index))
	case 2:
		from := t.index
		if t.kind == funcref {
			from = uint32(f.IntN(2))
		}
		f.ranges(minElements)
		f.emit(wasmtest.OpIndex(wasm.OpTableCopy, t.index, from))
	case 3:
		segment := uint32(otherElements)
		if t.kind == externref {
			segment = externElements
		}
		f.ranges(minElements)
		f.emit(wasmtest.OpIndex(wasm.OpTableInit, segment, t.index))
	case 4: // the functions of table 0 where they are
		start := f.IntN(len(f.functions))
		f.constant(start)
		f.constant(start)
		f.elements(len(f.functions) - start)
		f.emit([]wasmtest.Code{
			wasmtest.OpIndex(wasm.OpTableInit, sameElements, 0),
			wasmtest.OpIndex(wasm.OpTableCopy, 0, 0),
		}[f.IntN(2)])
	case 5:
		segment := []uint32{activeElements, declaredElements, droppedElements}[f.IntN(3)]
		f.constant(f.IntN(minElements))
		f.constant(0)
		if f.risk() {
			f.constant(f.IntN(3))
		} else {
			f.constant(0)
		}
		f.emit(wasmtest.OpIndex(wasm.OpTableInit, segment, otherFunctions))
	case 6:
		segments := []uint32{activeElements, declaredElements, droppedElements}
		f.emit(wasmtest.OpIndex(wasm.OpElemDrop, segments[f.IntN(3)]))
	}
}

// ranges pushes where two ranges begin and how long they are, within n elements.
func (f *function) ranges(n int) {
	to, from := f.IntN(n+1), f.IntN(n+1)
	f.constant(to)
	f.constant(from)
	f.elements(n - max(to, from))
}

// elements pushes a number of elements, at most n.
func (f *function) elements(n int) {
	if !f.risk() {
		f.constant(f.IntN(n + 1))
	} else if f.chance(2) {
		f.value(i32)
	} else {
		f.constant(n + f.IntN(MaxElements))
	}
}
