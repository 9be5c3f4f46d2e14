package memory

import (
	"cmp"
	"math/rand/v2"

	"github.com/runnel-dev/runnel/runtime/store"
)

// key is where a record is.
type key struct {
	table      store.Table
	tenant, id string
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.table, other.table), cmp.Compare(k.tenant, other.tenant), cmp.Compare(k.id, other.id))
}

// tree is a treap of records by their keys, nil where it is empty: a node's priority, which
// is random, is no less than those below it. Trees are never written. A change makes those nodes
// anew that lie on the way to it, some log n of them, and has the others in common with
// the tree before.
type tree struct {
	key         key
	value       []byte
	priority    uint64
	left, right *tree
}

// leaf is a tree of one record, whose value it takes over.
func leaf(k key, value []byte) *tree { return &tree{key: k, value: value, priority: rand.Uint64()} }

// split returns the records that are before some place, and the others. Where
// one is before it, so are all that come before that one.
func (t *tree) split(before func(key) bool) (first, second *tree) {
	if t == nil {
		return nil, nil
	}
	top := *t
	if before(t.key) {
		top.right, second = t.right.split(before)
		return &top, second
	}
	first, top.left = t.left.split(before)
	return first, &top
}

// join returns the records of two trees, of which the first has those that come
// first.
func join(first, second *tree) *tree {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	case first.priority >= second.priority:
		top := *first
		top.right = join(first.right, second)
		return &top
	}
	top := *second
	top.left = join(first, second.left)
	return &top
}

// replace puts other records in the place of those from first to last.
func (t *tree) replace(first, last key, by *tree) *tree {
	before, rest := t.split(func(k key) bool { return k.compare(first) < 0 })
	_, after := rest.split(func(k key) bool { return k.compare(last) <= 0 })
	return join(join(before, by), after)
}

func (t *tree) get(k key) (value []byte, ok bool) {
	for t != nil {
		switch c := k.compare(t.key); {
		case c == 0:
			return t.value, true
		case c < 0:
			t = t.left
		default:
			t = t.right
		}
	}
	return nil, false
}

// after returns the first record behind a key, or nil.
func (t *tree) after(k key) (next *tree) {
	for t != nil {
		if k.compare(t.key) < 0 {
			next, t = t, t.left
		} else {
			t = t.right
		}
	}
	return next
}
