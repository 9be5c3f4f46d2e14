package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// table prints one named value per line, the values in a column.
type table struct {
	bytes.Buffer
}

const tableColumn = 11

// row adds a value. It starts further lines below the first.
func (t *table) row(name, format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		line = terminalText(strings.TrimRight(line, " \r"))
		t.WriteString(strings.TrimRight(fmt.Sprintf("%-*s%s", tableColumn, name, line), " ") + "\n")
	}
}

// wide adds a value behind a longer name, all on one line.
func (t *table) wide(name, value string) {
	_, _ = fmt.Fprintf(t, "%-28s%s\n", terminalText(name), escapeObeyed(nil, []byte(value), "")) // a buffer takes everything
}

// list joins names, one per line; "none" where there are none.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "\n")
}

// printLine writes one JSON value as a line of its own, in one piece.
func printLine(w io.Writer, text []byte) error {
	_, err := w.Write(append(terminalJSON(text), '\n'))
	return err
}
