package transport

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
		batch.bytes = appendNext(batch.bytes, op.id, response, "", 0)
		q.end(websocket.TextMessage, op, false)
		q.take().recycle()
		q.taken = 0
	}
}

// BenchmarkNextOperation is the same from the sink on.
func BenchmarkNextOperation(b *testing.B) {
	response := []byte(`{"data":{"orderUpdated":{"id":"` + strings.Repeat("x", 200) + `"}}}`)
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	c := &conn{tenant: limited}
	c.mu.writing = true
	op := &operation{id: "0b2c9d3e-7d0f-4a4e-8f6b-2f1f0f3c9a11", live: true, conn: c}
	b.ReportAllocs()
	b.SetBytes(int64(len(response)))
	for now := int64(0); b.Loop(); now += int64(time.Second) {
		op.Next(graph.Delivery{Response: response, Now: now})
		c.mu.queue.take().recycle()
		c.mu.queue.taken = 0
	}
}

// BenchmarkNextHeldBack is what a response costs that takes the place of another of its key.
func BenchmarkNextHeldBack(b *testing.B) {
	response := []byte(`{"data":{"orderUpdated":{"id":"` + strings.Repeat("x", 200) + `"}}}`)
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	c := &conn{tenant: limited}
	c.mu.writing, c.mu.queue.taken = true, 600<<10 // a writer that is stuck
	op := &operation{id: "0b2c9d3e-7d0f-4a4e-8f6b-2f1f0f3c9a11", live: true, conn: c}
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = fmt.Sprint("prices sABC", i)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(response)))
	for i := 0; b.Loop(); i++ {
		if taken, skipped := op.Next(graph.Delivery{Response: response, Key: keys[i%len(keys)], Now: 1}); !taken || skipped != (i >= len(keys)) {
			b.Fatalf("%d: taken %v, skipped %v", i, taken, skipped)
		}
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
	for now := int64(0); b.Loop(); now += int64(time.Second) {
		s.Next(graph.Delivery{Response: response, Now: now})
		<-s.wake
		s.mu.queue.take().recycle()
		s.mu.queue.taken = 0
	}
}
