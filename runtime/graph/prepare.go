package graph

import (
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/runnel-dev/runnel/abi"
)

// Prepare parses, validates and compiles an operation. The plan does not
// depend on variables or on who asks: it may be kept and bound many times,
// concurrently. operationName may be empty where the text holds one operation.
func (s *Schema) Prepare(query, operationName string, l Limits) (*Plan, Errors) {
	l = l.withDefaults()
	if len(query) > l.QueryBytes {
		return nil, Errors{limitError("queryBytes", "the operation has %d bytes, over the limit of %d", len(query), l.QueryBytes)}
	}
	doc, err := parse(query, l)
	if err != nil {
		return nil, Errors{err}
	}
	if errs := s.validate(doc, l); errs != nil {
		return nil, errs
	}
	op, err := selectOperation(doc, operationName)
	if err != nil {
		return nil, Errors{err}
	}
	return compile(s, op, l)
}

func parse(query string, l Limits) (*ast.QueryDocument, *Error) {
	source := &ast.Source{Input: straightened(query)}
	scanned := scan(source, l.QueryTokens, maxNesting)
	if scanned != nil && scanned.reason != noToken {
		return nil, scanned.asError()
	}
	doc, err := parser.ParseQuery(source)
	if err != nil {
		e := &Error{Message: err.Error(), Code: abi.CodeParseFailed}
		var foreign *gqlerror.Error
		if errors.As(err, &foreign) {
			e.Message, e.Locations = foreign.Message, locations(foreign.Locations)
		}
		if len(e.Locations) > 0 && scanned.hides(e.Locations[0].Line, e.Locations[0].Column) {
			return nil, scanned.asError()
		}
		return nil, e
	}
	for _, op := range doc.Operations {
		if err := constantDirectives(op); err != nil {
			return nil, err
		}
	}
	for _, f := range doc.Fragments {
		if len(f.VariableDefinition) > 0 {
			return nil, &Error{
				Message: "fragments have no variables of their own", Code: abi.CodeParseFailed,
				Locations: []Location{locationOf(f.VariableDefinition[0].Position)},
			}
		}
	}
	if len(doc.Operations)+len(doc.Fragments) == 0 {
		return nil, &Error{Message: "Syntax Error: the document holds no operation.", Code: abi.CodeParseFailed}
	}
	return doc, nil
}

func (e *scanError) asError() *Error {
	at := []Location{{e.Line, e.Column}}
	if e.reason == tooManyTokens {
		err := limitError("queryTokens", "the operation has %s", e.Message)
		err.Locations = at
		return err
	}
	return &Error{Message: e.Message, Code: abi.CodeParseFailed, Locations: at}
}

// selectOperation picks an operation as graphql-js does, with its messages.
func selectOperation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, *Error) {
	if name == "" {
		if len(doc.Operations) == 1 {
			return doc.Operations[0], nil
		}
		return nil, invalid(nil, "Must provide operation name if query contains multiple operations.")
	}
	for _, op := range doc.Operations {
		if op.Name == name {
			return op, nil
		}
	}
	return nil, invalid(nil, "Unknown operation named %s.", quoted(name))
}

// invalid makes a validation error. A nil position leaves the location out.
func invalid(at *ast.Position, format string, args ...any) *Error {
	e := &Error{Message: fmt.Sprintf(format, args...), Code: abi.CodeValidationFailed}
	if at != nil {
		e.Locations = []Location{locationOf(at)}
	}
	return e
}

func locationOf(at *ast.Position) Location { return Location{at.Line, at.Column} }

func locations(foreign []gqlerror.Location) []Location {
	var out []Location
	for _, l := range foreign {
		if l.Line > 0 {
			out = append(out, Location{l.Line, l.Column})
		}
	}
	return out
}
