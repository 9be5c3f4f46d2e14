package transport

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxCloseReason is what RFC 6455 leaves for a reason in a close frame.
const maxCloseReason = 123

func appendAck(dst []byte) []byte { return append(dst, `{"type":"connection_ack"}`...) }

func appendPing(dst []byte) []byte { return append(dst, `{"type":"ping"}`...) }

// appendPong answers a ping with its own payload.
func appendPong(dst, payload []byte) []byte {
	if payload == nil {
		return append(dst, `{"type":"pong"}`...)
	}
	dst = append(dst, `{"type":"pong","payload":`...)
	dst = append(dst, payload...)
	return append(dst, '}')
}

func appendNext(dst []byte, id string, response []byte, cursor string, skipped int) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsondoc.AppendQuoted(dst, id)
	dst = append(dst, `,"type":"next","payload":`...)
	if cursor == "" && skipped == 0 {
		return append(append(dst, response...), '}')
	}
	dst = append(dst, response[:len(response)-1]...)
	return append(appendExtensions(dst, cursor, skipped), '}')
}

// appendExtensions ends a response whose last brace was left out. There is a cursor
// or something skipped, or both.
func appendExtensions(dst []byte, cursor string, skipped int) []byte {
	dst = append(dst, `,"extensions":{"runnel":{`...)
	if cursor != "" {
		dst = append(append(dst, `"cursor":"`...), cursor...) // of base64url
		dst = append(dst, '"')
	}
	if skipped > 0 {
		if cursor != "" {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `"skipped":`...), int64(skipped), 10)
	}
	return append(dst, `}}}`...)
}

// appendPosition is a ping with the cursor of an operation.
func appendPosition(dst []byte, id, cursor string) []byte {
	dst = append(dst, `{"type":"ping","payload":{"runnel":{"cursors":{`...)
	dst = jsondoc.AppendQuoted(dst, id)
	dst = append(append(append(dst, `:"`...), cursor...), '"')
	return append(dst, `}}}}`...)
}

func appendError(dst []byte, id string, errs graph.Errors) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsondoc.AppendQuoted(dst, id)
	dst = append(dst, `,"type":"error","payload":`...)
	dst = errs.Append(dst)
	return append(dst, '}')
}

func appendComplete(dst []byte, id string) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsondoc.AppendQuoted(dst, id)
	return append(dst, `,"type":"complete"}`...)
}

// appendClose appends the content of a close frame. A reason that is too long
// is cut at the end of a character.
func appendClose(dst []byte, code int, reason string) []byte {
	if code == websocket.CloseNoStatusReceived {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, cutReason(reason)...)
}

func cutReason(reason string) string {
	if len(reason) <= maxCloseReason {
		return reason
	}
	end := maxCloseReason
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// maxHeader is the longest header of a frame that a server sends.
const maxHeader = 10

// beginFrame leaves room for a header; endFrame fills it in. The frame's
// content is what was appended between them.
//
// Frames are made here and not by gorilla, so that all that waits for a socket
// is one piece of memory and one write, whatever the number of messages:
// BenchmarkNext.
func beginFrame(dst []byte) []byte { return append(dst, "0123456789"[:maxHeader]...) }

// endFrame completes the frame whose header begins at start, and closes the
// gap that a short header leaves.
func endFrame(dst []byte, start, opcode int) []byte {
	const final = 0x80
	size := len(dst) - start - maxHeader
	var header [maxHeader]byte
	h := append(header[:0], final|byte(opcode))
	switch {
	case size <= 125:
		h = append(h, byte(size))
	case size <= 0xffff:
		h = binary.BigEndian.AppendUint16(append(h, 126), uint16(size))
	default:
		h = binary.BigEndian.AppendUint64(append(h, 127), uint64(size))
	}
	copy(dst[start:], h)
	if len(h) < maxHeader {
		copy(dst[start+len(h):], dst[start+maxHeader:])
	}
	return dst[:start+len(h)+size]
}
