package sandbox

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// pageScanner finds pages by what the system knows of them, with the ioctl
// PAGEMAP_SCAN, which Linux has since 6.7.
type pageScanner struct {
	pagemap *os.File // of this process
	regions []pageRegion
	found   []span
}

// pageRegion is what the ioctl finds, and pageScan its argument.
type (
	pageRegion struct {
		span
		categories uint64
	}
	pageScan struct {
		size, flags, start, end, walkEnd uint64
		regions                          uintptr // the address of count of them
		count, limit                     uint64
		inverted, all, some, returned    uint64 // categories
	}
)

func openPageScanner() (*pageScanner, error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, err
	}
	return &pageScanner{pagemap: f, regions: make([]pageRegion, 128)}, nil
}

func (p *pageScanner) close() { _ = p.pagemap.Close() } // nothing was written

// scan finds the pages of a private mapping that are its own, or, with shared, all
// that can be read without a fault: that were, or that lie near such a page in
// a file.
func (p *pageScanner) scan(s span, shared bool) error {
	const (
		request = 0xc0606610
		file    = 1 << 2
		present = 1 << 3
		swapped = 1 << 4
		zero    = 1 << 5
	)
	not := uint64(file | zero)
	if shared {
		not = 0
	}
	scan := pageScan{
		start: uint64(s.start), end: uint64(s.end),
		regions: uintptr(unsafe.Pointer(unsafe.SliceData(p.regions))), count: uint64(len(p.regions)),
		inverted: not, all: not, some: present | swapped, returned: present,
	}
	scan.size = uint64(unsafe.Sizeof(scan))
	for p.found = p.found[:0]; scan.start < scan.end; scan.start = scan.walkEnd {
		n, _, errno := syscall.Syscall(syscall.SYS_IOCTL, p.pagemap.Fd(), request, uintptr(unsafe.Pointer(&scan)))
		if errno != 0 {
			return fmt.Errorf("scan %d bytes of memory: %w", s.end-s.start, errno)
		}
		for _, r := range p.regions[:n] {
			p.found = append(p.found, r.span)
		}
	}
	return nil
}
