package telemetry

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// escape makes a text one line of valid UTF-8 that no terminal obeys: control
// characters, the eight-bit ones among them, line separators, and marks that
// reorder what is read become \n, \t or \u escapes. Bytes that are no UTF-8
// become U+FFFD. A backslash stays as it is: the result is to be read, not to be
// parsed.
func escape(text string) string {
	plain := 0
	for plain < len(text) && ' ' <= text[plain] && text[plain] < 0x7f {
		plain++
	}
	if plain == len(text) {
		return text
	}
	b := make([]byte, plain, len(text)+len(text)/8)
	copy(b, text)
	for _, r := range text[plain:] {
		switch {
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case obeyed(r):
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}

// obeyed reports whether a terminal may do something at r instead of showing it.
func obeyed(r rune) bool {
	return r < 0x20 || 0x7f <= r && r <= 0x9f || r == 0x061c ||
		r == 0x200e || r == 0x200f || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// cut returns the beginning of valid UTF-8 that has at most so many bytes, as
// memory of its own. An escape may be cut in two.
func cut(text string, most int) string {
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return strings.Clone(text[:most])
}
