package wasm_test

import (
	"reflect"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

func TestFunctionNames(t *testing.T) {
	names := []wasm.FunctionName{{Index: 0, Name: "log"}, {Index: 2, Name: "größe"}, {Index: 3, Name: "beyond"}}
	section := wasm.EncodeFunctionNames(names)
	module := append([]byte{0, 2, 1, 'm'}, section...)
	for content, want := range map[string][]wasm.FunctionName{
		string(section):                  names[:2],
		string(module):                   names[:2],
		string(section[:4]):              nil,
		"":                               nil,
		"\x01\x05\x02\x00\x01a\x01":      {{Index: 0, Name: "a"}},
		"\x01\x05\xff\x00\x01a\x01":      nil,
		"\x01\x07\x02\x00\x01a\x01\x09b": {{Index: 0, Name: "a"}},
	} {
		b := New()
		b.Import("env", "log", nil, nil)
		b.Function(nil, nil, nil)
		b.Function(nil, nil, nil)
		b.Custom(wasm.NameSection, []byte(content))
		if got := decode(t, b.Bytes()).FunctionNames(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", content, got, want)
		}
	}
}

func TestFunctionType(t *testing.T) {
	m := decode(t, full().Bytes())
	for f, want := range []string{"(i32, i32) -> i32", "(i32) -> (i32, f64)", "() -> ()"} {
		index, ok := m.FunctionType(uint32(f))
		if !ok || m.Types[index].String() != want {
			t.Errorf("function %d: %s, want %s", f, m.Types[index], want)
		}
	}
	if _, ok := m.FunctionType(3); ok {
		t.Error("function 3 has a type")
	}
	if content, ok := m.CustomSection("inside"); !ok || string(content) != "\x03" {
		t.Errorf("custom section: %q", content)
	}
}
