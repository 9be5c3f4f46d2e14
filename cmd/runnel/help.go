package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"strings"
)

const helpIntro = `runnel works with a Runnel server and with the modules that it runs.

usage: runnel COMMAND [flags] [arguments]

`

const helpEnd = `
runnel help COMMAND tells more. Flags may stand before or after arguments.

environment:
  RUNNEL_SERVER  where the server is (default ` + defaultServer + `)
  RUNNEL_TENANT  the tenant (default ` + defaultTenant + `)
  RUNNEL_TOKEN   sent as a bearer token; servers in --dev need none

exit codes: 0 done, 1 failed, 2 the command line is wrong and nothing was done
`

// help prints the list of commands, or what one command does.
func help(std streams, args []string) error {
	if len(args) == 0 {
		return writeHelp(std.out)
	}
	e, _, ok := find(args)
	if !ok {
		return usagef("there is no command %q; runnel help lists them", args[0])
	}
	return e.writeHelp(std.out)
}

func writeHelp(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(helpIntro)
	for _, e := range commands {
		fmt.Fprintf(&b, "  %-18s %s\n", e.name, e.summary)
	}
	fmt.Fprintf(&b, "  %-18s %s\n", "help", "tell what a command does")
	b.WriteString(helpEnd)
	_, err := w.Write(b.Bytes())
	return err
}

// usage is the command's usage line.
func (e entry) usage() string {
	return strings.TrimSpace("runnel " + e.name + " [flags] " + e.operands)
}

func (e entry) writeHelp(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "runnel %s: %s\n\nusage: %s\n\n%s\nflags:\n", e.name, e.summary, e.usage(), e.detail)
	var ignored bool
	e.flagSet(e.make(), &ignored).VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimSpace(dashes+f.Name+" "+value), usage)
	})
	_, err := w.Write(b.Bytes())
	return err
}
