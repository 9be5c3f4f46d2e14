package meter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Report tells what [Rewrite] does to a module, and what it finds out about it.
type Report struct {
	Functions []FunctionReport // those that the guest defines, in their order
	Classes   []Class          // ascending by cost
	// ByLength is the number of instructions that are charged by their length besides.
	ByLength int
	// StackBytes is the estimate of the longest chain of calls that nothing counts at run time, and
	// StackCalls the number of functions in it. Recursive tells whether the stack is counted anywhere.
	StackBytes int64
	StackCalls int
	Recursive  bool
	// Hidden are the reasons for Output.Reinstantiate: the first instruction of each kind, and each global.
	Hidden []Place
	NaN    NaN
}

// FunctionReport tells what is charged in a function, what is checked, and how its stack is bounded.
type FunctionReport struct {
	Index          int // in the function index space
	Offset         int // of its code in the file
	Instructions   int
	Bytes          int // of its code
	RewrittenBytes int // of its code as it runs
	// Regions is the number of places where fuel is taken, Cost what they take in sum, with the entry of
	// functions that they call, and Largest the most that one takes.
	Regions int
	Cost    int64
	Largest uint32
	// Entry is what the function's callers take for it, where all of them do.
	Entry  uint32
	Checks int // places where the counter is checked; those in added functions are not among them
	// Frame is what its frame is taken to need, in bytes. CountsFrame tells whether it counts that at run
	// time, CountedCalls how many of its indirect calls count what they may lead to.
	Frame        int64
	CountsFrame  bool
	CountedCalls int
}

// Class is the instructions that cost the same, their lengths aside.
type Class struct {
	Units        uint32
	Instructions int
}

// Place is what a report points to in a module.
type Place struct {
	What     string // an instruction or a phrase; names that the guest chose may stand in it
	Function int    // its index, or -1 outside of functions
	Offset   int    // in the file
}

// Inspect returns what [Rewrite] does, and a report on it.
func Inspect(m *wasm.Module, o Options) (Output, *Report, error) {
	report := &Report{Functions: make([]FunctionReport, len(m.Code))}
	r, err := rewrite(m, o, report)
	if err != nil {
		return Output{}, nil, err
	}
	chain, bytes := r.calls.deepest()
	report.StackCalls, report.StackBytes, report.Recursive = len(chain), bytes, r.calls.counts()
	i := inspector{rewriter: r, report: report, nan: nanScanner{rewriter: r, shares: r.sharesReferences()}, seen: map[wasm.Opcode]bool{}, classes: map[uint32]int{}}
	if err := i.bodies(); err != nil {
		return Output{}, nil, err
	}
	i.globals()
	i.nan.interfaces()
	report.NaN = i.nan.found
	for units, n := range i.classes {
		report.Classes = append(report.Classes, Class{units, n})
	}
	slices.SortFunc(report.Classes, func(a, b Class) int { return cmp.Compare(a.Units, b.Units) })
	return r.output, report, nil
}

// function notes what the rewriter made of a function.
func (report *Report) function(r *rewriter, f *function, e *emitter, entry uint32) {
	one := FunctionReport{
		Index: r.space.functions - len(r.in.Functions) + f.index, Offset: f.Offset, Bytes: len(f.Code), RewrittenBytes: len(e.out),
		Entry: entry, Checks: e.checks, Frame: r.calls.frames[f.index], CountsFrame: f.frame > 0,
	}
	for _, c := range f.charges {
		if c.cost > 0 {
			one.Regions++
			one.Cost += int64(c.cost)
			one.Largest = max(one.Largest, c.cost)
		}
	}
	report.Functions[f.index] = one
}

// inspector walks a module that was rewritten.
type inspector struct {
	*rewriter
	report  *Report
	nan     nanScanner
	seen    map[wasm.Opcode]bool // of those that change hidden state
	classes map[uint32]int
}

func (i *inspector) bodies() error {
	for n := range i.in.Code {
		f := &i.report.Functions[n]
		r := i.in.Code[n].Reader()
		for r.Next() {
			i.instruction(f, n, &r.Instruction, Place{r.Instruction.Op.String(), f.Index, r.Offset()})
		}
		if err := r.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspector) instruction(f *FunctionReport, function int, in *wasm.Instruction, at Place) {
	f.Instructions++
	i.classes[cost(in.Op)]++
	if hasLength(in.Op) {
		i.report.ByLength++
	}
	if in.Op == wasm.OpCallIndirect && i.calls.indirectFrames(function, in.Index) > 0 {
		f.CountedCalls++
	}
	if mutatesHidden(in.Op) && !i.seen[in.Op] {
		i.seen[in.Op] = true
		i.report.Hidden = append(i.report.Hidden, at)
	}
	i.nan.instruction(in, at)
}

// globals finds the mutable ones that cannot be set from outside.
func (i *inspector) globals() {
	for n, t := range i.space.globals {
		if t.Mutable && !t.Value.IsNumeric() {
			i.report.Hidden = append(i.report.Hidden, i.global(n, "mutable"))
		}
	}
}

// global is the place of a global, with a word on it.
func (r *rewriter) global(n int, word string) Place {
	p := Place{fmt.Sprintf("global %d, %s %s", n, word, r.space.globals[n].Value), -1, 0}
	imported := len(r.space.globals) - len(r.in.Globals)
	if n >= imported {
		p.Offset = r.in.Globals[n-imported].Init.Offset
		return p
	}
	for i := range r.in.Imports {
		if m := &r.in.Imports[i]; m.Kind == wasm.GlobalKind {
			if n == 0 {
				p.Offset = m.Offset
			}
			n--
		}
	}
	return p
}
