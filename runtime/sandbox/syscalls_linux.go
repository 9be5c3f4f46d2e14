//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// The filter's instructions (linux/bpf_common.h), what it answers
// (linux/seccomp.h), and where it finds the call's number and architecture.
const (
	loadWord      = 0x20 // BPF_LD | BPF_W | BPF_ABS
	jumpEqual     = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	jumpAtLeast   = 0x35 // BPF_JMP | BPF_JGE | BPF_K
	answerCall    = 0x06 // BPF_RET | BPF_K
	callAllowed   = 0x7fff0000
	callForbidden = 0x00050000 | uint32(syscall.EPERM)

	numberAt, architectureAt = 0, 4

	setModeFilter = 1 // SECCOMP_SET_MODE_FILTER
	allThreads    = 1 // SECCOMP_FILTER_FLAG_TSYNC
	noNewPrivs    = 38
	otherABI      = 0x40000000 // from here on are the calls of x32, and none on arm64
)

type filterInstruction struct {
	code        uint16
	then, other uint8
	operand     uint32
}

type filterProgram struct {
	length       uint16
	instructions *filterInstruction
}

// restrictCalls has the kernel refuse this process, for good, what compiling never
// needs: sockets, other programs, and the memory of other processes. A kernel
// that was built without such filters changes nothing.
func restrictCalls() error {
	program := callFilter()
	// The kernel takes the setting of this thread over to the others.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up privileges: %w", errno)
	}
	filter := filterProgram{uint16(len(program)), &program[0]}
	stuck, _, errno := syscall.RawSyscall(callSeccomp, setModeFilter, allThreads, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	switch {
	case errors.Is(errno, syscall.ENOSYS), errors.Is(errno, syscall.EINVAL):
		return nil
	case errno != 0:
		return fmt.Errorf("restrict system calls: %w", errno)
	case stuck != 0:
		return fmt.Errorf("restrict system calls: thread %d has a filter of its own", stuck)
	}
	return nil
}

// callFilter refuses forbiddenCalls, and every call of another architecture.
func callFilter() []filterInstruction {
	forbidden := uint8(len(forbiddenCalls) + 1) // instructions from the first check of a number to the last answer
	program := []filterInstruction{
		{loadWord, 0, 0, architectureAt},
		{jumpEqual, 0, forbidden + 2, architecture},
		{loadWord, 0, 0, numberAt},
		{jumpAtLeast, forbidden, 0, otherABI},
	}
	for i, number := range forbiddenCalls {
		program = append(program, filterInstruction{jumpEqual, uint8(len(forbiddenCalls) - i), 0, number})
	}
	return append(program, filterInstruction{answerCall, 0, 0, callAllowed}, filterInstruction{answerCall, 0, 0, callForbidden})
}
