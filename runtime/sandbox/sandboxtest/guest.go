// Package sandboxtest makes small guests of runnel_v1 in Go code, well-behaved
// and hostile ones, for the tests of the packages that run guests.
package sandboxtest

import (
	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// Guest is a module under construction: it imports all of runnel_v1 and has a
// memory of one page. Texts lie from 1024 on; Buffer is free for results.
type Guest struct {
	*wasmtest.Builder
	// Host holds the index of each host function by its name.
	Host map[string]uint32
	next uint32
}

// Buffer is the address of a free range of BufferBytes.
const (
	Buffer      = 32768
	BufferBytes = 32768
)

// Locals is how many i32 locals each resolver has.
const Locals = 4

// New returns a guest with a schema, and without resolvers.
func New(schema string) *Guest {
	g := &Guest{Builder: wasmtest.New(), Host: map[string]uint32{}, next: 1024}
	for _, i := range abi.Imports() {
		g.Host[i.Name] = g.Import(abi.ModuleName, i.Name, wasmtest.I32s(i.Params), wasmtest.I32s(i.Results))
	}
	g.Memory(1)
	g.Custom(abi.SchemaSection, []byte(schema))
	return g
}

// Resolver adds an export of type () -> i32 with the code, which leaves the
// verdict on the stack.
func (g *Guest) Resolver(name string, code ...wasmtest.Code) *Guest {
	g.ExportFunction(name, g.Function(nil, wasmtest.I32s(1), wasmtest.I32s(Locals), code...))
	return g
}

// Text puts a text into memory and returns code that pushes its address and
// length.
func (g *Guest) Text(s string) wasmtest.Code {
	g.Data(g.next, []byte(s))
	code := Range(g.next, uint32(len(s)))
	g.next += uint32(len(s))
	return code
}

// Range pushes an address and a length.
func Range(pointer, count uint32) wasmtest.Code {
	return wasmtest.Join(wasmtest.I32Const(int32(pointer)), wasmtest.I32Const(int32(count)))
}

// Call pushes the arguments and calls a host function.
func (g *Guest) Call(name string, arguments ...wasmtest.Code) wasmtest.Code {
	return append(wasmtest.Join(arguments...), wasmtest.Call(g.Host[name])...)
}

// Output puts a text out and leaves the verdict deliver.
func (g *Guest) Output(text string) wasmtest.Code {
	return wasmtest.Join(g.Call(abi.ImportOutput, g.Text(text)), Verdict(abi.Deliver))
}

// Echo reads an input into the buffer, puts it out and leaves the verdict
// deliver.
func (g *Guest) Echo(kind abi.Kind) wasmtest.Code {
	return g.OutputOf(g.Call(abi.ImportInput, wasmtest.I32Const(int32(kind)), Range(Buffer, BufferBytes)))
}

// OutputOf takes code that fills the buffer and leaves a length, puts that much
// out and leaves the verdict deliver.
func (g *Guest) OutputOf(read wasmtest.Code) wasmtest.Code {
	return wasmtest.Join(read, wasmtest.LocalSet(0),
		wasmtest.I32Const(Buffer), wasmtest.LocalGet(0), wasmtest.Call(g.Host[abi.ImportOutput]), Verdict(abi.Deliver))
}

// Named reads an argument or a claim into the buffer and leaves its length.
func (g *Guest) Named(call, name string) wasmtest.Code {
	return g.Call(call, g.Text(name), Range(Buffer, BufferBytes))
}

// Verdict pushes a verdict.
func Verdict(v abi.Verdict) wasmtest.Code { return wasmtest.I32Const(int32(v)) }

// Forever is a loop that never ends.
func Forever() wasmtest.Code {
	return wasmtest.Join(wasmtest.Loop(wasmtest.Result(), wasmtest.Br(0)), wasmtest.Op(wasm.OpUnreachable))
}

// EatMemory grows the memory page by page until it is refused, then traps.
func EatMemory() wasmtest.Code {
	return wasmtest.Join(
		wasmtest.Loop(wasmtest.Result(),
			wasmtest.I32Const(1), wasmtest.MemoryGrow(), wasmtest.I32Const(-1), wasmtest.Op(wasm.OpI32Ne), wasmtest.BrIf(0)),
		wasmtest.Op(wasm.OpUnreachable))
}

// Trap traps at once.
func Trap() wasmtest.Code { return wasmtest.Op(wasm.OpUnreachable) }
