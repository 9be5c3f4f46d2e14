package graph

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
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
	badToken
	noToken // the parser may have met an error earlier in the text
)

// scan counts tokens and open brackets without recursion, so that the parser,
// which recurses once per bracket, never meets a text that is too deep.
func scan(source *ast.Source, maxTokens, maxDepth int) *scanError {
	if !utf8.ValidString(source.Input) {
		return &scanError{Message: "text is not valid UTF-8", Line: 1, Column: 1}
	}
	lex := lexer.New(source)
	s := surrogates{rest: source.Input, escapes: strings.Contains(source.Input, `\u`)}
	var number ast.Position // of the last one
	for count, depth := 0, 0; ; count++ {
		token, err := lex.ReadToken()
		// The lexer returns a typed nil with good tokens.
		if e, ok := err.(*gqlerror.Error); ok && e != nil {
			return &scanError{e.Message, token.Pos.Line, token.Pos.Column, noToken}
		}
		if token.Kind == lexer.EOF {
			return nil
		}
		switch token.Kind {
		case lexer.Int, lexer.Float:
			number = token.Pos
		case lexer.Name, lexer.Spread: // 1x and 1.5... are no two tokens, though the lexer has it so
			if number.Src != nil && token.Pos.Start == number.End {
				return &scanError{"a number ends in what cannot follow one", token.Pos.Line, token.Pos.Column, badToken}
			}
		}
		if token.Kind == lexer.String && s.lone(token.Pos.Start, token.Pos.End) {
			return &scanError{"a \\u escape is half of a surrogate pair", token.Pos.Line, token.Pos.Column - 1, badToken} // counted behind the quote
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

// surrogates finds escapes that are half of a surrogate pair, which the lexer
// lets pass as U+FFFD. Its positions are counted in characters, in order.
type surrogates struct {
	escapes bool   // there are some at all
	rest    string // from the character at
	at      int
}

// lone looks at the text of one token.
func (s *surrogates) lone(start, end int) bool {
	if !s.escapes {
		return false
	}
	s.skip(start)
	text := s.rest
	s.skip(end)
	text = text[:len(text)-len(s.rest)]
	for {
		at := strings.IndexByte(text, '\\')
		if at < 0 || at+1 >= len(text) {
			return false
		}
		text = text[at:]
		first, escaped := escapedUnit(text)
		if !escaped || !utf16.IsSurrogate(first) {
			text = text[2:]
			continue
		}
		second, _ := escapedUnit(text[6:])
		if utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		text = text[12:]
	}
}

func (s *surrogates) skip(to int) {
	for ; s.at < to && s.rest != ""; s.at++ {
		_, size := utf8.DecodeRuneInString(s.rest)
		s.rest = s.rest[size:]
	}
}

// escapedUnit reads an escape of four hex digits, \u0041.
func escapedUnit(text string) (rune, bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(unit), err == nil
}
