package sandbox

import (
	"context"
	"sync"
)

// Module is an admitted and compiled module. It is immutable and safe for
// concurrent use.
type Module struct {
	engine      *Engine
	compiled    *compiled
	digest      string
	schema      string
	resolvers   []string
	size        int
	memoryBytes int64
	releaseOnce sync.Once
}

// Digest returns "sha256:" and the lower-case hex digest of the uploaded bytes.
func (m *Module) Digest() string { return m.digest }

// Schema returns the SDL of the section runnel.schema.
func (m *Module) Schema() string { return m.schema }

// Resolvers returns the exports of the form Type.field, sorted. The caller must
// not change the slice.
func (m *Module) Resolvers() []string { return m.resolvers }

// Size returns the number of bytes that were uploaded.
func (m *Module) Size() int { return m.size }

// MemoryBytes returns the size of the memory that an instance starts with.
func (m *Module) MemoryBytes() int64 { return m.memoryBytes }

// Lost tells whether the module's code is gone: its file in the cache was damaged
// after it had left memory. Runs fail until the same bytes are loaded again.
func (m *Module) Lost() bool { return m.compiled.lost.Load() }

// Release gives the module back; when all Modules of a digest are released and
// their pools closed, its code is freed. No pool may be made of it afterwards.
// Calling it again does nothing.
func (m *Module) Release() (err error) {
	m.releaseOnce.Do(func() {
		err = m.engine.release(context.Background(), m.digest, m.compiled)
	})
	return err
}
