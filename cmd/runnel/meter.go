package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

var meterEntry = entry{
	name:     "meter",
	operands: "IN -o OUT",
	summary:  "rewrite a module as a server does before it runs it",
	detail: `Writes to OUT what a server makes of IN, a WebAssembly module: with fuel charged,
tables capped and state exported. IN is any valid module, whatever it imports and
exports: whether a server would take it, inspect tells. OUT is for looking at, and
for measuring; a server is given the original.

  runnel meter orders.wasm -o metered.wasm
`,
	make: func() command { return new(metering) },
}

// metering rewrites a module file.
type metering struct {
	in, out string
}

func (c *metering) flags(set *flag.FlagSet) {
	set.StringVar(&c.out, "o", "", "the `FILE` to write")
}

func (c *metering) accept(positionals []string) error {
	if err := exactly(positionals, "IN"); err != nil {
		return err
	}
	c.in = positionals[0]
	if c.out == "" {
		return errors.New("-o OUT is missing")
	}
	return nil
}

// metered is what meter prints.
type metered struct {
	Bytes         int      `json:"bytes"`
	Metered       int      `json:"meteredBytes"`
	Globals       []string `json:"globals"`       // name and type of what is exported for resets
	Reinstantiate bool     `json:"reinstantiate"` // every run needs a fresh instance
}

func (c *metering) run(ctx context.Context, std streams) error {
	binary, err := readFile(c.in, std.in)
	if err != nil {
		return err
	}
	module, err := wasm.Decode(binary)
	if err != nil {
		return moduleError{"decode " + c.in, moduleProblems(err)}
	}
	output, err := meter.Rewrite(module, sandbox.Config{}.Metering())
	if err != nil {
		return moduleError{"meter " + c.in, moduleProblems(err)}
	}
	if err := sandbox.Validate(ctx, module); err != nil {
		return moduleError{"meter " + c.in, moduleProblems(err)}
	}
	if err := os.WriteFile(c.out, output.Wasm, 0o644); err != nil {
		return err
	}
	m := metered{len(binary), len(output.Wasm), []string{}, output.Reinstantiate}
	for _, g := range output.Globals {
		m.Globals = append(m.Globals, fmt.Sprintf("%s %s", g.Name, g.Type))
	}
	return m.print(std)
}

func (m *metered) print(std streams) error {
	if std.json {
		return printLine(std.out, marshal(m))
	}
	reset := fmt.Sprintf("memory, and globals: %d", len(m.Globals))
	if m.Reinstantiate {
		reset = "a fresh instance for every run"
	}
	var t table
	t.row("bytes", "%d", m.Bytes)
	t.row("metered", "%d", m.Metered)
	t.row("reset", "%s", reset)
	_, err := t.WriteTo(std.out)
	return err
}
