package transport

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// keepAliveComment is no event: clients pass it over.
const keepAliveComment = ":\n\n"

// appendNextEvent appends a response as an event, with its cursor as the event's
// id, where there is one, and with inside in the response as well.
func appendNextEvent(dst, response []byte, cursor string, inside bool, skipped int) []byte {
	if cursor != "" {
		dst = append(append(append(dst, "id: "...), cursor...), '\n')
	}
	dst = append(dst, "event: next\ndata: "...)
	if !inside {
		cursor = ""
	}
	extended := cursor != "" || skipped > 0
	if extended {
		response = response[:len(response)-1]
	}
	// IndexByte looks at many bytes at a time: BenchmarkNextEvent.
	if bytes.IndexByte(response, '\n') < 0 && bytes.IndexByte(response, '\r') < 0 {
		dst = append(dst, response...)
	} else {
		dst = appendLines(dst, response)
	}
	if extended {
		dst = appendExtensions(dst, cursor, skipped)
	}
	return append(dst, "\n\n"...)
}

// appendLines appends JSON that has ends of lines between its tokens. The format
// knows three kinds of them: at each, the data goes on in a further line, which
// clients put together again.
func appendLines(dst, text []byte) []byte {
	for _, c := range text {
		if c == '\n' || c == '\r' {
			dst = append(dst, "\ndata: "...)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func appendErrorsEvent(dst []byte, errs graph.Errors) []byte {
	dst = append(dst, `event: next`+"\n"+`data: {"errors":`...)
	dst = errs.Append(dst)
	return append(dst, "}\n\n"...)
}

// appendCompleteEvent appends the end of an operation. Without the empty data
// browsers would not dispatch it.
func appendCompleteEvent(dst []byte) []byte { return append(dst, "event: complete\ndata:\n\n"...) }

// appendPositionEvent appends an id without data: clients keep it for when they
// come back, and show no event.
func appendPositionEvent(dst []byte, cursor string) []byte {
	return append(append(append(dst, "id: "...), cursor...), "\n\n"...)
}

// maxCursorBytes bounds a cursor that a client shows.
const maxCursorBytes = 1 << 10

// lastEventID reads the cursor that a client of an event stream wants to go on
// from; it is empty where there is none. What it means is not looked at.
func lastEventID(h http.Header) (cursor string, bad *failure) {
	values := h.Values("Last-Event-ID")
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", badRequest("the header Last-Event-ID is given more than once")
	case len(values[0]) > maxCursorBytes:
		return "", badRequest(fmt.Sprintf("the header Last-Event-ID is longer than %d bytes", maxCursorBytes))
	}
	for i := range len(values[0]) {
		if c := values[0][i]; c <= ' ' || c > '~' {
			return "", badRequest("the header Last-Event-ID is no cursor")
		}
	}
	return values[0], nil
}
