package main

import (
	"net"
	"syscall"
)

// unsentBytes is how much a socket takes that it has not sent. Without a bound it is some
// megabytes: that old are the events that a slow client gets, whatever is skipped
// behind them, and a socket that is full has room again only when a third of that has left,
// so that a write to a client who reads, but slowly, takes longer than it may.
const unsentBytes = 128 << 10

const tcpNotSentLowAt = 25 // TCP_NOTSENT_LOWAT, which package syscall does not have

// limitUnsent bounds what a socket holds; one that is not ours to set is left as it is.
func limitUnsent(c net.Conn) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowAt, unsentBytes)
	})
}
