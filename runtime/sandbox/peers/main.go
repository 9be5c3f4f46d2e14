// Command peers measures the sandbox against its targets, with wasmtime and the
// Extism Go SDK beside it in the same run, and prints one table.
//
// It is a module of its own: wasmtime comes as a C library, and Runnel is to
// have no cgo. Without cgo all is measured but wasmtime.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// settings are the flags.
type settings struct {
	examples string // the directory plugins/examples
	pairs    int
	density  densitySettings
	parts    string
	progress io.Writer
}

// part measures some rows of the table.
type part struct {
	name string
	rows func(context.Context, settings) ([]bench.Row, error)
}

// parts in the order of measuring: density looks at the memory of the whole
// process, so nothing comes before it.
var parts = []part{
	{"density", densityRows},
	{"examples", exampleRows},
	{"kernels", kernelRows},
	{"extism", extismRows},
}

// notes say how to read the table, and where the targets are measured that only
// the sandbox's own benchmarks can.
const notes = `Ratios compare processor time, in interleaved pairs: the median, with its range.
Not in the table: the reset against a fresh instance, and the pause that a run causes in a
garbage collection; the benchmarks of runtime/sandbox measure them.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := settings{progress: stderr}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&s.examples, "examples", "plugins/examples", "the `directory` of the example modules")
	flags.IntVar(&s.pairs, "pairs", 15, "interleaved pairs for each ratio, at least 5")
	flags.StringVar(&s.parts, "parts", "density,examples,kernels,extism", "what to measure")
	flags.IntVar(&s.density.tenants, "tenants", 10_000, "tenants with a module each")
	flags.IntVar(&s.density.seconds, "seconds", 30, "for how long tenants get events")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.pairs < 5 {
		return fmt.Errorf("-pairs %d: at least 5 are needed for a median", s.pairs)
	}
	wanted := strings.Split(s.parts, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("-parts: there is no part %q", name)
		}
	}
	if !withWasmtime {
		fmt.Fprintln(stderr, "built without cgo: wasmtime is not measured; that takes a C compiler and CGO_ENABLED=1")
	}
	var rows []bench.Row
	for _, p := range parts {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		fmt.Fprintf(stderr, "measuring %s\n", p.name)
		more, err := p.rows(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	if err := bench.PrintTable(stdout, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\n%s\n%s\n", notes, bench.Machine(engines...))
	return err
}

// engines are the dependencies whose versions matter to the figures.
var engines = []string{"github.com/tetratelabs/wazero", "github.com/bytecodealliance/wasmtime-go", "github.com/extism/go-sdk"}
