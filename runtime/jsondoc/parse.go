package jsondoc

import "math"

// What may come next at the parser's position.
type state uint8

const (
	wantValue      state = iota
	wantElement          // just after '[': a value or ']'
	wantFirstKey         // just after '{': a key or '}'
	wantKey              // after ',' in an object
	wantCommaOrEnd       // after a value
)

const none = math.MaxUint32

// parser keeps the stack of open containers inside the nodes themselves: Next
// of an open container is its parent until the container closes.
type parser struct {
	doc   *Document
	text  []byte
	pos   int
	open  uint32 // the innermost open container, or none
	depth int
	max   int
}

// Parse reads text, which must be one whole JSON value, and replaces what the
// document held. The document borrows text until the next Parse; d.Nodes is
// reused. The error is a *SyntaxError; the document is then empty.
func (d *Document) Parse(text []byte, o Options) error {
	d.Text, d.Nodes, d.duplicates = text, d.Nodes[:0], o.AllowDuplicateKeys
	p := parser{doc: d, text: text, open: none, max: o.MaxDepth}
	if p.max == 0 {
		p.max = DefaultMaxDepth
	}
	err := p.parse()
	if err != nil {
		d.Text, d.Nodes = nil, d.Nodes[:0]
		return err
	}
	return nil
}

// parse returns a nil interface on success, which a *SyntaxError would not be.
func (p *parser) parse() error {
	if uint64(len(p.text)) >= math.MaxUint32 {
		return &SyntaxError{Message: "text is over 4 GiB", line: 1, column: 1}
	}
	for state := wantValue; ; {
		p.skipSpace()
		if state == wantCommaOrEnd && p.open == none {
			break
		}
		next, err := p.step(state)
		if err != nil {
			return err
		}
		state = next
	}
	if p.pos < len(p.text) {
		return p.fail(p.pos, "text after the value")
	}
	return nil
}

func (p *parser) step(s state) (state, *SyntaxError) {
	if p.pos == len(p.text) {
		return 0, p.fail(p.pos, "unexpected end of text")
	}
	c := p.text[p.pos]
	switch s {
	case wantElement:
		if c == ']' {
			return p.close()
		}
	case wantFirstKey, wantKey:
		if c == '}' && s == wantFirstKey {
			return p.close()
		}
		return p.key(c)
	case wantCommaOrEnd:
		return p.commaOrEnd(c)
	}
	return p.value(c)
}

func (p *parser) value(c byte) (state, *SyntaxError) {
	switch c {
	case '{':
		return wantFirstKey, p.begin(Object)
	case '[':
		return wantElement, p.begin(Array)
	case '"':
		return wantCommaOrEnd, p.string()
	case 't':
		return wantCommaOrEnd, p.literal("true", True)
	case 'f':
		return wantCommaOrEnd, p.literal("false", False)
	case 'n':
		return wantCommaOrEnd, p.literal("null", Null)
	}
	if c == '-' || isDigit(c) {
		return wantCommaOrEnd, p.number()
	}
	return 0, p.fail(p.pos, "expected a value")
}

func (p *parser) key(c byte) (state, *SyntaxError) {
	if c != '"' {
		return 0, p.fail(p.pos, "expected a key in quotes")
	}
	if err := p.string(); err != nil {
		return 0, err
	}
	p.skipSpace()
	if p.pos == len(p.text) || p.text[p.pos] != ':' {
		return 0, p.fail(p.pos, "expected ':' after a key")
	}
	p.pos++
	return wantValue, nil
}

func (p *parser) commaOrEnd(c byte) (state, *SyntaxError) {
	object := p.doc.Nodes[p.open].Kind == Object
	switch {
	case c == ',' && object:
		p.pos++
		return wantKey, nil
	case c == ',':
		p.pos++
		return wantValue, nil
	case c == '}' && object, c == ']' && !object:
		return p.close()
	case object:
		return 0, p.fail(p.pos, "expected ',' or '}'")
	}
	return 0, p.fail(p.pos, "expected ',' or ']'")
}

func (p *parser) begin(k Kind) *SyntaxError {
	if p.depth++; p.depth > p.max {
		return p.failDepth()
	}
	d := p.doc
	d.Nodes = append(d.Nodes, Node{Kind: k, Start: uint32(p.pos), Next: p.open})
	p.open = uint32(len(d.Nodes) - 1)
	p.pos++
	return nil
}

func (p *parser) close() (state, *SyntaxError) {
	p.pos++
	p.depth--
	closed := p.open
	node := &p.doc.Nodes[closed]
	p.open = node.Next
	node.End, node.Next = uint32(p.pos), uint32(len(p.doc.Nodes))
	if node.Kind == Object && !p.doc.duplicates {
		if key, ok := p.doc.duplicateKey(closed); ok {
			return 0, p.failDuplicate(key)
		}
	}
	return wantCommaOrEnd, nil
}

func (p *parser) add(k Kind, start int, escaped bool) {
	d := p.doc
	d.Nodes = append(d.Nodes, Node{
		Kind: k, Escaped: escaped,
		Start: uint32(start), End: uint32(p.pos), Next: uint32(len(d.Nodes) + 1),
	})
}
