package graph

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// scalarKind tells the scalars apart that GraphQL defines.
type scalarKind uint8

const (
	customScalar scalarKind = iota
	intScalar
	floatScalar
	stringScalar
	booleanScalar
	idScalar
)

func builtInScalar(name string) scalarKind {
	switch name {
	case "Int":
		return intScalar
	case "Float":
		return floatScalar
	case "String":
		return stringScalar
	case "Boolean":
		return booleanScalar
	case "ID":
		return idScalar
	}
	return customScalar
}

// parseInt reads a JSON number as an Int: integral, though perhaps spelled
// with a fraction or an exponent, and within 32 bits.
func parseInt(text []byte) (n int64, integral, fits bool) {
	if n, ok := smallInt(text); ok {
		return n, true, n == int64(int32(n))
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) {
		return 0, false, false
	}
	if f < math.MinInt32 || f > math.MaxInt32 {
		return 0, true, false
	}
	return int64(f), true, true
}

// smallInt reads an integer of up to 18 digits without a fraction or exponent.
func smallInt(text []byte) (n int64, ok bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if text[0] == '-' {
		n = -n
	}
	return n, true
}

// isFinite tells whether a JSON number is a finite double.
func isFinite(text []byte) bool {
	const digits = 308 // so many without an exponent are below the largest double
	if len(text) <= digits && !hasExponent(text) {
		return true
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return err == nil
}

func hasExponent(text []byte) bool {
	for _, c := range text {
		if c|0x20 == 'e' {
			return true
		}
	}
	return false
}

// isIntegerText tells whether a JSON number is spelled as an integer.
func isIntegerText(text []byte) bool {
	for i, c := range text {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}

// appendFloat appends a finite number as JavaScript and encoding/json write it.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// e-09 is written e-9.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendNumberText appends a JSON number as the text that a String or an ID
// makes of it. Integers keep all of their digits.
func appendNumberText(dst, number []byte, integral bool) ([]byte, bool) {
	if isIntegerText(number) && string(number) != "-0" && len(number) <= maxDigits {
		return append(dst, number...), true
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || (integral && f != math.Trunc(f)) {
		return dst, false
	}
	return appendFloat(dst, f), true
}

// Digits of an integer that stay as they are: longer ones are written with an
// exponent.
const maxDigits = 21

// numberOf reads a string as a number the way JavaScript's Number does; numbers
// that are not finite are none.
func numberOf(text string) (float64, bool) {
	if text == "" {
		return 0, false
	}
	text = strings.TrimFunc(text, isJavaScriptSpace)
	if text == "" {
		return 0, true
	}
	if len(text) > 2 && text[0] == '0' {
		base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[text[1]]
		if base > 0 {
			return integerOf(text[2:], base)
		}
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// integerOf reads digits of a base without a sign.
func integerOf(digits string, base int) (float64, bool) {
	n, err := strconv.ParseUint(digits, base, 64)
	return float64(n), err == nil
}

func isJavaScriptSpace(r rune) bool {
	return r == '\uFEFF' || (unicode.IsSpace(r) && r != '\u0085')
}

// cut shortens foreign text for a message.
func cut(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
