//go:build unix

package sandbox

import "syscall"

// reserve maps memory that is zero and takes no room until it is touched.
func reserve(size int) ([]byte, error) {
	return syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|noReserve)
}

// release gives back what reserve returned.
func release(mapping []byte) {
	if err := syscall.Munmap(mapping); err != nil {
		panic(err) // not what reserve returned
	}
}
