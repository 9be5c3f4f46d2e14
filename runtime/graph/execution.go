package graph

import (
	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// ExecutionLimits bound one execution.
type ExecutionLimits struct {
	ParentsPerRun int // parents of one batch, at least 1
	OutputBytes   int // of all outputs together, each with its index
}

// Execution resolves, level by level, the fields of one operation that have
// resolvers of object types. It is for one goroutine.
//
// A response level is how many fields lead to a value. For each level there is
// one batch for all that ask for the same field with the same argument values,
// in whatever lists and branches of the response. A value that is reached twice,
// by two aliases, is one parent.
type Execution struct {
	operation *Operation
	results   []Result
	limits    ExecutionLimits
	binding   binding
	stopped   *Error

	documents []*jsondoc.Document // of the roots, and then of batches; nil where nothing below is resolved
	objects   []reached           // of the level under way, in response order
	batches   []*Batch            // of that level
	collected bool                // the batches of that level are known

	asking  map[*selection]*asking
	calls   []*call // by field.batch; nil where the field was not met yet
	byValue map[string]*call
	found   map[place]element
	steps   int
	bytes   int

	slots   []uint32
	scratch []byte
}

// HasBatches tells whether the operation selects fields of object types that
// have resolvers: it is then executed by Begin.
func (o *Operation) HasBatches() bool { return o.plan.batched > 0 }

// Begin starts to resolve the fields of object types, given one result for each
// of Roots. The results are only read, and must not change before the response is
// appended.
func (o *Operation) Begin(results []Result, l ExecutionLimits) *Execution {
	e := &Execution{
		operation: o, results: results, limits: l,
		binding:   binding{plan: o.plan, variables: o.variables, budget: maxInputBytes},
		documents: make([]*jsondoc.Document, len(results)),
		asking:    map[*selection]*asking{},
		calls:     make([]*call, o.plan.batched), byValue: map[string]*call{}, found: map[place]element{},
	}
	next := 0
	for _, f := range o.fields(o.plan.root) {
		if f.source != fromResolver || o.failed[f.id] != nil {
			continue
		}
		if r := &results[next]; f.deep && r.Err == nil {
			var doc jsondoc.Document
			// What is no JSON is the projector's to report.
			if doc.Parse(r.Output, jsondoc.Options{AllowDuplicateKeys: true}) == nil {
				e.documents[next] = &doc
				e.hold(&doc)
				e.expand(f, f.shape, uint32(next), 0)
			}
		}
		next++
	}
	return e
}

// Next returns the batches of the next response level that has any, in response
// order of their first parents; none where all is resolved or the execution was
// stopped. The batches before that are not resolved by then stay so.
func (e *Execution) Next() []*Batch {
	for {
		if e.collected {
			e.descend()
		}
		if len(e.objects) == 0 || e.stopped != nil {
			return nil
		}
		e.collect()
		if len(e.batches) > 0 && e.stopped == nil {
			return e.batches
		}
	}
}

// Stop ends the execution: the fields that are not resolved yet, or never would
// be, have the error in the response. Only the first call counts.
func (e *Execution) Stop(err *Error) {
	if e.stopped == nil {
		e.stopped = err
	}
}

// Stopped tells whether the execution has ended before all was resolved: by
// Stop, or because what it holds is over a limit.
func (e *Execution) Stopped() bool { return e.stopped != nil }

// AppendResponse appends the whole response, as Operation.AppendResponse does.
func (e *Execution) AppendResponse(dst []byte) []byte {
	return e.operation.project(dst, e.results, e)
}

// hold counts a document against the limit of bytes.
func (e *Execution) hold(doc *jsondoc.Document) {
	const nodeBytes = 20
	if e.bytes += len(doc.Text) + nodeBytes*len(doc.Nodes); e.bytes > e.limits.OutputBytes {
		e.Stop(limitError("outputBytes", "the outputs of the operation's runs take more than %d bytes", e.limits.OutputBytes))
	}
}

// denies tells whether the subscriber lacks a permission for a nested field.
func (o *Operation) denies(f *field) bool { return o.denied != nil && o.denied[f.id] }

// unresolved is the error of a field for which nothing was run.
func (e *Execution) unresolved() *Error {
	if e == nil || e.stopped == nil {
		return &Error{Message: "the field was not resolved", Code: abi.CodeInternal}
	}
	return e.stopped
}
