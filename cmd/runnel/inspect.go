package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

var inspectEntry = entry{
	name:     "inspect",
	operands: "FILE",
	summary:  "show what is in a module and whether a server would take it",
	detail: `Shows the imports, exports, resolvers and schema of FILE, a WebAssembly module, what
its code is charged and checked for, and what a server would say to it. Nothing of
it is run. The schema is judged by itself; whether it goes with the tenant's other
modules and limits, the server tells at the push. Exits with 1 where the module
would be refused.

  runnel inspect orders.wasm
  runnel inspect --functions orders.wasm
  runnel inspect --json orders.wasm | jq .metering.nan
`,
	make: func() command { return new(inspect) },
}

// inspect looks into a module file.
type inspect struct {
	file      string
	functions bool
}

func (c *inspect) flags(set *flag.FlagSet) {
	set.BoolVar(&c.functions, "functions", false, "show each function, too")
}

func (c *inspect) accept(positionals []string) error {
	if err := exactly(positionals, "FILE"); err != nil {
		return err
	}
	c.file = positionals[0]
	return nil
}

func (c *inspect) run(ctx context.Context, std streams) (err error) {
	binary, err := readFile(c.file, std.in)
	if err != nil {
		return err
	}
	engine, err := sandbox.New(ctx, sandbox.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	found, err := engine.Inspect(ctx, binary)
	var refused *sandbox.AdmissionError
	if errors.As(err, &refused) {
		return moduleError{c.file + " would be refused", moduleProblems(refused)}
	}
	if err != nil {
		return fmt.Errorf("inspect %s: %w", c.file, err)
	}
	d := describe(found)
	d.Bytes, d.Digest = len(binary), fmt.Sprintf("sha256:%x", sha256.Sum256(binary))
	if len(d.Problems) == 0 {
		d.Problems = append(compose(found), memoryProblems(found.Module)...)
	}
	if err := d.print(std, c.functions); err != nil {
		return err
	}
	if len(d.Problems) > 0 {
		return moduleError{c.file + " would be refused", d.Problems}
	}
	return nil
}

// compose judges the schema and the resolvers of a module that is admitted, as
// if the tenant had no other.
func compose(found *sandbox.Inspection) []problem.Error {
	_, err := graph.Compose([]graph.Source{{Module: "inspected", SDL: found.Schema, Resolvers: found.Resolvers}}, graph.ComposeLimits{})
	var refused *graph.ComposeError
	if !errors.As(err, &refused) {
		return []problem.Error{}
	}
	var problems []problem.Error
	for _, p := range refused.Problems {
		problems = append(problems, problem.Error{Message: "schema: " + p.Message, Function: p.Export, Line: p.Line, Column: p.Column})
	}
	return problems
}

// memoryProblems finds a memory that no tenant's limit allows.
func memoryProblems(m *wasm.Module) (problems []problem.Error) {
	most := int64(0)
	for _, d := range tenant.Definitions() {
		if d.Name == "memoryBytes" {
			most = d.Max
		}
	}
	for _, l := range m.Memories {
		if start := int64(l.Min) * pageBytes; start > most {
			problems = append(problems, problem.Error{
				Message: fmt.Sprintf("memory section: the memory starts with %d bytes; the limit memoryBytes can be %d at most", start, most),
				Offset:  &m.Offsets[wasm.SectionMemory],
			})
		}
	}
	return problems
}

// print shows all in JSON, and in text the functions where they are asked for.
func (d *description) print(std streams, functions bool) error {
	if std.json {
		return printLine(std.out, marshal(d))
	}
	t := d.table()
	if functions && d.Metering != nil {
		t.WriteString(d.Metering.table())
	}
	_, err := t.WriteTo(std.out)
	return err
}
