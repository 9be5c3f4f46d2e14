// Package jsondoc parses strict JSON once, into a flat index that borrows the
// text. Events, filters and projections read the same index; nothing is copied
// or converted until somebody asks for it.
//
// Strict means RFC 8259 and more: the text is valid UTF-8, no \u escape leaves
// a lone surrogate, nesting is bounded, and an object names each key once
// unless the caller allows otherwise. No function here recurses on its input.
package jsondoc

import "unicode/utf8"

// Kind tells what a value is.
type Kind uint8

// The kinds of JSON values. Null is the zero Kind.
const (
	Null Kind = iota
	False
	True
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"null", "boolean", "boolean", "number", "string", "array", "object"}

// String gives the kind's name as messages use it: both Booleans are "boolean".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Node is one value of a document, or one key of an object.
type Node struct {
	Kind    Kind
	Escaped bool   // a string or a key that has escapes
	Start   uint32 // text[Start:End] is the whole value, quotes and brackets included
	End     uint32
	Next    uint32 // index of the node after this whole value
}

// DefaultMaxDepth is the nesting limit where Options.MaxDepth is zero.
const DefaultMaxDepth = 64

// Options says how a text is to be parsed.
type Options struct {
	MaxDepth           int  // levels of arrays and objects; zero means DefaultMaxDepth
	AllowDuplicateKeys bool // Member then finds the last member of a name
}

// Document is a parsed text. Nodes[0] is its value. An object is followed by
// its keys and values in turn, an array by its elements; Next leads from a
// value to its sibling.
//
// A Document is reused from text to text and then allocates nothing once it
// has grown to the size of its input. It is safe for concurrent readers, not
// for use during Parse.
type Document struct {
	Text  []byte // borrowed from the caller of Parse
	Nodes []Node

	duplicates bool
	slots      []uint32 // hash table of the check for duplicate keys, kept for reuse
	key        []byte   // a decoded key of that check, kept for reuse
}

// Raw returns the text of the value n. It borrows the document's text and must
// not be appended to or written.
func (d *Document) Raw(n uint32) []byte {
	node := &d.Nodes[n]
	return d.Text[node.Start:node.End:node.End]
}

// AppendString appends the content of the string or key n, without quotes and
// with its escapes resolved.
func (d *Document) AppendString(dst []byte, n uint32) []byte {
	node := &d.Nodes[n]
	content := d.Text[node.Start+1 : node.End-1]
	if !node.Escaped {
		return append(dst, content...)
	}
	return appendUnescaped(dst, content)
}

// StringEquals tells whether the content of the string or key n is s.
func (d *Document) StringEquals(n uint32, s string) bool {
	node := &d.Nodes[n]
	content := d.Text[node.Start+1 : node.End-1]
	if !node.Escaped {
		return string(content) == s
	}
	return unescapedEquals(content, s)
}

// Member returns the value of the member named key of the object node. Where
// duplicate keys were allowed, the last one counts. It reads all keys before
// the one it finds: for many look-ups in one object, walk the members instead.
func (d *Document) Member(object uint32, key string) (uint32, bool) {
	found, ok := uint32(0), false
	end := d.Nodes[object].Next
	for n := object + 1; n < end; n = d.Nodes[n+1].Next {
		if d.StringEquals(n, key) {
			found, ok = n+1, true
			if !d.duplicates {
				break
			}
		}
	}
	return found, ok
}

func unescapedEquals(content []byte, s string) bool {
	for len(content) > 0 {
		if content[0] != '\\' {
			if s == "" || s[0] != content[0] {
				return false
			}
			content, s = content[1:], s[1:]
			continue
		}
		r, size := decodeEscape(content)
		got, width := utf8.DecodeRuneInString(s)
		if width == 0 || got != r || (r == utf8.RuneError && width == 1) {
			return false
		}
		content, s = content[size:], s[width:]
	}
	return s == ""
}
