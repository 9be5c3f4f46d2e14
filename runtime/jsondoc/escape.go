package jsondoc

import (
	"unicode/utf16"
	"unicode/utf8"
)

// checkEscape tells how many bytes the escape at the start of text takes; a
// pair of surrogates is one escape. The message says what is wrong with it.
func checkEscape(text []byte) (size int, message string) {
	if len(text) < 2 {
		return 0, "unexpected end of text in an escape"
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, "unknown escape"
	}
	r, ok := hex4(text[2:])
	if !ok {
		return 0, `\u needs four hexadecimal digits`
	}
	if !utf16.IsSurrogate(r) {
		return 6, ""
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if low, ok := hex4(text[8:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			return 12, ""
		}
	}
	return 0, "lone surrogate in a string"
}

// decodeEscape decodes an escape that checkEscape has passed.
func decodeEscape(text []byte) (r rune, size int) {
	switch text[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(text[1]), 2
	}
	r, _ = hex4(text[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := hex4(text[8:])
	return utf16.DecodeRune(r, low), 12
}

func appendUnescaped(dst, content []byte) []byte {
	for i := 0; i < len(content); {
		if content[i] != '\\' {
			dst = append(dst, content[i])
			i++
			continue
		}
		r, size := decodeEscape(content[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
