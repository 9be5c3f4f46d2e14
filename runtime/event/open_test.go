package event_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
)

// What the driver was opened with last.
var (
	got  *url.URL
	logs bool
)

// registerProbe registers a driver, once in however many runs of the test.
var registerProbe = sync.OnceFunc(func() {
	event.Register("probe", func(_ context.Context, u *url.URL, o event.Options) (event.Bus, error) {
		got, logs = u, o.Logger != nil
		return nil, errors.New("no such host")
	})
})

func TestOpen(t *testing.T) {
	got, logs = nil, false
	registerProbe()
	_, err := event.Open(t.Context(), "PROBE://user:secret@host:1/x?a=b", event.Options{})
	if err == nil || err.Error() != "open the probe bus: no such host" || got.String() != "probe://user:secret@host:1/x?a=b" {
		t.Errorf("%v for %v", err, got)
	}
	if !logs {
		t.Error("the driver has no logger")
	}
	for address, want := range map[string]string{
		"":                              "none of the schemes that there are: probe",
		"kafka://user:secret@host":      "none of the schemes",
		"//user:secret@host":            "none of the schemes",
		"probe://user:secret%@host/":    "percent-encoded",
		"probe://user:secret/@host:1/x": "percent-encoded",
		"probe://host:secret/":          "percent-encoded",
	} {
		_, err := event.Open(t.Context(), address, event.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a second driver took the scheme")
		}
	}()
	event.Register("probe", nil)
}
