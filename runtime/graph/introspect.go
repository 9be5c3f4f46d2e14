package graph

import (
	"bytes"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// introspection is a schema described as JSON, in the shape of the types of
// introspection, with one difference: a type that is not a wrapper is the
// string of its name wherever it is referred to. The projector follows it.
type introspection struct {
	doc   jsondoc.Document
	types map[string]uint32 // nodes of the types in full
}

// follow returns the node that a reference stands for, or the node itself.
func (i *introspection) follow(s *selection, n uint32) uint32 {
	if !s.metaType || i.doc.Nodes[n].Kind != jsondoc.String {
		return n
	}
	return i.types[string(i.doc.AppendString(nil, n))]
}

// introspected appends __schema or __type(name:).
func (p *projector) introspected(f *field) bool {
	outer, start := p.doc, len(p.dst)
	p.meta = p.operation.plan.schema.introspection()
	p.doc, p.metaStart, p.metaOver = &p.meta.doc, start, false
	ok := p.introspectedValue(f)
	if p.metaOver {
		p.dst = p.dst[:start]
		ok = p.null(f.shape)
	}
	p.doc, p.meta = outer, nil
	return ok
}

func (p *projector) introspectedValue(f *field) bool {
	if f.source == fromSchema {
		return p.value(f, f.shape, 0)
	}
	n, ok := p.meta.types[p.stringArgument(f)]
	if !ok {
		return p.missing(f, f.shape)
	}
	return p.value(f, f.shape, n)
}

// metaTooLarge tells whether an introspection result has grown too large. It
// is then given up as a whole: aliases could ask for every type many times.
func (p *projector) metaTooLarge(f *field) bool {
	if !p.metaOver && len(p.dst)-p.metaStart > maxIntrospectionBytes {
		p.metaOver = true
		p.fail(f, abi.CodeLimitExceeded, "the introspection result is too large")
	}
	return p.metaOver
}

// stringArgument evaluates the only argument of a field of introspection.
func (p *projector) stringArgument(f *field) string {
	var d jsondoc.Document
	if text := p.argument(f); d.Parse(text, jsondoc.Options{}) == nil && d.Nodes[0].Kind == jsondoc.String {
		return string(d.AppendString(nil, 0))
	}
	return ""
}

func (p *projector) argument(f *field) []byte {
	b := binding{plan: p.operation.plan, variables: p.operation.variables, budget: maxInputBytes}
	text, err := b.argument(&f.arguments[0])
	if err != nil {
		return nil
	}
	return text
}

// hides tells whether an element is deprecated and not asked for.
func (p *projector) hides(f *field, n uint32) bool {
	deprecated, ok := p.doc.Member(n, "isDeprecated")
	if !ok || p.doc.Nodes[deprecated].Kind != jsondoc.True {
		return false
	}
	return !bytes.Equal(p.argument(f), []byte("true"))
}
