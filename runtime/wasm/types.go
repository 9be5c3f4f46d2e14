package wasm

import (
	"fmt"
	"slices"
	"strings"
)

// ValueType is the type of a value, as its byte in the binary format.
type ValueType byte

// The value types of Core 2.0.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// IsReference tells whether values of the type are references.
func (t ValueType) IsReference() bool { return t == FuncRef || t == ExternRef }

// IsNumeric tells whether the type is one of i32, i64, f32 and f64.
func (t ValueType) IsNumeric() bool { return t >= F64 && t <= I32 }

func (t ValueType) valid() bool { return t >= V128 && t <= I32 || t.IsReference() }

// String returns the type's name in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("type 0x%02x", byte(t))
}

// FunctionType is a function's parameters and results.
type FunctionType struct {
	Params, Results []ValueType
}

// Equal tells whether both types are the same.
func (t FunctionType) Equal(o FunctionType) bool {
	return slices.Equal(t.Params, o.Params) && slices.Equal(t.Results, o.Results)
}

// String returns the type as "(i32, i64) -> i32".
func (t FunctionType) String() string {
	list := func(types []ValueType) string {
		names := make([]string, len(types))
		for i, v := range types {
			names[i] = v.String()
		}
		return strings.Join(names, ", ")
	}
	if len(t.Results) == 1 {
		return "(" + list(t.Params) + ") -> " + list(t.Results)
	}
	return "(" + list(t.Params) + ") -> (" + list(t.Results) + ")"
}

// Limits bound the size of a memory (in pages) or a table (in elements).
type Limits struct {
	Min    uint32
	Max    uint32 // where HasMax
	HasMax bool
}

// TableType is the type of a table.
type TableType struct {
	Element ValueType
	Limits  Limits
}

// GlobalType is the type of a global variable.
type GlobalType struct {
	Value   ValueType
	Mutable bool
}

// Kind is the kind of an import or export.
type Kind byte

// The kinds of imports and exports.
const (
	Function Kind = iota
	Table
	Memory
	GlobalKind
)

// String returns the kind's name in the text format.
func (k Kind) String() string {
	switch k {
	case Function:
		return "func"
	case Table:
		return "table"
	case Memory:
		return "memory"
	case GlobalKind:
		return "global"
	}
	return fmt.Sprintf("kind 0x%02x", byte(k))
}

// SectionID is the number of a section in the binary format.
type SectionID byte

// The sections of Core 2.0.
const (
	SectionCustom SectionID = iota
	SectionType
	SectionImport
	SectionFunction
	SectionTable
	SectionMemory
	SectionGlobal
	SectionExport
	SectionStart
	SectionElement
	SectionCode
	SectionData
	SectionDataCount
)

// sectionOrder lists the sections in the order that a module has to keep.
var sectionOrder = [...]SectionID{
	SectionType, SectionImport, SectionFunction, SectionTable, SectionMemory, SectionGlobal, SectionExport,
	SectionStart, SectionElement, SectionDataCount, SectionCode, SectionData,
}

var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element",
	"code", "data", "data count",
}

// String returns the section's name.
func (s SectionID) String() string {
	if int(s) < len(sectionNames) {
		return sectionNames[s]
	}
	return fmt.Sprintf("section %d", byte(s))
}
