package jsondoc

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

func isDigit(c byte) bool { return c-'0' <= 9 }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// token skips white space and returns the byte after it: 0 at the end, which no
// token begins with.
func (p *parser) token() byte {
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c > ' ' || !isSpace(c) {
			return c
		}
		p.pos++
	}
	return 0
}

// unexpected says what was expected, unless the text is at its end.
func (p *parser) unexpected(message string) *SyntaxError {
	if p.pos == len(p.text) {
		message = "unexpected end of text"
	}
	return p.fail(p.pos, message)
}

func (p *parser) literal(word string, k Kind) *SyntaxError {
	start := p.pos
	for i := range len(word) {
		if p.pos == len(p.text) || p.text[p.pos] != word[i] {
			return p.fail(p.pos, "expected "+word)
		}
		p.pos++
	}
	p.add(k, start, false)
	return nil
}

func (p *parser) number() *SyntaxError {
	start := p.pos
	if p.text[p.pos] == '-' {
		p.pos++
	}
	switch {
	case p.peek() == '0':
		p.pos++
		if isDigit(p.peek()) {
			return p.fail(p.pos, "number with a leading zero")
		}
	case !p.digits():
		return p.fail(p.pos, "expected a digit")
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return p.fail(p.pos, "expected a digit after '.'")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return p.fail(p.pos, "expected a digit in the exponent")
		}
	}
	p.add(Number, start, false)
	return nil
}

// peek returns 0 at the end, which no token holds.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) digits() bool {
	start := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	return p.pos > start
}

// plain marks the bytes that a string may hold as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// skipPlain returns the index of the first byte at i or after it that is not
// plain, or the length of the text. See BenchmarkParse.
func skipPlain(text []byte, i int) int {
	const each = 0x0101010101010101
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		// The lowest bit that is set marks the first byte that is not plain: a
		// subtraction borrows from the bytes above one that is marked.
		special := (w - 0x20*each) | ((w ^ '"'*each) - each) | ((w ^ '\\'*each) - each) | w
		if special &= 0x80 * each; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(text) && plain[text[i]] {
		i++
	}
	return i
}

func (p *parser) string() *SyntaxError {
	start, escaped := p.pos, false
	for i := start + 1; ; {
		i = skipPlain(p.text, i)
		if i == len(p.text) {
			return p.fail(i, "unexpected end of text in a string")
		}
		switch c := p.text[i]; {
		case c == '"':
			p.pos = i + 1
			p.add(String, start, escaped)
			return nil
		case c == '\\':
			size, message := checkEscape(p.text[i:])
			if message != "" {
				return p.fail(i, message)
			}
			escaped = true
			i += size
		case c < 0x20:
			return p.fail(i, "control character in a string")
		default:
			for i < len(p.text) && p.text[i] >= utf8.RuneSelf {
				_, size := utf8.DecodeRune(p.text[i:])
				if size == 1 {
					return p.fail(i, "invalid UTF-8")
				}
				i += size
			}
		}
	}
}
