package sandbox

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/runnel-dev/runnel/abi"
)

// stream is stdout or stderr of a run, on its way into the log.
type stream struct {
	level abi.LogLevel
	// partial is the line that has no end yet, no longer than twice what the log
	// had room for.
	partial []byte
}

func (s *stream) reset(level abi.LogLevel) { s.level, s.partial = level, s.partial[:0] }

// wasiRead is fd_read: stdin is at its end.
func (i *instance) wasiRead(stack []uint64) errno {
	if uint32(stack[0]) != stdin {
		return errnoBadf
	}
	binary.LittleEndian.PutUint32(i.target("fd_read", stack[3], 4), 0)
	return errnoSuccess
}

// wasiWrite is fd_write.
func (i *instance) wasiWrite(stack []uint64) errno {
	const call = "fd_write"
	fd, count := uint32(stack[0]), uint32(stack[2])
	if fd != stdout && fd != stderr {
		return errnoBadf
	}
	if count > maxElements {
		return errnoInval
	}
	i.charge(int64(count) * elementUnits)
	vectors := i.view(call, stack[1], uint64(count)*8)
	written := i.target(call, stack[3], 4)
	total := uint64(0)
	for v := vectors; len(v) > 0; v = v[8:] {
		total += uint64(binary.LittleEndian.Uint32(v[4:]))
	}
	if total > math.MaxUint32 {
		return errnoInval
	}
	for v := vectors; len(v) > 0; v = v[8:] {
		text := i.view(call, uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[4:])))
		if fd == stderr {
			i.keepError(text)
			i.write(&i.wasi.err, text)
		} else {
			i.write(&i.wasi.out, text)
		}
	}
	binary.LittleEndian.PutUint32(written, uint32(total))
	return errnoSuccess
}

// keepError remembers the end of what a run writes to stderr: what a panic said.
// It is cut at twice what is kept, so that small writes do not each move all of it.
func (i *instance) keepError(text []byte) {
	text = errorEnd(text)
	i.charge(int64(len(text)) / bytesPerUnit)
	if len(i.lastError)+len(text) > 2*maxFaultBytes {
		i.lastError = append(i.lastError[:0], errorEnd(i.lastError)...)
	}
	i.lastError = append(i.lastError, text...)
}

func errorEnd(text []byte) []byte { return text[max(0, len(text)-maxFaultBytes):] }

// write cuts text into lines for the log. It looks at no more than the log has
// room for.
func (i *instance) write(s *stream, text []byte) {
	for len(text) > 0 && i.logs() {
		next := text[:min(int64(len(text)), i.logLeft+1)]
		end := bytes.IndexByte(next, '\n')
		if end >= 0 {
			i.charge(hostCallBase + int64(end)/bytesPerUnit) // as a call of log
			i.endLine(s, next[:end])
			text = text[end+1:]
			continue
		}
		i.charge(int64(len(next)) / bytesPerUnit)
		s.partial = append(s.partial, next...)
		if int64(len(s.partial)) > i.logLeft {
			i.endLine(s, nil) // is cut, and the last one
		}
		return
	}
}

// endLine logs what was kept of a line, and its rest.
func (i *instance) endLine(s *stream, rest []byte) {
	if len(s.partial) == 0 {
		i.line(s.level, rest)
		return
	}
	s.partial = append(s.partial, rest...)
	i.line(s.level, s.partial)
	s.partial = s.partial[:0]
}

// flush logs the lines that the run left without an end.
func (i *instance) flush() {
	for _, s := range []*stream{&i.wasi.out, &i.wasi.err} {
		if len(s.partial) > 0 {
			i.endLine(s, nil)
		}
	}
}
