package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
)

// The media types of bodies.
const (
	typeJSON       = "application/json"
	typeMergePatch = "application/merge-patch+json"
	typeNDJSON     = "application/x-ndjson"
	typeWasm       = "application/wasm"
	typeMultipart  = "multipart/form-data"

	typeCloudEvent  = "application/cloudevents+json"
	typeCloudEvents = "application/cloudevents-batch+json"
)

// maxJSONBytes bounds the bodies of requests that no limit of a tenant bounds.
const maxJSONBytes = 64 << 10

// checkEncoding refuses compressed bodies, whose size nobody knows beforehand.
func checkEncoding(h http.Header) error {
	for _, encoding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(encoding, "identity") {
			return problem.New(http.StatusUnsupportedMediaType, abi.CodeBadUserInput, "a body with Content-Encoding is not taken; send it as it is")
		}
	}
	return nil
}

// mediaType returns the type of the body, which must be one of those, with its
// parameters.
func mediaType(r *http.Request, known ...string) (name string, params map[string]string, err error) {
	name, params, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, ok := params["charset"]
	if err != nil || !slices.Contains(known, name) || ok && !strings.EqualFold(charset, "utf-8") {
		return "", nil, problem.New(http.StatusUnsupportedMediaType, abi.CodeBadUserInput,
			fmt.Sprintf("Content-Type %q is not taken here; send %s", cut(r.Header.Get("Content-Type")), strings.Join(known, " or ")))
	}
	return name, params, nil
}

// readBody reads the whole body. over is the answer where it has more than
// limit bytes. Who has sent it may do so still when it has arrived.
func (h *handler) readBody(w http.ResponseWriter, r *call, limit int64, over problem.Problem) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, over
	}
	text, err := readAll(http.MaxBytesReader(w, r.Body, limit), r.ContentLength, over)
	if err != nil {
		return nil, err
	}
	return text, h.again(r)
}

// readAll reads from a body under http.MaxBytesReader.
func readAll(body io.Reader, expected int64, over problem.Problem) ([]byte, error) {
	// Whoever only announces a large body does not get its memory.
	const mostAhead = 1 << 20
	var b bytes.Buffer
	b.Grow(int(min(max(expected, 0), mostAhead)) + bytes.MinRead)
	if _, err := b.ReadFrom(body); err != nil {
		return nil, refusedRead(err, over)
	}
	return b.Bytes(), nil
}

func refusedRead(err error, over problem.Problem) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return over
	}
	if full := (*bodiesError)(nil); errors.As(err, &full) {
		return full
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem.New(http.StatusRequestTimeout, abi.CodeBadUserInput, "the body took too long to arrive; send it again, faster")
	}
	return badRequest("the body broke off: " + err.Error())
}

// readJSON reads a JSON body that no limit of a tenant bounds.
func (h *handler) readJSON(w http.ResponseWriter, r *call, types ...string) ([]byte, error) {
	if _, _, err := mediaType(r.Request, types...); err != nil {
		return nil, err
	}
	return h.readBody(w, r, maxJSONBytes, problem.New(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded,
		fmt.Sprintf("the body has more than %d bytes; send a smaller one", maxJSONBytes)))
}
