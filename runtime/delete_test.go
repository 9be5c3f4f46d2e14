package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// gate is a log handler that stops where a module's own logger is made, which
// is in the middle of an activation.
type gate struct {
	slog.Handler
	entered, open chan struct{}
}

func (g gate) WithAttrs([]slog.Attr) slog.Handler {
	close(g.entered)
	<-g.open
	return slog.DiscardHandler
}

// script is a bus that hands out given events to who tails it.
type script struct {
	event.Bus
	events []event.Event
}

func (*script) Start() event.Position        { return "" }
func (*script) Backlog(string) event.Backlog { return event.Backlog{} }

func (s *script) Tail(ctx context.Context, sink event.Sink) error {
	for i := range s.events {
		sink.Receive(&s.events[i])
	}
	<-ctx.Done()
	return nil
}

// TestANewTenantGetsNoEventOfAnOlderOne has the bus hold an event that was
// accepted before the tenant of that id was created.
func TestANewTenantGetsNoEventOfAnOlderOne(t *testing.T) {
	bus := &script{}
	server, err := runtime.New(runtime.Config{Dev: true, Bus: bus})
	if err != nil {
		t.Fatal(err)
	}
	accepted := func(id string, at time.Time) event.Event {
		payload := []byte(`{"id":"` + id + `","customerId":"c","status":"PAID"}`)
		return event.Event{Tenant: "acme", Channel: "orders", ID: id, Time: at.UTC().Truncate(time.Millisecond), Payload: payload}
	}
	old := accepted("old", time.Now().Add(-time.Millisecond))
	if err := server.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	bus.events = []event.Event{old, accepted("new", time.Now())}
	if err := server.Push(t.Context(), "acme", "orders", examples.OrdersRust); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	socket := subscribeAll(t, web.URL, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	if _, message, err := socket.ReadMessage(); err != nil || !strings.Contains(string(message), `"id":"new"`) {
		t.Errorf("the first event is %s, %v", message, err)
	}
	cancel()
	if err := errors.Join(<-done, server.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestADeletionDuringAnActivationLeavesNothing holds that Shutdown, which waits
// for whatever is still in use, finds nothing of the tenant.
func TestADeletionDuringAnActivationLeavesNothing(t *testing.T) {
	g := gate{slog.DiscardHandler, make(chan struct{}), make(chan struct{})}
	server, err := runtime.New(runtime.Config{Dev: true, Logger: slog.New(g)})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	pushed, deleted := make(chan error, 1), make(chan int, 1)
	go func() { pushed <- server.Push(context.Background(), "acme", "orders", examples.OrdersRust) }()
	<-g.entered
	go func() {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "http://localhost/v1/tenants/acme", nil))
		deleted <- answer.Code
	}()
	for err = nil; !errors.Is(err, tenant.ErrUnknown); _, err = server.Publish(t.Context(), "acme") {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for the deletion to get as far as it can
	close(g.open)
	if err := <-pushed; err != nil {
		t.Error(err)
	}
	if code := <-deleted; code != http.StatusNoContent {
		t.Errorf("the deletion ended with %d", code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
