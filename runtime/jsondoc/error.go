package jsondoc

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// SyntaxError tells why a text is refused, and where.
type SyntaxError struct {
	Offset  int // of the offending byte
	Message string

	line, column int
}

// Error gives the message with line and column.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at line %d, column %d", e.Message, e.line, e.column)
}

// Line is the line of Offset, counted from 1.
func (e *SyntaxError) Line() int { return e.line }

// Column is the place of Offset in its line, in characters, counted from 1.
func (e *SyntaxError) Column() int { return e.column }

func (p *parser) fail(offset int, message string) *SyntaxError {
	before := p.text[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Offset:  offset,
		Message: message,
		line:    bytes.Count(before, []byte{'\n'}) + 1,
		column:  utf8.RuneCount(before[start:]) + 1,
	}
}

func (p *parser) failDepth() *SyntaxError {
	return p.fail(p.pos, fmt.Sprintf("more than %d levels of nesting", p.max))
}

// Keys in messages are cut: a text must not choose the length of its error.
const maxKeyInMessage = 64

func (p *parser) failDuplicate(key uint32) *SyntaxError {
	name := p.doc.AppendString(nil, key)
	if len(name) > maxKeyInMessage {
		name = append(bytes.ToValidUTF8(name[:maxKeyInMessage], nil), "…"...)
	}
	return p.fail(int(p.doc.Nodes[key].Start), fmt.Sprintf("duplicate key %q", name))
}
