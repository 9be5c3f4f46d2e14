package jsondoc

import "unicode/utf8"

func isDigit(c byte) bool { return c-'0' <= 9 }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (p *parser) skipSpace() {
	for p.pos < len(p.text) && isSpace(p.text[p.pos]) {
		p.pos++
	}
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

func (p *parser) string() *SyntaxError {
	start, escaped := p.pos, false
	for i := start + 1; ; {
		for i < len(p.text) && plain[p.text[i]] {
			i++
		}
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
			_, size := utf8.DecodeRune(p.text[i:])
			if size == 1 {
				return p.fail(i, "invalid UTF-8")
			}
			i += size
		}
	}
}
