package transport

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// FuzzDecode holds what decode accepts against encoding/json, and what it
// refuses to the codes that there are.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"connection_init","payload":{"authorization":"x"}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"{a}","operationName":"x","variables":{"a":[1]},"extensions":null}}`,
		`{"id":"\u00e4","type":"complete"}`, `{"type":"ping","payload":{}}`, `{"type":"pong","payload":null}`, `[]`, `{"type":"p\u0069ng"}`,
	} {
		f.Add([]byte(seed))
	}
	var doc jsondoc.Document
	f.Fuzz(func(t *testing.T, text []byte) {
		msg, bad := decode(&doc, text)
		if bad != nil {
			if bad.code != closeBadRequest && bad.code != websocket.CloseInvalidFramePayloadData || bad.reason == "" {
				t.Fatalf("%q: %d %q", text, bad.code, bad.reason)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q was accepted: %v", text, err)
		}
		if got := messageTypes[stringOf(t, want["type"])]; got != msg.kind {
			t.Fatalf("%q: type %d, want %d", text, msg.kind, got)
		}
		switch msg.kind {
		case messageSubscribe:
			compareSubscribe(t, msg, want)
			fallthrough
		case messageComplete:
			if got := stringOf(t, want["id"]); got != msg.id || got == "" {
				t.Fatalf("%q: id %q", text, msg.id)
			}
		default:
			compareObject(t, msg.payload, want["payload"])
		}
	})
}

func compareSubscribe(t *testing.T, msg message, want map[string]json.RawMessage) {
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(want["payload"], &payload); err != nil {
		t.Fatal(err)
	}
	if got := stringOf(t, payload["query"]); got != msg.request.Query {
		t.Fatalf("query %q, want %q", msg.request.Query, got)
	}
	if name := payload["operationName"]; name != nil && string(name) != "null" && stringOf(t, name) != msg.request.OperationName {
		t.Fatalf("operationName %q, want %s", msg.request.OperationName, name)
	}
	compareObject(t, msg.request.Variables, payload["variables"])
	compareObject(t, msg.request.Extensions, payload["extensions"])
}

func compareObject(t *testing.T, got []byte, want json.RawMessage) {
	if want == nil || string(want) == "null" {
		if got != nil {
			t.Fatalf("object %q where there is none", got)
		}
		return
	}
	if want[0] != '{' || !bytes.Equal(got, want) {
		t.Fatalf("object %q, want %q", got, want)
	}
}

func stringOf(t *testing.T, text json.RawMessage) string {
	var s string
	if len(text) == 0 || text[0] != '"' || json.Unmarshal(text, &s) != nil {
		t.Fatalf("%q was taken for a string", text)
	}
	return s
}
