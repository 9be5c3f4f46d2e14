package sandbox

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Validate type-checks a module of Core 2.0 as it was decoded, whatever it
// imports and exports, so that nothing which only the rewriting makes valid gets
// through. The error of an invalid one is an *AdmissionError.
func Validate(ctx context.Context, m *wasm.Module) (err error) {
	// The interpreter's front end is the cheapest complete validator at hand.
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if _, invalid := r.CompileModule(ctx, withoutCustoms(m)); invalid != nil {
		return &AdmissionError{Problems: []Problem{validationProblem(m, invalid.Error())}}
	}
	return nil
}

// withoutCustoms encodes a module as it was uploaded, save for its custom
// sections: WebAssembly gives them no say in whether a module is valid, and
// wazero fails on empty ones and on names that it does not understand.
func withoutCustoms(m *wasm.Module) []byte {
	bare := *m
	bare.Customs = nil
	return bare.Encode()
}

// invalidFunction is how wazero begins to speak of a function. Its index is
// that of the body: imports are not counted.
var invalidFunction = regexp.MustCompile(`^invalid function\[(\d+)\](?: export\["(?:[^"\\]|\\.)*"(?:,"(?:[^"\\]|\\.)*")*\])?: `)

// validationProblem finds the place that the validator speaks of.
func validationProblem(m *wasm.Module, message string) Problem {
	if found := invalidFunction.FindStringSubmatch(message); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil && n < len(m.Code) {
			function := m.ImportedCount(wasm.Function) + n
			return Problem{Message: message[len(found[0]):], Function: functionName(m, function), Offset: m.Code[n].Offset, HasOffset: true}
		}
	}
	if p, ok := invalidConstant(m); ok {
		return p
	}
	if section := sectionOf(message); section != wasm.SectionCustom {
		message = strings.TrimPrefix(message, "section "+section.String()+": ")
		return Problem{Message: section.String() + " section: " + message, Offset: m.Offsets[section], HasOffset: true}
	}
	return Problem{Message: message}
}

// functionName gives a function the name that a Problem has for it: of exports
// the first. Without a module it is the index.
func functionName(m *wasm.Module, index int) string {
	for i := 0; m != nil && i < len(m.Exports); i++ {
		if x := &m.Exports[i]; x.Kind == wasm.Function && int64(x.Index) == int64(index) {
			return x.Name
		}
	}
	return fmt.Sprintf("function %d", index)
}

// invalidConstant looks for what the validator refuses outside of functions
// without saying where, in its order.
func invalidConstant(m *wasm.Module) (p Problem, found bool) {
	wrong := func(section wasm.SectionID, offset int, format string, arguments ...any) {
		if !found {
			p, found = Problem{Message: section.String() + " section: " + fmt.Sprintf(format, arguments...), Offset: offset, HasOffset: true}, true
		}
	}
	hold := func(section wasm.SectionID, e *wasm.Expression, want wasm.ValueType, format string, arguments ...any) {
		what := fmt.Sprintf(format, arguments...)
		switch got, ok := constantType(m, e); {
		case !ok:
			wrong(section, e.Offset, "%s reads a global that is not an imported immutable one", what)
		case got != want:
			wrong(section, e.Offset, "%s must be of type %s, it is of type %s", what, want, got)
		}
	}
	if m.Start != nil {
		if t, ok := functionType(m, *m.Start); ok && len(t.Params)+len(t.Results) > 0 {
			wrong(wasm.SectionStart, m.Offsets[wasm.SectionStart], "the start function must be of type () -> (), it is %s", t)
			p.Function = functionName(m, int(*m.Start))
		}
	}
	for i := range m.Globals {
		hold(wasm.SectionGlobal, &m.Globals[i].Init, m.Globals[i].Type.Value, "global %d", m.ImportedCount(wasm.GlobalKind)+i)
	}
	for i := range m.Data {
		if d := &m.Data[i]; d.Mode == wasm.Active {
			hold(wasm.SectionData, &d.Start, wasm.I32, "the address of segment %d", i)
		}
	}
	for i := range m.Elements {
		e := &m.Elements[i]
		for j := range e.Expressions {
			hold(wasm.SectionElement, &e.Expressions[j], e.Type, "element %d of segment %d", j, i)
		}
		if e.Mode == wasm.Active {
			hold(wasm.SectionElement, &e.Start, wasm.I32, "the table index of segment %d", i)
		}
	}
	return p, found
}

// constantType returns the type of the instruction that a constant expression
// begins with, and in Core 2.0 consists of. ok is false for a global that it may
// not read.
func constantType(m *wasm.Module, e *wasm.Expression) (t wasm.ValueType, ok bool) {
	r := e.Reader()
	if !r.Next() {
		return 0, false
	}
	in := &r.Instruction
	switch in.Op {
	case wasm.OpI64Const:
		return wasm.I64, true
	case wasm.OpF32Const:
		return wasm.F32, true
	case wasm.OpF64Const:
		return wasm.F64, true
	case wasm.OpV128Const:
		return wasm.V128, true
	case wasm.OpRefFunc:
		return wasm.FuncRef, true
	case wasm.OpRefNull:
		return in.Types[0], true
	case wasm.OpGlobalGet:
		return importedGlobal(m, in.Index)
	}
	return wasm.I32, true
}

func importedGlobal(m *wasm.Module, index uint32) (t wasm.ValueType, ok bool) {
	for i := range m.Imports {
		if m.Imports[i].Kind != wasm.GlobalKind {
			continue
		}
		if index == 0 {
			return m.Imports[i].Global.Value, !m.Imports[i].Global.Mutable
		}
		index--
	}
	return 0, false
}

// sectionOf tells by the words of a message which section it is about;
// SectionCustom where they say nothing.
func sectionOf(message string) wasm.SectionID {
	for _, known := range []struct {
		word    string
		section wasm.SectionID
	}{
		{"start function", wasm.SectionStart},
		{"import[", wasm.SectionImport},
		{"export[", wasm.SectionExport},
		{"element", wasm.SectionElement},
		{"data", wasm.SectionData},
		{"calculate offset", wasm.SectionData},
		{"table", wasm.SectionTable},
		{"memory", wasm.SectionMemory},
		{"pages", wasm.SectionMemory},
		{"global", wasm.SectionGlobal},
	} {
		if strings.Contains(message, known.word) {
			return known.section
		}
	}
	return wasm.SectionCustom
}
