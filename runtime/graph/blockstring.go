package graph

import (
	"math"
	"strings"
)

// straightened returns the text with its block strings written so that
// gqlparser's lexer reads them as the specification has it. It counts the first
// line where it looks for the indentation that lines have in common, and takes
// quotes behind the closing ones into the string. What is removed from the last
// line of a string follows it as spaces: all other tokens keep their line and
// column.
func straightened(text string) string {
	if !strings.Contains(text, blockQuotes) {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		n := strings.IndexAny(rest, `"#`)
		if n < 0 {
			n = len(rest)
		}
		b.WriteString(rest[:n])
		switch rest = rest[n:]; {
		case rest == "":
		case strings.HasPrefix(rest, blockQuotes):
			n = blockLength(rest)
			appendBlock(&b, rest[:n], strings.HasPrefix(rest[n:], `"`))
			rest = rest[n:]
		default:
			n = commentOrStringLength(rest)
			b.WriteString(rest[:n])
			rest = rest[n:]
		}
	}
	return b.String()
}

const (
	blockQuotes   = `"""`
	escapedQuotes = `\"""`
)

// commentOrStringLength is the length of a comment or of a string that is no
// block string. One that does not end ends with its line, as an error of the
// lexer does.
func commentOrStringLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n' || c == '\r':
			return i
		case text[0] == '#':
		case c == '\\':
			i++
		case c == '"':
			return i + 1
		}
	}
	return len(text)
}

// blockLength is the length of a block string, with its quotes.
func blockLength(text string) int {
	for i := len(blockQuotes); i < len(text); i++ {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, escapedQuotes):
			i += len(escapedQuotes) - 1
		case strings.HasPrefix(rest, blockQuotes):
			return i + len(blockQuotes)
		}
	}
	return len(text)
}

// appendBlock appends a block string. Where its first line is blank, lexer and
// specification agree. One that does not end is the lexer's to refuse.
func appendBlock(b *strings.Builder, block string, quoteFollows bool) {
	lines := strings.Split(lineEnds.Replace(block), "\n")
	removed := 0
	if strings.Trim(lines[0][len(blockQuotes):], " \t") != "" {
		removed = commonIndent(lines[1:])
	}
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
			line = line[min(removed, indent(line)):]
		}
		b.WriteString(line)
	}
	padding := 0
	if last := lines[len(lines)-1]; len(lines) > 1 {
		padding = min(removed, indent(last))
	}
	if quoteFollows {
		padding = max(padding, 1)
	}
	for range padding {
		b.WriteByte(' ')
	}
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// commonIndent is the indentation that all lines have that are not blank; zero
// where there are none. The last ends with quotes.
func commonIndent(lines []string) int {
	common := math.MaxInt
	for i, line := range lines {
		if i == len(lines)-1 {
			line = strings.TrimSuffix(line, blockQuotes)
		}
		if n := indent(line); n < len(line) {
			common = min(common, n)
		}
	}
	if common == math.MaxInt {
		return 0
	}
	return common
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
