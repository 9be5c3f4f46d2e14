package wasm

import (
	"fmt"
	"unicode/utf8"
)

// cursor reads data up to end. After the first error every read returns zero and the error stays, so
// that callers check once; loops over a declared count have to check at every turn.
type cursor struct {
	data     []byte
	pos, end int
	base     int // offset of data in the file
	section  string
	function int
	longer   bool // something was read that could have been written shorter
	err      *Error
}

func (c *cursor) fail(pos int, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{
			Offset: c.base + pos, Section: c.section, Function: c.function, Message: fmt.Sprintf(format, args...),
		}
	}
}

func (c *cursor) failed() bool { return c.err != nil }

func (c *cursor) more() bool { return c.err == nil && c.pos < c.end }

func (c *cursor) byte() byte {
	if c.err != nil {
		return 0
	}
	if c.pos >= c.end {
		c.fail(c.pos, "unexpected end")
		return 0
	}
	b := c.data[c.pos]
	c.pos++
	return b
}

// take returns the next n bytes, borrowed.
func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(c.end-c.pos) {
		c.fail(c.pos, "%d bytes declared, %d left", n, c.end-c.pos)
		return nil
	}
	b := c.data[c.pos : c.pos+int(n) : c.pos+int(n)]
	c.pos += int(n)
	return b
}

func (c *cursor) u32() uint32 {
	if c.err == nil && c.pos < c.end && c.data[c.pos] < 0x80 {
		c.pos++
		return uint32(c.data[c.pos-1])
	}
	start := c.pos
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			c.longer = c.longer || b == 0 && shift > 0
			return v
		}
	}
	c.fail(start, "number is longer than 32 bits")
	return 0
}

// signed reads a signed LEB128 number of the given width: 32, 33 or 64.
func (c *cursor) signed(bits int) int64 {
	start := c.pos
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		b := c.byte()
		v |= int64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if spare := 64 - shift - 7; spare > 0 {
			v = v << spare >> spare
		}
		if shift+7 > bits && !signExtends(b, bits-shift) {
			break
		}
		return v
	}
	c.fail(start, "number is longer than %d bits", bits)
	return 0
}

// signExtends tells whether the bits of b above the width are copies of its topmost one.
func signExtends(b byte, width int) bool {
	top := b & 0x7f >> (width - 1)
	return top == 0 || top == 0x7f>>(width-1)
}

func (c *cursor) name() string {
	n := c.u32()
	start := c.pos
	b := c.take(uint64(n))
	if !utf8.Valid(b) {
		c.fail(start, "name is not valid UTF-8")
		return ""
	}
	return string(b)
}

// count reads the number of entries that follow. Each takes a byte at least, so a larger count than
// there are bytes left is refused at once.
func (c *cursor) count(what string) uint32 {
	start := c.pos
	n := c.u32()
	if uint64(n) > uint64(c.end-c.pos) {
		c.fail(start, "%d %s declared, only %d bytes left", n, what, c.end-c.pos)
		return 0
	}
	return n
}
