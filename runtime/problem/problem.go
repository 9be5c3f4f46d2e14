// Package problem writes the error bodies of Runnel's HTTP surface:
// application/problem+json as RFC 9457 has it, with Runnel's own members.
package problem

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/response"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// Problem is the body of an HTTP error. It is an error itself, so that code
// below a handler can return one. The zero values of Type and Title stand for
// "about:blank" and for the status text.
type Problem struct {
	Type   string
	Title  string
	Status int      // the HTTP status; 500 where zero
	Code   abi.Code // a stable code for programs; CodeInternal where empty
	Limit  string   // the name of the limit that was met, as docs/limits.md lists it; may be empty
	Errors []Error  // what is wrong, and where
}

// Error is one thing that is wrong with a request.
type Error struct {
	Message  string `json:"message"`
	Function string `json:"function,omitempty"` // a function of an uploaded module
	Offset   *int   `json:"offset,omitempty"`   // in bytes, from the start of the body or of the module; nil where unknown
	Line     int    `json:"line,omitempty"`     // counted from 1; 0 where unknown
	Column   int    `json:"column,omitempty"`   // in characters, counted from 1; 0 where unknown
}

// New returns a problem with one error per message.
func New(status int, code abi.Code, messages ...string) Problem {
	p := Problem{Status: status, Code: code}
	for _, m := range messages {
		p.Errors = append(p.Errors, Error{Message: m})
	}
	return p
}

// Error gives the first message, or the title.
func (p Problem) Error() string {
	if len(p.Errors) > 0 {
		return p.Errors[0].Message
	}
	return p.filled().Title
}

// Write answers a request with p. Headers that the answer needs besides, such
// as Retry-After or Allow, are set on w before. A failed write is not
// reported: the client is gone.
func Write(w http.ResponseWriter, p Problem) {
	p = p.filled()
	response.Write(w, p.Status, ContentType, p.Append(nil))
}

// Append appends the body that Write sends.
func (p Problem) Append(dst []byte) []byte {
	p = p.filled()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// Strings, numbers and slices of them always encode.
	_ = encoder.Encode(struct {
		Type   string   `json:"type"`
		Title  string   `json:"title"`
		Status int      `json:"status"`
		Code   abi.Code `json:"code"`
		Limit  string   `json:"limit,omitempty"`
		Errors []Error  `json:"errors"`
	}(p))
	return append(dst, b.Bytes()...)
}

func (p Problem) filled() Problem {
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if p.Code == "" {
		p.Code = abi.CodeInternal
	}
	if p.Errors == nil {
		p.Errors = []Error{}
	}
	return p
}
