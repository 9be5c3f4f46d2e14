package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime returns what all threads of this process have used so far: what
// else the machine does counts less than in the time that passes, and what the
// garbage collector does in the background counts, too.
func processorTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err) // the clock is there since Linux 2.6.12
	}
	return time.Duration(t.Nano())
}
