package graph

import (
	"math"
	"strconv"
	"strings"
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

// appendFloat appends a finite number in the form that encoding/json and
// browsers give it.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// cut shortens foreign text for a message.
func cut(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
