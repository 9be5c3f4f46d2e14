package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// artifact is what compiling a module leaves behind: all that is needed to bring
// it back without the upload. It travels from the child process to the engine
// and lies in the cache.
type artifact struct {
	summary
	// outline is the metered module with bodies that only trap. It has everything
	// that an instance needs but the code: wazero decodes and validates it in a
	// fraction of the time, and keeps it in a fraction of the memory.
	outline []byte
	// code is the machine code of the metered module, as wazero writes it to its
	// cache. Empty where wazero has no compiler for this machine; then outline is
	// the metered module itself.
	code []byte
}

// summary is what admission finds out about a module.
type summary struct {
	Schema      string
	Resolvers   []string // sorted
	MemoryBytes int64    // that an instance starts with
	Parts       int64    // that are set up for each instance: elements, segments, globals, imports and exports
	DataBytes   int64    // that are copied into each
	Uploaded    int      // bytes
	Metered     int      // bytes of the metered module
	Globals     []meter.GlobalExport
	FreshEach   bool
	RegionShift uint32
	// CodeName is the name under which wazero looks for the code of the outline. It
	// is a digest of the outline and of the features of the processor.
	CodeName string
	// Cost is what compiling took; zero in process.
	Cost compileCost
}

// compileCost is what a child process used.
type compileCost struct {
	CPU    time.Duration
	Memory int64 // most bytes at one time, as far as it was looked at
}

// artifactHeader is the length of the three lengths before the parts.
const artifactHeader = 3 * 8

var errArtifact = errors.New("not a compiled module")

// append puts the encoded artifact behind b.
func (a *artifact) append(b []byte) ([]byte, error) {
	text, err := json.Marshal(&a.summary)
	if err != nil {
		return nil, fmt.Errorf("encode a compiled module: %w", err)
	}
	parts := [...][]byte{text, a.outline, a.code}
	for _, p := range parts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(p)))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b, nil
}

// splitArtifact returns the encoded summary, the outline and the code, which
// borrow b.
func splitArtifact(b []byte) (parts [3][]byte, err error) {
	if len(b) < artifactHeader {
		return parts, errArtifact
	}
	rest := b[artifactHeader:]
	for i := range parts {
		n := binary.LittleEndian.Uint64(b[8*i:])
		if n > uint64(len(rest)) {
			return parts, errArtifact
		}
		parts[i], rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return parts, errArtifact
	}
	return parts, nil
}

// parseArtifact decodes an artifact, which borrows b.
func parseArtifact(b []byte) (*artifact, error) {
	parts, err := splitArtifact(b)
	if err != nil {
		return nil, err
	}
	a := &artifact{outline: parts[1], code: parts[2]}
	if err := json.Unmarshal(parts[0], &a.summary); err != nil {
		return nil, fmt.Errorf("%w: %w", errArtifact, err)
	}
	return a, nil
}
