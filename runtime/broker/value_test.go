package broker

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,40})?$`)

// SameNumber compares two JSON numbers by value, with integers of any size.
func SameNumber(a, b string) bool {
	x, xExponent := wholeNumber(a)
	y, yExponent := wholeNumber(b)
	return x.Cmp(y) == 0 && (x.Sign() == 0 || xExponent.Cmp(yExponent) == 0)
}

// wholeNumber is a JSON number as an integer that 10 does not divide, and the power of 10 that
// belongs to it.
func wholeNumber(text string) (n, exponent *big.Int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	exponent, _ = new(big.Int).SetString("0"+strings.TrimLeft(power, "+-"), 10)
	if strings.HasPrefix(power, "-") {
		exponent.Neg(exponent)
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	n, _ = new(big.Int).SetString(whole+fraction, 10)
	exponent.Sub(exponent, big.NewInt(int64(len(fraction))))
	ten, one := big.NewInt(10), big.NewInt(1)
	for n.Sign() != 0 {
		quotient, rest := new(big.Int).QuoRem(n, ten, new(big.Int))
		if rest.Sign() != 0 {
			break
		}
		n = quotient
		exponent.Add(exponent, one)
	}
	return n, exponent
}

// FuzzNumbersCompareByValue holds the canonical form against exact numbers.
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
		{"1e1000000000000000000", "10000e999999999999999996"},
		{"0.00001e1000000000000000000", "1e999999999999999995"},
		{"1e-1000000000000000000", "0.1e-999999999999999999"},
		{"100e-1000000000000000000", "1e-999999999999999998"},
		{"1e99999999999999999999", "0.1e100000000000000000000"},
		{"1e-100000000000000000000", "10e-100000000000000000001"},
		{"1e99999999999999999999", "1e99999999999999999998"},
		{"1e99999999999999999999", "1e-99999999999999999999"},
		{"-0.00e-99999999999999999999", "0"},
		{"1e00000000000000000001", "10"},
		{"1e999999999", "10e999999998"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !jsonNumber.MatchString(a) || !jsonNumber.MatchString(b) {
			return
		}
		got := string(appendNumber(nil, []byte(a))) == string(appendNumber(nil, []byte(b)))
		if want := SameNumber(a, b); got != want {
			t.Errorf("%s equals %s: %v, want %v (%s, %s)", a, b, got, want, appendNumber(nil, []byte(a)), appendNumber(nil, []byte(b)))
		}
	})
}

// TestLongExponent: an exponent as long as an event may be takes no more time than another text.
func TestLongExponent(t *testing.T) {
	for _, sign := range []string{"", "-"} {
		nines := strings.Repeat("9", 8<<20)
		a := appendNumber(nil, []byte("1e"+sign+nines))
		other := "0.1e1" + strings.Repeat("0", len(nines))
		if sign == "-" {
			other = "10e-1" + strings.Repeat("0", len(nines))
		}
		if string(a) != string(appendNumber(nil, []byte(other))) {
			t.Errorf("1e%s999… is not %s…", sign, other[:10])
		}
	}
}
