package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Reason tells what kind of refusal an Error is.
type Reason uint8

// The reasons.
const (
	Invalid     Reason = iota // the module itself, or its name, is at fault
	Malformed                 // a config is no strict JSON
	Unknown                   // there is no such tenant, module or version
	Conflict                  // it does not go with what the tenant has
	OverLimit                 // a limit was met, which Limit names
	Busy                      // too much is under way; the same may be taken later
	Unavailable               // the store has failed, which Unwrap tells more of
)

// Error is a refusal. Nothing was changed, unless the Message of one that is
// Unavailable says that this is not known.
type Error struct {
	Reason   Reason
	Code     abi.Code
	Limit    string // with OverLimit
	Message  string // on the whole; Problems say more
	Problems []Problem

	cause error
}

// Unwrap returns what lies behind an Error that is Unavailable. It is not for
// the caller's eyes.
func (e *Error) Unwrap() error { return e.cause }

// Problem is one thing that is wrong, and where.
type Problem struct {
	Module    string // its name; may be empty
	Message   string
	Function  string // of the module's code, as its export or index; may be empty
	Offset    int    // in the module's bytes or the config's, where HasOffset
	HasOffset bool
	Line      int // in the module's SDL or the config, counted from 1; 0 where that is not the place
	Column    int // in characters, counted from 1
}

// Error gives the message and the problems with their places, one per line.
func (e *Error) Error() string {
	lines := []string{e.Message}
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// String gives the problem with its place.
func (p Problem) String() string {
	var place []string
	if p.Module != "" {
		place = append(place, "module "+p.Module)
	}
	if p.Function != "" {
		place = append(place, p.Function)
	}
	if p.HasOffset {
		place = append(place, fmt.Sprintf("offset %d", p.Offset))
	}
	if p.Line > 0 {
		place = append(place, fmt.Sprintf("line %d, column %d", p.Line, p.Column))
	}
	return strings.Join(append(place, p.Message), ": ")
}

func invalid(format string, arguments ...any) *Error {
	return &Error{Reason: Invalid, Code: abi.CodeBadUserInput, Message: fmt.Sprintf(format, arguments...)}
}

func unknown(format string, arguments ...any) *Error {
	return &Error{Reason: Unknown, Code: abi.CodeBadUserInput, Message: fmt.Sprintf(format, arguments...)}
}

// errNoModule does not repeat a name that no module can have.
func errNoModule(name string) error {
	if !tenant.ValidName(name) {
		return unknown("there is no such module; GET …/modules lists all")
	}
	return unknown("there is no module %s; GET …/modules lists all", name)
}

func conflict(format string, arguments ...any) *Error {
	return &Error{Reason: Conflict, Code: abi.CodeBadUserInput, Message: fmt.Sprintf(format, arguments...)}
}

func unavailable(message string, cause error) *Error {
	return &Error{Reason: Unavailable, Code: abi.CodeInternal, Message: message, cause: cause}
}

func over(limit, format string, arguments ...any) *Error {
	return &Error{Reason: OverLimit, Code: abi.CodeLimitExceeded, Limit: limit, Message: fmt.Sprintf(format, arguments...)}
}

// admissionError makes an Error of what the sandbox refuses; other errors stay.
// Its problems are all of this one module, which the message names.
func admissionError(name string, err error) error {
	var refused *sandbox.AdmissionError
	if !errors.As(err, &refused) {
		return fmt.Errorf("load module %s: %w", name, err)
	}
	e := invalid("module %s is refused", name)
	for _, p := range refused.Problems {
		e.Problems = append(e.Problems, Problem{
			Message: p.Message, Function: p.Function, Offset: p.Offset, HasOffset: p.HasOffset,
		})
	}
	return e
}

// startError makes an Error of what an instance fails with before any run; other
// errors stay. The lines that it logged are problems as well: often they alone say
// what is wrong.
func startError(name string, err error) error {
	var failed *sandbox.StartError
	if !errors.As(err, &failed) {
		return fmt.Errorf("start module %s: %w", name, err)
	}
	e := &Error{Reason: Invalid, Code: failed.Fault.Code, Limit: failed.Fault.Limit, Message: "module " + name + " is refused: it does not start"}
	e.Problems = []Problem{{Message: failed.Error()}}
	if failed.Where == abi.InitializeExport {
		e.Problems[0].Function = failed.Where
	}
	for _, line := range failed.Lines {
		e.Problems = append(e.Problems, Problem{Message: "it logged: " + shorten(line.Message)})
	}
	return e
}

// shorten cuts a line of a module's log for a message.
func shorten(s string) string {
	const most = 512
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// composeError makes an Error of a schema that does not compose; other errors
// stay. reason says whose fault that is. message is about the module; the names
// of the other modules concerned are added.
func composeError(reason Reason, name, message string, err error) error {
	var refused *graph.ComposeError
	if !errors.As(err, &refused) {
		return fmt.Errorf("module %s: %w", name, err)
	}
	e := &Error{Reason: reason, Code: abi.CodeValidationFailed, Limit: refused.Limit, Message: message}
	if refused.Limit != "" {
		e.Reason, e.Code = OverLimit, abi.CodeLimitExceeded
	}
	var others []string
	for _, p := range refused.Problems {
		e.Problems = append(e.Problems, Problem{Module: p.Module, Message: p.Message, Function: p.Export, Line: p.Line, Column: p.Column})
		if p.Module != "" && p.Module != name && !slices.Contains(others, p.Module) {
			others = append(others, p.Module)
		}
	}
	if len(others) > 0 {
		e.Message += "; concerned as well: " + strings.Join(others, ", ")
	}
	return e
}
