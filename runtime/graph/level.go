package graph

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// What walking through outputs may cost: aliases and lists of lists could lead to
// the same values without end.
const (
	stepsPerItem = 100 // times the limit of list items
	keptSteps    = 4   // for an object or a parent, which is kept
	nodesPerStep = 16  // of an object whose members are looked through
)

// reached is an object of a response that the walk has come to.
type reached struct {
	document, node uint32
	*asking
}

// asking is what an operation asks of the objects that a selection is for.
type asking struct {
	selection *selection
	calls     []*call  // for which each object is a parent
	deep      []*field // below which objects are to be found
}

// call is a field with argument values.
type call struct {
	id        uint32
	field     *ResolvedField
	arguments Arguments
	err       *Error // the arguments cannot be had
	open      *Batch // of the level under way, with room for parents
}

// place is where the value of a field is found: the parent and the call.
type place struct{ document, node, call uint32 }

// element is the place of a value in a batch.
type element struct {
	batch *Batch
	index int
}

// walk counts steps, and reports false where there are too many.
func (e *Execution) walk(steps int) bool {
	most := stepsPerItem * e.operation.listItems
	if e.steps += steps; e.steps > most {
		e.Stop(limitError("listItems", "finding the objects whose fields are to be resolved takes more than %d steps", most))
	}
	return e.steps <= most
}

// asks returns what is asked of a selection's objects.
func (e *Execution) asks(s *selection) *asking {
	a := e.asking[s]
	if a != nil {
		return a
	}
	a = &asking{selection: s}
	e.asking[s] = a
	met := map[*call]bool{}
	for _, f := range e.operation.fields(s) {
		if e.operation.denies(f) || e.operation.failed[f.id] != nil {
			continue
		}
		if f.deep {
			a.deep = append(a.deep, f)
		}
		if f.source != fromBatch {
			continue
		}
		if c := e.call(f); c.err == nil && !met[c] {
			met[c] = true
			a.calls = append(a.calls, c)
		}
	}
	return a
}

// collect makes the batches of the level under way.
func (e *Execution) collect() {
	e.batches, e.collected = nil, true
	for _, o := range e.objects {
		for _, c := range o.calls {
			if !e.walk(keptSteps) {
				return
			}
			e.ask(c, o)
		}
	}
	for _, b := range e.batches {
		b.call.open = nil
	}
}

// ask makes an object a parent.
func (e *Execution) ask(c *call, o reached) {
	at := place{o.document, o.node, c.id}
	if _, known := e.found[at]; known {
		return
	}
	b := c.open
	if b == nil || len(b.parents) >= e.limits.ParentsPerRun {
		b = &Batch{execution: e, call: c}
		c.open = b
		e.batches = append(e.batches, b)
	}
	e.found[at] = element{b, len(b.parents)}
	b.parents = append(b.parents, o)
}

// call returns the field with its argument values, which are evaluated once.
func (e *Execution) call(f *field) *call {
	if c := e.calls[f.batch]; c != nil {
		return c
	}
	arguments, err := e.binding.arguments(f)
	key := f.resolved.Resolver + string(arguments.JSON())
	c := e.byValue[key]
	if err != nil || c == nil {
		c = &call{id: uint32(f.batch), field: f.resolved, arguments: arguments, err: err}
	}
	if err == nil {
		e.byValue[key] = c
	}
	e.calls[f.batch] = c
	return c
}

// descend finds the objects of the next level.
func (e *Execution) descend() {
	level := e.objects
	e.objects, e.collected = nil, false
	for _, o := range level {
		if !e.below(o) {
			return
		}
	}
}

// below adds the objects that are values of an object's fields, or in lists of
// them, and reports false where it takes too many steps.
func (e *Execution) below(o reached) bool {
	doc := e.documents[o.document]
	matched := false
	for _, f := range o.deep {
		if !e.walk(1) {
			return false
		}
		document, node, ok := o.document, uint32(0), false
		switch f.source {
		case fromMember:
			if !matched {
				names := len(o.selection.members.names)
				e.slots = slices.Grow(e.slots[:0], names)[:names]
				clear(e.slots)
				e.scratch, _ = o.selection.match(doc, o.node, e.slots, e.scratch)
				matched = true
			}
			node = e.slots[f.slot]
			ok = node > 0
		case fromBatch:
			document, node, ok = e.value(f, o)
		}
		if ok && !e.expand(f, f.shape, document, node) {
			return false
		}
	}
	return true
}

// value returns the value of a field that a batch has resolved; false where
// there is none, or an error.
func (e *Execution) value(f *field, o reached) (document, node uint32, ok bool) {
	at, ok := e.found[place{o.document, o.node, e.call(f).id}]
	if !ok || !at.batch.fits() {
		return 0, 0, false
	}
	v := at.batch.elements[at.index]
	return at.batch.document, v.node, v.reported == 0
}

// expand adds the objects in a value, which is an object or lists of them, and
// reports false where it takes too many steps. What does not fit is the
// projector's to report.
func (e *Execution) expand(f *field, s *shape, document, n uint32) bool {
	doc := e.documents[document]
	node := &doc.Nodes[n]
	switch {
	case s.elem != nil:
		if node.Kind != jsondoc.Array || e.operation.tooLong(doc, n) {
			return true
		}
		for item := n + 1; item < node.Next; item = doc.Nodes[item].Next {
			if !e.walk(1) || !e.expand(f, s.elem, document, item) {
				return false
			}
		}
		return true
	case node.Kind != jsondoc.Object:
		return true
	}
	sub := f.sub
	if s.leaf == leafAbstract {
		sub, e.scratch = f.selected(doc, n, e.scratch)
	}
	if sub != nil && sub.batched {
		e.objects = append(e.objects, reached{document, n, e.asks(sub)})
	}
	return e.walk(keptSteps + int(node.Next-n)/nodesPerStep)
}
