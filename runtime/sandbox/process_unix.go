//go:build linux || darwin

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// maxFiles is for the three that a child is given, its files, and the runtime's.
const maxFiles = 32

// confine puts this process under limits for good.
func confine(l childLimits) error {
	keepBelow(l.Memory)
	if err := confineMemory(l.Memory); err != nil {
		return err
	}
	seconds := uint64(l.CPU/time.Second) + 2
	for limit, value := range map[int]uint64{
		syscall.RLIMIT_CORE:   0,
		syscall.RLIMIT_CPU:    seconds,
		syscall.RLIMIT_FSIZE:  uint64(l.Reply),
		syscall.RLIMIT_NOFILE: maxFiles,
	} {
		if err := syscall.Setrlimit(limit, &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			return fmt.Errorf("limit %d to %d: %w", limit, value, err)
		}
	}
	// Runs of other tenants go before. The group has this process alone in it.
	if err := syscall.Setpriority(syscall.PRIO_PGRP, 0, childNiceness); err != nil {
		return fmt.Errorf("give way: %w", err)
	}
	return restrictCalls()
}

const childNiceness = 10

// processorTime returns what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail; the kernel's own limit stands
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// killGroup kills a child and whatever it has started.
func killGroup(p *os.Process) error {
	err := syscall.Kill(-p.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// owned tells whether a file belongs to the user of this process.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// private tells whether nobody but its owner may use a file.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// links returns how many names a file has.
func links(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return int(stat.Nlink)
}

// tryLock locks a file for as long as it is open; false where another has.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
