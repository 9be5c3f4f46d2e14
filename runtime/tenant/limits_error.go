package tenant

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// LimitProblem says what is wrong with one limit.
type LimitProblem struct {
	Limit   string // the name given, known or not; empty where the whole text is at fault
	Message string // names the limit and what is allowed
}

// LimitsError tells why limits are refused; there is at least one problem.
type LimitsError struct {
	Problems []LimitProblem
}

// Error joins the problems' messages.
func (e *LimitsError) Error() string {
	messages := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		messages[i] = p.Message
	}
	return strings.Join(messages, "; ")
}

func (d *Definition) outOfRange() string {
	return fmt.Sprintf("limit %s must be a whole number of %s from %d to %d", d.Name, d.Unit, d.Min, d.Max)
}

// unknownLimit proposes the nearest name, or lists all where none is near.
func unknownLimit(name string) string {
	if utf8.RuneCountInString(name) > 2*len("subscriptionsPerConnection") {
		name = string([]rune(name)[:32]) + "…"
	}
	best, distance := "", 4
	names := make([]string, len(definitions))
	for i := range definitions {
		names[i] = definitions[i].Name
		if d := editDistance(strings.ToLower(name), strings.ToLower(names[i])); d < distance {
			best, distance = names[i], d
		}
	}
	if best != "" {
		return fmt.Sprintf("unknown limit %q; did you mean %s?", name, best)
	}
	return fmt.Sprintf("unknown limit %q; there are %s", name, strings.Join(names, ", "))
}

// editDistance is Levenshtein's, by bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
