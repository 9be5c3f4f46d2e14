package runtime_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// TestMetricsOfOperations: operations, validations, connections and events are
// in the metrics.
func TestMetricsOfOperations(t *testing.T) {
	s := newHandlers(t, runtime.Config{Dev: true, MetricsTenants: 5})
	g := sandboxtest.New(`type Query { a: Int } type Subscription { b: Int @on(channel: "c") }`)
	g.Resolver("Query.a", g.Output("1"))
	g.Resolver("Subscription.b", g.Output("2"))
	if err := s.CreateTenant(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Push(t.Context(), "acme", "m", g.Bytes()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	for s.Ready() != nil && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	url := web.URL + "/t/acme/graphql"
	for range 3 {
		response, err := http.Post(url, "application/json", strings.NewReader(`{"query":"{ a }"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	send := func(m string) {
		t.Helper()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(n int) {
		t.Helper()
		for range n {
			if _, _, err := conn.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(`{"type":"connection_init"}`)
	read(1)
	send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { b }"}}`)
	send(`{"type":"subscribe","id":"2","payload":{"query":"{ a }"}}`)
	read(2) // the answer to the query, and its end: the subscription is live
	if _, err := s.Publish(t.Context(), "acme", event.Event{Channel: "c", Payload: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	read(1)
	lacks := func(wanted ...string) {
		t.Helper()
		_, text := ask(t, s, "GET", "/metrics")
		for _, want := range wanted {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("the metrics lack %s", want)
			}
		}
		if t.Failed() {
			t.Fatal(text)
		}
	}
	lacks(`runnel_operations_total 5`, `runnel_validations_total 2`, `runnel_connections{kind="websocket"} 1`, `runnel_events_total 1`, `runnel_runs_total 5`, `runnel_deliveries_total 1`, `runnel_subscriptions 1`, `runnel_tenant_runs_total{tenant="acme"} 5`,
		`runnel_errors_total{code="RESOLVER_TRAP"} 0`, `runnel_event_delay_seconds_count 1`,
		`runnel_ready 1`, `runnel_activations_total 1`, `runnel_uploads_total{outcome="created"} 1`, `runnel_compile_duration_seconds_count{outcome="created"} 1`)
	go func() { _, _, _ = conn.ReadMessage() }() // and answer the server's close frame
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	lacks(`runnel_runs_total 5`) // though the tenant is gone
	lacks(`runnel_disconnects_total{reason="shutdown"} 1`, `runnel_connections{kind="websocket"} 0`, `runnel_ready 0`)
}
