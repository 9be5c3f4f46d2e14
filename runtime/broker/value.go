package broker

import (
	"bytes"
	"strconv"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxExponentDigits bounds the digits of an exponent that numbers are compared
// by value with; a longer exponent makes a number equal only to its own text.
const maxExponentDigits = 9

// appendElement appends the form of a scalar by which values are compared:
// strings exactly, numbers by value, each kind apart from the others. ok is
// false for null, objects and arrays, which match nothing. Elements can be
// concatenated without becoming ambiguous.
func appendElement(dst []byte, d *jsondoc.Document, n uint32) (_ []byte, ok bool) {
	start := len(dst)
	switch d.Nodes[n].Kind {
	case jsondoc.True:
		dst = append(dst, 't')
	case jsondoc.False:
		dst = append(dst, 'f')
	case jsondoc.String:
		dst = append(dst, 's')
		dst = d.AppendString(dst, n)
	case jsondoc.Number:
		dst = append(dst, 'n')
		dst = appendNumber(dst, d.Raw(n))
	default:
		return dst, false
	}
	return appendLength(dst, len(dst)-start), true
}

// appendLength closes an element with its length.
func appendLength(dst []byte, n int) []byte {
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// appendNumber appends a canonical form of a JSON number: its significant
// digits without zeros at either end, and the exponent that belongs to them.
func appendNumber(dst, text []byte) []byte {
	mantissa, exponentText := text, []byte(nil)
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponentText = text[:i], text[i+1:]
	}
	if len(bytes.TrimLeft(bytes.TrimLeft(exponentText, "+-"), "0")) > maxExponentDigits && len(bytes.Trim(mantissa, "-0.")) > 0 {
		return append(dst, text...)
	}
	exponent, _ := strconv.Atoi(string(bytes.TrimPrefix(exponentText, []byte("+")))) // empty is 0; the digits were bounded above, or mean nothing beside 0
	negative := mantissa[0] == '-'
	if negative {
		mantissa = mantissa[1:]
	}
	start := len(dst)
	if negative {
		dst = append(dst, '-')
	}
	first := len(dst)
	for i, c := range mantissa {
		switch {
		case c == '.':
			exponent -= len(mantissa) - i - 1
		case c != '0' || len(dst) > first:
			dst = append(dst, c)
		}
	}
	for len(dst) > first && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
		exponent++
	}
	if len(dst) == first {
		return append(dst[:start], '0')
	}
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// isInteger reports whether an ID has the digits of a JSON integer.
func isInteger(s []byte) bool {
	digits := bytes.TrimPrefix(s, []byte("-"))
	if len(digits) == 0 || digits[0] == '0' && len(s) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// lookup follows a path of keys and array indices through a document.
func lookup(d *jsondoc.Document, path []string) (uint32, bool) {
	at := uint32(0)
	for _, step := range path {
		var ok bool
		switch d.Nodes[at].Kind {
		case jsondoc.Object:
			at, ok = d.Member(at, step)
		case jsondoc.Array:
			at, ok = item(d, at, step)
		}
		if !ok {
			return 0, false
		}
	}
	return at, true
}

// item returns an element of an array by its index in decimal digits.
func item(d *jsondoc.Document, array uint32, index string) (uint32, bool) {
	n, err := strconv.ParseUint(index, 10, 31)
	if err != nil || len(index) > 1 && index[0] == '0' {
		return 0, false
	}
	for at := array + 1; at < d.Nodes[array].Next; at = d.Nodes[at].Next {
		if n == 0 {
			return at, true
		}
		n--
	}
	return 0, false
}
