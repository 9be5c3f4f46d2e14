package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
)

// usageError is a mistake in the command line.
type usageError struct {
	error
	usage string // of the command; may be empty
}

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, arguments ...any) error {
	return usageError{error: fmt.Errorf(format, arguments...)}
}

var errNoCommand = usageError{error: errors.New("no command")}

func exitOf(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// report prints err, where there is one, and returns the exit code. Whatever a
// server or a file put into the error, a terminal only shows it.
func report(std streams, who string, err error) int {
	if err == nil {
		return exitDone
	}
	// There is nobody to tell where stderr cannot be written.
	if std.json {
		_, _ = std.err.Write(append(terminalJSON(errorJSON(err)), '\n'))
	} else {
		_, _ = fmt.Fprintf(std.err, "%s: %s\n", who, terminalText(errorText(err)))
	}
	return exitOf(err)
}

// errorText gives the error with everything that a problem or a refused
// operation lists, one line each.
func errorText(err error) string {
	var answer problem.Problem
	var refused operationError
	var usage usageError
	switch {
	case errors.As(err, &answer):
		return problemText(answer)
	case errors.As(err, &refused):
		return refused.text()
	case errors.As(err, &usage) && usage.usage != "":
		return err.Error() + "\nusage: " + usage.usage
	}
	return err.Error()
}

// failure is an error as --json prints it: a title, and what else a problem, a
// refused operation or a module says.
type failure struct {
	Title  string   `json:"title"`
	Status int      `json:"status,omitempty"`
	Code   abi.Code `json:"code,omitempty"`
	Limit  string   `json:"limit,omitempty"`
	Errors any      `json:"errors,omitempty"`
}

func errorJSON(err error) []byte {
	var answer problem.Problem
	var refused operationError
	var module moduleError
	switch {
	case errors.As(err, &module):
		return marshal(failure{Title: module.what, Errors: module.problems})
	case errors.As(err, &answer):
		f := failure{Title: titleOf(answer), Status: answer.Status, Code: answer.Code, Limit: answer.Limit}
		if len(answer.Errors) > 0 {
			f.Errors = answer.Errors
		}
		return marshal(f)
	case errors.As(err, &refused):
		return marshal(failure{Title: refused.Error(), Errors: refused.raw})
	}
	return marshal(failure{Title: err.Error()})
}

func titleOf(p problem.Problem) string {
	return cmp.Or(p.Title, http.StatusText(p.Status))
}

func problemText(p problem.Problem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, titleOf(p))
	if p.Code != "" {
		fmt.Fprintf(&b, " (%s", p.Code)
		if p.Limit != "" {
			fmt.Fprintf(&b, ", limit %s", p.Limit)
		}
		b.WriteString(")")
	}
	for _, e := range p.Errors {
		e.Message = advised(e.Message)
		b.WriteString("\n  ")
		b.WriteString(placed(e))
	}
	return b.String()
}

// withoutPlaces takes the places from a refusal of JSON that this tool has written:
// the user has never seen that.
func withoutPlaces(err error) error {
	var answer problem.Problem
	if !errors.As(err, &answer) || answer.Status != http.StatusBadRequest {
		return err // such as one that is about a module
	}
	answer.Errors = slices.Clone(answer.Errors)
	for i := range answer.Errors {
		answer.Errors[i].Offset, answer.Errors[i].Line, answer.Errors[i].Column = nil, 0, 0
	}
	return answer
}

// inCommands says in commands what the server says in requests.
var inCommands = strings.NewReplacer(
	"GET /v1/tenants lists all", "runnel tenants lists all",
	"GET …/modules lists all", "runnel modules lists all",
	"GET …/keys lists all", "runnel keys lists all",
	"GET …/subscriptions lists all", "runnel subscriptions lists all",
	"PATCH changes its limits", "runnel tenants set changes its limits",
	"PUT …/modules/{module} uploads one", "runnel push uploads one",
	"PUT …/config sets one", "runnel config set sets one",
	"the header Authorization must carry", "RUNNEL_TOKEN, or --token, must be",
	": Bearer …", "",
)

// advised adds what the server does not say, since it does not know of it.
func advised(message string) string {
	if strings.HasPrefix(message, "nothing is served at ") {
		return message + "; a server with --admin-listen has an address for operators (/v1) and one for subscribers: give the other one by --server"
	}
	return inCommands.Replace(message)
}

// placed gives an error's message behind its place.
func placed(e problem.Error) string {
	var place []string
	if e.Function != "" {
		place = append(place, e.Function)
	}
	if e.Offset != nil {
		place = append(place, fmt.Sprintf("offset %d", *e.Offset))
	}
	if e.Line > 0 {
		place = append(place, fmt.Sprintf("line %d", e.Line))
	}
	if e.Column > 0 {
		place = append(place, fmt.Sprintf("column %d", e.Column))
	}
	return behind(place, e.Message)
}

// behind puts a place before a message and indents the message's further lines,
// so that none looks like a line of this tool.
func behind(place []string, message string) string {
	message = strings.ReplaceAll(message, "\n", "\n    ")
	if len(place) == 0 {
		return message
	}
	return strings.Join(place, ", ") + ": " + message
}
