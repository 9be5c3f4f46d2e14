package admin

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/problem"
)

// object is a JSON object with the members that a request may have. It is
// parsed from a part of a body; mistakes are placed in the whole body.
type object struct {
	doc     jsondoc.Document
	body    []byte
	base    int // where the object's text begins in body
	known   []string
	members []uint32 // the values of known; 0, the object itself, where absent
	// other judges a member that is not in known, given its key. Nil refuses it.
	other func(key uint32) error
}

// membersOf returns the members of a request, in the order of the fields of the Go
// type that describes it.
func membersOf(request any) []string {
	t := reflect.TypeOf(request)
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// read parses body[base:end]. maxDepth counts the object as one level.
func (o *object) read(base, end, maxDepth int) error {
	o.base = base
	err := o.doc.Parse(o.body[base:end], jsondoc.Options{MaxDepth: maxDepth})
	var syntax *jsondoc.SyntaxError
	if errors.As(err, &syntax) {
		return o.mistake(syntax.Offset, syntax.Message)
	} else if err != nil {
		return err
	}
	root := &o.doc.Nodes[0]
	if root.Kind != jsondoc.Object {
		return o.mistake(int(root.Start), fmt.Sprintf("a JSON object with %s is wanted, not %s", strings.Join(o.known, ", "), root.Kind))
	}
	o.members = append(o.members[:0], make([]uint32, len(o.known))...)
	for n := uint32(1); n < root.Next; n = o.doc.Nodes[n+1].Next {
		i := slices.IndexFunc(o.known, func(name string) bool { return o.doc.StringEquals(n, name) })
		if i < 0 {
			if err := o.judge(n); err != nil {
				return err
			}
			continue
		}
		o.members[i] = n + 1
	}
	return nil
}

// judge judges a member that is not known.
func (o *object) judge(key uint32) error {
	if o.other != nil {
		return o.other(key)
	}
	name := cut(string(o.doc.AppendString(nil, key)))
	return o.mistakeAt(key, fmt.Sprintf("unknown member %q; there are %s", name, strings.Join(o.known, ", ")))
}

// text returns the string member known[i]. ok is false where it is absent.
func (o *object) text(i int) (s string, ok bool, err error) {
	n := o.members[i]
	if n == 0 {
		return "", false, nil
	}
	if k := o.doc.Nodes[n].Kind; k != jsondoc.String {
		return "", false, o.mistakeAt(n, fmt.Sprintf("%s must be a string, not %s", o.known[i], k))
	}
	return string(o.doc.AppendString(nil, n)), true, nil
}

// boolean returns the member known[i], true or false. ok is false where it is
// absent.
func (o *object) boolean(i int) (value, ok bool, err error) {
	n := o.members[i]
	if n == 0 {
		return false, false, nil
	}
	k := o.doc.Nodes[n].Kind
	if k != jsondoc.True && k != jsondoc.False {
		return false, false, o.mistakeAt(n, fmt.Sprintf("%s must be true or false, not %s", o.known[i], k))
	}
	return k == jsondoc.True, true, nil
}

// mustText is text for a member that must be there.
func (o *object) mustText(i int) (string, error) {
	s, ok, err := o.text(i)
	if err == nil && !ok {
		err = o.missing(i)
	}
	return s, err
}

func (o *object) missing(i int) error {
	return o.mistakeAt(0, o.known[i]+" is missing")
}

func (o *object) mistakeAt(n uint32, message string) error {
	return o.mistake(int(o.doc.Nodes[n].Start), message)
}

// mistake is the answer 400 with a place, given the offset in the object's text.
func (o *object) mistake(offset int, message string) problem.Problem {
	p := badRequest("")
	p.Errors = []problem.Error{place(o.body, o.base+offset, message)}
	return p
}

// place gives a message with an offset in the body, and the line and column of
// that.
func place(body []byte, offset int, message string) problem.Error {
	before := body[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return problem.Error{
		Message: message,
		Offset:  &offset,
		Line:    bytes.Count(before, []byte{'\n'}) + 1,
		Column:  utf8.RuneCount(before[start:]) + 1,
	}
}
