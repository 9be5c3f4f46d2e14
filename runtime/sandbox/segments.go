package sandbox

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// segmentProblems finds active segments that do not fit what they initialise.
// Instantiation would trap there, each time; or, as wazero takes it for
// elements, leave them out in silence.
func segmentProblems(m *wasm.Module) (problems []Problem) {
	add := func(offset int, format string, arguments ...any) {
		problems = append(problems, Problem{Message: fmt.Sprintf(format, arguments...), Offset: offset, HasOffset: true})
	}
	if len(m.Memories) > 0 {
		size := uint64(m.Memories[0].Min) * pageBytes
		for i := range m.Data {
			d := &m.Data[i]
			if start, ok := segmentStart(d.Mode, &d.Start); ok && start+uint64(len(d.Bytes)) > size {
				add(d.Offset, "data segment %d has %d bytes for the address %d, the memory starts with %d", i, len(d.Bytes), start, size)
			}
		}
	}
	for i := range m.Elements {
		e := &m.Elements[i]
		if uint64(e.Table) >= uint64(len(m.Tables)) {
			continue
		}
		count, size := len(e.Functions)+len(e.Expressions), m.Tables[e.Table].Limits.Min
		if start, ok := segmentStart(e.Mode, &e.Start); ok && start+uint64(count) > uint64(size) {
			add(e.Offset, "element segment %d has %d elements for the index %d, the table starts with %d", i, count, start, size)
		}
	}
	return problems
}

// segmentStart returns where an active segment begins. It is a constant in every
// module that passes the other checks: a module can import no globals.
func segmentStart(mode wasm.SegmentMode, e *wasm.Expression) (start uint64, ok bool) {
	r := e.Reader()
	if mode != wasm.Active || !r.Next() || r.Instruction.Op != wasm.OpI32Const {
		return 0, false
	}
	return uint64(uint32(r.Instruction.Value)), true
}
