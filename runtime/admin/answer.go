package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/response"
)

// answer writes v as JSON, in the order of its fields.
func answer(w http.ResponseWriter, status int, v any) error {
	text, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	response.Write(w, status, typeJSON, append(text, '\n'))
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

// Media types of answers that are no JSON.
const (
	typeText  = "text/plain; charset=utf-8"
	typeBytes = "application/octet-stream"
)

func noContent(w http.ResponseWriter) error {
	response.Write(w, http.StatusNoContent, "", nil)
	return nil
}

func timestamp(t time.Time) string { return string(event.AppendTime(nil, t)) }
