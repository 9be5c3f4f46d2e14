package broker

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// manyNodes is how many an array or object may have for each look-up to walk it.
const manyNodes = 128

// lookup finds the values of one event by which it is matched. Tenants decide how many
// fields and shapes that is for, so a container of many is walked twice at most, and a
// value of a field is looked up once for all of its shapes.
type lookup struct {
	payload *jsondoc.Document
	many    map[uint32]*children // of containers that were walked, by node
	long    map[uint32][]byte    // elements of long values, by node
	places  int                  // fields, shapes and conditions so far

	field *graph.RootField
	known []known // of its conditions
	bytes []byte  // their elements
	key   []byte  // of the shape
}

// known is the value that an event has for a condition.
type known struct {
	looked, found bool
	from, to      int // the element, of lookup.bytes
}

// children are those of an array or object of many, once they are looked up again.
type children struct {
	items   []uint32
	members map[string]uint32
}

// begin goes on with another field.
func (l *lookup) begin(f *graph.RootField) {
	l.field, l.bytes = f, l.bytes[:0]
	l.known = slices.Grow(l.known[:0], len(f.Matches))[:len(f.Matches)]
	clear(l.known)
	l.places++
}

// keyOf returns the values of an event for the conditions of a shape. It is valid until
// the next call.
func (l *lookup) keyOf(shape uint64) (key []byte, ok bool) {
	l.places++
	l.key = l.key[:0]
	for i := range l.field.Matches {
		if shape&(1<<i) == 0 {
			continue
		}
		l.places++
		k := &l.known[i]
		if !k.looked {
			k.looked, k.from = true, len(l.bytes)
			l.bytes, k.found = l.appendValue(l.bytes, l.field.Matches[i].Path)
			k.to = len(l.bytes)
		}
		if !k.found {
			return nil, false
		}
		l.key = append(l.key, l.bytes[k.from:k.to]...)
	}
	return l.key, true
}

// admits judges the fixed conditions of the field.
func (l *lookup) admits(fixed []fixedCondition) bool {
	for i := range fixed {
		l.places++
		var ok bool
		if l.key, ok = l.appendValue(l.key[:0], fixed[i].path); !ok || !fixed[i].elements[string(l.key)] {
			return false
		}
	}
	return true
}

// appendValue appends the element of the value at a path.
func (l *lookup) appendValue(dst []byte, path []string) (_ []byte, ok bool) {
	n, ok := l.find(path)
	if !ok {
		return dst, false
	}
	if node := &l.payload.Nodes[n]; node.End-node.Start <= maxPlainElement {
		return appendElement(dst, l.payload, n)
	}
	element, known := l.long[n]
	if !known {
		if element, ok = appendElement(nil, l.payload, n); !ok {
			return dst, false
		}
		if l.long == nil {
			l.long = map[uint32][]byte{}
		}
		l.long[n] = element
	}
	return append(dst, element...), true
}

// find follows a path of keys and array indices.
func (l *lookup) find(path []string) (at uint32, ok bool) {
	for _, step := range path {
		node := &l.payload.Nodes[at]
		isContainer := node.Kind == jsondoc.Object || node.Kind == jsondoc.Array
		if !isContainer || node.Next-at <= manyNodes {
			at, ok = child(l.payload, at, step)
		} else {
			at, ok = l.child(at, step)
		}
		if !ok {
			return 0, false
		}
	}
	return at, true
}

// child is that of a container of many.
func (l *lookup) child(at uint32, step string) (uint32, bool) {
	c := l.many[at]
	if c == nil {
		if l.many == nil {
			l.many = map[uint32]*children{}
		}
		l.many[at] = &children{}
		return child(l.payload, at, step)
	}
	if l.payload.Nodes[at].Kind == jsondoc.Object {
		if c.members == nil {
			c.members = membersOf(l.payload, at)
		}
		n, ok := c.members[step]
		return n, ok
	}
	if c.items == nil {
		c.items = itemsOf(l.payload, at)
	}
	n, ok := arrayIndex(step)
	if !ok || n >= uint64(len(c.items)) {
		return 0, false
	}
	return c.items[n], true
}

func membersOf(d *jsondoc.Document, object uint32) map[string]uint32 {
	members := map[string]uint32{}
	var key []byte
	for n := object + 1; n < d.Nodes[object].Next; n = d.Nodes[n+1].Next {
		key = d.AppendString(key[:0], n)
		members[string(key)] = n + 1
	}
	return members
}

func itemsOf(d *jsondoc.Document, array uint32) (items []uint32) {
	for n := array + 1; n < d.Nodes[array].Next; n = d.Nodes[n].Next {
		items = append(items, n)
	}
	return slices.Clip(items)
}
