package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Problem is one reason to refuse a module.
type Problem struct {
	Message string
	// Function names the function concerned: its export name, or "function N"
	// by its index. Empty where the problem is not in a function.
	Function string
	// Offset is the byte offset in the upload, where HasOffset.
	Offset    int
	HasOffset bool
}

// AdmissionError says why a module is refused. It holds at least one problem.
type AdmissionError struct {
	Problems []Problem
}

// Error returns the first problem and how many there are.
func (e *AdmissionError) Error() string {
	p := e.Problems[0]
	text := p.Message
	if p.Function != "" {
		text = p.Function + ": " + text
	}
	if p.HasOffset {
		text = fmt.Sprintf("offset %d: %s", p.Offset, text)
	}
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// admitted is what admission finds out about a module.
type admitted struct {
	schema      string
	resolvers   []string
	memoryBytes int64
	parts       int64
	dataBytes   int64
	metered     meter.Output
}

// wasmProblem keeps the place that an error of the decoder or the rewriter names.
// m is nil where there is no module yet.
func wasmProblem(m *wasm.Module, err error) Problem {
	var located *wasm.Error
	if !errors.As(err, &located) {
		return Problem{Message: err.Error()}
	}
	p := Problem{Message: located.Message, Offset: located.Offset, HasOffset: true}
	if located.Section != "" {
		p.Message = located.Section + " section: " + p.Message
	}
	if located.Function >= 0 {
		p.Function = functionName(m, located.Function)
	}
	return p
}

// examine checks a decoded module against the guest contract and collects all
// that is wrong with it.
func examine(m *wasm.Module, uploaded int) (*admitted, []Problem) {
	a := &admitted{}
	problems := capProblems(m, uploaded)
	problems = append(problems, importProblems(m)...)
	problems = append(problems, exportProblems(m, a)...)
	problems = append(problems, schemaProblems(m, a)...)
	problems = append(problems, segmentProblems(m)...)
	if len(m.Memories) > 0 {
		a.memoryBytes = int64(m.Memories[0].Min) * pageBytes
	}
	a.parts = int64(len(m.Imports) + len(m.Exports) + len(m.Globals) + len(m.Elements) + len(m.Data))
	for i := range m.Elements {
		a.parts += int64(m.Elements[i].Len())
	}
	for i := range m.Data {
		a.dataBytes += int64(len(m.Data[i].Bytes))
	}
	slices.Sort(a.resolvers)
	return a, problems[:min(len(problems), maxProblems)]
}

// maxProblems is how many are told at once: a module can be made to have any
// number.
const maxProblems = 50

func importProblems(m *wasm.Module) (problems []Problem) {
	for _, i := range m.Imports {
		name := i.Module + "." + i.Name
		add := func(format string, arguments ...any) {
			problems = append(problems, Problem{Message: fmt.Sprintf(format, arguments...), Function: name, Offset: i.Offset, HasOffset: true})
		}
		if i.Kind != wasm.Function {
			add("imports a %s; a module may import functions of %s and %s only", i.Kind, abi.ModuleName, abi.WASIModuleName)
			continue
		}
		if i.Module != abi.ModuleName && i.Module != abi.WASIModuleName {
			add("is not there to import; a module may import functions of %s and %s only", abi.ModuleName, abi.WASIModuleName)
			continue
		}
		want, known := importType(i.Module, i.Name)
		if !known {
			add("%s has no such function; it has %s", i.Module, importNames(i.Module))
		} else if got, ok := typeAt(m, i.Function); !ok || !got.Equal(want) {
			add("is imported with the type %s; it is %s", got, want)
		}
	}
	return problems
}

// importType returns the type of a host function.
func importType(module, name string) (wasm.FunctionType, bool) {
	if module == abi.ModuleName {
		i, known := abi.LookupImport(name)
		return wasm.FunctionType{Params: i32s(i.Params), Results: i32s(i.Results)}, known
	}
	i, known := abi.LookupWASIImport(name)
	t := wasm.FunctionType{Params: i32s(len(i.Params)), Results: i32s(i.Results)}
	for n, letter := range i.Params {
		if letter == 'I' {
			t.Params[n] = wasm.I64
		}
	}
	return t, known
}

func importNames(module string) string {
	var names []string
	if module == abi.ModuleName {
		for _, i := range abi.Imports() {
			names = append(names, i.Name)
		}
	} else {
		for _, i := range abi.WASIImports() {
			names = append(names, i.Name)
		}
	}
	return strings.Join(names, ", ")
}

func i32s(n int) []wasm.ValueType { return slices.Repeat([]wasm.ValueType{wasm.I32}, n) }

func typeAt(m *wasm.Module, index uint32) (wasm.FunctionType, bool) {
	if int64(index) >= int64(len(m.Types)) {
		return wasm.FunctionType{}, false
	}
	return m.Types[index], true
}

// functionType returns the type of a function by its index, imports first.
func functionType(m *wasm.Module, index uint32) (wasm.FunctionType, bool) {
	for _, i := range m.Imports {
		if i.Kind != wasm.Function {
			continue
		}
		if index == 0 {
			return typeAt(m, i.Function)
		}
		index--
	}
	if int64(index) >= int64(len(m.Functions)) {
		return wasm.FunctionType{}, false
	}
	return typeAt(m, m.Functions[index])
}

func exportProblems(m *wasm.Module, a *admitted) (problems []Problem) {
	memory := false
	seen := map[string]bool{}
	for _, x := range m.Exports {
		add := func(format string, arguments ...any) {
			problems = append(problems, Problem{Message: fmt.Sprintf(format, arguments...), Function: x.Name, Offset: x.Offset, HasOffset: true})
		}
		if seen[x.Name] {
			add("is exported twice")
		}
		seen[x.Name] = true
		_, _, resolver := abi.SplitResolver(x.Name)
		if strings.HasPrefix(x.Name, abi.ReservedPrefix) {
			add("names that begin with %s are reserved", abi.ReservedPrefix)
		}
		switch {
		case x.Name == abi.MemoryExport:
			if memory = x.Kind == wasm.Memory; !memory {
				add("the export %s must be a memory, it is a %s", x.Name, x.Kind)
			}
		case x.Name == abi.InitializeExport:
			if t, ok := functionType(m, x.Index); x.Kind != wasm.Function || !ok || len(t.Params)+len(t.Results) > 0 {
				add("must be a function of type () -> ()")
			}
		case resolver:
			a.resolvers = append(a.resolvers, x.Name)
			t, ok := functionType(m, x.Index)
			if x.Kind != wasm.Function {
				add("a resolver must be a function, it is a %s", x.Kind)
			} else if want := (wasm.FunctionType{Results: i32s(1)}); !ok || !t.Equal(want) {
				add("a resolver must have the type %s, it has %s", want, t)
			}
		}
	}
	if !memory {
		problems = append(problems, Problem{Message: fmt.Sprintf("the module exports no memory named %q", abi.MemoryExport)})
	}
	return problems
}

func schemaProblems(m *wasm.Module, a *admitted) []Problem {
	var found []*wasm.Custom
	for i := range m.Customs {
		if m.Customs[i].Name == abi.SchemaSection {
			found = append(found, &m.Customs[i])
		}
	}
	switch len(found) {
	case 0:
		return []Problem{{Message: fmt.Sprintf("the module has no custom section %q with its GraphQL schema", abi.SchemaSection)}}
	case 1:
		a.schema = string(found[0].Bytes)
	default:
		return []Problem{{
			Message: fmt.Sprintf("the module has %d custom sections %q, one is allowed", len(found), abi.SchemaSection),
			Offset:  found[1].Offset, HasOffset: true,
		}}
	}
	for i, r := range a.schema {
		if r == utf8.RuneError && !strings.HasPrefix(a.schema[i:], "\uFFFD") {
			return []Problem{{
				Message: fmt.Sprintf("the custom section %q is not valid UTF-8", abi.SchemaSection),
				Offset:  found[0].Offset + i, HasOffset: true,
			}}
		}
	}
	return nil
}
