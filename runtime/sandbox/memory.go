package sandbox

import "github.com/tetratelabs/wazero/experimental"

// pageBytes is the size of a WebAssembly page.
const pageBytes = 65536

// memory backs one instance's linear memory. memory.grow is judged against the
// instance's own cap alone, so what a guest sees never depends on its
// neighbours.
type memory struct {
	bytes   []byte
	cap     int64
	refused bool // a grow past the cap was refused since the last reset
}

// Allocate implements experimental.MemoryAllocator. The caller has made sure
// that the initial size fits the cap.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. Capacity at least doubles, so
// that growing by single pages copies each byte a bounded number of times.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(m.cap) {
		m.refused = true
		return nil
	}
	if size <= uint64(cap(m.bytes)) {
		m.bytes = m.bytes[:size]
		return m.bytes
	}
	capacity := size
	if len(m.bytes) > 0 {
		capacity = min(max(size, 2*uint64(len(m.bytes))), uint64(m.cap))
	}
	grown := make([]byte, size, capacity)
	copy(grown, m.bytes)
	m.bytes = grown
	return m.bytes
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.bytes = nil }
