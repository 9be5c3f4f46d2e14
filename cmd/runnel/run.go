package main

import (
	"context"
	"errors"
	"flag"
	"io"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // the command line is wrong; nothing was done
)

// command is one subcommand. Flags and positionals fill it, run does the work,
// so that a test can set the fields and leave parsing out.
type command interface {
	flags(set *flag.FlagSet)
	// accept takes the positionals, checks everything and applies defaults. All
	// its errors are the user's: they end with exitUsage.
	accept(positionals []string) error
	run(ctx context.Context, std streams) error
}

// streams is what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	json     bool // results and errors are printed as JSON, one value per line
}

// entry is how help and run know a command.
type entry struct {
	name     string
	operands string // as the usage line shows them
	summary  string
	detail   string
	make     func() command
}

var commands = []entry{pushEntry, publishEntry, subscribeEntry, inspectEntry, meterEntry, versionEntry}

func lookup(name string) (entry, bool) {
	for _, e := range commands {
		if e.name == name {
			return e, true
		}
	}
	return entry{}, false
}

// run executes one command line and returns the exit code. When ctx ends, the
// command under way comes to its end; a live subscription ends well.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	std := streams{in: stdin, out: stdout, err: stderr}
	if len(args) == 0 {
		return exitOf(errors.Join(writeHelp(stderr), errNoCommand))
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return report(std, "runnel help", help(std, args))
	case "-version", "--version":
		name = versionEntry.name
	}
	e, ok := lookup(name)
	if !ok {
		return report(std, "runnel", usagef("there is no command %q; runnel help lists them", name))
	}
	return report(std, "runnel "+name, runEntry(ctx, e, args, &std))
}

// runEntry parses and runs one command. It sets std.json, for the report of an
// error as well.
func runEntry(ctx context.Context, e entry, args []string, std *streams) error {
	c := e.make()
	set := e.flagSet(c, &std.json)
	positionals, err := parse(set, args)
	if errors.Is(err, flag.ErrHelp) {
		return e.writeHelp(std.out)
	}
	if err == nil {
		err = c.accept(positionals)
	}
	if err != nil {
		return usageError{err, e.usage()}
	}
	return c.run(ctx, *std)
}
