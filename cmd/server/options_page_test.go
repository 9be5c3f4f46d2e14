package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/goldentest"
)

// TestListOfSettings holds docs/operations.md against the settings that there
// are.
func TestListOfSettings(t *testing.T) {
	var list strings.Builder
	list.WriteString("| flag | environment | default | what |\n|---|---|---|---|\n")
	new(options).define().VisitAll(func(f *flag.Flag) {
		form, fallback, usage := describe(f)
		if fallback != "" {
			fallback = "`" + fallback + "`"
		}
		fmt.Fprintf(&list, "| `%s` | `%s` | %s | %s |\n", form, variable(f.Name), fallback, usage)
	})
	goldentest.Section(t, "../../docs/operations.md", "settings", list.String())
}
