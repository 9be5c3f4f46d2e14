package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

// BenchmarkNodes is what an event costs where several nodes have it: processor time of
// all of them and of their clients, without Redis, for the same subscriptions spread
// over more nodes, and for nodes that have none.
func BenchmarkNodes(b *testing.B) {
	for _, spread := range [][]int{{96}, {48, 48}, {24, 24, 24, 24}, {96, 0, 0, 0}, {1}, {1, 1, 1, 1}, {1, 0, 0, 0}} {
		b.Run(fmt.Sprintf("subscriptions=%v", spread), func(b *testing.B) { benchmarkNodes(b, spread) })
	}
}

func benchmarkNodes(b *testing.B, spread []int) {
	url := redistest.URL(b)
	var got atomic.Int64
	var publish func(events ...event.Event) error
	for i, subscriptions := range spread {
		bus, err := event.Open(b.Context(), url, event.Options{})
		if err != nil {
			b.Fatal(err)
		}
		server, err := runtime.New(runtime.Config{Dev: true, Bus: bus})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- server.Run(ctx) }()
		web := httptest.NewServer(server)
		b.Cleanup(func() {
			web.Close()
			cancel()
			if err := errors.Join(<-ran, server.Shutdown(context.Background()), bus.Close()); err != nil {
				b.Error(err)
			}
		})
		if err := errors.Join(server.CreateTenant(ctx, "acme", []byte(`{"eventsPerSecond":1000000,"deliveriesPerSecond":1000000}`)), server.Push(ctx, "acme", "orders", examples.OrdersRust)); err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			publish = func(events ...event.Event) error { _, err := server.Publish(ctx, "acme", events...); return err }
		}
		if subscriptions == 0 {
			continue
		}
		socket := subscribeAll(b, web.URL, subscriptions)
		b.Cleanup(func() { _ = socket.Close() })
		go func() {
			for {
				_, message, err := socket.NextReader()
				if err != nil {
					return // closed
				}
				_, _ = io.Copy(io.Discard, message)
				got.Add(1)
			}
		}()
	}
	each := 0
	for _, n := range spread {
		each += n
	}
	const batch = 8
	events := 0
	send := func() {
		list := make([]event.Event, batch)
		for i := range list {
			list[i] = event.Event{Channel: "orders", Payload: []byte(redisPayload)}
		}
		if err := publish(list...); err != nil {
			b.Fatal(err)
		}
		events += batch
		for got.Load() < int64(events*each) {
			time.Sleep(100 * time.Microsecond)
		}
	}
	for range 3 {
		send() // until all nodes know the tenant
	}
	began, before := processorTime(b), events
	for b.Loop() {
		send()
	}
	b.ReportMetric(float64((processorTime(b)-began).Microseconds())/float64(events-before), "cpu-µs/event")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
