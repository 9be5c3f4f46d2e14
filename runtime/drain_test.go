package runtime_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// TestEventsFlowWhileTheServerDrains publishes as long as somebody is there, and
// expects that each subscriber gets all of it until its turn.
func TestEventsFlowWhileTheServerDrains(t *testing.T) {
	const subscribers = 20
	server, err := runtime.New(runtime.Config{Dev: true, DrainTime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(server.CreateTenant(t.Context(), "acme", nil), server.Push(t.Context(), "acme", "orders", examples.OrdersRust)); err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- server.Run(t.Context()) }()
	web := httptest.NewServer(server)
	defer web.Close()

	received := make(chan int, subscribers)
	for range subscribers {
		socket := subscribeAll(t, web.URL, 1)
		go func() {
			for n := 0; ; n++ {
				_, message, err := socket.ReadMessage()
				var closed *websocket.CloseError
				switch {
				case errors.As(err, &closed) && closed.Code == websocket.CloseGoingAway:
					received <- n
					return
				case err != nil || !strings.Contains(string(message), fmt.Sprintf(`"id":"o%d"`, n)):
					t.Errorf("message %d is %s, %v", n, message, err)
					received <- n
					return
				}
			}
		}()
	}
	drained := make(chan error, 1)
	var counts []int
	for n := 0; len(counts) < subscribers; n++ {
		payload := fmt.Appendf(nil, `{"id":"o%d","customerId":"c","status":"PAID"}`, n)
		if _, err := server.Publish(t.Context(), "acme", event.Event{Channel: "orders", Payload: payload}); err != nil {
			t.Fatal(err)
		}
		if n == 10 {
			if server.Draining() {
				t.Error("draining before Drain")
			}
			go func() { drained <- server.Drain(t.Context()) }()
		}
		select {
		case count := <-received:
			counts = append(counts, count)
		case <-time.After(time.Millisecond): // the pace of the events
		}
	}
	if err := <-drained; err != nil || !server.Draining() {
		t.Errorf("%v, draining %t", err, server.Draining())
	}
	if first, last := slices.Min(counts), slices.Max(counts); last < first+subscribers/2 {
		t.Errorf("from the first to the last that left %d to %d events arrived: none during the drain", first, last)
	}
	if err := errors.Join(server.Shutdown(t.Context()), <-running); err != nil {
		t.Error(err)
	}
}
