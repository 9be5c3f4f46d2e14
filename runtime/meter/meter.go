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
	"strconv"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// FuelGlobal is the export name of the counter: a mutable i64, the units left. The host sets it
// before each run to a number that is not negative. A run whose counter is negative at its end, by a
// trap or by a return, has exhausted its fuel. Host functions may subtract from it during a run.
const FuelGlobal = abi.ReservedPrefix + "_fuel"

// maxFunctionName cuts the names that stack traces show, in bytes: the guest
// chose them.
const maxFunctionName = 128

// PagesGlobal is the export name of a mutable i64 in modules that grow their memory: the pages that
// the memory can get, at first its declared maximum. A host with a lower limit of its own sets it, so
// that a grow which the limit refuses is free, like any that cannot succeed.
const PagesGlobal = abi.ReservedPrefix + "_pages"

const globalPrefix = abi.ReservedPrefix + "_global_"

// The defaults of Options.
const (
	DefaultTableElements = 65536
	DefaultStartFuel     = 100_000_000
)

// Options are the limits that become part of the module.
type Options struct {
	// TableElements caps the maximum of every table. A table whose minimum is larger is refused.
	// 0: DefaultTableElements.
	TableElements uint32
	// StartFuel is the counter's initial value: the budget of the start function, which runs before
	// the host can set the counter. 0: DefaultStartFuel.
	StartFuel int64
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
	// Reinstantiate is true where a run can change state that Globals and the memory do not cover:
	// the module writes tables, drops segments, or has mutable globals of other types.
	Reinstantiate bool
}

// Rewrite returns a metered copy of m, which has to come from [wasm.Decode] and stays as it is. What
// it refuses, it refuses with a [*wasm.Error].
func Rewrite(m *wasm.Module, o Options) (Output, error) {
	if o.TableElements == 0 {
		o.TableElements = DefaultTableElements
	}
	if o.StartFuel == 0 {
		o.StartFuel = DefaultStartFuel
	}
	c := newChecker(m)
	if err := c.module(); err != nil {
		return Output{}, err
	}
	r := rewriter{in: m, out: *m, options: o, space: c.space}
	if err := r.capTables(); err != nil {
		return Output{}, err
	}
	r.output.Reinstantiate = c.mutatesHidden
	r.exportGlobals()
	r.exportStart()
	r.addFuel()
	if err := r.bodies(); err != nil {
		return Output{}, err
	}
	r.names()
	r.output.Wasm = r.out.Encode()
	return r.output, nil
}

type rewriter struct {
	in      *wasm.Module
	out     wasm.Module // shares with in what is not replaced; slices of in are never appended to
	options Options
	space   space
	output  Output
	fuel    uint32 // index of the counter
	pages   uint32 // index of the global that PagesGlobal names
	helpers [helperCount]helper
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
	r.fuel = uint32(len(r.space.globals))
	r.pages = r.fuel + 1
	r.addGlobal(FuelGlobal, r.fuel, r.options.StartFuel)
}

// addPages adds the global that the charge for memory.grow looks at.
func (r *rewriter) addPages() { r.addGlobal(PagesGlobal, r.pages, int64(r.maxPages())) }

func (r *rewriter) addGlobal(name string, index uint32, value int64) {
	init := wasm.AppendInt64([]byte{byte(wasm.OpI64Const)}, value)
	r.out.Globals = append(r.out.Globals, wasm.Global{
		Type: wasm.GlobalType{Value: wasm.I64, Mutable: true},
		Init: wasm.Expression{Code: append(init, byte(wasm.OpEnd))},
	})
	r.export(name, index)
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
	for i := range r.helpers {
		if h := &r.helpers[i]; h.used {
			names = append(names, wasm.FunctionName{Index: h.index, Name: h.name})
		}
	}
	r.out.Customs = []wasm.Custom{{
		Name: wasm.NameSection, Bytes: wasm.EncodeFunctionNames(ascending(names)), After: wasm.SectionData,
	}}
}

func reserved(name string) bool { return strings.HasPrefix(name, abi.ReservedPrefix) }
