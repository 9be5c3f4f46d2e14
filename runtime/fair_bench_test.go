package runtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/event"
)

// busyVariable has this test program be another process: "spin" keeps two threads busy,
// an address of a server subscribes there as tenant a, and takes what comes.
const busyVariable = "RUNNEL_TEST_BUSY"

const (
	fairRounds    = 5
	fairEvents    = 400 // of tenant b in each
	fairPause     = time.Millisecond
	fairSockets   = 500
	fairBroadcast = 20_000 // subscriptions of tenant a
)

// BenchmarkFairShare gives how long events of tenant b take from publishing to the
// subscriber, where tenant a burns all fuel it can get, and where it broadcasts to
// 20,000 subscriptions whose sockets another process reads; each in turn with two busy threads of
// another process instead.
func BenchmarkFairShare(b *testing.B) {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(2))
	s := newFairServer(b)
	var rows []bench.Row
	for b.Loop() {
		rows = nil
		for _, load := range []struct {
			name  string
			begin func(*testing.B) (end func())
		}{{"tenant a burns all fuel it can get", s.burn}, {"tenant a broadcasts to 20,000 subscriptions", s.broadcast}} {
			var beside, alone []float64
			var p99s [3][]float64
			for range fairRounds {
				idle := s.measure(b)
				end := spin(b)
				busy := s.measure(b)
				end()
				end = load.begin(b)
				loaded := s.measure(b)
				end()
				for i, p := range []time.Duration{idle, busy, loaded} {
					p99s[i] = append(p99s[i], float64(p))
				}
				beside, alone = append(beside, float64(loaded)/float64(busy)), append(alone, float64(loaded)/float64(idle))
			}
			what := fmt.Sprintf("%s: b's p99 (alone %s, beside two busy threads %s, beside a %s)", load.name,
				bench.Duration(bench.Median(p99s[0])), bench.Duration(bench.Median(p99s[1])), bench.Duration(bench.Median(p99s[2])))
			rows = append(rows,
				bench.Row{What: what + ", times that beside two busy threads", Measured: bench.Spread(beside), Target: "≤ 1.5", Verdict: bench.AtMost(bench.Median(beside), 1.5)},
				bench.Row{What: "the same, times that alone", Measured: bench.Spread(alone)})
		}
		rows = append(rows, bench.Row{What: "events of b that were lost", Measured: fmt.Sprint(s.lost), Target: "0", Verdict: bench.None(float64(s.lost))})
	}
	if err := bench.PrintTable(os.Stdout, rows); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
}

// fairServer serves tenant a, and tenant b with one subscriber.
type fairServer struct {
	*burningServer
	socket *websocket.Conn
	next   int // number of b's next event
	lost   int
}

func newFairServer(b *testing.B) *fairServer {
	s := &fairServer{burningServer: newBurningServer(b, 1)}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.end(ctx); err != nil {
			b.Error(err)
		}
	})
	for _, id := range []string{"a", "b"} {
		limits := []byte(`{"eventsPerSecond":1000000,"subscriptionsPerConnection":1000}`)
		if err := errors.Join(s.CreateTenant(b.Context(), id, limits), s.Push(b.Context(), id, "orders", examples.OrdersRust)); err != nil {
			b.Fatal(err)
		}
	}
	s.socket = dialTenant(b, s.url, "b", "subscription { orderUpdated { id customerId status total sentAt } }")
	return s
}

// measure publishes events of b, one after the other, and returns what 99 % took at most.
func (s *fairServer) measure(b *testing.B) time.Duration {
	var took []time.Duration
	for range fairEvents {
		id := fmt.Sprint(s.next)
		s.next++
		payload := []byte(`{"id":"` + id + `","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000}`)
		began := time.Now()
		if _, err := s.Publish(b.Context(), "b", event.Event{Channel: "orders", Payload: payload}); err != nil {
			b.Fatal(err)
		}
		for {
			_, message, err := s.socket.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			if strings.Contains(string(message), `"ping"`) {
				continue
			}
			var m struct {
				Payload struct {
					Data struct{ OrderUpdated struct{ ID string } }
				}
			}
			if err := json.Unmarshal(message, &m); err != nil || m.Payload.Data.OrderUpdated.ID != id {
				s.lost++
				b.Errorf("got %s, %v; want order %s", message, err, id)
			}
			break
		}
		took = append(took, time.Since(began))
		time.Sleep(fairPause)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// burn has the tenant burn fuel, by an event and by queries, until it is ended.
func (s *fairServer) burn(*testing.B) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var burning sync.WaitGroup
	for range 8 {
		burning.Go(func() {
			for ctx.Err() == nil {
				s.query(ctx, burningTenant(0), "{ burn }")
			}
		})
	}
	for range 4 {
		<-s.log.begun
	}
	return func() {
		cancel()
		burning.Wait()
		for len(s.log.begun) > 0 {
			<-s.log.begun
		}
	}
}

// query sends a query and waits for its answer, until ctx ends.
func (s *fairServer) query(ctx context.Context, tenant, query string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/t/"+tenant+"/graphql", strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
	if err != nil {
		panic(err) // not for any URL that a server has
	}
	r.Header.Set("Content-Type", "application/json")
	if answer, err := http.DefaultClient.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
}

// broadcast has events of tenant a go to all of its subscriptions, two at a time, until
// it is ended.
func (s *fairServer) broadcast(b *testing.B) (end func()) {
	lines, stop := another(b, s.url)
	if !lines.Scan() { // all are live
		b.Fatal("no subscriptions of another process")
	}
	ctx, cancel := context.WithCancel(context.Background())
	publish := func() error {
		_, err := s.Publish(ctx, "a", event.Event{Channel: "orders", Payload: []byte(`{"id":"o1","customerId":"c1","status":"PAID","total":12.5,"sentAt":1764000000000}`)})
		return err
	}
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for err := publish(); err == nil && ctx.Err() == nil && lines.Scan(); {
			err = publish()
		}
	})
	if err := publish(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until it is under way
	return func() {
		cancel()
		stop()
		publishing.Wait()
	}
}

// spin has another process keep two threads busy, until it is ended.
func spin(b *testing.B) (end func()) {
	_, end = another(b, "spin")
	time.Sleep(100 * time.Millisecond) // until it does
	return end
}

// another has this program do something in a process of its own, and returns the lines that
// it prints.
func another(b *testing.B, what string) (lines *bufio.Scanner, stop func()) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), busyVariable+"="+what)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	return bufio.NewScanner(output), func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

// anotherMain is the other process, which is killed in the end.
func anotherMain(what string) error {
	if what == "spin" {
		for range 2 {
			go func() {
				for n := 0; ; n++ {
				}
			}()
		}
		select {}
	}
	operations := slices.Repeat([]string{"subscription { orderUpdated { id customerId status total sentAt } }"}, fairBroadcast/fairSockets)
	var messages atomic.Int64
	for range fairSockets {
		conn, err := openSocket(what, "a")
		if err != nil {
			return err
		}
		if err := subscribeTo(conn, operations...); err != nil {
			return err
		}
		go func() {
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					fmt.Fprintln(os.Stderr, "a subscriber of tenant a:", err)
					return
				}
				if n := messages.Add(1); n%fairBroadcast == 0 {
					fmt.Println("event")
				}
			}
		}()
	}
	fmt.Println("live")
	select {}
}
