package transport

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// BenchmarkNext is what one delivered response costs before the kernel: a frame
// in the queue, and the writer's round.
func BenchmarkNext(b *testing.B) {
	response := []byte(`{"data":{"orderUpdated":{"id":"` + strings.Repeat("x", 200) + `"}}}`)
	op := &operation{id: "0b2c9d3e-7d0f-4a4e-8f6b-2f1f0f3c9a11", live: true}
	var q queue
	b.ReportAllocs()
	b.SetBytes(int64(len(response)))
	for b.Loop() {
		batch := q.begin()
		batch.bytes = appendNext(batch.bytes, op.id, response, "")
		q.end(websocket.TextMessage, op, false, 1<<20)
		q.take().recycle()
		q.taken = 0
	}
}

// BenchmarkNextEvent is the same for an event stream.
func BenchmarkNextEvent(b *testing.B) {
	response := []byte(`{"data":{"orderUpdated":{"id":"` + strings.Repeat("x", 200) + `"}}}`)
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	s := &stream{tenant: limited, wake: make(chan struct{}, 1)}
	b.ReportAllocs()
	b.SetBytes(int64(len(response)))
	for b.Loop() {
		s.Next(graph.Delivery{Response: response})
		<-s.wake
		s.mu.queue.take().recycle()
		s.mu.queue.taken = 0
	}
}
