//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// rawConn finds no socket that can be written to without waiting.
func rawConn(net.Conn) syscall.RawConn { return nil }

// attempt is not called where rawConn finds nothing.
type attempt struct{}

func (a *attempt) prepare() {}

func (a *attempt) write(syscall.RawConn, []byte) (int, error) { return 0, nil }
