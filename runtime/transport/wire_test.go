package transport

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"
)

// parseFrame reads the first frame as RFC 6455 has it.
func parseFrame(b []byte) (opcode int, content, rest []byte) {
	size, b0 := uint64(b[1]), b[0]
	b = b[2:]
	switch size {
	case 126:
		size, b = uint64(binary.BigEndian.Uint16(b)), b[2:]
	case 127:
		size, b = binary.BigEndian.Uint64(b), b[8:]
	}
	if b0&0x80 == 0 || b0&0x70 != 0 || size > uint64(len(b)) {
		return -1, nil, nil
	}
	return int(b0 & 0x0f), b[:size], b[size:]
}

func TestFramesRoundTrip(t *testing.T) {
	var b []byte
	sizes := []int{0, 1, 125, 126, 127, 1 << 10, 0xffff, 0x10000, 1 << 20}
	for i, size := range sizes {
		start := len(b)
		b = append(beginFrame(b), bytes.Repeat([]byte{byte(i)}, size)...)
		b = endFrame(b, start, i)
	}
	for i, size := range sizes {
		opcode, content, rest := parseFrame(b)
		if opcode != i || len(content) != size || bytes.Count(content, []byte{byte(i)}) != size {
			t.Fatalf("frame %d of %d bytes: opcode %d, %d bytes", i, size, opcode, len(content))
		}
		b = rest
	}
	if len(b) != 0 {
		t.Fatalf("%d bytes too many", len(b))
	}
}

func TestCutReason(t *testing.T) {
	for lead := range 8 {
		for _, r := range []string{"x", "ä", "€", "🏃"} {
			reason := strings.Repeat("a", lead) + strings.Repeat(r, 200)
			got := cutReason(reason)
			if !utf8.ValidString(got) || !strings.HasPrefix(reason, got) || len(got) > 123 || len(got)+len(r) <= 123 {
				t.Errorf("%d × a, then %s: %d bytes %q", lead, r, len(got), got)
			}
		}
	}
	if got := cutReason("short"); got != "short" {
		t.Errorf("got %q", got)
	}
}
