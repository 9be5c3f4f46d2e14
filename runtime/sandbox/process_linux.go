package sandbox

import (
	"fmt"
	"os"
	"syscall"
)

// executable returns a path that leads to the very file that this process runs,
// even where another was put in its place.
func executable() (string, error) { return "/proc/self/exe", nil }

// childAttributes puts a child into a process group of its own, which is killed
// as a whole, and has it killed with its parent.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// dataSlack is how far the kernel lets a child's memory get past its limit: the
// Go runtime takes address space in large pieces, of which it then uses a part.
const dataSlack = 256 << 20

// confineMemory has the kernel refuse this process more than a number of bytes
// beyond what it has.
func confineMemory(bytes int64) error {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return fmt.Errorf("find out how much memory is in use: %w", err)
	}
	var ignored, pages int64
	if _, err := fmt.Sscan(string(text), &ignored, &ignored, &ignored, &ignored, &ignored, &pages); err != nil {
		return fmt.Errorf("find out how much memory is in use: %w", err)
	}
	limit := uint64(pages*int64(os.Getpagesize()) + bytes + dataSlack)
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("limit memory to %d bytes: %w", limit, err)
	}
	return nil
}
