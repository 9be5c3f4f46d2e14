package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// BenchmarkPath is an event's whole way in one process: published, run through
// the example module, projected, and read from a WebSocket on loopback by a
// client in the same process. It reports events per second, and the messages
// per second that they become.
func BenchmarkPath(b *testing.B) {
	for _, subscriptions := range []int{1, 100} {
		b.Run(fmt.Sprintf("subscriptions=%d", subscriptions), func(b *testing.B) { benchmarkPath(b, subscriptions) })
	}
}

// inFlight bounds the events between publisher and client, so that the queue of
// the connection never fills.
const inFlight = 64

func benchmarkPath(b *testing.B, subscriptions int) {
	server, err := runtime.New(runtime.Config{Dev: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	web := httptest.NewServer(server)
	defer web.Close()
	if err := errors.Join(server.CreateTenant(ctx, "acme", []byte(`{"eventsPerSecond":1000000,"deliveriesPerSecond":1000000}`)), server.Push(ctx, "acme", "orders", examples.OrdersRust)); err != nil {
		b.Fatal(err)
	}
	socket := subscribeAll(b, web.URL, subscriptions)

	arrived := make(chan struct{}, inFlight)
	for range inFlight {
		arrived <- struct{}{}
	}
	failed := make(chan error, 1)
	received := make(chan struct{})
	go func() {
		defer close(received)
		for n := range b.N * subscriptions {
			_, message, err := socket.NextReader()
			if err == nil {
				_, err = io.Copy(io.Discard, message)
			}
			if err != nil {
				failed <- err
				return
			}
			if (n+1)%subscriptions == 0 {
				arrived <- struct{}{}
			}
		}
	}()
	payload := []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`)
	b.ResetTimer()
	for range b.N {
		select {
		case <-arrived:
		case err := <-failed:
			b.Fatal(err)
		}
		if _, err := server.Publish(ctx, "acme", event.Event{Channel: "orders", Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
	<-received
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N*subscriptions)/b.Elapsed().Seconds(), "messages/s")
	cancel()
	if err := errors.Join(<-done, server.Shutdown(context.Background())); err != nil {
		b.Fatal(err)
	}
}

// subscribeAll opens a socket with that many subscriptions, and returns when
// they are live.
func subscribeAll(b testing.TB, url string, subscriptions int) *websocket.Conn {
	b.Helper()
	return subscribe(b, url, slices.Repeat([]string{"subscription { orderUpdated { id customerId status total sentAt } }"}, subscriptions)...)
}

// subscribe opens a socket with these operations under the ids 0, 1 and so on,
// and returns when they are live.
func subscribe(b testing.TB, url string, operations ...string) *websocket.Conn {
	b.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	socket, _, err := dialer.Dial(strings.Replace(url, "http", "ws", 1)+"/t/acme/graphql", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = socket.Close() })
	send := func(text string) {
		if err := socket.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			b.Fatal(err)
		}
	}
	expect := func(part string) {
		if _, message, err := socket.ReadMessage(); err != nil || !strings.Contains(string(message), part) {
			b.Fatalf("got %s, %v; want %s", message, err, part)
		}
	}
	send(`{"type":"connection_init"}`)
	expect("connection_ack")
	// Messages of one socket are taken in order: the pong says that all are live.
	for n, operation := range operations {
		send(fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":%q}}`, n, operation))
	}
	send(`{"type":"ping","payload":{"live":true}}`)
	expect(`"pong"`)
	return socket
}
