package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
)

// BenchmarkSubscriptionMemory is what live subscriptions hold on the heap beyond
// their connections, which are there before: 100,000 over 100 connections, and
// one on each of 1,000. The plan is shared; ids are UUIDs, as clients have them.
func BenchmarkSubscriptionMemory(b *testing.B) {
	for _, c := range []struct {
		name, request           string
		connections, operations int
	}{
		{"plain/100000", `{"query":"subscription { orderUpdated { id status total } }"}`, 100, 1000},
		{"argument/100000", `{"query":"subscription($c: ID!) { orderUpdated(customerId: $c) { id status total } }","variables":{"c":"customer-%06d"}}`, 100, 1000},
		{"plain/one each", `{"query":"subscription { orderUpdated { id status total } }"}`, 1000, 1},
		{"argument/one each", `{"query":"subscription($c: ID!) { orderUpdated(customerId: $c) { id status total } }","variables":{"c":"customer-%06d"}}`, 1000, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(subscriptionBytes(b, c.request, c.connections, c.operations), "B/subscription")
			}
			b.ReportMetric(500, "target-B")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func subscriptionBytes(b *testing.B, request string, connections, operations int) float64 {
	server, err := runtime.New(runtime.Config{Dev: true})
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	limits := []byte(`{"subscriptionsPerConnection":10000,"operationsPerSecond":1000000}`)
	if err := errors.Join(server.CreateTenant(b.Context(), "acme", limits), server.Push(b.Context(), "acme", "orders", examples.OrdersRust)); err != nil {
		b.Fatal(err)
	}
	sockets := make([]*websocket.Conn, connections)
	exchange := func(s *websocket.Conn, text, want string) {
		if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			b.Fatal(err)
		}
		if _, got, err := s.ReadMessage(); err != nil || !strings.Contains(string(got), want) {
			b.Fatalf("got %s, %v", got, err)
		}
	}
	for i := range sockets {
		dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
		if sockets[i], _, err = dialer.Dial(strings.Replace(web.URL, "http", "ws", 1)+"/t/acme/graphql", nil); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = sockets[i].Close() }()
		exchange(sockets[i], `{"type":"connection_init"}`, "connection_ack")
	}
	subscribe := func(i, n int) {
		payload := request
		if strings.Contains(payload, "%") {
			payload = fmt.Sprintf(payload, i*operations+n)
		}
		text := fmt.Sprintf(`{"id":"%08x-0000-4000-8000-%012x","type":"subscribe","payload":%s}`, i, n, payload)
		if err := sockets[i].WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			b.Fatal(err)
		}
	}
	settle := func() {
		for _, s := range sockets {
			exchange(s, `{"type":"ping"}`, "pong")
		}
	}
	subscribe(0, operations) // the plan is there before
	settle()
	before := heapBytes()
	for n := range operations {
		for i, s := range sockets {
			subscribe(i, n)
			exchange(s, `{"type":"ping"}`, "pong") // a burst would leave goroutines behind, which the heap keeps
		}
	}
	settle()
	bytes := heapBytes() - before
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		b.Log(err)
	}
	return float64(bytes) / float64(connections*operations)
}

func heapBytes() int64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.GC() // what pools held for one more round
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
