package graph

import (
	"fmt"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Batch is one run of a field's resolver for many parents. It belongs to its
// Execution, and is for the same goroutine.
type Batch struct {
	execution *Execution
	call      *call
	parents   []reached

	resolved bool
	result   Result
	document uint32
	elements []answer // one for each parent
	misfit   string   // what is wrong with the output as a whole
}

// answer is an element of a batch's output.
type answer struct {
	node     uint32
	reported uint32 // the node of abi.ErrorMember, where the element is an error
}

// Field returns the field to resolve. It must not be changed.
func (b *Batch) Field() *ResolvedField { return b.call.field }

// Arguments returns the field's argument values.
func (b *Batch) Arguments() Arguments { return b.call.arguments }

// Len returns the number of parents, which is at least one.
func (b *Batch) Len() int { return len(b.parents) }

// AppendParents appends the parents as a JSON array, in response order: each is
// the text that a resolver put out for it, with all its members.
func (b *Batch) AppendParents(dst []byte) []byte {
	dst = append(dst, '[')
	for i, o := range b.parents {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.execution.documents[o.document].Raw(o.node)...)
	}
	return append(dst, ']')
}

// Resolve gives the batch its result: an array with one value for each parent,
// or an error for all of them. The output must not change before the response is
// appended. An output that is no such array is reported to its Misfits, at every
// path, when the response is appended.
func (b *Batch) Resolve(r Result) {
	b.resolved, b.result = true, r
	if r.Err != nil {
		return
	}
	doc := new(jsondoc.Document)
	// An element may nest as deep as the output of a root field.
	if err := doc.Parse(r.Output, jsondoc.Options{AllowDuplicateKeys: true, MaxDepth: jsondoc.DefaultMaxDepth + 1}); err != nil {
		b.misfit = "the output is not valid JSON: " + err.Error()
		return
	}
	if kind := doc.Nodes[0].Kind; kind != jsondoc.Array {
		b.misfit = fmt.Sprintf("expected an array of %d values, one for each parent, got %v", len(b.parents), kind)
		return
	}
	elements := make([]answer, 0, len(b.parents))
	count := 0
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n].Next {
		if count++; count <= len(b.parents) {
			elements = append(elements, answer{n, errorOf(doc, n)})
		}
	}
	if count != len(b.parents) {
		b.misfit = fmt.Sprintf("expected an array of %d values, one for each parent, got %d", len(b.parents), count)
		return
	}
	e := b.execution
	b.elements, b.document = elements, uint32(len(e.documents))
	e.documents = append(e.documents, doc)
	e.hold(doc)
}

// fits tells whether the batch has a value, or an error, for each parent.
func (b *Batch) fits() bool { return b.elements != nil }

// errorOf returns the node of the error that an element is instead of a value; 0
// where it is a value.
func errorOf(doc *jsondoc.Document, n uint32) (reported uint32) {
	if doc.Nodes[n].Kind == jsondoc.Object {
		reported, _ = doc.Member(n, abi.ErrorMember)
	}
	return reported
}

// elementError reads {"message", "extensions"}, as a resolver gives it to fail;
// nil where it has no message. A code in the extensions is the error's.
func elementError(doc *jsondoc.Document, n uint32) *Error {
	if doc.Nodes[n].Kind != jsondoc.Object {
		return nil
	}
	message, ok := doc.Member(n, "message")
	if !ok || doc.Nodes[message].Kind != jsondoc.String {
		return nil
	}
	err := &Error{Message: string(doc.AppendString(nil, message)), Code: abi.CodeResolverError}
	extensions, ok := doc.Member(n, "extensions")
	if !ok || doc.Nodes[extensions].Kind != jsondoc.Object {
		return err
	}
	err.Extensions = doc.Raw(extensions)
	code, ok := doc.Member(extensions, "code")
	if ok && doc.Nodes[code].Kind == jsondoc.String && !doc.StringEquals(code, "") {
		err.Code = abi.Code(doc.AppendString(nil, code))
	}
	return err
}

// batched appends the value of a field that a batch has resolved, on the object
// at node n.
func (p *projector) batched(f *field, n uint32) bool {
	e := p.execution
	if e == nil {
		return p.refused(f, e.unresolved())
	}
	c := e.call(f)
	if c.err != nil {
		return p.refused(f, c.err)
	}
	at, ok := e.found[place{p.number, n, c.id}]
	if !ok || !at.batch.resolved {
		return p.refused(f, e.unresolved())
	}
	outer := p.origin
	p.misfits = at.batch.result.Misfits
	ok = p.element(f, at)
	p.origin = outer
	return ok
}

func (p *projector) element(f *field, at element) bool {
	b := at.batch
	switch {
	case b.result.Err != nil:
		return p.refused(f, b.result.Err)
	case !b.fits():
		p.fail(f, abi.CodeBadOutput, b.misfit)
		return p.null(f.shape)
	}
	p.doc, p.number = p.execution.documents[b.document], b.document
	v := b.elements[at.index]
	if v.reported == 0 {
		return p.value(f, f.shape, v.node)
	}
	if err := elementError(p.doc, v.reported); err != nil {
		return p.refused(f, err)
	}
	p.fail(f, abi.CodeBadOutput, "expected "+abi.ErrorMember+" to be an object with a message")
	return p.null(f.shape)
}
