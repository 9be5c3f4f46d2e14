// Package meter rewrites a guest module so that a host can limit, bill and undo what it does: code
// counts its work in a global, tables are capped, and all mutable numeric globals can be read and set
// from outside. Bytes in, bytes out: nothing is run or compiled here. docs/fuel.md states the cost
// model and how far past its limit a run can get.
//
// Whatever is added lies at the end of its index space, so no index of the guest shifts; and every
// index of the guest is checked against the original's index spaces, so the guest cannot name what
// was added. Types are not checked: the compiler that takes the result does that, and accepts it
// exactly where it accepts the original.
package meter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// The export names of the counter, two mutable i64 whose sum is the units left. The host sets both
// before each run, neither negative: the units beyond Options.Slice belong in the reserve. A run for
// which the sum is negative at its end, by a trap or by a return, has exhausted its fuel. Host functions
// may subtract from FuelGlobal during a run.
const (
	FuelGlobal    = abi.ReservedPrefix + "_fuel"
	ReserveGlobal = abi.ReservedPrefix + "_reserve"
)

// StopGlobal is the export name of a mutable i32. Where the host sets it to another number than 0, also
// from another goroutine, the run traps at its next safepoint.
const StopGlobal = abi.ReservedPrefix + "_stop"

// maxFunctionName cuts the names that stack traces show, in bytes: the guest
// chose them.
const maxFunctionName = 128

// StackGlobal is the export name of a mutable i64 in modules whose functions may recurse: the bytes of
// stack left, by the estimate that docs/fuel.md gives. It is negative after a run that trapped for want
// of stack; the host sets it to Options.StackBytes before each run that follows a trap.
const StackGlobal = abi.ReservedPrefix + "_stack"

// DirtyGlobal is the export name of a mutable i64, with Options.MarkWrites: bit n is set where region n of
// the memory may have been written, or region n + 64, n + 128 and so on of a memory that has grown. The host
// clears it when it has put the memory back.
const DirtyGlobal = abi.ReservedPrefix + "_dirty"

// PagesGlobal is the export name of a mutable i64 in modules that grow their memory: the pages that
// the memory can get, at first its declared maximum. A host with a lower limit of its own sets it, so
// that a grow which the limit refuses is free, like any that cannot succeed.
const PagesGlobal = abi.ReservedPrefix + "_pages"

// YieldGlobal is the export name of an i32, with Options.Yield: 1 while a safepoint asks for more memory
// than there can be, and else 0.
const YieldGlobal = abi.ReservedPrefix + "_yield"

const globalPrefix = abi.ReservedPrefix + "_global_"

// The defaults of Options.
const (
	DefaultTableElements = 65536
	DefaultStartFuel     = 100_000_000
	DefaultSlice         = 25_000
	DefaultStackBytes    = 4 << 20
)

// Options are the limits that become part of the module.
type Options struct {
	// TableElements caps the maximum of every table. A table whose minimum is larger is refused.
	// 0: DefaultTableElements.
	TableElements uint32
	// StartFuel is the counter's initial value: the budget of the start function, which runs before
	// the host can set the counter. 0: DefaultStartFuel.
	StartFuel int64
	// Slice is how many units a run executes between two safepoints, at most 8,192 more. At a safepoint,
	// compiled code gives way to the garbage collector and to other goroutines, and heeds StopGlobal.
	// What a run costs does not depend on it. 0: DefaultSlice.
	Slice int64
	// Yield has each safepoint ask for as much memory as makes 65,536 pages, with YieldGlobal set meanwhile:
	// so a host whose allocator backs the instance is called there, on the goroutine of the run. The
	// memory's declared maximum is lifted for that. The host refuses what is asked for while YieldGlobal is set, and
	// else what is over that maximum, which PagesGlobal holds.
	Yield bool
	// StackBytes bounds how deep calls nest, by an estimate of their frames: that of a chain of functions
	// which do not recurse at upload, that of recursion by a trap. 0: DefaultStackBytes.
	StackBytes int64
	// MarkWrites makes the module note which regions of its memory it writes, in DirtyGlobal.
	MarkWrites bool
	// ExportStart exports the start function as StartExport instead of having it
	// run at instantiation, so that the host can set the counter before and read it
	// after.
	ExportStart bool
}

// StartExport is the export name of the start function, with Options.ExportStart.
const StartExport = abi.ReservedPrefix + "_start"

// GlobalExport is a global under the name that it was given.
type GlobalExport struct {
	Name string
	Type wasm.ValueType // i32, i64, f32 or f64
}

// Output is a rewritten module.
type Output struct {
	// Wasm is what runs. It shares nothing with the input.
	Wasm []byte
	// Globals are all mutable numeric globals of the guest: with the memory they are the state that
	// a run can change, unless Reinstantiate is set. The counter is not among them.
	Globals []GlobalExport
	// RegionShift gives the regions of the memory, with Options.MarkWrites: region n begins at byte
	// n << RegionShift. At most 64 cover the memory that the module starts with. What a write touches lies
	// in a marked region or at most RegionSlack bytes beside it.
	RegionShift uint32
	// Reinstantiate is true where a run can change state that Globals and the memory do not cover:
	// the module writes tables, drops segments, or has mutable globals of other types.
	Reinstantiate bool
}

// Rewrite returns a metered copy of m, which has to come from [wasm.Decode] and stays as it is. What
// it refuses, it refuses with a [*wasm.Error].
func Rewrite(m *wasm.Module, o Options) (Output, error) {
	r, err := rewrite(m, o, nil)
	if err != nil {
		return Output{}, err
	}
	return r.output, nil
}

// rewrite notes in report, unless that is nil, what it makes of each function.
func rewrite(m *wasm.Module, o Options, report *Report) (*rewriter, error) {
	if o.TableElements == 0 {
		o.TableElements = DefaultTableElements
	}
	if o.StartFuel == 0 {
		o.StartFuel = DefaultStartFuel
	}
	if o.Slice == 0 {
		o.Slice = DefaultSlice
	}
	if o.StackBytes == 0 {
		o.StackBytes = DefaultStackBytes
	}
	c := newChecker(m)
	if err := c.module(); err != nil {
		return nil, err
	}
	r := &rewriter{in: m, out: *m, options: o, space: c.space, report: report, addedIndex: map[added]uint32{}}
	if err := r.capTables(); err != nil {
		return nil, err
	}
	var err error
	if r.calls, err = newCalls(m, c.space); err != nil {
		return nil, err
	}
	if err := r.checkStack(); err != nil {
		return nil, err
	}
	r.output.Reinstantiate = c.mutatesHidden
	r.exportGlobals()
	r.exportStart()
	r.addFuel()
	if err := r.bodies(); err != nil {
		return nil, err
	}
	r.names()
	r.output.Wasm = r.out.Encode()
	return r, nil
}

type rewriter struct {
	in      *wasm.Module
	out     wasm.Module // shares with in what is not replaced; slices of in are never appended to
	options Options
	space   space
	output  Output
	report  *Report // or nil
	fuel    uint32  // index of the global that FuelGlobal names
	reserve uint32  // of ReserveGlobal
	stop    uint32  // of StopGlobal
	yield   uint32  // of YieldGlobal, with Yield
	dirty   uint32  // of DirtyGlobal, with MarkWrites
	stack   uint32  // of StackGlobal, where a function recurses
	pages   uint32  // of PagesGlobal, where something charges for pages

	calls      *calls
	summaries  []summary // of the functions defined, as far as they are rewritten
	added      []added
	addedIndex map[added]uint32
}

func (r *rewriter) capTables() error {
	limit := r.options.TableElements
	r.out.Tables = nil
	for i, t := range r.in.Tables {
		if t.Limits.Min > limit {
			return &wasm.Error{
				Offset: r.in.Offsets[wasm.SectionTable], Section: wasm.SectionTable.String(), Function: -1,
				Message: fmt.Sprintf("table %d has %d elements, at most %d are allowed", i, t.Limits.Min, limit),
			}
		}
		if !t.Limits.HasMax || t.Limits.Max > limit {
			t.Limits.Max, t.Limits.HasMax = limit, true
		}
		r.out.Tables = append(r.out.Tables, t)
	}
	return nil
}

// exportGlobals exports all mutable numeric globals, whether the guest exports them too or not.
func (r *rewriter) exportGlobals() {
	r.out.Exports = append([]wasm.Export(nil), r.in.Exports...)
	for i, t := range r.space.globals {
		if !t.Mutable {
			continue
		}
		if !t.Value.IsNumeric() {
			r.output.Reinstantiate = true
			continue
		}
		name := globalPrefix + strconv.Itoa(i)
		r.export(name, uint32(i))
		r.output.Globals = append(r.output.Globals, GlobalExport{Name: name, Type: t.Value})
	}
}

func (r *rewriter) exportStart() {
	if !r.options.ExportStart || r.in.Start == nil {
		return
	}
	r.out.Start = nil
	r.out.Exports = append(r.out.Exports, wasm.Export{Name: StartExport, Kind: wasm.Function, Index: *r.in.Start})
}

func (r *rewriter) export(name string, global uint32) {
	r.out.Exports = append(r.out.Exports, wasm.Export{Name: name, Kind: wasm.GlobalKind, Index: global})
}

func (r *rewriter) addFuel() {
	r.out.Globals = append([]wasm.Global(nil), r.in.Globals...)
	first := min(r.options.StartFuel, r.options.Slice)
	r.fuel = r.addGlobal(FuelGlobal, wasm.I64, first)
	r.reserve = r.addGlobal(ReserveGlobal, wasm.I64, r.options.StartFuel-first)
	r.stop = r.addGlobal(StopGlobal, wasm.I32, 0)
	if r.options.MarkWrites {
		r.dirty = r.addGlobal(DirtyGlobal, wasm.I64, 0)
		r.output.RegionShift = regionShift(r.memory().Min)
	}
	if r.calls.counts() {
		r.stack = r.addGlobal(StackGlobal, wasm.I64, r.options.StackBytes)
	}
	if r.space.memories == 0 { // safepoints need one
		r.out.Memories = []wasm.Limits{{HasMax: true}}
	}
	if r.options.Yield {
		r.yield = r.addGlobal(YieldGlobal, wasm.I32, 0)
		r.out.Memories = slices.Clone(r.out.Memories)
		for i := range r.out.Memories {
			r.out.Memories[i] = wasm.Limits{Min: r.out.Memories[i].Min}
		}
	}
}

// addGlobal adds and exports a mutable global.
func (r *rewriter) addGlobal(name string, t wasm.ValueType, value int64) uint32 {
	var init code
	if t == wasm.I64 {
		init.i64(value)
	} else {
		init.i32(int32(value))
	}
	init.op(wasm.OpEnd)
	index := uint32(len(r.space.globals) + len(r.out.Globals) - len(r.in.Globals))
	r.out.Globals = append(r.out.Globals, wasm.Global{
		Type: wasm.GlobalType{Value: t, Mutable: true}, Init: wasm.Expression{Code: init},
	})
	r.export(name, index)
	return index
}

// names drops all custom sections and puts a name section back that cannot be malformed.
func (r *rewriter) names() {
	r.out.Customs = nil
	names := r.in.FunctionNames()
	if len(names) == 0 {
		return
	}
	for i := range names {
		if n := &names[i]; len(n.Name) > maxFunctionName {
			n.Name = strings.ToValidUTF8(n.Name[:maxFunctionName], "")
		}
	}
	for i, a := range r.added {
		names = append(names, wasm.FunctionName{Index: uint32(r.space.functions + i), Name: addedNames[a.kind]})
	}
	r.out.Customs = []wasm.Custom{{
		Name: wasm.NameSection, Bytes: wasm.EncodeFunctionNames(ascending(names)), After: wasm.SectionData,
	}}
}

func reserved(name string) bool { return strings.HasPrefix(name, abi.ReservedPrefix) }
