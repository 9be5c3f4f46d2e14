// Package wasmtest makes WebAssembly modules in Go code, for tests.
//
// A [Builder] collects the parts of a module, typed helpers such as [Call] and [Loop] make the code:
//
//	b := wasmtest.New()
//	input := b.Import("runnel_v1", "input", wasmtest.I32s(3), wasmtest.I32s(1))
//	output := b.Import("runnel_v1", "output", wasmtest.I32s(2), nil)
//	b.Memory(1)
//	b.Custom("runnel.schema", []byte("type Query { echo: String }"))
//	b.ExportFunction("Query.echo", b.Function(nil, wasmtest.I32s(1), wasmtest.I32s(1),
//		wasmtest.I32Const(1), wasmtest.I32Const(0), wasmtest.I32Const(1024), wasmtest.Call(input),
//		wasmtest.LocalSet(0),
//		wasmtest.I32Const(0), wasmtest.LocalGet(0), wasmtest.Call(output),
//		wasmtest.I32Const(1),
//	))
//	guest := b.Bytes()
//
// Nothing is checked: a test that wants an invalid module can have one. Indices are those of the
// binary format, so all imports of a kind come before what is defined here; a Builder panics where
// that order is broken.
package wasmtest

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Builder makes one module. Every method that adds an item returns its index. A Builder is not safe
// for concurrent use.
type Builder struct {
	m wasm.Module
}

// New returns a builder of an empty module.
func New() *Builder { return &Builder{} }

// Module returns the module built so far. It shares its parts with the builder.
func (b *Builder) Module() *wasm.Module { return &b.m }

// Bytes returns the module built so far in the binary format.
func (b *Builder) Bytes() []byte { return b.m.Encode() }

// I32s returns n times the type i32.
func I32s(n int) []wasm.ValueType { return slices.Repeat([]wasm.ValueType{wasm.I32}, n) }

// Type returns the index of a function type, adding it where it is not there yet.
func (b *Builder) Type(params, results []wasm.ValueType) uint32 {
	t := wasm.FunctionType{Params: params, Results: results}
	if i := slices.IndexFunc(b.m.Types, t.Equal); i >= 0 {
		return uint32(i)
	}
	b.m.Types = append(b.m.Types, t)
	return uint32(len(b.m.Types) - 1)
}

// Import imports a function.
func (b *Builder) Import(module, name string, params, results []wasm.ValueType) uint32 {
	if len(b.m.Functions) > 0 {
		panic("wasmtest: import of a function after the first function defined")
	}
	return b.importItem(wasm.Import{
		Module: module, Name: name, Kind: wasm.Function, Function: b.Type(params, results),
	})
}

// ImportGlobal imports a global variable.
func (b *Builder) ImportGlobal(module, name string, t wasm.ValueType, mutable bool) uint32 {
	if len(b.m.Globals) > 0 {
		panic("wasmtest: import of a global after the first global defined")
	}
	return b.importItem(wasm.Import{
		Module: module, Name: name, Kind: wasm.GlobalKind, Global: wasm.GlobalType{Value: t, Mutable: mutable},
	})
}

// ImportMemory imports a memory of at least min pages.
func (b *Builder) ImportMemory(module, name string, min uint32) uint32 {
	return b.importItem(wasm.Import{Module: module, Name: name, Kind: wasm.Memory, Memory: wasm.Limits{Min: min}})
}

// ImportTable imports a table of function references of at least min elements.
func (b *Builder) ImportTable(module, name string, min uint32) uint32 {
	if len(b.m.Tables) > 0 {
		panic("wasmtest: import of a table after the first table defined")
	}
	return b.importItem(wasm.Import{
		Module: module, Name: name, Kind: wasm.Table,
		Table: wasm.TableType{Element: wasm.FuncRef, Limits: wasm.Limits{Min: min}},
	})
}

func (b *Builder) importItem(i wasm.Import) uint32 {
	n := b.m.ImportedCount(i.Kind)
	b.m.Imports = append(b.m.Imports, i)
	return uint32(n)
}

// Memory adds the memory, of min pages and at most max where one is given, and exports it as "memory".
func (b *Builder) Memory(min uint32, max ...uint32) uint32 {
	i := b.PrivateMemory(min, max...)
	b.Export("memory", wasm.Memory, i)
	return i
}

// PrivateMemory adds a memory without an export.
func (b *Builder) PrivateMemory(min uint32, max ...uint32) uint32 {
	b.m.Memories = append(b.m.Memories, limits(min, max))
	return uint32(b.m.ImportedCount(wasm.Memory) + len(b.m.Memories) - 1)
}

// Table adds a table of references, of min elements and at most max where one is given.
func (b *Builder) Table(element wasm.ValueType, min uint32, max ...uint32) uint32 {
	b.m.Tables = append(b.m.Tables, wasm.TableType{Element: element, Limits: limits(min, max)})
	return uint32(b.m.ImportedCount(wasm.Table) + len(b.m.Tables) - 1)
}

func limits(min uint32, max []uint32) wasm.Limits {
	if len(max) == 0 {
		return wasm.Limits{Min: min}
	}
	return wasm.Limits{Min: min, Max: max[0], HasMax: true}
}

// Global adds a mutable global variable; init is its constant expression, such as I32Const(0).
func (b *Builder) Global(t wasm.ValueType, init Code) uint32 { return b.global(t, true, init) }

// Constant adds an immutable global variable.
func (b *Builder) Constant(t wasm.ValueType, init Code) uint32 { return b.global(t, false, init) }

func (b *Builder) global(t wasm.ValueType, mutable bool, init Code) uint32 {
	b.m.Globals = append(b.m.Globals, wasm.Global{
		Type: wasm.GlobalType{Value: t, Mutable: mutable}, Init: expression(init),
	})
	return uint32(b.m.ImportedCount(wasm.GlobalKind) + len(b.m.Globals) - 1)
}

func expression(code Code) wasm.Expression {
	return wasm.Expression{Code: Join(code, Op(wasm.OpEnd))}
}

// Declare adds a function whose body [Builder.Define] gives later, so that functions can call each
// other.
func (b *Builder) Declare(params, results []wasm.ValueType) uint32 {
	b.m.Functions = append(b.m.Functions, b.Type(params, results))
	b.m.Code = append(b.m.Code, wasm.Body{Code: Op(wasm.OpEnd)})
	return uint32(b.m.ImportedCount(wasm.Function) + len(b.m.Functions) - 1)
}

// Define sets the locals (besides the parameters) and the code of a declared function; the closing
// end is added.
func (b *Builder) Define(function uint32, locals []wasm.ValueType, code ...Code) {
	body := wasm.Body{Code: Join(append(slices.Clone(code), Op(wasm.OpEnd))...)}
	for _, t := range locals {
		if n := len(body.Locals); n > 0 && body.Locals[n-1].Type == t {
			body.Locals[n-1].Count++
			continue
		}
		body.Locals = append(body.Locals, wasm.LocalGroup{Count: 1, Type: t})
	}
	b.m.Code[int(function)-b.m.ImportedCount(wasm.Function)] = body
}

// Function adds a function: [Builder.Declare] and [Builder.Define] in one.
func (b *Builder) Function(params, results, locals []wasm.ValueType, code ...Code) uint32 {
	f := b.Declare(params, results)
	b.Define(f, locals, code...)
	return f
}

// Start makes a function the start function.
func (b *Builder) Start(function uint32) { b.m.Start = &function }

// ExportFunction exports a function.
func (b *Builder) ExportFunction(name string, function uint32) {
	b.Export(name, wasm.Function, function)
}

// Export exports any item.
func (b *Builder) Export(name string, k wasm.Kind, index uint32) {
	b.m.Exports = append(b.m.Exports, wasm.Export{Name: name, Kind: k, Index: index})
}

// Elements adds an element segment that puts functions into a table of function references at
// instantiation.
func (b *Builder) Elements(table, start uint32, functions ...uint32) uint32 {
	return b.element(wasm.Element{
		Mode: wasm.Active, Table: table, Start: expression(I32Const(int32(start))), Functions: functions,
	})
}

// PassiveElements adds an element segment for table.init.
func (b *Builder) PassiveElements(functions ...uint32) uint32 {
	return b.element(wasm.Element{Mode: wasm.Passive, Functions: functions})
}

// DeclareElements adds an element segment that only lets code use ref.func on the functions.
func (b *Builder) DeclareElements(functions ...uint32) uint32 {
	return b.element(wasm.Element{Mode: wasm.Declared, Functions: functions})
}

func (b *Builder) element(e wasm.Element) uint32 {
	e.Type = wasm.FuncRef
	b.m.Elements = append(b.m.Elements, e)
	return uint32(len(b.m.Elements) - 1)
}

// Data adds a data segment that is copied to an address of the memory at instantiation.
func (b *Builder) Data(address uint32, bytes []byte) uint32 {
	return b.data(wasm.Data{Mode: wasm.Active, Start: expression(I32Const(int32(address))), Bytes: bytes})
}

// PassiveData adds a data segment for memory.init, and the data count section that goes with it.
func (b *Builder) PassiveData(bytes []byte) uint32 {
	if b.m.DataCount == nil {
		n := uint32(len(b.m.Data))
		b.m.DataCount = &n
	}
	return b.data(wasm.Data{Mode: wasm.Passive, Bytes: bytes})
}

func (b *Builder) data(d wasm.Data) uint32 {
	b.m.Data = append(b.m.Data, d)
	if b.m.DataCount != nil {
		*b.m.DataCount++
	}
	return uint32(len(b.m.Data) - 1)
}

// Custom adds a custom section behind all others.
func (b *Builder) Custom(name string, bytes []byte) {
	b.m.Customs = append(b.m.Customs, wasm.Custom{Name: name, Bytes: bytes, After: wasm.SectionData})
}
