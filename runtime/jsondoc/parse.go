package jsondoc

import "math"

const none = math.MaxUint32

// parser keeps the stack of open containers inside the nodes themselves: Next
// of an open container is its parent until the container closes.
type parser struct {
	doc   *Document
	text  []byte
	nodes []Node // the document's, which gets them back at the end
	pos   int
	open  uint32 // the innermost open container, or none
	end   byte   // what closes it
	depth int
	max   int
}

// Parse reads text, which must be one whole JSON value, and replaces what the
// document held. The document borrows text until the next Parse; d.Nodes is
// reused. The error is a *SyntaxError; the document is then empty.
func (d *Document) Parse(text []byte, o Options) error {
	d.Text, d.duplicates = text, o.AllowDuplicateKeys
	p := parser{doc: d, text: text, nodes: d.Nodes[:0], open: none, max: o.MaxDepth}
	if p.max == 0 {
		p.max = DefaultMaxDepth
	}
	err := p.parse()
	d.Nodes = p.nodes
	if err != nil { // returned where there is none, it would be no nil error
		d.Text, d.Nodes = nil, d.Nodes[:0]
		return err
	}
	return nil
}

func (p *parser) parse() *SyntaxError {
	if uint64(len(p.text)) >= math.MaxUint32 {
		return &SyntaxError{Message: "text is over 4 GiB", line: 1, column: 1}
	}
	for more := true; more; {
		begun, err := p.value()
		if err != nil {
			return err
		}
		if more, err = p.next(begun); err != nil {
			return err
		}
	}
	if p.token(); p.pos < len(p.text) {
		return p.fail(p.pos, "text after the value")
	}
	return nil
}

// value reads a value, of an array or object no more than its beginning.
func (p *parser) value() (begun bool, err *SyntaxError) {
	switch c := p.token(); {
	case c == '"':
		return false, p.string()
	case c == '-', isDigit(c):
		return false, p.number()
	case c == '{':
		return true, p.begin(Object, '}')
	case c == '[':
		return true, p.begin(Array, ']')
	case c == 't':
		return false, p.literal("true", True)
	case c == 'f':
		return false, p.literal("false", False)
	case c == 'n':
		return false, p.literal("null", Null)
	}
	return false, p.unexpected("expected a value")
}

// next goes on to the next value, through what ends before it and its key.
// There is no more where the outermost value ends. begun tells that an array
// or object has just begun.
func (p *parser) next(begun bool) (more bool, err *SyntaxError) {
	for p.open != none {
		c := p.token()
		if c == p.end {
			if err := p.close(); err != nil {
				return false, err
			}
			begun = false
			continue
		}
		if !begun {
			if c != ',' {
				return false, p.unexpected("expected ',' or '" + string(p.end) + "'")
			}
			p.pos++
		}
		if p.end == '}' {
			return true, p.key()
		}
		return true, nil
	}
	return false, nil
}

func (p *parser) key() *SyntaxError {
	if p.token() != '"' {
		return p.unexpected("expected a key in quotes")
	}
	if err := p.string(); err != nil {
		return err
	}
	if p.token() != ':' {
		return p.fail(p.pos, "expected ':' after a key")
	}
	p.pos++
	return nil
}

func (p *parser) begin(k Kind, end byte) *SyntaxError {
	if p.depth++; p.depth > p.max {
		return p.failDepth()
	}
	p.nodes = append(p.nodes, Node{Kind: k, Start: uint32(p.pos), Next: p.open})
	p.open, p.end = uint32(len(p.nodes)-1), end
	p.pos++
	return nil
}

func (p *parser) close() *SyntaxError {
	p.pos++
	p.depth--
	closed := p.open
	node := &p.nodes[closed]
	p.open = node.Next
	node.End, node.Next = uint32(p.pos), uint32(len(p.nodes))
	if p.open != none {
		p.end = ']'
		if p.nodes[p.open].Kind == Object {
			p.end = '}'
		}
	}
	if node.Kind == Object && !p.doc.duplicates {
		p.doc.Nodes = p.nodes
		if key, ok := p.doc.duplicateKey(closed); ok {
			return p.failDuplicate(key)
		}
	}
	return nil
}

func (p *parser) add(k Kind, start int, escaped bool) {
	p.nodes = append(p.nodes, Node{})
	// Field by field: a composite would be put together elsewhere, and copied.
	node := &p.nodes[len(p.nodes)-1]
	node.Kind, node.Escaped = k, escaped
	node.Start, node.End, node.Next = uint32(start), uint32(p.pos), uint32(len(p.nodes))
}
