package meter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// space holds the sizes of the original's index spaces.
type space struct {
	types, functions, tables, memories, elements, data int

	functionTypes []uint32 // type index of every function, imports first
	globals       []wasm.GlobalType
}

func newSpace(m *wasm.Module) space {
	s := space{
		types:    len(m.Types),
		tables:   m.ImportedCount(wasm.Table) + len(m.Tables),
		memories: m.ImportedCount(wasm.Memory) + len(m.Memories),
		elements: len(m.Elements),
		data:     len(m.Data),
	}
	for i := range m.Imports {
		switch m.Imports[i].Kind {
		case wasm.Function:
			s.functionTypes = append(s.functionTypes, m.Imports[i].Function)
		case wasm.GlobalKind:
			s.globals = append(s.globals, m.Imports[i].Global)
		}
	}
	s.functionTypes = append(s.functionTypes, m.Functions...)
	s.functions = len(s.functionTypes)
	for i := range m.Globals {
		s.globals = append(s.globals, m.Globals[i].Type)
	}
	return s
}

// checker refuses indices outside the original's index spaces, and reserved names.
type checker struct {
	m             *wasm.Module
	space         space
	mutatesHidden bool // an instruction changes tables or drops segments
	err           *wasm.Error
	place         wasm.Error // of what is being checked
}

func newChecker(m *wasm.Module) *checker { return &checker{m: m, space: newSpace(m)} }

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		e := c.place
		e.Message = fmt.Sprintf(format, args...)
		c.err = &e
	}
}

func (c *checker) at(section wasm.SectionID, offset int) {
	c.place = wasm.Error{Section: section.String(), Offset: offset, Function: -1}
}

func (c *checker) index(what string, index uint32, size int) {
	if uint64(index) >= uint64(size) {
		c.fail("%s %d does not exist", what, index)
	}
}

func (c *checker) memory() {
	if c.space.memories == 0 {
		c.fail("there is no memory")
	}
}

func (c *checker) module() error {
	c.imports()
	c.at(wasm.SectionFunction, c.m.Offsets[wasm.SectionFunction])
	for _, t := range c.m.Functions {
		c.index("type", t, c.space.types)
	}
	c.exports()
	c.at(wasm.SectionStart, c.m.Offsets[wasm.SectionStart])
	if c.m.Start != nil {
		c.index("function", *c.m.Start, c.space.functions)
	}
	c.segments()
	imported := c.space.functions - len(c.m.Functions)
	for i := range c.m.Code {
		if c.err != nil {
			break
		}
		c.body(imported + i)
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

func (c *checker) imports() {
	for i := range c.m.Imports {
		imp := &c.m.Imports[i]
		c.at(wasm.SectionImport, imp.Offset)
		if reserved(imp.Module) || reserved(imp.Name) {
			c.fail("import %s.%s: names that begin with %q are reserved", imp.Module, imp.Name, abi.ReservedPrefix)
		}
		if imp.Kind == wasm.Function {
			c.index("type", imp.Function, c.space.types)
		}
	}
}

func (c *checker) exports() {
	for i := range c.m.Exports {
		x := &c.m.Exports[i]
		c.at(wasm.SectionExport, x.Offset)
		if reserved(x.Name) {
			c.fail("export %s: names that begin with %q are reserved", x.Name, abi.ReservedPrefix)
		}
		c.index(x.Kind.String(), x.Index, c.size(x.Kind))
	}
}

func (c *checker) size(k wasm.Kind) int {
	switch k {
	case wasm.Function:
		return c.space.functions
	case wasm.Table:
		return c.space.tables
	case wasm.Memory:
		return c.space.memories
	default:
		return len(c.space.globals)
	}
}

func (c *checker) segments() {
	for i := range c.m.Globals {
		c.expression(wasm.SectionGlobal, &c.m.Globals[i].Init)
	}
	for i := range c.m.Elements {
		e := &c.m.Elements[i]
		c.at(wasm.SectionElement, e.Offset)
		for _, f := range e.Functions {
			c.index("function", f, c.space.functions)
		}
		for j := range e.Expressions {
			c.expression(wasm.SectionElement, &e.Expressions[j])
		}
		if e.Mode == wasm.Active {
			c.at(wasm.SectionElement, e.Offset)
			c.index("table", e.Table, c.space.tables)
			c.expression(wasm.SectionElement, &e.Start)
		}
	}
	for i := range c.m.Data {
		if d := &c.m.Data[i]; d.Mode == wasm.Active {
			c.at(wasm.SectionData, d.Offset)
			c.memory()
			c.expression(wasm.SectionData, &d.Start)
		}
	}
}

func (c *checker) expression(section wasm.SectionID, e *wasm.Expression) {
	c.at(section, e.Offset)
	c.walk(e.Reader(), 0)
}

func (c *checker) body(function int) {
	b := &c.m.Code[function-(c.space.functions-len(c.m.Functions))]
	c.place = wasm.Error{Section: wasm.SectionCode.String(), Offset: b.Offset, Function: function}
	locals := len(c.m.Types[c.space.functionTypes[function]].Params)
	for _, g := range b.Locals {
		locals += int(g.Count)
	}
	c.walk(b.Reader(), locals)
}

func (c *checker) walk(r *wasm.Reader, locals int) {
	for c.err == nil && r.Next() {
		c.place.Offset = r.Offset()
		c.instruction(&r.Instruction, r.Depth(), locals)
	}
	if err := r.Err(); err != nil {
		c.fail("%v", err)
	}
}

func (c *checker) instruction(in *wasm.Instruction, depth, locals int) {
	switch in.Op.Immediate() {
	case wasm.ImmediateBlock:
		if t, ok := in.Block.TypeIndex(); ok {
			c.index("type", t, c.space.types)
		}
	case wasm.ImmediateLabel:
		c.index("label", in.Index, depth+1)
	case wasm.ImmediateLabels:
		c.index("label", slices.Max(in.Targets), depth+1)
	case wasm.ImmediateFunction:
		c.index("function", in.Index, c.space.functions)
	case wasm.ImmediateTypeTable:
		c.index("type", in.Index, c.space.types)
		c.index("table", in.Second, c.space.tables)
	case wasm.ImmediateLocal:
		c.index("local", in.Index, locals)
	case wasm.ImmediateGlobal:
		c.index("global", in.Index, len(c.space.globals))
	case wasm.ImmediateTable:
		c.index("table", in.Index, c.space.tables)
	case wasm.ImmediateTableTable:
		c.index("table", in.Index, c.space.tables)
		c.index("table", in.Second, c.space.tables)
	case wasm.ImmediateElement:
		c.index("element segment", in.Index, c.space.elements)
	case wasm.ImmediateElementTable:
		c.index("element segment", in.Index, c.space.elements)
		c.index("table", in.Second, c.space.tables)
	case wasm.ImmediateData:
		c.index("data segment", in.Index, c.space.data)
	case wasm.ImmediateDataMemory:
		c.index("data segment", in.Index, c.space.data)
		c.memory()
	case wasm.ImmediateMemory, wasm.ImmediateMemoryMemory, wasm.ImmediateMemoryArgument,
		wasm.ImmediateMemoryArgumentLane:
		c.memory()
	}
	c.mutatesHidden = c.mutatesHidden || mutatesHidden(in.Op)
}

// mutatesHidden tells whether an instruction changes tables or drops segments.
func mutatesHidden(op wasm.Opcode) bool {
	switch op {
	case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableCopy, wasm.OpTableInit, wasm.OpTableFill,
		wasm.OpElemDrop, wasm.OpDataDrop:
		return true
	}
	return false
}

// ascending sorts names by index and keeps one of each.
func ascending(names []wasm.FunctionName) []wasm.FunctionName {
	byIndex := func(a, b wasm.FunctionName) int { return cmp.Compare(a.Index, b.Index) }
	slices.SortStableFunc(names, byIndex)
	return slices.CompactFunc(names, func(a, b wasm.FunctionName) bool { return a.Index == b.Index })
}
