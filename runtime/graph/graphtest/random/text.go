package random

import "strings"

var noise = []string{
	"{", "}", "(", ")", "[", "]", ":", "=", "!", "$", "@", "|", "&", "...", "..", ".", "#", "# comment\n", "\"", "\"\"\"", "\\", "'", "-", "01", "1.", ".5", "1e", "1x", "0x1",
	"on", "query", "fragment", "null", "true", "\u0000", "\u0007", "\ufeff", "é", "😀", ",", "\r\n", "\r", "%", "?", `"\u12"`, `"\uD800"`, `"\x"`, `"\u{110000}"`, `"\u{}"`, "1_0", "--1", "{}", "()", "$$", "@@",
	"\"a\nb\"", `"description"`, `"\uDC00\uD800"`, "\u2028", "\x7f", "\u0085",
}

// damage changes a text at one place or a few, so that it mostly does not parse.
func (g *generator) damage(text string) string {
	for range 1 + g.IntN(2) {
		// Where a token of one byte or the middle of another is.
		at := g.IntN(len(text) + 1)
		for at < len(text) && text[at]&0xC0 == 0x80 {
			at++
		}
		rest := text[at:]
		switch g.IntN(4) {
		case 0:
			cut := min(len(rest), 1+g.IntN(4))
			for cut < len(rest) && rest[cut]&0xC0 == 0x80 {
				cut++
			}
			text = text[:at] + rest[cut:]
		case 1:
			text = text[:at]
			if text == "" {
				return ""
			}
		default:
			text = text[:at] + pick(g.Rand, noise) + rest
		}
	}
	return text
}

// respell changes what does not count: commas, comments, white space, and adds
// descriptions.
func (g *generator) respell(text string) string {
	switch g.IntN(5) {
	case 0:
		return "\ufeff" + strings.ReplaceAll(text, " {", "\r\n\t{,, # comment\n")
	case 1:
		return strings.ReplaceAll(text, ", ", " ")
	case 2:
		return strings.ReplaceAll(text, " }", "}") + "#"
	case 3:
		text = strings.ReplaceAll(text, "fragment ", "\"what it is\" fragment ")
		return strings.ReplaceAll(text, "query ", "\"\"\"what\n it is\"\"\" query ")
	}
	return strings.ReplaceAll(text, "($", "(\"a variable\" $")
}
