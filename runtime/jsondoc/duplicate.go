package jsondoc

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// Up to so many members are compared pair by pair; more go through a table.
const maxPairwise = 16

var seed = maphash.MakeSeed()

// duplicateKey returns the second of two equal keys of the object, which has
// just been closed. Keys are compared by content: "a" and "\u0061" are equal.
func (d *Document) duplicateKey(object uint32) (uint32, bool) {
	var keys [maxPairwise]uint32
	count := 0
	end := d.Nodes[object].Next
	for n := object + 1; n < end; n = d.Nodes[n+1].Next {
		if count == maxPairwise {
			return d.duplicateInTable(object)
		}
		for _, earlier := range keys[:count] {
			if d.sameKey(earlier, n) {
				return n, true
			}
		}
		keys[count] = n
		count++
	}
	return 0, false
}

// duplicateInTable is duplicateKey for objects of any size, in linear time: an
// open hash table with a seed that no sender knows.
func (d *Document) duplicateInTable(object uint32) (uint32, bool) {
	end := d.Nodes[object].Next
	members := uint32(0)
	for n := object + 1; n < end; n = d.Nodes[n+1].Next {
		members++
	}
	size := 1 << bits.Len32(2*members)
	if cap(d.slots) < size {
		d.slots = make([]uint32, size)
	}
	slots := d.slots[:size]
	clear(slots) // 0 is a free slot: node 0 is never a key
	for n := object + 1; n < end; n = d.Nodes[n+1].Next {
		i := int(d.hashKey(n)) & (size - 1)
		for slots[i] != 0 {
			if d.sameKey(slots[i], n) {
				return n, true
			}
			i = (i + 1) & (size - 1)
		}
		slots[i] = n
	}
	return 0, false
}

func (d *Document) hashKey(n uint32) uint64 {
	node := &d.Nodes[n]
	if !node.Escaped {
		return maphash.Bytes(seed, d.Text[node.Start+1:node.End-1])
	}
	d.key = d.AppendString(d.key[:0], n)
	return maphash.Bytes(seed, d.key)
}

func (d *Document) sameKey(a, b uint32) bool {
	x, y := &d.Nodes[a], &d.Nodes[b]
	if !x.Escaped && !y.Escaped {
		return bytes.Equal(d.Text[x.Start:x.End], d.Text[y.Start:y.End])
	}
	d.key = d.AppendString(d.key[:0], a)
	split := len(d.key)
	d.key = d.AppendString(d.key, b)
	return bytes.Equal(d.key[:split], d.key[split:])
}
