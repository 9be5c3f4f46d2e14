//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// handshakeTimeout bounds each read and write until a connection is acknowledged.
const handshakeTimeout = 20 * time.Second

// dial returns a socket that is upgraded and acknowledged, and blocks. A receive
// buffer of 0 is the system's. What follows the acknowledgement is not read.
func dial(address netip.AddrPort, path string, receiveBuffer int) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := handshake(fd, address, path, receiveBuffer); err != nil {
		return -1, errors.Join(err, syscall.Close(fd))
	}
	return fd, nil
}

func handshake(fd int, address netip.AddrPort, path string, receiveBuffer int) error {
	if receiveBuffer > 0 {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer); err != nil {
			return fmt.Errorf("SO_RCVBUF: %w", err)
		}
	}
	timeout := syscall.NsecToTimeval(handshakeTimeout.Nanoseconds())
	if err := errors.Join(
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &timeout),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
	); err != nil {
		return fmt.Errorf("socket options: %w", err)
	}
	to := &syscall.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	err := syscall.Connect(fd, to)
	for errors.Is(err, syscall.EINTR) { // Go's own signals; called again it waits on
		err = syscall.Connect(fd, to)
	}
	if err != nil && !errors.Is(err, syscall.EISCONN) {
		return fmt.Errorf("connect: %w", err)
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", path, address)
	if err := send(fd, request); err != nil {
		return err
	}
	answer, err := receive(fd, func(b []byte) (int, error) {
		if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
			return i + 4, nil
		}
		return 0, nil
	})
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("upgrade: %.200q", answer)
	}
	if err := send(fd, appendFrame(nil, opText, []byte(`{"type":"connection_init"}`))); err != nil {
		return err
	}
	return acknowledged(fd)
}

// acknowledged waits for connection_ack.
func acknowledged(fd int) error {
	for {
		frame, err := receive(fd, func(b []byte) (int, error) {
			_, _, rest, err := parseFrame(b)
			if errors.Is(err, errPartial) {
				return 0, nil
			}
			return len(b) - len(rest), err
		})
		if err != nil {
			return fmt.Errorf("acknowledgement: %w", err)
		}
		opcode, payload, _, _ := parseFrame(frame)
		var message struct{ Type string }
		switch {
		case opcode == opPing || opcode == opText && json.Unmarshal(payload, &message) == nil && message.Type == "ping":
			continue
		case opcode == opText && message.Type == "connection_ack":
			return nil
		default:
			return fmt.Errorf("acknowledgement: opcode %d, %.200q", opcode, payload)
		}
	}
}

// receive reads until end, given all that was read, names the length of what is
// waited for. It reads not a byte more.
func receive(fd int, end func([]byte) (int, error)) ([]byte, error) {
	var all []byte
	buffer := make([]byte, 4096)
	for {
		n, _, err := syscall.Recvfrom(fd, buffer, syscall.MSG_PEEK)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, fmt.Errorf("read: %w", err)
		case n == 0:
			return nil, errors.New("the server closed the connection")
		}
		length, err := end(append(all, buffer[:n]...))
		if err != nil {
			return nil, err
		}
		take := n
		if length > len(all) {
			take = min(n, length-len(all))
		}
		if _, err := syscall.Read(fd, buffer[:take]); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		all = append(all, buffer[:take]...)
		if len(all) == length {
			return all, nil
		}
	}
}

func send(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		b = b[n:]
	}
	return nil
}
