package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// answer writes v as JSON, in the order of its fields.
func answer(w http.ResponseWriter, status int, v any) error {
	text, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	write(w, status, "application/json", append(text, '\n'))
	return nil
}

// encode returns v as JSON on one line, in the order of its fields.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// write sends a whole answer. A failed write is not reported: the client is
// gone.
func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// typeText is the media type of plain text.
const typeText = "text/plain; charset=utf-8"

func noContent(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func timestamp(t time.Time) string { return string(event.AppendTime(nil, t)) }
