package wasm

import "strconv"

// Error says what is wrong with a module, and where.
type Error struct {
	Offset   int    // byte offset in the file
	Section  string // such as "code"; empty outside sections
	Function int    // index in the function index space (imports first), -1 outside function bodies
	Message  string
}

// Error returns the message with its place.
func (e *Error) Error() string {
	b := make([]byte, 0, 96)
	b = append(b, "offset "...)
	b = strconv.AppendInt(b, int64(e.Offset), 10)
	if e.Section != "" {
		b = append(b, ", "...)
		b = append(b, e.Section...)
		b = append(b, " section"...)
	}
	if e.Function >= 0 {
		b = append(b, ", function "...)
		b = strconv.AppendInt(b, int64(e.Function), 10)
	}
	b = append(b, ": "...)
	return string(append(b, e.Message...))
}
