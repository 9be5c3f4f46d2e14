package transport

import (
	"cmp"
	"slices"
)

// operations are those of one connection, by id. A sorted slice takes the least
// where they are few, which is nearly always, and is quick enough where they
// are as many as may be.
type operations []*operation

func (o operations) find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(o, id, func(op *operation, id string) int { return cmp.Compare(op.id, id) })
}

// get returns the operation of an id, or nil.
func (o operations) get(id string) *operation {
	if at, found := o.find(id); found {
		return o[at]
	}
	return nil
}

// put adds an operation, in the place of one that has its id.
func (o *operations) put(op *operation) {
	at, found := o.find(op.id)
	if found {
		(*o)[at] = op
		return
	}
	*o = slices.Insert(*o, at, op)
}

// withCursors returns those that have a subscription with cursors.
func (o operations) withCursors() (some []*operation) {
	for _, op := range o {
		if op.live && op.cursors {
			some = append(some, op)
		}
	}
	return some
}

func (o *operations) remove(id string) {
	if at, found := o.find(id); found {
		*o = slices.Delete(*o, at, at+1)
	}
	if len(*o) == 0 {
		*o = nil
	}
}
