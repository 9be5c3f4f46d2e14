package sandbox

import (
	"fmt"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// pageBytes is the size of a WebAssembly page.
const pageBytes = 65536

// mostBytes is what a memory can have at most, which is more than any limit, and
// asked for at safepoints.
const mostBytes = 65536 * pageBytes

// memory backs one instance's linear memory. Address space for all that it may
// grow to is set aside at once, so growing neither copies nor fails; the system
// gives pages as they are touched. memory.grow is judged against the instance's
// own cap alone, so what a guest sees never depends on its neighbours.
type memory struct {
	mapping []byte // of the cap, in whole pages of WebAssembly
	bytes   []byte // what the guest has
	cap     int64
	max     uint64 // bytes that the module declares at most, where it grows
	refused bool   // a grow past the cap was refused in this run

	yielding api.Global // not 0 where the module is at a safepoint; nil before the instance is bound
	yield    func()     // called then
}

// newMemory sets address space aside for cap bytes. An error is the host's
// trouble, not the guest's.
func newMemory(cap int64) (*memory, error) {
	size := max(cap/pageBytes*pageBytes, pageBytes)
	mapping, err := reserve(int(size))
	if err != nil {
		return nil, fmt.Errorf("address space of %d bytes for an instance: %w", size, err)
	}
	return &memory{mapping: mapping, cap: cap, max: mostBytes}, nil
}

// Allocate implements experimental.MemoryAllocator. The caller has made sure
// that the initial size fits the cap.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size == mostBytes && m.yielding != nil && m.yielding.Get() != 0 {
		m.yield()
		return nil
	}
	if size > m.max {
		return nil
	}
	if size > uint64(m.cap) {
		m.refused = true
		return nil
	}
	m.bytes = m.mapping[:size:size]
	return m.bytes
}

// Free implements experimental.LinearMemory. Calling it again does nothing.
func (m *memory) Free() {
	if m.mapping != nil {
		release(m.mapping)
	}
	m.mapping, m.bytes = nil, nil
}
