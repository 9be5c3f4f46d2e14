//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of RFC 6455.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// errPartial says that the rest of a frame has not come yet.
var errPartial = errors.New("partial frame")

// parseFrame returns the first frame of b and what follows it.
func parseFrame(b []byte) (opcode byte, payload, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, b, errPartial
	}
	if b[0]&0xF0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, b, fmt.Errorf("frame header %x: want a whole, unmasked message without extensions", b[:2])
	}
	size, header := uint64(b[1]), 2
	switch {
	case size == 126 && len(b) >= 4:
		size, header = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case size == 127 && len(b) >= 10:
		size, header = binary.BigEndian.Uint64(b[2:]), 10
	case size >= 126:
		return 0, nil, b, errPartial
	}
	if uint64(len(b)-header) < size {
		return 0, nil, b, errPartial
	}
	end := header + int(size)
	return b[0] & 0x0F, b[header:end], b[end:], nil
}

// appendFrame appends a client's frame. Its masking key is zero, so that the
// payload stays as it is.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}
