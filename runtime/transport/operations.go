package transport

import (
	"cmp"
	"slices"
)

// operations are those of one connection, by id. A sorted slice takes the least
// where they are few, which is nearly always, and is quick enough where they
// are as many as may be.
type operations struct {
	list []*operation
	one  [1]*operation // where list begins
}

func (o *operations) find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(o.list, id, func(op *operation, id string) int { return cmp.Compare(op.id, id) })
}

// get returns the operation of an id, or nil.
func (o *operations) get(id string) *operation {
	if at, found := o.find(id); found {
		return o.list[at]
	}
	return nil
}

// put adds an operation, in the place of one that has its id.
func (o *operations) put(op *operation) {
	at, found := o.find(op.id)
	if found {
		o.list[at] = op
		return
	}
	if len(o.list) == 0 {
		o.list = o.one[:0]
	}
	if o.list = slices.Insert(o.list, at, op); len(o.list) > 1 {
		o.one[0] = nil
	}
}

// withCursors returns those that have a subscription with cursors.
func (o *operations) withCursors() (some []*operation) {
	for _, op := range o.list {
		if op.live && op.cursors {
			some = append(some, op)
		}
	}
	return some
}

func (o *operations) remove(id string) {
	if at, found := o.find(id); found {
		o.list = slices.Delete(o.list, at, at+1)
	}
	if len(o.list) == 0 {
		o.list = nil
	}
}
