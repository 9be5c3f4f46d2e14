package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
)

// lossy is a bus that has lost a part, and has something else in an event's place.
type lossy struct{ event.Bus }

func (b lossy) Tail(ctx context.Context, sink event.Sink) error {
	start := b.Start()
	sink.Gap("acme", event.Gap{From: start, To: start + "1"})
	sink.Skipped("acme", start+"2", errors.New("the field payload is missing\x1b[31m"))
	sink.Skipped("acme", start+"3", errors.New(strings.Repeat("long ", 1000)))
	sink.Gap("nobody", event.Gap{From: start, To: start + "1"})
	sink.Skipped("nobody", start+"4", errors.New("of no tenant"))
	return b.Bus.Tail(ctx, sink)
}

// TestWhatTheBusLacksIsInTheTenantsLog tells those who publish what was wrong, and counts it.
func TestWhatTheBusLacksIsInTheTenantsLog(t *testing.T) {
	var logged strings.Builder
	server, err := runtime.New(runtime.Config{Dev: true, Bus: lossy{memory.New()}, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- server.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-running, server.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
		if n := strings.Count(logged.String(), "events were lost"); n != 1 {
			t.Errorf("the operator is told %d times of a gap of one tenant that there is:\n%s", n, &logged)
		}
	}()
	get := func(path string) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		server.ServeHTTP(w, r)
		return w.Body.String()
	}
	log := ""
	for strings.Count(log, `"line":`) < 3 {
		log = get("/v1/tenants/acme/logs")
	}
	for _, want := range []string{
		`"level":"error","module":"","digest":"","event":"","line":"events were lost on the bus, behind position `,
		`the field payload is missing\\u001b[31m"`, `"level":"warn"`, `"truncated":true`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%.2000s", want, log)
		}
	}
	if len(log) > 3000 {
		t.Errorf("%d bytes of log", len(log))
	}
	for metrics := ""; !strings.Contains(metrics, "runnel_malformed_events_total 2\n") || !strings.Contains(metrics, "runnel_gaps_total 1\n"); {
		if metrics = get("/metrics"); !strings.Contains(metrics, "runnel_malformed_events_total") {
			t.Fatal(metrics)
		}
	}
}
