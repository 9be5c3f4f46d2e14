package graph

import (
	"fmt"
	"math"
	"strconv"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// leaf appends the node's value as a leaf type has it: coerced as graphql-js
// coerces results. false means that it does not fit; nothing counts of what was
// appended.
func (p *projector) leaf(s *shape, n uint32) bool {
	node := &p.doc.Nodes[n]
	raw := p.doc.Text[node.Start:node.End]
	switch s.leaf {
	case leafInt:
		if node.Kind != jsondoc.Number {
			return p.coerced(s, n)
		}
		i, integral, fits := parseInt(raw)
		p.dst = strconv.AppendInt(p.dst, i, 10)
		return integral && fits
	case leafFloat:
		if node.Kind != jsondoc.Number {
			return p.coerced(s, n)
		}
		p.dst = append(p.dst, raw...)
		return isFinite(raw)
	case leafString, leafID:
		if node.Kind != jsondoc.String {
			return p.coerced(s, n)
		}
		p.dst = append(p.dst, raw...)
		return true
	case leafBoolean:
		if node.Kind != jsondoc.True && node.Kind != jsondoc.False {
			return p.coerced(s, n)
		}
		p.dst = append(p.dst, raw...)
		return true
	case leafEnum:
		if node.Kind != jsondoc.String {
			return false
		}
		if node.Escaped {
			p.scratch = append(p.doc.AppendString(append(p.scratch[:0], '"'), n), '"')
			raw = p.scratch
		}
		p.dst = append(p.dst, raw...)
		return s.enum[string(raw[1:len(raw)-1])]
	}
	p.dst = jsondoc.AppendCompact(p.dst, raw)
	return true
}

// coerced is leaf for what has another kind than the type's own.
func (p *projector) coerced(s *shape, n uint32) bool {
	kind, raw := p.doc.Nodes[n].Kind, p.doc.Raw(n)
	truth := kind == jsondoc.True
	boolean := truth || kind == jsondoc.False
	ok := false
	switch {
	case boolean && (s.leaf == leafInt || s.leaf == leafFloat):
		digit := byte('0')
		if truth {
			digit = '1'
		}
		p.dst, ok = append(p.dst, digit), true
	case kind == jsondoc.String && (s.leaf == leafInt || s.leaf == leafFloat):
		p.scratch = p.doc.AppendString(p.scratch[:0], n)
		f, numeric := numberOf(string(p.scratch))
		ok = numeric && (s.leaf == leafFloat || (f == math.Trunc(f) && f >= math.MinInt32 && f <= math.MaxInt32))
		p.dst = appendFloat(p.dst, f)
	case boolean && s.leaf == leafString:
		p.dst, ok = append(append(append(p.dst, '"'), raw...), '"'), true
	case kind == jsondoc.Number && s.leaf == leafBoolean:
		f, err := strconv.ParseFloat(string(raw), 64)
		p.dst, ok = strconv.AppendBool(p.dst, f != 0), err == nil
	case kind == jsondoc.Number:
		p.dst = append(p.dst, '"')
		p.dst, ok = appendNumberText(p.dst, raw, s.leaf == leafID)
		p.dst = append(p.dst, '"')
	}
	return ok
}

// misfit reports a value of the wrong type. Values are not in the message: they
// may be what the subscriber must not see.
func (p *projector) misfit(f *field, s *shape, got string) {
	if !p.leavesOut() {
		p.fail(f, abi.CodeBadOutput, "expected "+s.text+", got "+got)
	}
}

// misread says what a node is that does not fit a leaf.
func (p *projector) misread(s *shape, n uint32) string {
	got := p.doc.Nodes[n].Kind.String()
	switch s.leaf {
	case leafInt:
		if got == "number" {
			return "a number that is no 32-bit integer"
		}
	case leafFloat:
		if got == "number" {
			return "a number out of range"
		}
	case leafID:
		if got == "number" {
			return "a number that is no integer"
		}
	case leafEnum:
		if got == "string" {
			return "a string that is none of its values"
		}
	}
	return got
}

// fail reports an error of a field's output at the path where the projector is.
func (p *projector) fail(f *field, code abi.Code, message string) {
	if p.leavesOut() {
		return
	}
	p.faulty(&Error{
		Message: f.parent + "." + f.name + ": " + message,
		Code:    code, Path: p.pathNow(), Locations: p.operation.locations(f),
	})
}

// exceeded reports a limit that the value of a field meets.
func (p *projector) exceeded(f *field, limit, message string) {
	if p.leavesOut() {
		return
	}
	err := limitError(limit, "%s.%s: %s", f.parent, f.name, message)
	err.Path, err.Locations = p.pathNow(), p.operation.locations(f)
	if p.meta != nil { // the schema is no resolver's output
		p.add(err)
		return
	}
	p.faulty(err)
}

// faulty adds an error that the output caused.
func (p *projector) faulty(err *Error) {
	if p.misfits != nil {
		err = p.misfits.Report(err)
	}
	p.add(err)
}

// addHere adds an error that was found before the path to it was known.
func (p *projector) addHere(err *Error) {
	if p.leavesOut() {
		return
	}
	here := *err
	here.Path = p.pathNow()
	p.add(&here)
}

func (p *projector) add(err *Error) { p.errs = append(p.errs, err) }

// leavesOut tells whether the response has as many errors as it may, and counts
// the one that is then not made: of hostile output there can be millions.
func (p *projector) leavesOut() bool {
	if len(p.errs) < maxErrors {
		return false
	}
	p.unreported++
	return true
}

// more stands for the errors that a response leaves out.
func (p *projector) more() *Error {
	return &Error{Message: fmt.Sprintf("%d more errors are left out", p.unreported), Code: abi.CodeBadOutput}
}

func (p *projector) pathNow() []any {
	path := make([]any, len(p.path))
	for i, s := range p.path {
		if s.field != nil {
			path[i] = s.field.key
		} else {
			path[i] = s.index
		}
	}
	return path
}
