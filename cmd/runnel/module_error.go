package main

import (
	"errors"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// moduleError is a module file that a command cannot do with what it should.
type moduleError struct {
	what     string          // the file, and that
	problems []problem.Error // at least one
}

// Error gives the first problem with its place.
func (e moduleError) Error() string { return e.what + ": " + placed(e.problems[0]) }

// moduleProblems says what is wrong with a module and where.
func moduleProblems(err error) []problem.Error {
	var refused *sandbox.AdmissionError
	if errors.As(err, &refused) {
		return problemErrors(refused.Problems)
	}
	var located *wasm.Error
	if !errors.As(err, &located) {
		return []problem.Error{{Message: err.Error()}}
	}
	e := problem.Error{Message: located.Message, Offset: &located.Offset}
	if located.Section != "" {
		e.Message = located.Section + " section: " + e.Message
	}
	if located.Function >= 0 {
		e.Function = fmt.Sprintf("function %d", located.Function)
	}
	return []problem.Error{e}
}

// problemErrors gives admission's problems in the form that the server's
// answers have.
func problemErrors(problems []sandbox.Problem) []problem.Error {
	converted := make([]problem.Error, 0, len(problems))
	for _, p := range problems {
		e := problem.Error{Message: p.Message, Function: p.Function}
		if p.HasOffset {
			e.Offset = &p.Offset
		}
		converted = append(converted, e)
	}
	return converted
}
