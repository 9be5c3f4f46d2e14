// Package wasm reads and writes the binary format of WebAssembly Core 2.0.
//
// [Decode] is total: any input gives a module or an [*Error] that names a byte offset; it never
// panics, never recurses and never allocates from a count that the input merely declares. It checks
// the format, not the types: a decoded module may still be invalid. Function bodies stay raw bytes
// that a [Reader] walks.
//
// Encoding a decoded module gives the bytes it was decoded from, padded numbers and all; of sections
// that were changed in between, the shortest form.
//
// A decoded module borrows the bytes that it was decoded from. Modules hold no locks: concurrent
// readers are fine, a writer needs the module to itself.
package wasm

// Module is one WebAssembly module, its sections in the order of the binary format. The zero value
// is the empty module.
type Module struct {
	Types     []FunctionType
	Imports   []Import
	Functions []uint32 // the type index of each function defined here; Code has the same length
	Tables    []TableType
	Memories  []Limits // in pages of 64 KiB
	Globals   []Global
	Exports   []Export
	Start     *uint32 // function index, or nil
	Elements  []Element
	DataCount *uint32 // as declared, or nil
	Code      []Body
	Data      []Data
	Customs   []Custom

	// Offsets says where the content of each section begins in the file, by SectionID; for errors.
	Offsets [len(sectionNames)]int

	written [len(sectionNames)]writing // how the sections were written in the file
}

// Import is an imported item. Only the field that belongs to Kind is set.
type Import struct {
	Module, Name string
	Kind         Kind
	Function     uint32 // type index
	Table        TableType
	Memory       Limits
	Global       GlobalType
	Offset       int // of the entry in the file
}

// Global is a global variable defined in the module.
type Global struct {
	Type GlobalType
	Init Expression
}

// Export is an exported item: Index counts in the index space that belongs to Kind.
type Export struct {
	Name   string
	Kind   Kind
	Index  uint32
	Offset int // of the entry in the file
}

// Expression is a constant expression: instructions including the closing end.
type Expression struct {
	Code   []byte
	Offset int // of Code in the file
}

// SegmentMode says when a segment is copied into its table or memory.
type SegmentMode uint8

// The modes of segments. Declared is for element segments only.
const (
	Active SegmentMode = iota
	Passive
	Declared
)

// Element is an element segment. Its items are Functions (function indices) or, where UsesExpressions
// says so, Expressions.
type Element struct {
	Mode            SegmentMode
	Table           uint32     // for Active
	Start           Expression // for Active: the index of the first item in the table
	Type            ValueType
	UsesExpressions bool
	Functions       []uint32
	Expressions     []Expression
	Offset          int // of the entry in the file
}

// Len returns the number of items.
func (e *Element) Len() int { return len(e.Functions) + len(e.Expressions) }

// Data is a data segment.
type Data struct {
	Mode   SegmentMode // Active or Passive
	Start  Expression  // for Active: the address of the first byte in memory 0
	Bytes  []byte
	Offset int // of the entry in the file
}

// Body is the code of one function: its declared locals and its instructions, raw, including the
// closing end.
type Body struct {
	Locals []LocalGroup
	Code   []byte
	Offset int // of Code in the file
}

// LocalGroup declares Count locals of one type.
type LocalGroup struct {
	Count uint32
	Type  ValueType
}

// Custom is a custom section. After is the section that it follows, 0 where it precedes all.
type Custom struct {
	Name   string
	Bytes  []byte
	After  SectionID
	Offset int // of Bytes in the file

	sizeWidth, nameWidth uint8 // of the two lengths in the file, where more than need be
}

// ImportedCount returns how many items of a kind are imported; they come first in its index space.
func (m *Module) ImportedCount(k Kind) int {
	n := 0
	for i := range m.Imports {
		if m.Imports[i].Kind == k {
			n++
		}
	}
	return n
}

// CustomSection returns the content of the first custom section of that name.
func (m *Module) CustomSection(name string) ([]byte, bool) {
	for i := range m.Customs {
		if m.Customs[i].Name == name {
			return m.Customs[i].Bytes, true
		}
	}
	return nil, false
}

// FunctionType returns the type index of a function in the function index space.
func (m *Module) FunctionType(function uint32) (uint32, bool) {
	for i := range m.Imports {
		if m.Imports[i].Kind != Function {
			continue
		}
		if function == 0 {
			return m.Imports[i].Function, true
		}
		function--
	}
	if uint64(function) < uint64(len(m.Functions)) {
		return m.Functions[function], true
	}
	return 0, false
}
