package sandbox

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// What a module may have. The engine pays for all of it without any run having
// been paid for: when it compiles, when it instantiates, and at each reset. The
// figures behind them are the most that was found in modules of real compilers:
// esbuild (Go, 14 MB), lightningcss, resvg and brotli (Rust), SQLite, 7-Zip,
// QuickJS and its debug build (Emscripten), sh-syntax (TinyGo).
const (
	maxTypes           = 1_000   // 118; each costs a piece of machine code at each load
	maxParams          = 128     // of one type; 22
	maxResults         = 16      // of one type; 1, 4 in one of 45 MB
	maxImports         = 1_000   // 48
	maxFunctions       = 50_000  // 5,483; 35,823 in one of 45 MB
	maxTables          = 16      // 2
	maxTablesMinima    = 65_536  // elements that all tables start with; 8 bytes each in each instance
	maxGlobals         = 1_000   // 19; each mutable one is put back after a run
	maxExports         = 5_000   // 241
	maxElementParts    = 1_000   // segments; 1
	maxSegmentElements = 65_536  // of all segments; 5,307
	maxDataSegments    = 100_000 // 98,450; each is copied when an instance is made
	maxCustoms         = 100     // sections; 3
	maxLabels          = 500_000 // of all br_tables; 283,115

	maxBodyBytes    = 512 << 10 // 401,710
	maxInstructions = 300_000   // of one body; 204,803
	maxLocals       = 10_000    // parameters included; 263, 8,006 in a debug build
	maxBodyLabels   = 32_768    // of the br_tables of one body; 5,491, 26,653 in one of 45 MB
	maxNesting      = 4_000     // of blocks; 3,289
	maxLoopLocals   = 65_536    // nesting of loops times locals; 1,750, 32,024 in a debug build

	// What compiling takes beyond the length of the code, in steps of about 100 ns:
	// a compiler carries each local through each place where control meets, once
	// more for each loop around it; and from each such place it looks back over
	// those before it in the body, which makes 1/25 of their number's square. It is
	// this, and no length, that bombs are made of.
	maxStepsBase    = 2_000_000 // of all bodies
	maxStepsPerByte = 48        // of the upload, on top; 12, 41 in a debug build
)

// capProblems finds what a module has too much of.
func capProblems(m *wasm.Module, uploaded int) []Problem {
	c := &caps{m: m}
	for i := range m.Imports {
		if m.Imports[i].Kind == wasm.Function {
			c.types = append(c.types, m.Imports[i].Function)
		}
	}
	c.types = append(c.types, m.Functions...)
	c.counts()
	for i := range m.Types {
		c.signature(i)
	}
	imported := m.ImportedCount(wasm.Function)
	for i := range m.Code {
		c.body(imported+i, &m.Code[i])
		if len(c.problems) > maxProblems {
			return c.problems
		}
	}
	c.stepsInAll(int64(uploaded))
	return c.problems
}

type caps struct {
	m        *wasm.Module
	types    []uint32 // of all functions, imports first
	problems []Problem

	labels int   // of all br_tables so far
	steps  int64 // of all bodies so far
	most   int64 // of one body
	where  int   // that function
	offset int   // of its body
}

func (c *caps) add(offset int, format string, arguments ...any) {
	c.problems = append(c.problems, Problem{Message: fmt.Sprintf(format, arguments...), Offset: offset, HasOffset: true})
}

// count refuses a section with too many entries.
func (c *caps) count(section wasm.SectionID, n, limit int, what string) {
	if n > limit {
		c.add(c.m.Offsets[section], "the module has %d %s, at most %d are allowed", n, what, limit)
	}
}

func (c *caps) counts() {
	m := c.m
	c.count(wasm.SectionType, len(m.Types), maxTypes, "types")
	c.count(wasm.SectionImport, len(m.Imports), maxImports, "imports")
	c.count(wasm.SectionFunction, len(m.Functions), maxFunctions, "functions")
	c.count(wasm.SectionTable, len(m.Tables), maxTables, "tables")
	c.count(wasm.SectionGlobal, len(m.Globals), maxGlobals, "globals")
	c.count(wasm.SectionExport, len(m.Exports), maxExports, "exports")
	c.count(wasm.SectionElement, len(m.Elements), maxElementParts, "element segments")
	c.count(wasm.SectionData, len(m.Data), maxDataSegments, "data segments")
	c.count(wasm.SectionCustom, len(m.Customs), maxCustoms, "custom sections")
	minima, elements := int64(0), 0
	for _, t := range m.Tables {
		minima += int64(t.Limits.Min)
	}
	if minima > maxTablesMinima {
		c.add(m.Offsets[wasm.SectionTable], "the tables start with %d elements, at most %d are allowed", minima, maxTablesMinima)
	}
	for i := range m.Elements {
		elements += m.Elements[i].Len()
	}
	c.count(wasm.SectionElement, elements, maxSegmentElements, "elements in its segments")
}

func (c *caps) signature(i int) {
	t, offset := c.m.Types[i], c.m.Offsets[wasm.SectionType]
	if n := len(t.Params); n > maxParams {
		c.add(offset, "type %d has %d parameters, at most %d are allowed", i, n, maxParams)
	}
	if n := len(t.Results); n > maxResults {
		c.add(offset, "type %d has %d results, at most %d are allowed", i, n, maxResults)
	}
}

// body checks one function.
func (c *caps) body(function int, b *wasm.Body) {
	w := bodyCaps{caps: c, locals: len(c.typeOf(uint32(function)).Params)}
	for _, g := range b.Locals {
		w.locals += int(g.Count)
	}
	refuse := func(offset int, format string, arguments ...any) {
		c.add(offset, format, arguments...)
		c.problems[len(c.problems)-1].Function = functionName(c.m, function)
	}
	if n := len(b.Code); n > maxBodyBytes {
		refuse(b.Offset, "the body has %d bytes, at most %d are allowed", n, maxBodyBytes)
		return
	}
	if w.locals > maxLocals {
		refuse(b.Offset, "the function has %d parameters and locals, at most %d are allowed", w.locals, maxLocals)
		return
	}
	r := b.Reader()
	for r.Next() {
		if w.instruction(&r.Instruction); w.problem != "" {
			refuse(r.Offset(), "%s", w.problem)
			return
		}
	}
	steps := w.steps()
	c.steps += steps
	if steps > c.most {
		c.most = steps
		c.where, c.offset = function, b.Offset
	}
}

// typeOf returns a function's type; the empty one where the index is not valid,
// which others tell.
func (c *caps) typeOf(function uint32) wasm.FunctionType {
	if int64(function) >= int64(len(c.types)) {
		return wasm.FunctionType{}
	}
	t, _ := typeAt(c.m, c.types[function])
	return t
}

func (c *caps) stepsInAll(uploaded int64) {
	limit := maxStepsBase + maxStepsPerByte*uploaded
	if c.steps <= limit {
		return
	}
	p := Problem{Function: functionName(c.m, c.where), Offset: c.offset, HasOffset: true}
	p.Message = fmt.Sprintf("the control flow of the module's functions takes %d steps to compile, at most %d are allowed in %d bytes; "+
		"%d are in this function: split it, or let it have fewer locals, blocks and loops", c.steps, limit, uploaded, c.most)
	c.problems = append(c.problems, p)
}

// bodyCaps walks one body.
type bodyCaps struct {
	*caps
	locals  int
	problem string

	instructions int
	labels       int
	open         []bool // what is open, and whether it is a loop
	loops        int    // open ones
	meets        int64  // places where control meets
	nested       int64  // the same, each once more for each loop around it
	values       int64  // that blocks and calls take and give, likewise
}

func (w *bodyCaps) steps() int64 {
	return int64(w.locals)*(1+w.nested) + w.values + w.meets*w.meets/25
}

func (w *bodyCaps) fail(format string, arguments ...any) {
	w.problem = fmt.Sprintf(format, arguments...)
}

func (w *bodyCaps) instruction(in *wasm.Instruction) {
	if w.instructions++; w.instructions > maxInstructions {
		w.fail("the body has more than %d instructions", maxInstructions)
	}
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		w.enter(in)
	case wasm.OpElse, wasm.OpBrIf:
		w.meet(1)
	case wasm.OpEnd:
		w.leave()
	case wasm.OpBrTable:
		w.table(len(in.Targets))
	case wasm.OpCall:
		w.meet(1)
		w.moves(w.typeOf(in.Index))
	case wasm.OpCallIndirect:
		t, _ := typeAt(w.m, in.Index)
		w.meet(1)
		w.moves(t)
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit, wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit:
		w.meet(bulkMeets)
	}
}

// bulkMeets is how many places of a bulk operation, as it is compiled, control
// meets at: its loop, and the checks before it.
const bulkMeets = 6

// loopMeets is the same for a loop, with its check of the fuel.
const loopMeets = 5

func (w *bodyCaps) meet(times int64) {
	w.meets += times
	w.nested += times * int64(1+w.loops)
}

func (w *bodyCaps) moves(t wasm.FunctionType) {
	w.values += int64(len(t.Params)+len(t.Results)) * int64(1+w.loops)
}

func (w *bodyCaps) enter(in *wasm.Instruction) {
	if len(w.open) == maxNesting {
		w.fail("blocks are nested deeper than %d", maxNesting)
	}
	loop := in.Op == wasm.OpLoop
	if w.open = append(w.open, loop); loop {
		if w.loops++; w.loops*w.locals > maxLoopLocals {
			w.fail("loops nested %d deep, times %d locals, come to %d; at most %d are allowed", w.loops, w.locals, w.loops*w.locals, maxLoopLocals)
		}
	}
	if w.meet(1); loop {
		w.meets += loopMeets - 1
	}
	if index, ok := in.Block.TypeIndex(); ok {
		t, _ := typeAt(w.m, index)
		w.moves(t)
	}
}

func (w *bodyCaps) leave() {
	last := len(w.open) - 1
	if last < 0 {
		return // the body's own end
	}
	if w.open[last] {
		w.loops--
	}
	w.open = w.open[:last]
}

// table counts the labels of a br_table.
func (w *bodyCaps) table(labels int) {
	w.meet(1)
	w.meets += int64(labels) / 8 // most labels of a table lead to few places
	w.nested += int64(labels) * int64(1+w.loops)
	w.labels += labels
	w.caps.labels += labels
	switch {
	case w.labels > maxBodyLabels:
		w.fail("the br_tables of the function have more than %d labels", maxBodyLabels)
	case w.caps.labels > maxLabels:
		w.fail("the br_tables of the module have more than %d labels", maxLabels)
	}
}
