package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// flagSet returns the flags of a command, all of them silent: errors come back
// from parse and are printed once, by report.
func (e entry) flagSet(c command, json *bool) *flag.FlagSet {
	set := flag.NewFlagSet(e.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.BoolVar(json, "json", false, "print results and errors as JSON, one value per line")
	c.flags(set)
	return set
}

// parse sets the flags in args and returns the positionals. Flags may come
// before, between and after them; after "--" everything is positional.
func parse(set *flag.FlagSet, args []string) (positionals []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			return append(positionals, args[1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			positionals, args = append(positionals, arg), args[1:]
			continue
		}
		// Package flag would stop at the first positional, so it is given one
		// flag at a time.
		n := min(flagWords(set, arg), len(args))
		if err := set.Parse(args[:n]); err != nil {
			return nil, err
		}
		args = args[n:]
	}
	return positionals, nil
}

// flagWords counts the words that a flag takes: 2 where its value is a word of
// its own.
func flagWords(set *flag.FlagSet, arg string) int {
	name := strings.TrimPrefix(arg[1:], "-")
	f := set.Lookup(name)
	if f == nil {
		return 1 // --name=value, or unknown
	}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return 1
	}
	return 2
}

// exactly returns the positionals' error unless there are as many as names.
func exactly(positionals []string, names ...string) error {
	switch {
	case len(positionals) < len(names):
		return fmt.Errorf("%s is missing", names[len(positionals)])
	case len(positionals) > len(names):
		return fmt.Errorf("unexpected argument %q", positionals[len(names)])
	}
	return nil
}
