package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
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

// TestADeletionDuringAnActivationLeavesNothing holds that Shutdown, which waits
// for whatever is still in use, finds nothing of the tenant.
func TestADeletionDuringAnActivationLeavesNothing(t *testing.T) {
	g := gate{slog.DiscardHandler, make(chan struct{}), make(chan struct{})}
	server, err := runtime.New(runtime.Config{Dev: true, Logger: slog.New(g)})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateTenant("acme", nil); err != nil {
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
