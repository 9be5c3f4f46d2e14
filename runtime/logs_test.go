package runtime_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// TestTheLogOfATenant has a module log and panic, and follows the log over HTTP:
// the incident that a subscriber is told of is there with what the panic said.
func TestTheLogOfATenant(t *testing.T) {
	var operators bytes.Buffer
	const token = "an admin token of at least 32 characters"
	server := newNode(t, runtime.Config{AdminToken: token, Logger: slog.New(slog.NewTextHandler(&operators, nil))})
	module, err := os.ReadFile("../sdk/rust/conformance/probe.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(server.CreateTenant(t.Context(), "acme", nil), server.Push(t.Context(), "acme", "probe", module)); err != nil {
		t.Fatal(err)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url+"/v1/tenants/acme/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultClient.Do(request)
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatal(stream, err)
	}
	defer func() { _ = stream.Body.Close() }()
	socket := subscribe(t, server.url, "subscription { logging }", "subscription { panicking }")
	if _, err := server.Publish(t.Context(), "acme", event.Event{Channel: "probe", ID: "e1", Payload: []byte("null")}); err != nil {
		t.Fatal(err)
	}
	incident := ""
	for range 2 {
		var frame struct {
			Payload struct {
				Errors []struct{ Extensions struct{ Incident string } }
			}
		}
		if err := socket.ReadJSON(&frame); err != nil {
			t.Fatal(err)
		}
		if len(frame.Payload.Errors) == 1 {
			incident = frame.Payload.Errors[0].Extensions.Incident
		}
	}
	type line struct{ Level, Module, Digest, Event, Incident, Line string }
	seen := map[string]line{}
	for lines := bufio.NewScanner(stream.Body); len(seen) < 6 && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var l line
			if err := json.Unmarshal([]byte(data), &l); err != nil {
				t.Fatal(err)
			}
			key, _, _ := strings.Cut(l.Line, `\n`)
			seen[key] = l
			if l.Module != "probe" || l.Event != "e1" || !strings.HasPrefix(l.Digest, "sha256:") {
				t.Errorf("%+v", l)
			}
		}
	}
	for _, level := range []string{"debug", "info", "warn", "error"} {
		if got := seen[level+" line"]; got.Level != level || got.Incident != "" {
			t.Errorf("at level %s: %+v", level, got)
		}
	}
	found := false
	for _, l := range seen {
		found = found || l.Incident == incident && l.Level == "error" && strings.HasPrefix(l.Line, "RESOLVER_TRAP in Subscription.panicking: ") &&
			strings.Contains(l.Line, `: on purpose\nunreachable\nwasm stack trace:\n`)
	}
	if incident == "" || !found {
		t.Errorf("the subscriber was told of %q; seen are %+v", incident, seen)
	}
	server.end()
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); { // until the shutdown has ended it
		if strings.HasPrefix(lines.Text(), "data: ") {
			t.Errorf("%s", lines.Text())
		}
	}
	if strings.Contains(operators.String(), "purpose") || strings.Contains(operators.String(), " line") {
		t.Errorf("operators are told of what is the tenant's:\n%s", &operators)
	}
}
