package graph

import (
	"slices"
	"sync"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Result is what a run gave for one root field.
type Result struct {
	Output []byte // the field's value as JSON; empty is null
	Err    *Error // a field error instead; its path and locations are filled in where it has none
	// Misfits decides what is said of output that does not fit the schema. Nil says
	// what is wrong with it.
	Misfits Misfits
}

// Misfits hears of output that does not fit the schema.
type Misfits interface {
	// Report takes an error that the output caused, and returns the one that the
	// response has instead. The error it is given is not to be changed.
	Report(e *Error) *Error
}

// AppendResponse appends the whole response, {"data":…} or
// {"errors":…,"data":…}, given one result for each of Roots. What does not fit
// the schema is null with an error that says what and where. Response keys are
// in the order of the operation. The results are only read. Nothing is
// allocated but errors, and once what dst lacks.
//
// An operation that HasBatches is executed with Begin: without it, the fields
// that are resolved in batches are errors.
func (o *Operation) AppendResponse(dst []byte, results []Result) []byte {
	return o.project(dst, results, nil)
}

// project appends the response, given what batches have resolved; nil where
// there are none.
func (o *Operation) project(dst []byte, results []Result, e *Execution) []byte {
	p := projectors.Get().(*projector)
	defer p.release()
	p.operation, p.results, p.execution = o, results, e
	if !p.object(o.plan.root, 0, nil) {
		p.dst = append(p.dst[:0], "null"...)
	}
	if len(p.errs) > 0 { // before the data, as the specification asks
		if p.unreported > 0 {
			p.errs = append(p.errs, p.more())
		}
		dst = append(dst, `{"errors":`...)
		dst = append(p.errs.Append(dst), ',')
	} else {
		dst = append(slices.Grow(dst, len(p.dst)+len(`{"data":}`)), '{')
	}
	dst = append(dst, `"data":`...)
	dst = append(dst, p.dst...)
	return append(dst, '}')
}

// projector writes one response. Its recursion follows the plan, not the
// output: what nests deeper than the selection is never walked.
type projector struct {
	operation *Operation
	results   []Result
	next      int // result of the next root field
	execution *Execution
	dst       []byte // the data
	discarded int    // bytes of data that an error has made null
	looked    int    // at members of objects
	over      bool   // it is too large, or takes too long, and all of it is given up
	origin
	meta      *introspection // where doc is the schema's own
	metaStart int            // of the introspection result in dst
	metaOver  bool           // it is too large and is given up

	slots   []uint32 // member nodes of the objects around, innermost last; 0 is a missing member
	path    []step
	scratch []byte

	errs       Errors
	unreported int // errors over maxErrors

	output jsondoc.Document
}

// origin is where the nodes come from that the projector is at.
type origin struct {
	doc     *jsondoc.Document
	number  uint32  // of the document in the execution, where there is one
	misfits Misfits // of the run that put it out
}

// step is one element of a path: a field, or an index where field is nil.
type step struct {
	field *field
	index int
}

var projectors = sync.Pool{New: func() any { return new(projector) }}

// slotsPerMember is how many slots are cleared in the time of a look at a member.
const slotsPerMember = 16

// Capacity that a projector in the pool may keep.
const (
	maxKeptNodes = 64 << 10
	maxKeptBytes = 1 << 20
)

func (p *projector) release() {
	kept := projector{dst: p.dst[:0], slots: p.slots[:0], path: p.path[:0], scratch: p.scratch[:0], output: p.output}
	kept.output.Text = nil
	clear(p.path[:cap(p.path)])
	if cap(p.output.Nodes) > maxKeptNodes || cap(p.slots) > maxKeptNodes || max(cap(p.dst), cap(p.scratch)) > maxKeptBytes {
		kept = projector{}
	}
	*p = kept
	projectors.Put(p)
}

// object appends what a selection asks of the object at node n. false means
// that a field that must not be null is: the caller discards what was
// appended. The root has no node and no document.
func (p *projector) object(s *selection, n uint32, doc *jsondoc.Document) bool {
	if err := p.operation.broken[s.id]; err != nil {
		p.addHere(err)
		return false
	}
	base := len(p.slots)
	p.slots = slices.Grow(p.slots, len(s.members.names))[:base+len(s.members.names)]
	slots := p.slots[base:]
	clear(slots)
	if doc != nil {
		var members int
		p.scratch, members = s.match(doc, n, slots, p.scratch)
		if p.tooLong(members + len(slots)/slotsPerMember) {
			p.slots = p.slots[:base]
			return false
		}
	}
	p.path = append(p.path, step{})
	p.dst = append(p.dst, '{')
	ok := true
	for i, f := range p.operation.fields(s) {
		if i > 0 {
			p.dst = append(p.dst, ',')
		}
		p.dst = append(p.dst, f.keyJSON...)
		p.path[len(p.path)-1].field = f
		if ok = p.field(f, s, base, n) && !p.tooLarge(); !ok {
			break
		}
	}
	p.dst = append(p.dst, '}')
	p.path = p.path[:len(p.path)-1]
	p.slots = p.slots[:base]
	return ok
}

// match finds the members of the object at node n that a selection reads. Of a
// name that comes twice, the last counts. It returns the scratch and how many
// members it has looked at. See BenchmarkProject.
func (s *selection) match(doc *jsondoc.Document, n uint32, slots []uint32, scratch []byte) (kept []byte, members int) {
	hint := 0
	nodes := doc.Nodes
	for key, end := n+1, nodes[n].Next; key < end; key = nodes[key+1].Next {
		node := &nodes[key]
		name := doc.Text[node.Start+1 : node.End-1]
		if node.Escaped {
			scratch = doc.AppendString(scratch[:0], key)
			name = scratch
		}
		if i := s.members.find(name, hint); i >= 0 {
			slots[i] = key + 1
			hint = i + 1
		}
		members++
	}
	return scratch, members
}

// field appends the value of a field of the object at node n, whose slots begin
// at base.
func (p *projector) field(f *field, s *selection, base int, n uint32) bool {
	if p.operation.denies(f) {
		if !p.leavesOut() {
			p.add(p.operation.forbidden(f, p.pathNow()))
		}
		return p.null(f.shape)
	}
	if err := p.operation.failed[f.id]; err != nil {
		p.addHere(err)
		return p.null(f.shape)
	}
	switch f.source {
	case fromTypename:
		p.dst = jsondoc.AppendQuoted(p.dst, s.typeName)
		return true
	case fromPlaceholder:
		p.dst = append(p.dst, `"runnel"`...)
		return true
	case fromResolver:
		return p.resolved(f)
	case fromBatch:
		return p.batched(f, n)
	case fromSchema, fromType:
		return p.introspected(f)
	}
	member := p.slots[base+f.slot]
	if member == 0 {
		return p.missing(f, f.shape)
	}
	return p.value(f, f.shape, member)
}

// resolved appends the result of a run.
func (p *projector) resolved(f *field) bool {
	number := p.next
	r := &p.results[number]
	p.next++
	p.misfits, p.number = r.Misfits, uint32(number)
	if r.Err != nil {
		return p.refused(f, r.Err)
	}
	if len(r.Output) == 0 {
		return p.missing(f, f.shape)
	}
	if p.execution != nil && p.execution.documents[number] != nil {
		p.doc = p.execution.documents[number]
		return p.value(f, f.shape, 0)
	}
	if err := p.output.Parse(r.Output, jsondoc.Options{AllowDuplicateKeys: true}); err != nil {
		p.fail(f, abi.CodeBadOutput, "the output is not valid JSON: "+err.Error())
		return p.null(f.shape)
	}
	p.doc = &p.output
	return p.value(f, f.shape, 0)
}

// refused ends a field that has an error instead of a value.
func (p *projector) refused(f *field, e *Error) bool {
	if p.leavesOut() {
		return p.null(f.shape)
	}
	err := *e
	if err.Path == nil {
		err.Path = p.pathNow()
	}
	if err.Locations == nil {
		err.Locations = p.operation.locations(f)
	}
	p.add(&err)
	return p.null(f.shape)
}

// tooLarge tells whether the response has grown too large. Then nothing of it
// is left: each caller gives up, up to the root. What was discarded counts: it
// took as long, and there could be any amount of it.
func (p *projector) tooLarge() bool {
	switch {
	case len(p.dst)+p.discarded <= maxResponseBytes:
		return false
	case len(p.dst) > maxResponseBytes:
		return p.giveUp("the response is larger than %d bytes", maxResponseBytes)
	}
	return p.giveUp("the response, with what errors have made null, is larger than %d bytes", maxResponseBytes)
}

// tooLong counts members that were looked at, and tells whether they are too many:
// as where the response is too large, nothing of it is left then.
func (p *projector) tooLong(members int) bool {
	p.looked += members
	return p.looked > maxLookedAt && p.giveUp("finding what the response is made of looks at more than %d members of objects", maxLookedAt)
}

// giveUp gives up all of the response with one error. It returns true.
func (p *projector) giveUp(message string, most int) bool {
	if !p.over {
		p.over = true
		err := limitError("outputBytes", message, most)
		err.Path = p.pathNow()
		p.errs, p.unreported = Errors{err}, 0
	}
	return true
}

// value appends a value with its wrappers. false means null where there must
// be none; an error says so already.
func (p *projector) value(f *field, s *shape, n uint32) bool {
	if p.doc.Nodes[n].Kind == jsondoc.Null {
		return p.missing(f, s)
	}
	start := len(p.dst)
	var ok bool
	switch {
	case s.elem != nil:
		ok = p.list(f, s, n)
	case s.leaf == leafObject:
		ok = p.composite(f, s, f.sub, n)
	case s.leaf == leafAbstract:
		ok = p.abstract(f, s, n)
	default:
		ok = p.leaf(s, n)
		if !ok {
			p.misfit(f, s, p.misread(s, n))
		}
	}
	if ok {
		return true
	}
	p.discarded += len(p.dst) - start
	p.dst = p.dst[:start]
	return p.null(s)
}

// null ends a value that has an error already.
func (p *projector) null(s *shape) bool {
	if s.nonNull || p.over {
		return false
	}
	p.dst = append(p.dst, "null"...)
	return true
}

// missing ends a value that is null, or not there, in the output itself.
func (p *projector) missing(f *field, s *shape) bool {
	if s.nonNull {
		p.misfit(f, s, "null")
		return false
	}
	p.dst = append(p.dst, "null"...)
	return true
}

func (p *projector) list(f *field, s *shape, n uint32) bool {
	nodes := p.doc.Nodes
	if nodes[n].Kind != jsondoc.Array {
		p.misfit(f, s, p.doc.Nodes[n].Kind.String())
		return false
	}
	if p.meta == nil && p.operation.tooLong(p.doc, n) {
		p.exceeded(f, "listItems", "the list has more items than the limit allows")
		return false
	}
	p.dst = append(p.dst, '[')
	first := len(p.dst)
	p.path = append(p.path, step{})
	ok := true
	for i, item := 0, n+1; ok && item < nodes[n].Next; item = nodes[item].Next {
		if f.deprecable && p.hides(f, item) {
			continue
		}
		if len(p.dst) > first {
			p.dst = append(p.dst, ',')
		}
		p.path[len(p.path)-1].index = i
		ok = p.value(f, s.elem, item) && !p.tooLarge()
		i++
	}
	p.path = p.path[:len(p.path)-1]
	p.dst = append(p.dst, ']')
	return ok
}

// tooLong tells whether a list has more items than a response may have.
func (o *Operation) tooLong(doc *jsondoc.Document, list uint32) bool {
	nodes := doc.Nodes
	if int(nodes[list].Next-list-1) <= o.listItems {
		return false
	}
	count := 0
	for item := list + 1; item < nodes[list].Next; item = nodes[item].Next {
		count++
	}
	return count > o.listItems
}

func (p *projector) composite(f *field, s *shape, sub *selection, n uint32) bool {
	if p.meta != nil {
		if n = p.meta.follow(sub, n); p.metaTooLarge(f) {
			return false
		}
	}
	if p.doc.Nodes[n].Kind != jsondoc.Object {
		p.misfit(f, s, p.doc.Nodes[n].Kind.String())
		return false
	}
	return p.object(sub, n, p.doc)
}

// abstract finds the object type in the output's __typename.
func (p *projector) abstract(f *field, s *shape, n uint32) bool {
	if p.doc.Nodes[n].Kind != jsondoc.Object {
		p.misfit(f, s, p.doc.Nodes[n].Kind.String())
		return false
	}
	var sub *selection
	if sub, p.scratch = f.selected(p.doc, n, p.scratch); sub != nil {
		return p.object(sub, n, p.doc)
	}
	if !p.tooLong(int(p.doc.Nodes[n].Next-n) / 2) { // at most: what its members hold is not told apart
		p.misfit(f, s, `an object whose "__typename" names none of its types`)
	}
	return false
}

// selected returns what is selected on the object at node n, which says of
// which type it is; nil where it names none of the field's.
func (f *field) selected(doc *jsondoc.Document, n uint32, scratch []byte) (*selection, []byte) {
	name, ok := doc.Member(n, "__typename")
	if !ok || doc.Nodes[name].Kind != jsondoc.String {
		return nil, scratch
	}
	scratch = doc.AppendString(scratch[:0], name)
	return f.subs[string(scratch)], scratch
}
