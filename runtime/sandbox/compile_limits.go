package sandbox

import (
	"fmt"
	"time"
)

// CompileLimits bound what the child process may use for one module. Where a
// field is 0, the one of DefaultCompileLimits counts.
type CompileLimits struct {
	// CPU is the time on processors for any module, CPUPerMiB what each MiB of the
	// upload adds.
	CPU, CPUPerMiB time.Duration
	// Memory is what the process may hold for any module, in bytes, MemoryPerMiB
	// what each MiB of the upload adds, up to MaxMemory in all.
	Memory, MemoryPerMiB, MaxMemory int64
	// Wall is the time by the clock, as a multiple of the CPU time that is allowed:
	// other processes may need the processors too.
	Wall float64
}

// DefaultCompileLimits are several times what large modules of real compilers
// take; docs/architecture.md has the figures.
var DefaultCompileLimits = CompileLimits{
	CPU: 3 * time.Second, CPUPerMiB: 5 * time.Second,
	Memory: 256 << 20, MemoryPerMiB: 128 << 20, MaxMemory: 4 << 30,
	Wall: 6,
}

func (l CompileLimits) withDefaults() CompileLimits {
	d := DefaultCompileLimits
	if l.CPU == 0 {
		l.CPU = d.CPU
	}
	if l.CPUPerMiB == 0 {
		l.CPUPerMiB = d.CPUPerMiB
	}
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	if l.MemoryPerMiB == 0 {
		l.MemoryPerMiB = d.MemoryPerMiB
	}
	if l.MaxMemory == 0 {
		l.MaxMemory = d.MaxMemory
	}
	if l.Wall == 0 {
		l.Wall = d.Wall
	}
	return l
}

// childLimits are the limits for one module.
type childLimits struct {
	CPU    time.Duration
	Memory int64 // bytes
	Wall   time.Duration
	Reply  int64 // bytes that the child may answer with, and write to a file
}

const mebibyte = 1 << 20

// of returns the limits for a module of that many bytes.
func (l CompileLimits) of(uploaded int) childLimits {
	size := int64(uploaded)
	c := childLimits{
		CPU:    l.CPU + time.Duration(float64(l.CPUPerMiB)*float64(size)/mebibyte),
		Memory: min(l.Memory+l.MemoryPerMiB*size/mebibyte, l.MaxMemory),
		Reply:  replyBase + replyFactor*size,
	}
	c.Wall = time.Duration(float64(c.CPU) * l.Wall)
	return c
}

// Machine code is up to some ten times as long as the module that it comes from.
const (
	replyBase   = 16 * mebibyte
	replyFactor = 32
)

// resource is what a child can use too much of.
type resource string

const (
	resourceCPU    resource = "CPU time"
	resourceMemory resource = "memory"
	resourceWall   resource = "time"
	resourceReply  resource = "machine code"
)

// exceeded refuses a module whose compilation went over a limit.
func (l childLimits) exceeded(r resource, uploaded int) *AdmissionError {
	limit := map[resource]string{
		resourceCPU:    l.CPU.String() + " of CPU time",
		resourceMemory: fmt.Sprintf("%d MiB of memory", l.Memory/mebibyte),
		resourceWall:   l.Wall.String(),
		resourceReply:  fmt.Sprintf("%d MiB of machine code", l.Reply/mebibyte),
	}[r]
	return &AdmissionError{Problems: []Problem{{
		Message: fmt.Sprintf("compiling the module takes more than %s, the limit for an upload of %d bytes; make its functions smaller", limit, uploaded),
	}}}
}
