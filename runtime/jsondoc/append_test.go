package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

func TestAppendQuoted(t *testing.T) {
	tests := map[string]string{
		"":                 `""`,
		"a<b>&é\u2028😀":    "\"a<b>&é\u2028😀\"",
		"\"\\/\b\f\n\r\t":  `"\"\\/\b\f\n\r\t"`,
		"\x00\x1f\x7f":     "\"\\u0000\\u001f\x7f\"",
		"a\xffb\xc3":       "\"a\ufffdb\ufffd\"",
		"\xed\xa0\x80 end": "\"\ufffd\ufffd\ufffd end\"",
	}
	for s, want := range tests {
		if got := jsondoc.AppendQuoted([]byte("x"), s); string(got) != "x"+want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", s, got[1:], want)
		}
	}
}

func FuzzAppendQuoted(f *testing.F) {
	f.Add("a\"\\\n\x00é\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		quoted := jsondoc.AppendQuoted(nil, s)
		var oracle string
		if err := json.Unmarshal(quoted, &oracle); err != nil {
			t.Fatalf("%s: %v", quoted, err)
		}
		if want := string([]rune(s)); oracle != want {
			t.Fatalf("%q came back as %q", want, oracle)
		}
		var d jsondoc.Document
		if err := d.Parse(quoted, jsondoc.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := d.AppendString(nil, 0); string(got) != oracle || !d.StringEquals(0, oracle) {
			t.Fatalf("AppendString gave %q, want %q", got, oracle)
		}
	})
}

func TestAppendCompact(t *testing.T) {
	for _, text := range []string{
		` { "a b" : [ 1 , 2 ] ,` + "\r\n\t" + `"\" c\\" : " " } `, `1`, ` "  " `, `[]`,
	} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := jsondoc.AppendCompact(nil, []byte(text)); string(got) != want.String() {
			t.Errorf("AppendCompact(%s) = %s, want %s", text, got, want.String())
		}
	}
}

func BenchmarkParse(b *testing.B) {
	texts := map[string]string{
		"order":     `{"id":"o-1","customerId":"c-42","status":"PAID","total":12.5,"sentAt":1700000000000,"note":"leave \u00e0 la porte"}`,
		"large":     "[" + strings.Repeat(`{"sku":"abc","count":3,"tags":["a","b"]},`, 500) + "1]",
		"members":   manyMembers(200),
		"not ASCII": `["` + strings.Repeat("Привет, мир! 你好世界 ", 100) + `"]`,
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			var d jsondoc.Document
			input := []byte(text)
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Parse(input, jsondoc.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	text := []byte(manyMembers(200))
	var d jsondoc.Document
	allocations := testing.AllocsPerRun(10, func() {
		if err := d.Parse(text, jsondoc.Options{}); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations per parse", allocations)
	}
}

func manyMembers(count int) string {
	var b strings.Builder
	b.WriteString(`{"k\u00e9y":0`)
	for i := range count {
		b.WriteString(`,"member`)
		b.WriteByte(byte('a' + i%26))
		b.WriteByte(byte('a' + i/26))
		b.WriteString(`":"value"`)
	}
	return b.String() + "}"
}
