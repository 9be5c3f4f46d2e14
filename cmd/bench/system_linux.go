package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// processorTime returns what all threads of another process have used so far, those
// that have ended, too, to the nanosecond.
func processorTime(pid int) (time.Duration, error) {
	// The clock of clock_getcpuclockid(3): the process's complement above three
	// bits that ask for what the scheduler has counted.
	clock := ^uintptr(pid)<<3 | 2
	var t syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, errno)
	}
	return time.Duration(t.Nano()), nil
}

// residentMemory returns the resident bytes of a process, counted page by page.
func residentMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Rss:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("process %d: no Rss in smaps_rollup", pid)
}

// sendQueue returns how many bytes the kernel holds of what was written at the
// other end of a loopback connection, whose local and peer ports are given as that
// end sees them.
func sendQueue(local, peer uint16) (int64, error) {
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	defer table.Close()
	ports := [2]string{fmt.Sprintf(":%04X", local), fmt.Sprintf(":%04X", peer)}
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasSuffix(fields[1], ports[0]) && strings.HasSuffix(fields[2], ports[1]) {
			waiting, _, _ := strings.Cut(fields[4], ":")
			return strconv.ParseInt(waiting, 16, 64)
		}
	}
	return 0, fmt.Errorf("no connection from port %d to %d", local, peer)
}

// raiseOpenFiles allows this process and those it starts so many open files.
func raiseOpenFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n) // a hard limit that is too low only root can raise
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files are needed: %w; raise the limit, or lower -connections", n, err)
	}
	return nil
}

// endWithParent has a process killed when this one ends, however it does.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// poller waits for sockets that can be read.
type poller struct {
	fd     int
	events []syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd, events: make([]syscall.EpollEvent, 256)}, nil
}

// add has wait name the socket by the number.
func (p *poller) add(fd, number int) error {
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(number)})
}

// wait appends the numbers of sockets that can be read, after at most the timeout.
func (p *poller) wait(dst []int, timeout time.Duration) ([]int, error) {
	n, err := syscall.EpollWait(p.fd, p.events, int(timeout.Milliseconds()))
	if err == syscall.EINTR {
		return dst, nil
	}
	if err != nil {
		return dst, fmt.Errorf("epoll: %w", err)
	}
	for _, e := range p.events[:n] {
		dst = append(dst, int(e.Fd))
	}
	return dst, nil
}

func (p *poller) close() error { return syscall.Close(p.fd) }

// readNow reads what is there. It does not tell the scheduler, as it never waits.
func readNow(fd int, buffer []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buffer))), uintptr(len(buffer)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
