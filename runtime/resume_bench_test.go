package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	_ "github.com/runnel-dev/runnel/runtime/event/postgres"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// resumeBuses are those that BenchmarkResume reads from, each opened empty and closed with
// the test.
var resumeBuses = []struct {
	name string
	open func(b testing.TB) event.Bus
}{
	{"memory", func(testing.TB) event.Bus { return memory.New() }},
	{"redis", func(b testing.TB) event.Bus {
		server, err := redistest.Start("--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := server.Remove(); err != nil {
				b.Error(err)
			}
		})
		return openBus(b, server.URL("resume"))
	}},
	{"postgres", func(b testing.TB) event.Bus { return openBus(b, postgrestest.Database(b)) }},
}

func openBus(b testing.TB, address string) event.Bus {
	b.Helper()
	bus, err := event.Open(b.Context(), address, event.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return bus
}

const (
	resumedEvents = 10_000
	resumedBatch  = 100
	resumePairs   = 5
)

// BenchmarkResume has a subscriber come back who missed 10,000 events, and reads from a
// WebSocket on loopback what the example module makes of them: events per second, and
// their ratio to those of the same events live, published in the same process on the memory
// bus. Both are measured five times in turns; the ratio is the median, and min and max
// are its range.
func BenchmarkResume(b *testing.B) {
	for _, bus := range resumeBuses {
		b.Run(bus.name, func(b *testing.B) {
			var rates, ratios []float64
			for range b.N {
				for range resumePairs {
					live := liveRate(b)
					rate := resumeRate(b, bus.open(b))
					rates, ratios = append(rates, rate), append(ratios, rate/live)
				}
			}
			slices.Sort(rates)
			slices.Sort(ratios)
			b.ReportMetric(rates[len(rates)/2], "events/s")
			b.ReportMetric(ratios[len(ratios)/2], "of-live")
			b.ReportMetric(ratios[0], "min")
			b.ReportMetric(ratios[len(ratios)-1], "max")
			b.ReportMetric(.5, "target")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// resumeStage is a server on a bus.
type resumeStage struct {
	testing.TB
	server *runtime.Server
	web    *httptest.Server
}

func withResumeStage(b testing.TB, bus event.Bus, test func(s *resumeStage)) {
	b.Helper()
	server, err := runtime.New(runtime.Config{Dev: true, Bus: bus})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Run(context.Background()) }()
	s := &resumeStage{b, server, httptest.NewServer(server)}
	defer func() {
		s.web.CloseClientConnections()
		if err := errors.Join(server.Shutdown(context.Background()), <-done, bus.Close()); err != nil {
			b.Error(err)
		}
		s.web.Close()
	}()
	limits := []byte(`{"eventsPerSecond":1000000,"deliveriesPerSecond":1000000,"replayEventsPerSecond":10000000}`)
	if err := errors.Join(server.CreateTenant(b.Context(), "acme", limits), server.Push(b.Context(), "acme", "orders", examples.OrdersRust)); err != nil {
		b.Fatal(err)
	}
	test(s)
}

// publish publishes a batch of the events, and tries again where too many wait.
func (s *resumeStage) publish(first int) {
	events := make([]event.Event, resumedBatch)
	for {
		for i := range events {
			payload := fmt.Appendf(nil, `{"id":"o%d","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000,"note":"ring twice"}`, first+i)
			events[i] = event.Event{Channel: "orders", Payload: payload}
		}
		_, err := s.server.Publish(s.Context(), "acme", events...)
		if err == nil {
			return
		}
		if !errors.Is(err, event.ErrFull) {
			s.Error(err)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// join opens a socket.
func (s *resumeStage) join() *websocket.Conn {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 64 << 10}
	socket, _, err := dialer.Dial(strings.Replace(s.web.URL, "http", "ws", 1)+"/t/acme/graphql", nil)
	if err != nil {
		s.Fatal(err)
	}
	s.send(socket, `{"type":"connection_init"}`)
	s.read(socket)
	return socket
}

func (s *resumeStage) send(socket *websocket.Conn, text string) {
	if err := socket.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

func (s *resumeStage) read(socket *websocket.Conn) []byte {
	_, text, err := socket.ReadMessage()
	if err != nil {
		s.Fatal(err)
	}
	return text
}

// readAll reads all events, in order, and calls arrived after each.
func (s *resumeStage) readAll(socket *websocket.Conn, arrived func()) {
	for n := range resumedEvents {
		text := s.read(socket)
		for bytes.HasPrefix(text, []byte(`{"type":"ping"`)) {
			text = s.read(socket)
		}
		if !bytes.Contains(text, fmt.Appendf(nil, `"id":"o%d"`, n)) {
			s.Fatalf("event %d is %s", n, text)
		}
		arrived()
	}
}

const resumedOperation = `{"type":"subscribe","id":"1","payload":{"query":"subscription { orderUpdated { id customerId status total sentAt } }","extensions":{"runnel":{"cursor":%s}}}}`

// follow subscribes, and returns the cursor of where that was.
func (s *resumeStage) follow(socket *websocket.Conn) (cursor string) {
	s.send(socket, fmt.Sprintf(resumedOperation, "null"))
	var ping struct {
		Payload struct {
			Runnel struct{ Cursors map[string]string }
		}
	}
	if err := json.Unmarshal(s.read(socket), &ping); err != nil {
		s.Fatal(err)
	}
	return ping.Payload.Runnel.Cursors["1"]
}

// liveRate is how many events a second reach a subscriber while they are published.
func liveRate(b testing.TB) (rate float64) {
	withResumeStage(b, memory.New(), func(s *resumeStage) {
		socket := s.join()
		defer func() { _ = socket.Close() }()
		s.follow(socket)
		const windows = 8 // batches under way, so that the connection's queue never fills
		window := make(chan struct{}, windows)
		began := time.Now()
		go func() {
			for n := 0; n < resumedEvents; n += resumedBatch {
				window <- struct{}{}
				s.publish(n)
			}
		}()
		n := 0
		s.readAll(socket, func() {
			if n++; n%resumedBatch == 0 {
				<-window
			}
		})
		rate = resumedEvents / time.Since(began).Seconds()
	})
	return rate
}

// resumeRate is how many a second reach one who comes back.
func resumeRate(b testing.TB, bus event.Bus) (rate float64) {
	withResumeStage(b, bus, func(s *resumeStage) {
		socket := s.join()
		cursor := s.follow(socket)
		_ = socket.Close()
		for n := 0; n < resumedEvents; n += resumedBatch {
			s.publish(n)
		}
		for metrics := ""; !strings.Contains(metrics, fmt.Sprintf("\nrunnel_events_total %d\n", resumedEvents)); { // until this node knows them
			w := httptest.NewRecorder()
			s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/metrics", nil))
			metrics = w.Body.String()
		}
		socket = s.join()
		defer func() { _ = socket.Close() }()
		began := time.Now()
		s.send(socket, fmt.Sprintf(resumedOperation, `"`+cursor+`"`))
		s.readAll(socket, func() {})
		rate = resumedEvents / time.Since(began).Seconds()
	})
	return rate
}

// TestResumeBenchmark holds that the benchmark measures something.
func TestResumeBenchmark(t *testing.T) {
	if live, rate := liveRate(t), resumeRate(t, memory.New()); live <= 0 || rate <= 0 {
		t.Errorf("live %.0f, resume %.0f", live, rate)
	}
}
