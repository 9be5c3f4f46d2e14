package main

import (
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// description is what inspect prints.
type description struct {
	Bytes     int             `json:"bytes"`
	Digest    string          `json:"digest"`
	Metered   int             `json:"meteredBytes"` // 0 for a refused module
	Memories  []memorySize    `json:"memories"`
	Functions functionCount   `json:"functions"`
	Globals   globalCount     `json:"globals"`
	Imports   []item          `json:"imports"`
	Exports   []item          `json:"exports"`
	Resolvers []string        `json:"resolvers"`
	Schema    string          `json:"schema"`
	Metering  *costs          `json:"metering"` // null where the module cannot be rewritten
	Problems  []problem.Error `json:"problems"` // what admission would say; empty for a module that is fit
}

// memorySize is in pages of 64 KiB.
type memorySize struct {
	Pages    uint32  `json:"pages"`
	MaxPages *uint32 `json:"maxPages,omitempty"`
}

type functionCount struct {
	Defined  int `json:"defined"`
	Imported int `json:"imported"`
}

type globalCount struct {
	Defined int `json:"defined"`
	Mutable int `json:"mutable"` // of those defined
}

// item is an import or an export.
type item struct {
	Module string `json:"module,omitempty"` // of an import
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Type   string `json:"type,omitempty"` // of a function
}

func (i item) String() string {
	text := i.Kind + " " + i.Name
	if i.Module != "" {
		text = i.Kind + " " + i.Module + "." + i.Name
	}
	if i.Type != "" {
		text += " " + i.Type
	}
	return text
}

func describe(found *sandbox.Inspection) *description {
	m := found.Module
	d := &description{
		Metered:   found.Metered,
		Memories:  []memorySize{},
		Functions: functionCount{len(m.Functions), m.ImportedCount(wasm.Function)},
		Globals:   globalCount{Defined: len(m.Globals)},
		Imports:   []item{},
		Exports:   []item{},
		Resolvers: append([]string{}, found.Resolvers...),
		Schema:    found.Schema,
		Metering:  inspectCosts(m),
		Problems:  problemErrors(found.Problems),
	}
	for _, l := range m.Memories {
		size := memorySize{Pages: l.Min}
		if l.HasMax {
			size.MaxPages = &l.Max
		}
		d.Memories = append(d.Memories, size)
	}
	for _, g := range m.Globals {
		if g.Type.Mutable {
			d.Globals.Mutable++
		}
	}
	d.items(m)
	return d
}

// items lists imports and exports. Admission has not checked the indices of a
// module that it refuses, so one out of range just has no type.
func (d *description) items(m *wasm.Module) {
	var functions []uint32 // the type of every function, imports first
	for _, i := range m.Imports {
		one := item{Module: i.Module, Name: i.Name, Kind: i.Kind.String()}
		if i.Kind == wasm.Function {
			functions = append(functions, i.Function)
			one.Type = typeName(m, i.Function)
		}
		d.Imports = append(d.Imports, one)
	}
	functions = append(functions, m.Functions...)
	for _, x := range m.Exports {
		one := item{Name: x.Name, Kind: x.Kind.String()}
		if x.Kind == wasm.Function && uint64(x.Index) < uint64(len(functions)) {
			one.Type = typeName(m, functions[x.Index])
		}
		d.Exports = append(d.Exports, one)
	}
}

func typeName(m *wasm.Module, index uint32) string {
	if uint64(index) >= uint64(len(m.Types)) {
		return ""
	}
	return m.Types[index].String()
}

func (d *description) table() *table {
	t := new(table)
	t.row("bytes", "%d", d.Bytes)
	t.row("digest", "%s", d.Digest)
	t.row("memory", "%s", list(texts(d.Memories)))
	t.row("functions", "%d defined, %d imported", d.Functions.Defined, d.Functions.Imported)
	t.row("globals", "%d defined, %d of them mutable", d.Globals.Defined, d.Globals.Mutable)
	t.row("imports", "%s", list(texts(d.Imports)))
	t.row("exports", "%s", list(texts(d.Exports)))
	t.row("resolvers", "%s", list(d.Resolvers))
	t.row("schema", "%s", strings.TrimSpace(d.Schema))
	if d.Metering != nil {
		d.Metering.rows(t)
	}
	if len(d.Problems) == 0 {
		t.row("admission", "accepted; %d bytes once metered", d.Metered)
		return t
	}
	t.row("admission", "refused")
	for _, p := range d.Problems {
		t.row("", "%s", placed(p))
	}
	return t
}

const pageBytes = 65536

func (s memorySize) String() string {
	text := fmt.Sprintf("%d bytes", int64(s.Pages)*pageBytes)
	if s.MaxPages != nil {
		return fmt.Sprintf("%s, at most %d", text, int64(*s.MaxPages)*pageBytes)
	}
	return text + ", no maximum"
}

func texts[T fmt.Stringer](values []T) []string {
	lines := make([]string, len(values))
	for i, v := range values {
		lines[i] = v.String()
	}
	return lines
}
