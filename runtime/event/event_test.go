package event_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

func TestCheck(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct{ channel, id, payload, want string }{
		"good":               {"orders", "e1", `{"a":1}`, ""},
		"any value":          {"orders", "", `"text"`, ""},
		"depth 64":           {"orders", "", deep(64), ""},
		"depth 65":           {"orders", "", deep(65), "payload: "},
		"channel":            {"or ders", "", `1`, `channel "or ders"`},
		"id":                 {"orders", strings.Repeat("i", 201), `1`, "id of 201 bytes"},
		"id with a NUL":      {"orders", "a\x00b", `1`, "no control characters"},
		"broken id":          {"orders", "a\xff", `1`, "it is no UTF-8"},
		"any id":             {"orders", "é \"1\"", `1`, ""},
		"duplicate key":      {"orders", "", `{"a":1,"a":2}`, "payload: "},
		"not UTF-8":          {"orders", "", "\"\xff\"", "payload: "},
		"as large as may be": {"orders", "", `"` + strings.Repeat("x", event.MaxPayloadBytes-2) + `"`, ""},
		"too large":          {"orders", "", `"` + strings.Repeat("x", event.MaxPayloadBytes-1) + `"`, "payload of 8388609 bytes"},
		"cut":                {"orders", "", `{"a":`, "payload: "},
		"empty":              {"orders", "", ``, "payload: "},
	} {
		err := event.Check(c.channel, c.id, []byte(c.payload))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		var syntax *jsondoc.SyntaxError
		if c.want == "payload: " && !errors.As(err, &syntax) {
			t.Errorf("%s: the error does not tell the place", name)
		}
	}
}

func TestMeta(t *testing.T) {
	e := event.Event{ID: `e"1`, Channel: "orders", Time: time.Date(2026, 1, 2, 3, 4, 5, 6789e3, time.FixedZone("", 3600))}
	want := `{"id":"e\"1","channel":"orders","time":"2026-01-02T02:04:05.006Z"}`
	if got := string(e.AppendMeta(nil)); got != want {
		t.Errorf("meta is %s, want %s", got, want)
	}
}
