package bench

import (
	"syscall"
	"time"
	"unsafe"
)

// ProcessorTime returns what all threads of this process have used so far: what
// else the machine does counts less than in the time that passes, and what the
// garbage collector does in the background counts, too.
func ProcessorTime() time.Duration {
	const process = 2 // CLOCK_PROCESS_CPUTIME_ID, there since Linux 2.6.12
	var t syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, process, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(t.Nano())
}
