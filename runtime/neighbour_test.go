package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// TestNoisyNeighbour has tenants upload and run the whole corpus of hostile
// modules while another's subscribers get a steady stream of events: they get
// all of them, once, in order, over the sockets that they opened. How long each took is logged.
func TestNoisyNeighbour(t *testing.T) {
	const (
		subscribers = 20
		neighbours  = 4
		pause       = 10 * time.Millisecond
	)
	server, err := runtime.New(runtime.Config{Dev: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- server.Run(context.Background()) }()
	web := httptest.NewServer(server)
	defer web.Close()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-running); err != nil {
			t.Error(err)
		}
	}()
	if err := errors.Join(server.CreateTenant(t.Context(), "quiet", nil), server.Push(t.Context(), "quiet", "orders", examples.OrdersRust)); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	readers := make([]*orderReader, subscribers)
	for i := range readers {
		readers[i] = &orderReader{conn: dialTenant(t, web.URL, "quiet", `subscription { orderUpdated { id } }`)}
		reading.Go(readers[i].read)
	}

	var published []time.Time
	noisy, quiet := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		for {
			published = append(published, time.Now())
			payload := fmt.Appendf(nil, `{"id":"%d","customerId":"c1","status":"PAID","total":1}`, len(published)-1)
			if _, err := server.Publish(t.Context(), "quiet", event.Event{Channel: "orders", Payload: payload}); err != nil {
				t.Errorf("event %d: %v", len(published)-1, err)
			}
			select {
			case <-noisy:
				return
			case <-time.After(pause):
			}
		}
	}()
	makeNoise(t, server, web.URL, neighbours)
	close(noisy)
	<-quiet
	last := fmt.Appendf(nil, `{"id":"end","customerId":"c1","status":"PAID","total":1}`)
	if _, err := server.Publish(t.Context(), "quiet", event.Event{Channel: "orders", Payload: last}); err != nil {
		t.Fatal(err)
	}
	reading.Wait()

	var took []time.Duration
	for i, r := range readers {
		if r.err != nil || len(r.came) != len(published) {
			t.Errorf("subscriber %d got %d of %d events: %v", i, len(r.came), len(published), r.err)
			continue
		}
		for n, at := range r.came {
			took = append(took, at.Sub(published[n]))
		}
	}
	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("%d events to %d subscribers: median %v, 99 %% %v, longest %v", len(published), subscribers, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	}
}

// orderReader reads what a subscriber gets, up to the order "end".
type orderReader struct {
	conn *websocket.Conn
	came []time.Time // of the orders 0, 1, and so on
	err  error
}

func (r *orderReader) read() {
	for {
		_, message, err := r.conn.ReadMessage()
		if err != nil {
			r.err = err
			return
		}
		var m struct {
			Type    string
			Payload struct {
				Data struct{ OrderUpdated struct{ ID string } }
			}
		}
		if err := json.Unmarshal(message, &m); err != nil {
			r.err = err
			return
		}
		id := m.Payload.Data.OrderUpdated.ID
		switch {
		case m.Type == "ping":
			r.err = r.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`))
		case m.Type != "next":
			r.err = fmt.Errorf("the message %s", message)
		case id == "end":
			return
		case id != fmt.Sprint(len(r.came)):
			r.err = fmt.Errorf("order %s came when %d was due", id, len(r.came))
		default:
			r.came = append(r.came, time.Now())
		}
		if r.err != nil {
			return
		}
	}
}

// dialTenant opens a socket of a tenant and subscribes.
func dialTenant(t testing.TB, url, tenant string, operations ...string) *websocket.Conn {
	t.Helper()
	conn, err := openSocket(url, tenant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := subscribeTo(conn, operations...); err != nil {
		t.Fatal(err)
	}
	return conn
}

// subscribeTo subscribes, and returns when the subscriptions are live.
func subscribeTo(conn *websocket.Conn, operations ...string) error {
	var messages []string
	for i, text := range operations {
		messages = append(messages, fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":%q}}`, i, text))
	}
	for _, m := range append(messages, `{"type":"ping"}`) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			return err
		}
	}
	for pong := false; !pong; {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		pong = strings.Contains(string(message), `"pong"`)
	}
	return nil
}

// openSocket opens a socket of a tenant and has it acknowledged.
func openSocket(url, tenant string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.Dial(strings.Replace(url, "http", "ws", 1)+"/t/"+tenant+"/graphql", nil)
	if err != nil {
		return nil, err
	}
	err = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`))
	if err == nil {
		_, _, err = conn.ReadMessage() // connection_ack
	}
	return conn, err
}

// makeNoise has neighbours upload and run every hostile module, shared out
// among them.
func makeNoise(t *testing.T, server *runtime.Server, url string, neighbours int) {
	corpus := make(chan string, 1000)
	err := filepath.WalkDir(filepath.Join("sandbox", "testdata", "hostile"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".wasm") {
			corpus <- path
		}
		return err
	})
	if err != nil || len(corpus) < 200 {
		t.Fatalf("%d hostile modules, %v", len(corpus), err)
	}
	close(corpus)
	var noise sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for n := range neighbours {
		id := fmt.Sprintf("noisy-%d", n)
		if err := server.CreateTenant(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		noise.Go(func() {
			for path := range corpus {
				status, err := runHostile(server, url, id, path)
				if err != nil {
					t.Errorf("%s: %v", path, err)
				}
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	noise.Wait()
	t.Logf("answers to hostile uploads: %v", statuses)
	if statuses[http.StatusCreated] < 50 || statuses[http.StatusUnprocessableEntity] < 50 {
		t.Errorf("too few were admitted or refused for a test of both: %v", statuses)
	}
}

// runHostile uploads a module and, where it is admitted, runs all its resolvers.
func runHostile(server *runtime.Server, url, tenant, path string) (status int, err error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	status, answer, err := exchange("PUT", url+"/v1/tenants/"+tenant+"/modules/evil?activate=true", "application/wasm", binary)
	if err != nil || status >= 300 {
		return status, err
	}
	var uploaded struct{ Resolvers []string }
	if err := json.Unmarshal(answer, &uploaded); err != nil {
		return status, err
	}
	conn, err := openSocket(url, tenant)
	if err != nil {
		return status, err
	}
	defer func() { _ = conn.Close() }()
	var messages []string
	for i, resolver := range uploaded.Resolvers {
		if name, ok := strings.CutPrefix(resolver, "Subscription."); ok {
			messages = append(messages, fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"subscription { %s }"}}`, i, name))
		}
	}
	for _, m := range messages {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			return status, err
		}
	}
	for range 2 {
		if _, err := server.Publish(context.Background(), tenant, event.Event{Channel: "c", Payload: []byte(`{"a":1}`)}); err != nil {
			return status, err
		}
	}
	for _, resolver := range uploaded.Resolvers {
		kind, name, _ := strings.Cut(resolver, ".")
		if kind == "Query" || kind == "Mutation" {
			body := fmt.Sprintf(`{"query":"%s { %s }"}`, strings.ToLower(kind), name)
			if _, _, err := exchange("POST", url+"/t/"+tenant+"/graphql", "application/json", []byte(body)); err != nil {
				return status, err
			}
		}
	}
	return status, nil
}

func exchange(method, url, contentType string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
