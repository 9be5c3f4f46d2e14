package graph

import (
	"fmt"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// scanError is why a text is refused before it is parsed.
type scanError struct {
	Message      string
	Line, Column int
	reason       scanReason
}

type scanReason uint8

const (
	tooDeep scanReason = iota
	tooManyTokens
	noToken // the parser may have met an error earlier in the text
)

// scan counts tokens and open brackets without recursion, so that the parser,
// which recurses once per bracket, never meets a text that is too deep.
func scan(source *ast.Source, maxTokens, maxDepth int) *scanError {
	if !utf8.ValidString(source.Input) {
		return &scanError{Message: "text is not valid UTF-8", Line: 1, Column: 1}
	}
	lex := lexer.New(source)
	for count, depth := 0, 0; ; count++ {
		token, err := lex.ReadToken()
		// The lexer returns a typed nil with good tokens.
		if e, ok := err.(*gqlerror.Error); ok && e != nil {
			return &scanError{e.Message, token.Pos.Line, token.Pos.Column, noToken}
		}
		if token.Kind == lexer.EOF {
			return nil
		}
		if maxTokens > 0 && count == maxTokens {
			return &scanError{fmt.Sprintf("more than %d tokens", maxTokens), token.Pos.Line, token.Pos.Column, tooManyTokens}
		}
		switch token.Kind {
		case lexer.BraceL, lexer.BracketL, lexer.ParenL:
			if depth++; depth > maxDepth {
				return &scanError{fmt.Sprintf("more than %d levels of nesting", maxDepth), token.Pos.Line, token.Pos.Column, tooDeep}
			}
		case lexer.BraceR, lexer.BracketR, lexer.ParenR:
			depth--
		}
	}
}

// hides tells whether the parser's error at a place is only that it has met
// what is no token.
func (e *scanError) hides(line, column int) bool {
	return e != nil && (line > e.Line || (line == e.Line && column >= e.Column))
}
