// Command peers measures the projection against its target, with gqlgen and
// encoding/json beside it in the same run, and prints one table.
//
// It is a module of its own: gqlgen brings a generator with it, and Runnel is to
// have no such dependency. What it generates is not kept, see the Makefile.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// gqlgenTarget is how many times a projection's time gqlgen is to take at least.
const gqlgenTarget = 3

// notes say what is compared.
const notes = `Ratios compare processor time, in interleaved pairs: the median, with its range. All give the same bytes.
Runnel goes from a guest's JSON, which it checks as a whole, to the response. gqlgen goes from Go structs that are there,
through its generated code, to the response's data; the envelope, which it encodes once more, is not counted, and the
operation is parsed, validated and its fields are collected before. It is configured as it comes: the objects of a list
are worked on by a goroutine each. Its last step goes from a function for each field, which knows its value, to bytes.
encoding/json goes from the structs to the data, whatever the operation selects.`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	rounds := flags.Int("pairs", 15, "interleaved pairs for each ratio, at least 5")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 5 {
		return fmt.Errorf("-pairs %d: at least 5 are needed for a median", *rounds)
	}
	var rows []bench.Row
	for _, r := range results {
		s, err := sidesOf(&r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		more, err := s.rows(&r, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		rows = append(rows, more...)
	}
	if err := bench.PrintTable(stdout, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\n%s\n%s\n", notes, bench.Machine("github.com/99designs/gqlgen"))
	return err
}

// rows measures what there is to say of one result.
func (s *sides) rows(r *result, rounds int) ([]bench.Row, error) {
	runnel := side(s.runnel)
	measured, err := bench.Interleave(rounds,
		[2]bench.Side{side(s.execute), runnel}, [2]bench.Side{side(s.write), runnel}, [2]bench.Side{side(s.encode), runnel})
	if err != nil {
		return nil, err
	}
	against := bench.Row{What: "gqlgen, structs to data / projection, " + r.name, Measured: measured[0].String()}
	if r.whole {
		against.Target = fmt.Sprintf("≥ %d", gqlgenTarget)
		against.Verdict = bench.AtLeast(bench.Median(measured[0].Ratios()), gqlgenTarget)
	}
	rows := []bench.Row{against, {What: "  its last step alone / projection", Measured: measured[1].String()}}
	if r.whole {
		rows = append(rows, bench.Row{What: "  encoding/json / projection", Measured: measured[2].String()})
	}
	took := bench.Median(measured[0].B) // nanoseconds
	own := allocations(s.runnel)
	return append(rows,
		bench.Row{What: "  projection alone", Measured: fmt.Sprintf("%s ns per field, %.0f MB/s read, %.0f MB/s written",
			bench.Figure(took/float64(r.fields)), float64(len(r.output()))*1e3/took, float64(len(s.response))*1e3/took)},
		bench.Row{What: "  allocations beyond the buffer", Measured: fmt.Sprintf("%.0f; into a new buffer %.0f; gqlgen %.0f",
			own, allocations(s.fresh), allocations(s.execute)), Target: "0", Verdict: bench.None(own)},
	), nil
}
