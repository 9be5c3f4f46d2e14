package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"slices"
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

var commands = slices.Concat(
	[]entry{pushEntry, publishEntry, subscribeEntry},
	moduleEntries, usageEntries, subscriptionEntries, logEntries, tenantEntries, keyEntries, authEntries, auditEntries,
	[]entry{backupEntry, inspectEntry, meterEntry, versionEntry},
)

// find returns the command that a line begins with, one word or two, and what is
// left of the line.
func find(args []string) (e entry, rest []string, ok bool) {
	if len(args) > 1 {
		if e, ok = lookup(args[0] + " " + args[1]); ok {
			return e, args[2:], true
		}
	}
	e, ok = lookup(args[0])
	return e, args[1:], ok
}

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
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return report(std, "runnel help", help(std, args[1:]))
	case "-version", "--version":
		args = append([]string{versionEntry.name}, args[1:]...)
	}
	e, rest, ok := find(args)
	if !ok {
		return report(std, "runnel", usagef("there is no command %q; runnel help lists them", args[0]))
	}
	return report(std, "runnel "+e.name, runEntry(ctx, e, rest, &std))
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
