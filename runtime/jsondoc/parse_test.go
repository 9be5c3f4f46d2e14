package jsondoc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

func TestParseIndex(t *testing.T) {
	text := ` {"a" : [1, -2.5e3, true], "\u0062": null ,"c":{"d":"é\n"}} `
	var d jsondoc.Document
	if err := d.Parse([]byte(text), jsondoc.Options{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`object next=12 {"a" : [1, -2.5e3, true], "\u0062": null ,"c":{"d":"é\n"}}`,
		`string next=2 "a"`,
		`array next=6 [1, -2.5e3, true]`,
		`number next=4 1`,
		`number next=5 -2.5e3`,
		`boolean next=6 true`,
		`string next=7 "\u0062"`,
		`null next=8 null`,
		`string next=9 "c"`,
		`object next=12 {"d":"é\n"}`,
		`string next=11 "d"`,
		`string next=12 "é\n"`,
	}
	if len(d.Nodes) != len(want) {
		t.Fatalf("%d nodes, want %d", len(d.Nodes), len(want))
	}
	for i, n := range d.Nodes {
		got := fmt.Sprintf("%v next=%d %s", n.Kind, n.Next, d.Raw(uint32(i)))
		if got != want[i] {
			t.Errorf("node %d: %s, want %s", i, got, want[i])
		}
	}
	if !d.Nodes[6].Escaped || d.Nodes[1].Escaped {
		t.Error("Escaped is set on the wrong keys")
	}
	if got := d.AppendString([]byte("x"), 11); string(got) != "xé\n" {
		t.Errorf("AppendString gave %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		text         string
		line, column int
		message      string
	}{
		{``, 1, 1, "unexpected end of text"},
		{`  `, 1, 3, "unexpected end of text"},
		{"{\"a\":1,\n\"b\":x}", 2, 5, "expected a value"},
		{`{"é":1,}`, 1, 8, "expected a key in quotes"},
		{`{a:1}`, 1, 2, "expected a key in quotes"},
		{`{"a" 1}`, 1, 6, "expected ':' after a key"},
		{`{"a"`, 1, 5, "expected ':' after a key"},
		{`{"a":1]`, 1, 7, "expected ',' or '}'"},
		{`[1}`, 1, 3, "expected ',' or ']'"},
		{`[1,]`, 1, 4, "expected a value"},
		{`[1`, 1, 3, "unexpected end of text"},
		{`1 2`, 1, 3, "text after the value"},
		{`tru`, 1, 4, "expected true"},
		{`nulL`, 1, 4, "expected null"},
		{`01`, 1, 2, "number with a leading zero"},
		{`-`, 1, 2, "expected a digit"},
		{`+1`, 1, 1, "expected a value"},
		{`1.`, 1, 3, "expected a digit after '.'"},
		{`1e+`, 1, 4, "expected a digit in the exponent"},
		{`"a`, 1, 3, "unexpected end of text in a string"},
		{"\"a\nb\"", 1, 3, "control character in a string"},
		{"\"\xff\"", 1, 2, "invalid UTF-8"},
		{"\"\xed\xa0\x80\"", 1, 2, "invalid UTF-8"},
		{`"\x41"`, 1, 2, "unknown escape"},
		{`"\`, 1, 2, "unexpected end of text in an escape"},
		{`"\u12g4"`, 1, 2, `\u needs four hexadecimal digits`},
		{`"\u12`, 1, 2, `\u needs four hexadecimal digits`},
		{`"\ud800"`, 1, 2, "lone surrogate in a string"},
		{`"\ud800\u0041"`, 1, 2, "lone surrogate in a string"},
		{`"\udc00\ud800"`, 1, 2, "lone surrogate in a string"},
		{`{"a":1,"b":2,"\u0061":3}`, 1, 14, `duplicate key "a"`},
		{"\ufeff1", 1, 1, "expected a value"},
	}
	for _, test := range tests {
		var d jsondoc.Document
		err := d.Parse([]byte(test.text), jsondoc.Options{})
		var syntax *jsondoc.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v, want a SyntaxError", test.text, err)
			continue
		}
		if syntax.Message != test.message || syntax.Line() != test.line || syntax.Column() != test.column {
			t.Errorf("%q: %v, want %s at line %d, column %d", test.text, err, test.message, test.line, test.column)
		}
	}
}

// TestEveryByteInAString has each byte at each place that it can have among
// eight, which is how many are looked at together.
func TestEveryByteInAString(t *testing.T) {
	var d jsondoc.Document
	for before := range 18 {
		for after := range 18 {
			text := []byte(`"` + strings.Repeat("a", before) + "?" + strings.Repeat("~", after) + `"`)
			for c := range 256 {
				text[1+before] = byte(c)
				want := c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf
				if err := d.Parse(text, jsondoc.Options{}); (err == nil) != want {
					t.Fatalf("%q: %v, want accepted: %v", text, err, want)
				}
			}
		}
	}
}

func TestNestingLimit(t *testing.T) {
	for _, limit := range []int{0, 1, 5, 64, 1000} {
		effective := limit
		if limit == 0 {
			effective = jsondoc.DefaultMaxDepth
		}
		for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}, {`[{"a":`, "}]"}} {
			levels := strings.Count(brackets[0], "[") + strings.Count(brackets[0], "{")
			at := effective / levels
			if err := parseNested(brackets, at, limit); err != nil {
				t.Errorf("limit %d, %d times %s: %v", limit, at, brackets[0], err)
			}
			if err := parseNested(brackets, at+1, limit); err == nil {
				t.Errorf("limit %d, %d times %s: accepted", limit, at+1, brackets[0])
			}
		}
	}
	if err := parseNested([2]string{"[", "]"}, 5_000_000, 64); err == nil {
		t.Error("5,000,000 levels accepted")
	}
	// What is open does not count once closed.
	var d jsondoc.Document
	text := "[" + strings.Repeat("[],", 100) + "[]]"
	if err := d.Parse([]byte(text), jsondoc.Options{MaxDepth: 2}); err != nil {
		t.Error(err)
	}
}

func parseNested(brackets [2]string, times, limit int) error {
	text := strings.Repeat(brackets[0], times) + "1" + strings.Repeat(brackets[1], times)
	var d jsondoc.Document
	return d.Parse([]byte(text), jsondoc.Options{MaxDepth: limit})
}

func TestDuplicateKeysAmongMany(t *testing.T) {
	for _, members := range []int{2, 16, 17, 18, 1000, 50_000} {
		var b strings.Builder
		b.WriteString(`{"\u006b0":0`)
		for i := 1; i < members; i++ {
			fmt.Fprintf(&b, `,"k%d":{"k%d":1}`, i, i)
		}
		var d jsondoc.Document
		if err := d.Parse([]byte(b.String()+"}"), jsondoc.Options{}); err != nil {
			t.Errorf("%d members: %v", members, err)
		}
		for _, key := range []string{"k0", fmt.Sprint("k", members-1), `\u006b1`} {
			text := []byte(b.String() + `,"` + key + `":0}`)
			err := d.Parse(text, jsondoc.Options{})
			if err == nil {
				t.Errorf("%d members: second %s accepted", members, key)
			}
			if err := d.Parse(text, jsondoc.Options{AllowDuplicateKeys: true}); err != nil {
				t.Errorf("%d members, duplicates allowed: %v", members, err)
			}
		}
	}
}

func TestMember(t *testing.T) {
	text := []byte(`{"a":1,"b":{"a":2},"":3,"\n\u00e9":4,"a":5}`)
	var d jsondoc.Document
	if err := d.Parse(text, jsondoc.Options{AllowDuplicateKeys: true}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "5", "b": `{"a":2}`, "": "3", "\né": "4"} {
		n, ok := d.Member(0, key)
		if !ok || string(d.Raw(n)) != want {
			t.Errorf("Member(%q) = %v, %v, want %s", key, n, ok, want)
		}
	}
	for _, key := range []string{"c", "\n", "\né!", "\n\xc3", "\n\ufffd"} {
		if n, ok := d.Member(0, key); ok {
			t.Errorf("Member(%q) found %s", key, d.Raw(n))
		}
	}
}

func TestReuse(t *testing.T) {
	var d jsondoc.Document
	if err := d.Parse([]byte(`[1,2,3]`), jsondoc.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Parse([]byte(`[1,`), jsondoc.Options{}); err == nil || len(d.Nodes) != 0 {
		t.Fatalf("after a refusal: %v, %d nodes", err, len(d.Nodes))
	}
	if err := d.Parse([]byte(`"x"`), jsondoc.Options{}); err != nil || len(d.Nodes) != 1 {
		t.Fatalf("after reuse: %v, %d nodes", err, len(d.Nodes))
	}
}
