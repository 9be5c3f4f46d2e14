//go:build unix

package transport

import (
	"net"
	"syscall"
)

// rawConn is the socket of a connection, where it can be written to without
// waiting, else nil. A type that wraps one may have a Write of its own, as TLS has.
func rawConn(c net.Conn) syscall.RawConn {
	socket, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// attempt is a write of what a socket takes without waiting. It serves one
// after the other.
type attempt struct {
	bytes []byte
	n     int
	err   error
	once  func(fd uintptr)
}

func (a *attempt) prepare() { a.once = a.try }

// write writes what the socket takes of p, which may be nothing.
func (a *attempt) write(to syscall.RawConn, p []byte) (int, error) {
	a.bytes, a.n, a.err = p, 0, nil
	err := to.Control(a.once) // not Write, which would look for a deadline
	a.bytes = nil
	if err == nil {
		err = a.err
	}
	return a.n, err
}

func (a *attempt) try(fd uintptr) {
	for {
		n, err := writeNow(int(fd), a.bytes)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		case nil:
			a.n = n
		default:
			a.err = err
		}
		return
	}
}
