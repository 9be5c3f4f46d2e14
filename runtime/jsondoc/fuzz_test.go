package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

const fuzzDepth = 8

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e-3,true,null,{"b":"\u00e9\ud83d\ude00"}]}`, `[[[[[[[[1]]]]]]]]`, `[[[[[[[[[1]]]]]]]]]`,
		`{"a":1,"\u0061":2}`, `"\ud800"`, "\"\xff\"", ` [ ] `, `{"":{}}`, `-0`, `00`, `1.e1`, `{"a":1}x`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d jsondoc.Document
		strict := d.Parse(text, jsondoc.Options{MaxDepth: fuzzDepth})
		lenient := d.Parse(text, jsondoc.Options{MaxDepth: fuzzDepth, AllowDuplicateKeys: true})
		valid := json.Valid(text) && utf8.Valid(text) && !hasLoneSurrogate(text)
		depth, duplicate := 0, false
		if valid {
			depth, duplicate = measure(text)
		}
		if want := valid && depth <= fuzzDepth; (lenient == nil) != want {
			t.Fatalf("lenient: %v, want accepted: %v", lenient, want)
		}
		if want := valid && depth <= fuzzDepth && !duplicate; (strict == nil) != want {
			t.Fatalf("strict: %v, want accepted: %v", strict, want)
		}
		if lenient != nil {
			return
		}
		var want any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got, next := rebuild(&d, 0)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("index gives %#v, want %#v", got, want)
		}
		if int(next) != len(d.Nodes) {
			t.Fatalf("value ends at node %d of %d", next, len(d.Nodes))
		}
	})
}

// rebuild makes of the index what encoding/json makes of the text.
func rebuild(d *jsondoc.Document, n uint32) (any, uint32) {
	node := d.Nodes[n]
	switch node.Kind {
	case jsondoc.True, jsondoc.False:
		return node.Kind == jsondoc.True, node.Next
	case jsondoc.Number:
		return json.Number(d.Raw(n)), node.Next
	case jsondoc.String:
		return string(d.AppendString(nil, n)), node.Next
	case jsondoc.Array:
		list := []any{}
		for i := n + 1; i < node.Next; {
			var element any
			element, i = rebuild(d, i)
			list = append(list, element)
		}
		return list, node.Next
	case jsondoc.Object:
		object := map[string]any{}
		for i := n + 1; i < node.Next; {
			key := string(d.AppendString(nil, i))
			object[key], i = rebuild(d, i+1)
			if last, ok := d.Member(n, key); !ok || d.Nodes[last].Next < i {
				panic("Member does not find the last " + strconv.Quote(key))
			}
		}
		return object, node.Next
	}
	return nil, node.Next
}

// measure walks tokens of encoding/json for what it does not refuse itself.
func measure(text []byte) (depth int, duplicate bool) {
	type level struct {
		keys  map[string]bool
		isKey bool
	}
	var stack []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return depth, duplicate
		}
		if end, ok := token.(json.Delim); ok && (end == '}' || end == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if top := len(stack) - 1; top >= 0 && stack[top].keys != nil {
			if stack[top].isKey {
				key := token.(string)
				duplicate = duplicate || stack[top].keys[key]
				stack[top].keys[key] = true
			}
			stack[top].isKey = !stack[top].isKey
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}, isKey: true})
		case json.Delim('['):
			stack = append(stack, level{})
		}
		depth = max(depth, len(stack))
	}
}

// hasLoneSurrogate expects valid JSON, where a backslash is always an escape.
func hasLoneSurrogate(text []byte) bool {
	unit := func(i int) rune {
		if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
			return -1
		}
		n, _ := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		first := unit(i)
		if first < 0 || !utf16.IsSurrogate(first) {
			i++
			continue
		}
		if utf16.DecodeRune(first, unit(i+6)) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}
