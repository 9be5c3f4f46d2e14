package bench

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Row is a line of the table. A row without a target is there to compare with.
type Row struct {
	What, Measured, Target, Verdict string
}

// AtMost judges a figure that is not to be over its target.
func AtMost(measured, target float64) string {
	if measured <= target {
		return fmt.Sprintf("met, %.0f %% below", 100*(1-measured/target))
	}
	return fmt.Sprintf("missed by %.0f %%", 100*(measured/target-1))
}

// AtLeast judges a figure that is not to be under its target.
func AtLeast(measured, target float64) string {
	if measured >= target {
		return fmt.Sprintf("met, %.1f times it", measured/target)
	}
	return fmt.Sprintf("missed by %.0f %%", 100*(1-measured/target))
}

// None judges a count that is to be zero.
func None(count float64) string {
	if count == 0 {
		return "met"
	}
	return "missed by " + Figure(count)
}

// PrintTable writes the rows as a Markdown table whose columns line up.
func PrintTable(w io.Writer, rows []Row) error {
	lines := [][]string{{"what", "measured: median (range)", "target", "met or missed"}}
	for _, r := range rows {
		lines = append(lines, []string{r.What, r.Measured, r.Target, r.Verdict})
	}
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, l := range lines {
		for i, cell := range l {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for _, width := range widths {
			b.WriteString("|" + strings.Repeat("-", width+2))
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
