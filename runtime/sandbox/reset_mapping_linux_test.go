package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// privateMapping maps a file with the image over an instance's memory: the
// system copies each page that is written, and the copy can be dropped. Where the
// image is zero there is no file behind it.
type privateMapping struct {
	*instance
	image     *image
	file      *os.File // in memory
	low, high int      // the range of the memory that the file holds, in whole pages
	pages     *pageScanner
	known     []span // where the first run has been
}

// span is a range of addresses.
type span struct{ start, end uintptr }

func addresses(memory []byte) span {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	return span{start, start + uintptr(len(memory))}
}

// overMapping makes a way of what brings a privateMapping back.
func overMapping(restore func(*privateMapping) error) func(*instance, *image) (_, _ func(), _ error) {
	return func(i *instance, image *image) (_, _ func(), err error) {
		m := &privateMapping{instance: i, image: image}
		if err := m.open(); err != nil {
			return nil, m.close, err
		}
		if err := restore(m); err != nil { // where the system lacks something
			return nil, m.close, err
		}
		return func() {
			if err := restore(m); err != nil {
				panic(err) // it has been done before
			}
		}, m.close, nil
	}
}

func (m *privateMapping) open() (err error) {
	page := os.Getpagesize()
	m.low = m.image.start / page * page
	m.high = (m.image.start + len(m.image.content) + page - 1) / page * page
	if m.file, err = memoryFile(m.memory.bytes[m.low:m.high]); err != nil {
		return err
	}
	if m.pages, err = openPageScanner(); err != nil {
		return err
	}
	return m.mapAgain()
}

func (m *privateMapping) close() {
	if m.file != nil {
		_ = m.file.Close() // it is gone with that
	}
	if m.pages != nil {
		m.pages.close()
	}
}

// memoryFile makes a file that lies in memory and has no name.
func memoryFile(content []byte) (*os.File, error) {
	f, err := os.CreateTemp("/dev/shm", "image")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// mapAgain puts new mappings in the place of those there.
func (m *privateMapping) mapAgain() error {
	const fixed = syscall.MAP_FIXED | syscall.MAP_PRIVATE | noReserve
	all := addresses(m.memory.bytes)
	if err := mapOver(all, fixed|syscall.MAP_ANON, ^uintptr(0)); err != nil {
		return err
	}
	if err := mapOver(addresses(m.memory.bytes[m.low:m.high]), fixed, m.file.Fd()); err != nil {
		return err
	}
	const noHugePages = 15 // MADV_NOHUGEPAGE: one would be zeroed for each page written
	return advise(all, noHugePages)
}

func mapOver(s span, flags, fd uintptr) error {
	if s.start == s.end {
		return nil
	}
	const access = syscall.PROT_READ | syscall.PROT_WRITE
	if _, _, errno := syscall.Syscall6(syscall.SYS_MMAP, s.start, s.end-s.start, access, flags, fd, 0); errno != 0 {
		return fmt.Errorf("map %d bytes: %w", s.end-s.start, errno)
	}
	return nil
}

func advise(s span, advice uintptr) error {
	if s.start == s.end {
		return nil
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, s.start, s.end-s.start, advice); errno != 0 {
		return fmt.Errorf("madvise %d of %d bytes: %w", advice, s.end-s.start, errno)
	}
	return nil
}

func discard(s span) error { return advise(s, syscall.MADV_DONTNEED) }

// discardAll drops all copies.
func (m *privateMapping) discardAll() error { return discard(addresses(m.memory.bytes)) }

// discardMarked drops the copies of pages that lie in marked regions.
func (m *privateMapping) discardMarked() error {
	page, shift := os.Getpagesize(), m.pool.module.compiled.regionShift
	marks := m.dirty.Get() | m.written
	for next := 0; next < m.image.size; next += page {
		from := next
		for next < m.image.size && marked(marks, next, next+page, shift) {
			next += page
		}
		if err := discard(addresses(m.memory.bytes[from:next])); err != nil {
			return err
		}
	}
	return nil
}

// marked tells whether the marks allow for a write in the range.
func marked(marks uint64, from, to int, shift uint32) bool {
	if from < meter.RegionSlack && marks != 0 {
		return true
	}
	last := (to - 1 + meter.RegionSlack) >> shift
	for region := max(from-meter.RegionSlack, 0) >> shift; region <= last; region++ {
		if marks>>(region%64)&1 != 0 {
			return true
		}
	}
	return false
}

// overwriteFound writes the image over all copies, which stay for the next run.
func (m *privateMapping) overwriteFound() error {
	if err := m.pages.scan(addresses(m.memory.bytes), false); err != nil {
		return err
	}
	for _, s := range m.pages.found {
		m.overwrite(s)
	}
	return nil
}

// overwriteKnown writes the image over the pages where the first run has been, and
// drops the copies of others.
func (m *privateMapping) overwriteKnown() error {
	rest := addresses(m.memory.bytes)
	if len(m.known) == 0 {
		if err := m.pages.scan(rest, true); err != nil {
			return err
		}
		const apart = 4 // pages, that are cheaper to copy than a call of the system's
		m.known = joined(m.pages.found, apart*uintptr(os.Getpagesize()))
	}
	for _, s := range m.known {
		m.overwrite(s)
		if err := discard(span{rest.start, s.start}); err != nil {
			return err
		}
		rest.start = s.end
	}
	return discard(rest)
}

func (m *privateMapping) overwrite(s span) {
	base := addresses(m.memory.bytes).start
	m.image.restore(m.memory.bytes, int(s.start-base), int(s.end-base))
}

// joined joins what lies at most a gap apart.
func joined(spans []span, gap uintptr) (out []span) {
	for _, s := range spans {
		if last := len(out) - 1; last >= 0 && s.start-out[last].end <= gap {
			out[last].end = s.end
			continue
		}
		out = append(out, s)
	}
	return out
}
