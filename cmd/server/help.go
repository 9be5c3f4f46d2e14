package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

const helpIntro = `runnel-server serves GraphQL subscriptions whose resolvers are WebAssembly modules
that tenants upload.

usage: runnel-server [flags]

Each setting is a flag, an environment variable (--log-level is RUNNEL_LOG_LEVEL) and
a key of the file that --config names (log-level). A flag goes before the environment,
the environment before the file.

  runnel-server --dev                               to try it out
  runnel-server --config FILE --check-config        say all that is wrong with settings

exit codes: 0 done, 1 failed, 2 the settings are wrong and nothing was done

`

// writeHelp lists all settings.
func writeHelp(w io.Writer) {
	var b strings.Builder
	b.WriteString(helpIntro)
	new(options).define().VisitAll(func(f *flag.Flag) {
		form, fallback, usage := describe(f)
		fmt.Fprintf(&b, "  %s\n        %s", form, usage)
		if fallback != "" {
			fmt.Fprintf(&b, " (default %s)", fallback)
		}
		b.WriteString("\n")
	})
	_, _ = io.WriteString(w, b.String()) // there is nobody to tell
}

// describe returns a flag with what it takes, its default, which may be empty, and
// what it is for.
func describe(f *flag.Flag) (form, fallback, usage string) {
	kind, usage := flag.UnquoteUsage(f)
	if kind != "" && !strings.Contains(f.Usage, "`") {
		kind = "" // the type, which the default shows
	}
	if f.DefValue != "false" {
		fallback = f.DefValue
	}
	return strings.TrimSpace("--" + f.Name + " " + strings.ToUpper(kind)), fallback, usage
}
