package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the list of settings in docs/operations.md")

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
	const page, begin, end = "../../docs/operations.md", "<!-- settings -->\n", "<!-- end of settings -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	found, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the list", page)
	}
	if found == list.String() {
		return
	}
	if !*update {
		t.Fatalf("the list of settings in %s is not that of the program: run go test ./cmd/server -run TestListOfSettings -update", page)
	}
	if err := os.WriteFile(page, []byte(before+begin+list.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
