package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// costs is what inspect prints of a module as it would run.
type costs struct {
	Bytes     int            `json:"bytes"` // once metered
	Regions   int            `json:"regions"`
	Cost      int64          `json:"cost"`
	Largest   uint32         `json:"largest"`
	Checks    int            `json:"checks"`
	Classes   []costClass    `json:"classes"`
	ByLength  int            `json:"byLength"`
	Stack     stackEstimate  `json:"stack"`
	Reset     reset          `json:"reset"`
	NaN       nanBits        `json:"nan"`
	Functions []functionCost `json:"functions"`
}

type costClass struct {
	Units        uint32 `json:"units"`
	Instructions int    `json:"instructions"`
}

// stackEstimate is in bytes.
type stackEstimate struct {
	Bytes     int64 `json:"bytes"`     // of the longest chain of calls that nothing counts
	Functions int   `json:"functions"` // in that chain
	Recursive bool  `json:"recursive"`
}

type reset struct {
	Reinstantiate bool    `json:"reinstantiate"` // every run needs a fresh instance
	Because       []place `json:"because"`
	Globals       int     `json:"globals"`
	RegionBytes   int64   `json:"regionBytes"` // of the memory, marked as written in one
}

type nanBits struct {
	Could bool    `json:"could"`
	Makes []place `json:"makes"`
	Looks []place `json:"looks"`
}

type place struct {
	What     string `json:"what"`
	Function *int   `json:"function,omitempty"`
	Name     string `json:"name,omitempty"` // of the function
	Offset   int    `json:"offset"`
}

func (p place) String() string {
	if p.Function == nil {
		return fmt.Sprintf("offset %d: %s", p.Offset, p.What)
	}
	return fmt.Sprintf("%s, offset %d: %s", functionLabel(*p.Function, p.Name), p.Offset, p.What)
}

func functionLabel(index int, name string) string {
	if name == "" {
		return fmt.Sprintf("function %d", index)
	}
	return fmt.Sprintf("function %d (%s)", index, oneLine(name))
}

type functionCost struct {
	Index          int    `json:"index"`
	Name           string `json:"name,omitempty"`
	Offset         int    `json:"offset"`
	Instructions   int    `json:"instructions"`
	Bytes          int    `json:"bytes"`
	RewrittenBytes int    `json:"meteredBytes"`
	Regions        int    `json:"regions"`
	Cost           int64  `json:"cost"`
	Largest        uint32 `json:"largest"`
	Entry          uint32 `json:"entry"`
	Checks         int    `json:"checks"`
	Frame          int64  `json:"frame"`
	CountsFrame    bool   `json:"countsFrame"`
	CountedCalls   int    `json:"countedCalls"`
}

// inspectCosts returns nil for a module that cannot be rewritten, which has
// problems then.
func inspectCosts(m *wasm.Module) *costs {
	output, report, err := meter.Inspect(m, sandbox.Config{}.Metering())
	if err != nil {
		return nil
	}
	names := functionNames(m)
	places := func(found []meter.Place) []place {
		converted := make([]place, 0, len(found))
		for _, p := range found {
			one := place{What: p.What, Offset: p.Offset}
			if p.Function >= 0 {
				one.Function, one.Name = &p.Function, names[p.Function]
			}
			converted = append(converted, one)
		}
		return converted
	}
	c := &costs{
		Bytes: len(output.Wasm), ByLength: report.ByLength, Classes: []costClass{},
		Stack:     stackEstimate{report.StackBytes, report.StackCalls, report.Recursive},
		Reset:     reset{output.Reinstantiate, places(report.Hidden), len(output.Globals), 1 << output.RegionShift},
		NaN:       nanBits{report.NaN.Could(), places(report.NaN.Makes), places(report.NaN.Looks)},
		Functions: make([]functionCost, 0, len(report.Functions)),
	}
	for _, class := range report.Classes {
		c.Classes = append(c.Classes, costClass(class))
	}
	for _, f := range report.Functions {
		c.Regions, c.Cost, c.Checks = c.Regions+f.Regions, c.Cost+f.Cost, c.Checks+f.Checks
		c.Largest = max(c.Largest, f.Largest)
		c.Functions = append(c.Functions, functionCost{
			f.Index, names[f.Index], f.Offset, f.Instructions, f.Bytes, f.RewrittenBytes, f.Regions, f.Cost, f.Largest,
			f.Entry, f.Checks, f.Frame, f.CountsFrame, f.CountedCalls,
		})
	}
	return c
}

// functionNames takes them from the name section, else from the exports.
func functionNames(m *wasm.Module) map[int]string {
	names := map[int]string{}
	note := func(index uint32, name string) {
		if names[int(index)] == "" {
			names[int(index)] = cutName(name)
		}
	}
	for _, n := range m.FunctionNames() {
		note(n.Index, n.Name)
	}
	for _, x := range m.Exports {
		if x.Kind == wasm.Function {
			note(x.Index, x.Name)
		}
	}
	return names
}

// maxNameBytes cuts the names of functions.
const maxNameBytes = 128

func cutName(name string) string {
	if len(name) > maxNameBytes {
		name = strings.ToValidUTF8(name[:maxNameBytes], "")
	}
	return name
}

// oneLine makes a name of unknown origin fit to stand in a line of a table.
func oneLine(name string) string { return string(escapeObeyed(nil, []byte(name), "")) }

// rows adds what a summary says.
func (c *costs) rows(t *table) {
	t.row("metered", "%d bytes", c.Bytes)
	t.row("fuel", "%d units; regions: %d, the largest: %d, checks: %d", c.Cost, c.Regions, c.Largest, c.Checks)
	var classes []string
	for _, class := range c.Classes {
		classes = append(classes, fmt.Sprintf("%d cost %d", class.Instructions, class.Units))
	}
	if c.ByLength > 0 {
		classes = append(classes, fmt.Sprintf("%d of them by length besides", c.ByLength))
	}
	if len(classes) > 0 {
		t.row("", "instructions: %s", strings.Join(classes, ", "))
	}
	recursion := "no recursion"
	if c.Stack.Recursive {
		functions, calls := c.counted()
		recursion = fmt.Sprintf("recursion is counted in functions: %d, indirect calls: %d", functions, calls)
	}
	t.row("stack", "at most %d bytes in a chain of calls, functions: %d; %s", c.Stack.Bytes, c.Stack.Functions, recursion)
	if c.Reset.Reinstantiate {
		t.row("reset", "a fresh instance for every run")
	} else {
		t.row("reset", "memory, in regions of %d bytes, and globals: %d", c.Reset.RegionBytes, c.Reset.Globals)
	}
	for _, p := range c.Reset.Because {
		t.row("", "%s", p)
	}
	if !c.NaN.Could {
		t.row("NaN", "cannot look at the bits of one")
		return
	}
	t.row("NaN", "could look at the bits of one, which differ by machine")
	for _, p := range append(c.NaN.Makes[:1:1], c.NaN.Looks...) {
		t.row("", "%s", p)
	}
}

// counted returns in how many places the stack is counted.
func (c *costs) counted() (functions, calls int) {
	for _, f := range c.Functions {
		calls += f.CountedCalls
		if f.CountsFrame {
			functions++
		}
	}
	return functions, calls
}

// table returns the functions, one a line.
func (c *costs) table() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	write := func(columns ...any) {
		format := strings.Repeat("%v\t", len(columns)-1) + "  %v\n"
		_, _ = fmt.Fprintf(w, format, columns...) // to memory
	}
	write("function", "instructions", "bytes", "metered", "units", "regions", "largest", "entry", "checks", "frame", "counted", "name")
	for _, f := range c.Functions {
		counted := f.CountedCalls
		if f.CountsFrame {
			counted++
		}
		write(f.Index, f.Instructions, f.Bytes, f.RewrittenBytes, f.Cost, f.Regions, f.Largest, f.Entry, f.Checks, f.Frame, counted, oneLine(f.Name))
	}
	_ = w.Flush()
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
