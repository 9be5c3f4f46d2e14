package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/goldentest"
)

// TestListOfSettings holds docs/operations.md against the settings that there
// are.
func TestListOfSettings(t *testing.T) {
	var list strings.Builder
	list.WriteString("| flag | environment | default | what |\n|---|---|---|---|\n")
	new(options).define(io.Discard).VisitAll(func(f *flag.Flag) {
		kind, usage := flag.UnquoteUsage(f)
		fallback := ""
		if f.DefValue != "" && f.DefValue != "false" {
			fallback = "`" + f.DefValue + "`"
		}
		if kind != "" && !strings.Contains(f.Usage, "`") {
			kind = "" // the type, which the default shows
		}
		fmt.Fprintf(&list, "| `%s` | `%s` | %s | %s |\n", strings.TrimSpace("--"+f.Name+" "+strings.ToUpper(kind)), variable(f.Name), fallback, usage)
	})
	goldentest.Section(t, "../../docs/operations.md", "settings", list.String())
}
