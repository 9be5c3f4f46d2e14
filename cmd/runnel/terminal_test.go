package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTerminalText(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 漢 👩‍🌾\tx\n":    "plain ü 漢 👩‍🌾\tx\n",
		"\x1b[31mred\x07\r":     `\u001b[31mred\u0007\u000d`,
		"\u009b31m\x7f":         `\u009b31m\u007f`,
		"bad \x9b\xff":          "bad \ufffd\ufffd",
		"abc\u202ecba\u2069":    `abc\u202ecba\u2069`,
		"two\u2028lines\u2029":  `two\u2028lines\u2029`,
		"\x00":                  `\u0000`,
		"already \\u001b there": `already \u001b there`,
	} {
		if got := terminalText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestTerminalJSON(t *testing.T) {
	for in, want := range map[string]string{
		"{ \"a\" : [ 1.0 , \"x\u009b\x7f<\" ]\r\n}\n": `{"a":[1.0,"x\u009b\u007f<"]}`,
		`"\u001b"`:        `"\u001b"`,
		"\"\xff\"":        "\"\ufffd\"",
		"no JSON\x1b\n":   `no JSON\u001b\u000a`,
		`{"a":1,"a":1e9}`: `{"a":1,"a":1e9}`,
	} {
		if got := string(terminalJSON([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzTerminal holds that nothing obeyed gets out, and that the value of JSON
// stays what it is.
func FuzzTerminal(f *testing.F) {
	for _, seed := range []string{`{"a":["\u001b",1]}`, "\"\u009b\x7f\\\\\"", "\x1b]0;x\a", "\xc2", `"\\u001b"`, "[\"\u2028\", \"\xff\"]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text, line := terminalText(in), string(terminalJSON([]byte(in)))
		if i := strings.IndexFunc(text, func(r rune) bool { return obeyed(r) && r != '\n' && r != '\t' }); i >= 0 || !utf8.ValidString(text) {
			t.Errorf("%q became %q", in, text)
		}
		if strings.ContainsFunc(line, obeyed) || !utf8.ValidString(line) {
			t.Errorf("%q became %q", in, line)
		}
		var before, after any
		if json.Unmarshal([]byte(in), &before) != nil {
			return
		}
		if err := json.Unmarshal([]byte(line), &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%q became %q: %v", in, line, err)
		}
	})
}
