//go:build unix && !linux

package transport

import "syscall"

// writeNow is a write that does not wait.
func writeNow(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }
