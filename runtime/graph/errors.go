package graph

import (
	"fmt"
	"strconv"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Location is a place in the text of an operation, counted from 1 in
// characters.
type Location struct {
	Line, Column int
}

// Error is one GraphQL error. It is not to be changed once handed out.
type Error struct {
	Message    string
	Locations  []Location
	Path       []any    // response keys as string, list indices as int
	Code       abi.Code // extensions.code; left out where empty
	Extensions []byte   // a JSON object of further members, or nil
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Errors are the errors of one request or response.
type Errors []*Error

// Error returns the first message.
func (e Errors) Error() string {
	if len(e) == 0 {
		return "no error"
	}
	return e[0].Message
}

// Append appends the errors as a JSON array.
func (e Errors) Append(dst []byte) []byte {
	dst = append(dst, '[')
	for i, err := range e {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = err.append(dst)
	}
	return append(dst, ']')
}

func (e *Error) append(dst []byte) []byte {
	dst = append(dst, `{"message":`...)
	dst = jsondoc.AppendQuoted(dst, e.Message)
	if len(e.Locations) > 0 {
		dst = append(dst, `,"locations":[`...)
		for i, l := range e.Locations {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"line":`...)
			dst = strconv.AppendInt(dst, int64(l.Line), 10)
			dst = append(dst, `,"column":`...)
			dst = strconv.AppendInt(dst, int64(l.Column), 10)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	if len(e.Path) > 0 {
		dst = appendPath(append(dst, `,"path":[`...), e.Path)
		dst = append(dst, ']')
	}
	dst = e.appendExtensions(dst)
	return append(dst, '}')
}

func appendPath(dst []byte, path []any) []byte {
	for i, step := range path {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch step := step.(type) {
		case string:
			dst = jsondoc.AppendQuoted(dst, step)
		case int:
			dst = strconv.AppendInt(dst, int64(step), 10)
		}
	}
	return dst
}

func (e *Error) appendExtensions(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, `,"extensions":{`...)
	empty := len(dst)
	if e.Code != "" {
		dst = jsondoc.AppendQuoted(append(dst, `"code":`...), string(e.Code))
	}
	var d jsondoc.Document
	if len(e.Extensions) > 0 && d.Parse(e.Extensions, jsondoc.Options{}) == nil && d.Nodes[0].Kind == jsondoc.Object {
		for key := uint32(1); key < d.Nodes[0].Next; key = d.Nodes[key+1].Next {
			if e.Code != "" && d.StringEquals(key, "code") {
				continue
			}
			if len(dst) > empty {
				dst = append(dst, ',')
			}
			dst = append(append(dst, d.Raw(key)...), ':')
			dst = jsondoc.AppendCompact(dst, d.Raw(key+1))
		}
	}
	if len(dst) == empty {
		return dst[:start]
	}
	return append(dst, '}')
}

// limitError says which limit an operation met.
func limitError(limit, format string, args ...any) *Error {
	return &Error{
		Message:    fmt.Sprintf(format, args...),
		Code:       abi.CodeLimitExceeded,
		Extensions: []byte(`{"limit":"` + limit + `"}`),
	}
}
