package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// obeyed reports whether a terminal may do something at r instead of showing
// it: control characters, the eight-bit ones among them, line separators, and
// the marks that reorder what is read.
func obeyed(r rune) bool {
	return r < 0x20 || 0x7f <= r && r <= 0x9f ||
		r == 0x200e || r == 0x200f || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// escapeObeyed appends text with every obeyed character but those of keep as a
// \u escape, and bytes that are no UTF-8 as U+FFFD.
func escapeObeyed(dst, text []byte, keep string) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if obeyed(r) && !bytes.ContainsRune([]byte(keep), r) {
			dst = fmt.Appendf(dst, `\u%04x`, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		text = text[size:]
	}
	return dst
}

// terminalText makes text of unknown origin fit to print; line ends and tabs
// stay.
func terminalText(text string) string {
	return string(escapeObeyed(nil, []byte(text), "\n\t"))
}

// terminalJSON makes valid JSON fit to print: one line, the same value.
func terminalJSON(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return escapeObeyed(nil, text, "")
	}
	// What is obeyed can only stand within strings now, where the escape means
	// the same.
	return escapeObeyed(nil, b.Bytes(), "")
}

// marshal encodes what always encodes: structs of strings, numbers and JSON
// that was parsed before.
func marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
