package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const (
	demoTenant  = "demo"
	demoModule  = "orders"
	demoChannel = "orders"
	demoPause   = time.Second // between two demo events
)

// startDemo creates the tenant demo, where a server before has not, and
// activates its example module.
func startDemo(ctx context.Context, server *runtime.Server) error {
	if err := server.CreateTenant(ctx, demoTenant, nil); err != nil && !errors.Is(err, tenant.ErrExists) {
		return fmt.Errorf("demo: %w", err)
	}
	if err := server.Push(ctx, demoTenant, demoModule, examples.OrdersRust); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// trickle publishes a demo order every second until ctx ends. What users do to
// the tenant demo, such as deleting it, must not end the server: an order that
// is not accepted is logged, one for a tenant that is gone is not missed.
func trickle(ctx context.Context, server *runtime.Server, logger *slog.Logger) error {
	tick := time.NewTicker(demoPause)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_, err := server.Publish(ctx, demoTenant, event.Event{Channel: demoChannel, Payload: demoOrder(n, time.Now())})
		if err != nil && ctx.Err() == nil && !errors.Is(err, tenant.ErrUnknown) {
			logger.Warn("demo order not accepted", "error", err)
		}
	}
}

// demoOrder is the n-th order: of three customers in turn, in each status. Every
// fourth is a draft, which the resolver skips.
func demoOrder(n int, at time.Time) []byte {
	statuses := [...]string{"PAID", "PACKED", "SHIPPED", "DRAFT"}
	return fmt.Appendf(nil, `{"id":"o%d","customerId":"c%d","status":%q,"total":%d.%02d,"sentAt":%d,"note":"ring twice"}`,
		n, n%3+1, statuses[n%len(statuses)], 10+n%90, n*7%100, at.UnixMilli())
}

// servePage serves the example client.
func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(examples.ClientPage) // the browser that left does not mind
}

// greet prints what to do next, ready to paste. operators is the URL of /v1.
func greet(w io.Writer, url, operators string) {
	_, _ = fmt.Fprintf(w, `
Runnel serves the tenant "demo" on %[1]s. Its resolver is a WebAssembly module
(plugins/examples/orders-rust); a demo order is published every second.

Watch live orders:

  bin/runnel subscribe --server %[1]s 'subscription { orderUpdated { id customerId status total } }'

Publish one yourself, from another terminal:

  bin/runnel publish --server %[2]s orders '{"id":"o-42","customerId":"c1","status":"PAID","total":12.5}'

Swap the module for the AssemblyScript one, under the live subscription:

  bin/runnel push --server %[2]s --name orders plugins/examples/orders-assemblyscript/orders-assemblyscript.wasm

Or open %[1]s/ in a browser. Stop with Ctrl-C.

`, url, operators)
}
