package meter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// NaN tells how the bits of a NaN may get into what a module does. WebAssembly leaves the sign and the
// payload of a NaN that an instruction makes to the machine, so a module that makes one and looks at its
// bits need not do the same everywhere. docs/fuel.md says what counts as either.
type NaN struct {
	Makes []Place // the first instruction whose result may be such a NaN, if there is one
	Looks []Place // the first of each kind that shows bits of a float as something else
}

// Could tells whether the module could look at the bits of a NaN. Where it is false, the module cannot.
func (n NaN) Could() bool { return len(n.Makes) > 0 && len(n.Looks) > 0 }

// makesNaN tells whether the result of an instruction may be a NaN whose bits WebAssembly leaves open.
// What only moves a float, or changes nothing but its sign, is not among them, nor is what makes a float
// of an integer; pmin and pmax return one of their operands as it is.
func makesNaN(op wasm.Opcode) bool {
	switch op {
	case wasm.OpF32Add, wasm.OpF32Sub, wasm.OpF32Mul, wasm.OpF32Div, wasm.OpF32Sqrt, wasm.OpF32Min, wasm.OpF32Max,
		wasm.OpF32Ceil, wasm.OpF32Floor, wasm.OpF32Trunc, wasm.OpF32Nearest, wasm.OpF32DemoteF64,
		wasm.OpF64Add, wasm.OpF64Sub, wasm.OpF64Mul, wasm.OpF64Div, wasm.OpF64Sqrt, wasm.OpF64Min, wasm.OpF64Max,
		wasm.OpF64Ceil, wasm.OpF64Floor, wasm.OpF64Trunc, wasm.OpF64Nearest, wasm.OpF64PromoteF32,
		wasm.OpF32x4Add, wasm.OpF32x4Sub, wasm.OpF32x4Mul, wasm.OpF32x4Div, wasm.OpF32x4Sqrt, wasm.OpF32x4Min, wasm.OpF32x4Max,
		wasm.OpF32x4Ceil, wasm.OpF32x4Floor, wasm.OpF32x4Trunc, wasm.OpF32x4Nearest, wasm.OpF32x4DemoteF64x2Zero,
		wasm.OpF64x2Add, wasm.OpF64x2Sub, wasm.OpF64x2Mul, wasm.OpF64x2Div, wasm.OpF64x2Sqrt, wasm.OpF64x2Min, wasm.OpF64x2Max,
		wasm.OpF64x2Ceil, wasm.OpF64x2Floor, wasm.OpF64x2Trunc, wasm.OpF64x2Nearest, wasm.OpF64x2PromoteLowF32x4:
		return true
	}
	return false
}

// look is a kind of looking at the bits of a float.
type look int

const (
	lookNone    look = iota
	lookInteger      // at all of them
	lookSign
	lookStore
	lookVector // in lanes of another type
	lookOutside
	lookCount
)

// looks tells how an instruction by itself shows bits of a float.
func looks(op wasm.Opcode) look {
	switch op {
	case wasm.OpI32ReinterpretF32, wasm.OpI64ReinterpretF64:
		return lookInteger
	case wasm.OpF32Copysign, wasm.OpF64Copysign:
		return lookSign
	case wasm.OpF32Store, wasm.OpF64Store, wasm.OpV128Store,
		wasm.OpV128Store8Lane, wasm.OpV128Store16Lane, wasm.OpV128Store32Lane, wasm.OpV128Store64Lane:
		return lookStore
	}
	if takesVector(op) {
		return lookVector
	}
	return lookNone
}

// takesVector tells whether an operand is a vector. What its lanes are, nothing says: another instruction
// may have made it of other ones.
func takesVector(op wasm.Opcode) bool {
	switch op {
	case wasm.OpV128Load, wasm.OpV128Load8x8S, wasm.OpV128Load8x8U, wasm.OpV128Load16x4S, wasm.OpV128Load16x4U,
		wasm.OpV128Load32x2S, wasm.OpV128Load32x2U, wasm.OpV128Load8Splat, wasm.OpV128Load16Splat,
		wasm.OpV128Load32Splat, wasm.OpV128Load64Splat, wasm.OpV128Load32Zero, wasm.OpV128Load64Zero,
		wasm.OpV128Const, wasm.OpI8x16Splat, wasm.OpI16x8Splat, wasm.OpI32x4Splat, wasm.OpI64x2Splat,
		wasm.OpF32x4Splat, wasm.OpF64x2Splat:
		return false
	}
	return op>>8 == 0xfd
}

// nanScanner collects what a module has of either.
type nanScanner struct {
	rewriter *rewriter
	found    NaN
	seen     [lookCount]bool
	shares   bool // references to functions may get into the module or out of it
}

func (s *nanScanner) look(k look, at Place) {
	if k != lookNone && !s.seen[k] {
		s.seen[k] = true
		s.found.Looks = append(s.found.Looks, at)
	}
}

func (s *nanScanner) instruction(in *wasm.Instruction, at Place) {
	if len(s.found.Makes) == 0 && makesNaN(in.Op) {
		s.found.Makes = append(s.found.Makes, at)
	}
	s.look(looks(in.Op), at)
	if in.Op == wasm.OpCallIndirect && !s.seen[lookOutside] && s.shares {
		if floats := floatsOf(s.rewriter.in.Types[in.Index].Params); floats != "" {
			at.What += " with " + floats
			s.look(lookOutside, at)
		}
	}
}

// interfaces finds where floats leave the module: as arguments of functions that it imports, as results
// of functions that others may call, in mutable globals that it shares.
func (s *nanScanner) interfaces() {
	r := s.rewriter
	for i := range r.in.Imports {
		m := &r.in.Imports[i]
		switch m.Kind {
		case wasm.Function:
			if floats := floatsOf(r.in.Types[m.Function].Params); floats != "" {
				s.look(lookOutside, Place{fmt.Sprintf("import %s.%s takes %s", m.Module, m.Name, floats), -1, m.Offset})
			}
		case wasm.GlobalKind:
			if m.Global.Mutable && isFloat(m.Global.Value) {
				s.look(lookOutside, Place{fmt.Sprintf("import %s.%s, mutable %s", m.Module, m.Name, m.Global.Value), -1, m.Offset})
			}
		}
	}
	for i := range r.in.Exports {
		x := &r.in.Exports[i]
		switch x.Kind {
		case wasm.Function:
			s.results(int(x.Index))
		case wasm.GlobalKind:
			if t := r.space.globals[x.Index]; t.Mutable && isFloat(t.Value) {
				s.look(lookOutside, r.global(int(x.Index), "shared and mutable"))
			}
		}
	}
	if s.seen[lookOutside] || !s.shares {
		return
	}
	for f := range r.space.functions {
		if r.calls.entered[uint32(f)] {
			s.results(f)
		}
	}
}

// results looks at those of a function that others may call.
func (s *nanScanner) results(function int) {
	r := s.rewriter
	n := function - (r.space.functions - len(r.in.Functions))
	if n < 0 {
		return
	}
	if floats := floatsOf(r.in.Types[r.space.functionTypes[function]].Results); floats != "" {
		s.look(lookOutside, Place{"gives " + floats + " to others that may call it", function, r.in.Code[n].Offset})
	}
}

// sharesReferences tells whether references to functions may get into the module or out of it.
func (r *rewriter) sharesReferences() bool {
	holds := func(function uint32) bool {
		t := r.in.Types[r.space.functionTypes[function]]
		return slices.ContainsFunc(t.Params, isFuncRef) || slices.ContainsFunc(t.Results, isFuncRef)
	}
	function := uint32(0)
	for i := range r.in.Imports {
		m := &r.in.Imports[i]
		switch m.Kind {
		case wasm.Function:
			if holds(function) {
				return true
			}
			function++
		case wasm.Table:
			return true
		case wasm.GlobalKind:
			if isFuncRef(m.Global.Value) {
				return true
			}
		}
	}
	for i := range r.in.Exports {
		x := &r.in.Exports[i]
		if x.Kind == wasm.Table || x.Kind == wasm.Function && holds(x.Index) ||
			x.Kind == wasm.GlobalKind && isFuncRef(r.space.globals[x.Index].Value) {
			return true
		}
	}
	return false
}

func isFuncRef(t wasm.ValueType) bool { return t == wasm.FuncRef }

// isFloat tells whether a value can hold a NaN.
func isFloat(t wasm.ValueType) bool { return t == wasm.F32 || t == wasm.F64 || t == wasm.V128 }

// floatsOf names the types among those that can hold a NaN, each once.
func floatsOf(types []wasm.ValueType) string {
	var names []string
	for _, t := range types {
		if isFloat(t) && !slices.Contains(names, t.String()) {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, ", ")
}
