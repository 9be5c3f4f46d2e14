// Package goldentest holds files that are made by the program against the program.
// With the flag -update, tests that use it write them anew; make golden does so for
// all.
package goldentest

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files anew that are made by the program")

// File holds that a file is got.
func File(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		write(t, path, got)
	}
	compare(t, path, got, read(t, path))
}

// Section holds that a part of a file is got: what lies between the lines
// "<!-- NAME -->" and "<!-- end of NAME -->".
func Section(t testing.TB, path, name, got string) {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(read(t, path), begin)
	found, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for its %s", path, name)
	}
	if *update {
		write(t, path, before+begin+got+end+after)
		return
	}
	compare(t, path, got, found)
}

func compare(t testing.TB, path, got, found string) {
	t.Helper()
	if got == found {
		return
	}
	has, makes := "", ""
	g, f := strings.Split(got, "\n"), strings.Split(found, "\n")
	for i := range max(len(g), len(f)) {
		if makes, has = line(g, i), line(f, i); makes != has {
			break
		}
	}
	t.Errorf("%s is not what the program makes: run make golden, or the test with -update\nfile:    %s\nprogram: %s", path, has, makes)
}

func line(lines []string, i int) string {
	if i >= len(lines) {
		return "(its end)"
	}
	return lines[i]
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
