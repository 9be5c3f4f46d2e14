package runtime_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAllAreServedWhileTenantsBurnFuel has more tenants than processors, each
// with a resolver that burns fuel, and expects that all of them do, and that nobody
// else notices: not with one processor for all.
func TestAllAreServedWhileTenantsBurnFuel(t *testing.T) {
	for _, processors := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("processors=%d", processors), func(t *testing.T) {
			defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(processors))
			tenants := 2*processors + 1
			s := newBurningServer(t, tenants)
			if err := s.CreateTenant(t.Context(), "quiet", nil); err != nil {
				t.Fatal(err)
			}
			before := s.dial(t, burningTenant(0))
			s.burn(t, tenants)

			before.ping()
			after := s.dial(t, burningTenant(1))
			after.send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { unknown }"}}`)
			after.expect(`"error"`)
			go before.drain()
			go after.drain()
			for _, r := range []struct{ method, path, body, want string }{
				{"GET", "/healthz", "", "ok"},
				{"POST", "/t/" + burningTenant(0) + "/graphql", `{"query":"{ __schema { queryType { name } } }"}`, `"Query"`},
				{"POST", "/v1/tenants/quiet/events", `{"channel":"burn","payload":1}`, `"cursor"`},
			} {
				if got := s.request(t, r.method, r.path, r.body); !strings.Contains(got, r.want) {
					t.Errorf("%s %s: %s", r.method, r.path, got)
				}
			}
			if n := s.log.ended.Load(); n > 0 {
				t.Errorf("%d runs ended, so what they burned was too little", n)
			}

			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := s.end(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
			if n := s.log.cancelled.Load(); n != int64(tenants) || n != s.log.ended.Load() {
				t.Errorf("%d runs were cancelled, of %d that ended, one with %v", n, s.log.ended.Load(), s.log.how.Load())
			}
		})
	}
}

// request sends a request over a connection of its own and returns the body.
func (s *burningServer) request(t testing.TB, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// BenchmarkServed gives, in ms, how long a ping of a subscriber takes to be
// answered: by a server with nothing to do, and by one whose tenants all burn
// fuel.
func BenchmarkServed(b *testing.B) {
	const target = 10
	for _, processors := range []int{1, 2} {
		pings := 300
		if processors == 1 { // each takes tens of ms there, and the runs' fuel lasts about 10 s
			pings = 100
		}
		for _, state := range []string{"idle", "burning"} {
			b.Run(fmt.Sprintf("processors=%d/%s", processors, state), func(b *testing.B) {
				defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(processors))
				tenants := 2*processors + 1
				s := newBurningServer(b, tenants)
				socket := s.dial(b, burningTenant(0))
				if state == "burning" {
					s.burn(b, tenants)
				}
				var took []time.Duration
				for b.Loop() {
					for range pings {
						start := time.Now()
						socket.ping()
						took = append(took, time.Since(start))
					}
				}
				if n := s.log.ended.Load(); n > 0 {
					b.Fatalf("%d runs ended", n)
				}
				go socket.drain()
				if err := s.end(context.Background()); err != nil {
					b.Fatal(err)
				}
				slices.Sort(took)
				at := func(part float64) float64 {
					return float64(took[int(part*float64(len(took)-1))]) / float64(time.Millisecond)
				}
				b.ReportMetric(at(0.5), "median-ms")
				b.ReportMetric(at(0.99), "p99-ms")
				b.ReportMetric(at(1), "max-ms")
				b.ReportMetric(target, "target-ms")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// TestShutdownStopsQueries shuts a server down that still answers a request.
func TestShutdownStopsQueries(t *testing.T) {
	s := newBurningServer(t, 1)
	answer := make(chan string, 1)
	go func() {
		defer close(answer)
		answer <- s.request(t, "POST", "/t/"+burningTenant(0)+"/graphql", `{"query":"{ burn }"}`)
	}()
	<-s.log.begun
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.end(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if got := <-answer; !strings.Contains(got, "the run was cancelled") {
		t.Errorf("the request was answered with %s", got)
	}
}
