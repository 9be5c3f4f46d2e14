//go:build linux

// Command bench measures runnel-server beside other servers, each a process of its
// own that does the same work, and prints one table: what a delivered message costs the
// server's processors, what an idle connection costs its memory, how long messages take,
// and what one client that stalls does to the others.
//
// It is a module of its own, as are the servers below it: none of what they need is to
// be a dependency of Runnel.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// config is what the flags say.
type config struct {
	bin, node, graphqlws string
	module               string
	parts, only          []string
	rounds               int

	broadcast, idle, selective int           // connections
	rate                       float64       // events each second of a broadcast
	batches                    float64       // requests each second of selective events
	batch                      int           // events of each of them
	turn                       time.Duration // how long a server is measured each time
	settle                     time.Duration // from the last connect to a look at the memory
	timeout                    time.Duration

	log      io.Writer
	versions map[string]string // of the servers that ran
}

// part is a section of the table.
type part struct {
	name string
	run  func(ctx context.Context, c *config) ([]bench.Row, error)
}

var parts = []part{{"broadcast", broadcast}, {"idle", idle}, {"selective", selective}, {"stalled", stalled}}

// notes say what is measured.
const notes = `Each server is a process of its own. The load generator is one more on the same processors; it checks every message, byte for byte.
CPU is what all threads of the server's process use from the first publishing on, receiving the events by HTTP included; turns into
which keep-alives fall are repeated. Servers take turns; ratios are of turns that follow each other: the median, with its range.
Latencies are from the publisher's request to the receipt, of all turns together. Memory is what the process has resident a while
after the last connect, less what it had before the first, in KB of 1,000 bytes; nothing is forced.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var rows []bench.Row
	for _, p := range parts {
		if !slices.Contains(c.parts, p.name) {
			continue
		}
		fmt.Fprintf(c.log, "%s\n", p.name)
		more, err := p.run(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	if err := bench.PrintTable(stdout, rows); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\n%s\n", notes, bench.Machine())
	for _, k := range kinds {
		if version := c.versions[k.name]; version != "" {
			fmt.Fprintf(stdout, "%s: %s\n", k.name, version)
		}
	}
	return nil
}

func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{log: stderr, versions: map[string]string{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.bin, "bin", "bin", "`directory` of runnel-server, bench-floor and bench-gqlgen")
	f.StringVar(&c.node, "node", "node", "`program` that runs Node.js")
	f.StringVar(&c.graphqlws, "graphqlws", "cmd/bench/graphqlws", "`directory` of the servers for Node.js, with their packages")
	f.StringVar(&c.module, "module", "rust", "example module that resolves: rust or assemblyscript")
	partNames := f.String("parts", "broadcast,idle,selective,stalled", "what to measure")
	only := f.String("only", "runnel,floor,gqlgen,node,graphql16", "servers to measure")
	f.IntVar(&c.rounds, "rounds", 5, "rounds in which each server has its turn")
	f.IntVar(&c.broadcast, "broadcast", 2000, "connections of a broadcast, and beside one that stalls")
	f.IntVar(&c.idle, "idle", 5000, "connections that are idle")
	f.IntVar(&c.selective, "selective", 5000, "connections of which each event matches one")
	connections := f.Int("connections", 0, "`number` of connections of every part, instead of -broadcast, -idle and -selective")
	f.Float64Var(&c.rate, "rate", 4, "events each second of a broadcast, one a request")
	f.Float64Var(&c.batches, "batches", 20, "requests each second of selective events")
	f.IntVar(&c.batch, "batch", 100, "events of such a request")
	f.DurationVar(&c.turn, "turn", 3*time.Second, "how long a server is measured each time")
	f.DurationVar(&c.settle, "settle", 5*time.Second, "from the last connect to the look at the memory")
	f.DurationVar(&c.timeout, "timeout", 15*time.Minute, "for everything")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *connections > 0 {
		c.broadcast, c.idle, c.selective = *connections, *connections, *connections
	}
	var err error
	if c.parts, err = chosen("-parts", *partNames, parts, func(p part) string { return p.name }); err != nil {
		return nil, err
	}
	if c.only, err = chosen("-only", *only, kinds, func(k kind) string { return k.name }); err != nil {
		return nil, err
	}
	if min(c.rounds, c.broadcast, c.idle, c.selective, c.batch) < 1 || min(c.rate, c.batches) <= 0 {
		return nil, errors.New("rounds, connections, rates and batches are to be positive")
	}
	if c.selective%stride == 0 {
		return nil, fmt.Errorf("-selective %d: it must not be a multiple of %d", c.selective, stride)
	}
	if _, ok := modules[c.module]; !ok {
		return nil, fmt.Errorf("-module: there is no %q", c.module)
	}
	return c, nil
}

// chosen splits a list of names, each of which is to be that of a choice.
func chosen[T any](name, list string, choices []T, nameOf func(T) string) ([]string, error) {
	names := strings.Split(list, ",")
	for _, n := range names {
		if !slices.ContainsFunc(choices, func(choice T) bool { return nameOf(choice) == n }) {
			return nil, fmt.Errorf("%s: there is no %q", name, n)
		}
	}
	return names, nil
}
