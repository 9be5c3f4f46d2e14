package broker

import (
	"math/big"
	"regexp"
	"testing"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// FuzzNumbersCompareByValue holds the canonical form against exact rationals.
func FuzzNumbersCompareByValue(f *testing.F) {
	for _, pair := range [][2]string{
		{"1", "1.0"},
		{"10", "1e1"},
		{"0", "-0.0"},
		{"0.001", "1e-3"},
		{"100", "1e+2"},
		{"1.50", "15e-1"},
		{"-1", "1"},
		{"12345678901234567890", "12345678901234567891"},
		{"0.1", "0.10000000000000000001"},
		{"1e300", "1e301"},
		{"0e9", "0"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !jsonNumber.MatchString(a) || !jsonNumber.MatchString(b) {
			return
		}
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			return
		}
		got := string(appendNumber(nil, []byte(a))) == string(appendNumber(nil, []byte(b)))
		if want := x.Cmp(y) == 0; got != want {
			t.Errorf("%s equals %s: %v, want %v (%s, %s)", a, b, got, want, appendNumber(nil, []byte(a)), appendNumber(nil, []byte(b)))
		}
	})
}

func TestHugeExponents(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"1e99999999999999999999", "1e99999999999999999999", true},
		{"1e99999999999999999999", "1e99999999999999999998", false},
		{"0e99999999999999999999", "0", true},
		{"-0.00e-99999999999999999999", "0", true},
		{"1e00000000000000000001", "10", true},
		{"1e999999999", "10e999999998", true},
	} {
		if got := string(appendNumber(nil, []byte(c.a))) == string(appendNumber(nil, []byte(c.b))); got != c.equal {
			t.Errorf("%s equals %s: %v", c.a, c.b, got)
		}
	}
}
