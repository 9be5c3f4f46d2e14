package sandbox

import (
	"bytes"
	"math/bits"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// image is the state that every run starts from.
type image struct {
	// The memory has size bytes: content from start on, zeros around it.
	size    int
	start   int
	content []byte

	globals []uint64 // in the order of compiled.globals
	cap     int64    // of the memory, when start and _initialize saw it
}

// snapshot copies the state that runs start from.
func (i *instance) snapshot() *image {
	if i.pool.module.compiled.freshEach {
		return &image{cap: i.memory.cap}
	}
	content := bytes.TrimRight(i.memory.bytes, "\x00")
	start := len(content) - len(bytes.TrimLeft(content, "\x00"))
	m := &image{size: len(i.memory.bytes), start: start, content: bytes.Clone(content[start:]), cap: i.memory.cap}
	for _, g := range i.globals {
		m.globals = append(m.globals, g.Get())
	}
	return m
}

// reset brings the instance back to the image; false where that cannot be done
// and the instance must be closed. It puts back what the guest and the host
// have marked as written (BenchmarkFreshAgainstReset).
func (i *instance) reset(m *image, pace Pace) bool {
	if i.pool.module.compiled.freshEach || len(i.memory.bytes) != m.size {
		return false
	}
	chargeTo(pace, int64(i.restoreMemory(m)/resetBytesPerUnit))
	for n, g := range i.globals {
		g.Set(m.globals[n])
	}
	i.clean()
	return true
}

// restoreMemory puts back the regions that are marked. There are more than
// marks where start or _initialize have grown the memory: then each mark stands
// for every 64th region. It returns how many bytes that were.
func (i *instance) restoreMemory(m *image) (bytes int) {
	marks := i.marks()
	if marks == 0 {
		return 0
	}
	m.restore(i.memory.bytes, 0, min(meter.RegionSlack, m.size))
	shift := i.pool.module.compiled.regionShift
	for start := 0; start < m.size; start += 64 << shift {
		for left := marks; left != 0; {
			first := bits.TrailingZeros64(left)
			count := bits.TrailingZeros64(^(left >> first))
			from := max(start+first<<shift-meter.RegionSlack, 0)
			to := min(start+(first+count)<<shift+meter.RegionSlack, m.size)
			m.restore(i.memory.bytes, from, to)
			bytes += max(to-from, 0)
			if first+count == 64 {
				break
			}
			left = left >> (first + count) << (first + count)
		}
	}
	return bytes
}

// restore puts back a range of the memory, which has size bytes.
func (m *image) restore(memory []byte, from, to int) {
	if from >= to {
		return
	}
	low, high := min(max(from, m.start), to), max(min(to, m.start+len(m.content)), from)
	if low >= high {
		clear(memory[from:to])
		return
	}
	clear(memory[from:low])
	copy(memory[low:high], m.content[low-m.start:high-m.start])
	clear(memory[high:to])
}

func (i *instance) marks() uint64 { return i.dirty.Get() | i.written }

// systemPageShift gives the size of the pages that the system hands out.
const systemPageShift = 12

// touched is how many bytes the system's pages with marked regions have.
func (i *instance) touched() int64 {
	shift := i.pool.module.compiled.regionShift
	marks, each := i.marks(), 1 // of so many marks the first is that of a page
	for ; shift < systemPageShift; shift++ {
		marks |= marks >> each
		each *= 2
	}
	marks &= ^uint64(0) / (1<<each - 1)
	size := int64(len(i.memory.bytes))
	return min(int64(bits.OnesCount64(marks)*each)*((size+63)/64), size)
}

// clean forgets the marks.
func (i *instance) clean() {
	i.dirty.Set(0)
	i.written = 0
}

// wrote marks a range that the host has written.
func (i *instance) wrote(pointer, count uint32) {
	if count == 0 {
		return
	}
	shift := i.pool.module.compiled.regionShift
	first, last := pointer>>shift, (pointer+count-1)>>shift
	i.written |= bits.RotateLeft64(^uint64(0)>>(63-min(last-first, 63)), int(first%64))
}
