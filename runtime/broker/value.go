package broker

import (
	"bytes"
	"crypto/sha256"
	"strconv"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxPlainElement is the length up to which a value stands in an element itself, a longer one
// as its SHA-256.
const maxPlainElement = 64

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
	return closeElement(dst, start), true
}

// closeElement closes the element that begins at start, with its length.
func closeElement(dst []byte, start int) []byte {
	if len(dst)-start > maxPlainElement {
		sum := sha256.Sum256(dst[start:])
		dst = append(append(dst[:start], '#'), sum[:]...)
	}
	n := len(dst) - start
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// appendNumber appends a canonical form of a JSON number: its significant
// digits without zeros at either end, and the exponent that belongs to them. It takes
// time by the length of the text, however large the exponent is.
func appendNumber(dst, text []byte) []byte {
	mantissa, exponent := text, []byte(nil)
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
	}
	negative := mantissa[0] == '-'
	if negative {
		mantissa = mantissa[1:]
	}
	start := len(dst)
	if negative {
		dst = append(dst, '-')
	}
	first := len(dst)
	var moved int64 // of the point
	for i, c := range mantissa {
		switch {
		case c == '.':
			moved -= int64(len(mantissa) - i - 1)
		case c != '0' || len(dst) > first:
			dst = append(dst, c)
		}
	}
	for len(dst) > first && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
		moved++
	}
	if len(dst) == first {
		return append(dst[:start], '0')
	}
	return appendExponent(append(dst, 'e'), exponent, moved)
}

// appendExponent appends the sum of an exponent, as it is written or empty, and a
// number of less than 18 digits.
func appendExponent(dst, exponent []byte, n int64) []byte {
	digits := bytes.TrimLeft(bytes.TrimLeft(exponent, "+-"), "0")
	sign := int64(1)
	if len(exponent) > 0 && exponent[0] == '-' {
		sign = -1
	}
	if len(digits) <= 18 {
		var e int64
		for _, c := range digits {
			e = 10*e + int64(c-'0')
		}
		return strconv.AppendInt(dst, sign*e+n, 10)
	}
	if sign < 0 { // and the sum is
		dst = append(dst, '-')
	}
	start := len(dst)
	dst = append(append(dst, '0'), digits...)
	for i, carry := len(dst)-1, sign*n; carry != 0; i-- {
		carry += int64(dst[i] - '0')
		digit := (carry%10 + 10) % 10
		dst[i] = '0' + byte(digit)
		carry = (carry - digit) / 10
	}
	return append(dst[:start], bytes.TrimLeft(dst[start:], "0")...)
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

// find follows a path of keys and array indices through a document.
func find(d *jsondoc.Document, path []string) (at uint32, ok bool) {
	for _, step := range path {
		if at, ok = child(d, at, step); !ok {
			return 0, false
		}
	}
	return at, true
}

// child returns what a container has under a key or an index.
func child(d *jsondoc.Document, at uint32, step string) (uint32, bool) {
	switch d.Nodes[at].Kind {
	case jsondoc.Object:
		return d.Member(at, step)
	case jsondoc.Array:
		return item(d, at, step)
	}
	return 0, false
}

// item returns an element of an array by its index in decimal digits.
func item(d *jsondoc.Document, array uint32, index string) (uint32, bool) {
	n, ok := arrayIndex(index)
	for at := array + 1; ok && at < d.Nodes[array].Next; at = d.Nodes[at].Next {
		if n == 0 {
			return at, true
		}
		n--
	}
	return 0, false
}

// arrayIndex reads an index as a path spells it.
func arrayIndex(step string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(step, 10, 31)
	return n, err == nil && (len(step) == 1 || step[0] != '0')
}
