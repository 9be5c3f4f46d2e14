package graph

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// Up to so many names are compared one by one; more go through a table.
const maxLinear = 8

var seed = maphash.MakeSeed()

// members finds the names that a selection reads among those that an object
// has, without a map and without an allocation.
type members struct {
	names []string
	table []uint16 // open hash table of indices plus one, where there are many names
}

// add returns the index of a name, adding it where it is new.
func (m *members) add(name string) int {
	if i := m.find([]byte(name), 0); i >= 0 {
		return i
	}
	m.names = append(m.names, name)
	switch {
	case len(m.names) <= maxLinear:
	case 2*len(m.names) > len(m.table):
		m.table = make([]uint16, 2<<bits.Len(uint(2*len(m.names))))
		for i := range m.names {
			m.insert(i)
		}
	default:
		m.insert(len(m.names) - 1)
	}
	return len(m.names) - 1
}

func (m *members) insert(i int) {
	slot := m.slot([]byte(m.names[i]))
	for m.table[slot] != 0 {
		slot = (slot + 1) % len(m.table)
	}
	m.table[slot] = uint16(i + 1)
}

func (m *members) slot(name []byte) int {
	return int(maphash.Bytes(seed, name) % uint64(len(m.table)))
}

// find returns the index of a name, or -1. It looks at hint first: objects
// mostly have their members in the same order as the one before.
func (m *members) find(name []byte, hint int) int {
	if hint < len(m.names) && m.names[hint] == string(name) {
		return hint
	}
	if m.table == nil {
		return slices.IndexFunc(m.names, func(n string) bool { return n == string(name) })
	}
	for slot := m.slot(name); m.table[slot] != 0; slot = (slot + 1) % len(m.table) {
		if i := int(m.table[slot] - 1); m.names[i] == string(name) {
			return i
		}
	}
	return -1
}
