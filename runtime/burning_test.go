package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// burningServer is a server with tenants whose resolvers log a line and then
// burn fuel for longer than any test takes.
type burningServer struct {
	*runtime.Server
	url string
	log *runLog
	end func(context.Context) error // shuts all down
}

// burnLimits are as high as limits get.
const burnLimits = `{"fuelPerRun":10000000000,"wallMillisPerRun":60000}`

const burnsLine = "begins"

// burningModule has the resolvers Query.burn and Subscription.burn. Their units
// take long: each operation waits for the one before, for several cycles, and what
// comes of it is stored, or the compiler would leave all of it out.
func burningModule() []byte {
	g := sandboxtest.New(`type Query { burn: Int } type Subscription { burn: Int @on(channel: "burn") }`)
	line := g.Call(abi.ImportLog, w.I32Const(int32(abi.LogInfo)), g.Text(burnsLine))
	for _, name := range []string{"Query.burn", "Subscription.burn"} {
		g.Resolver(name, line, w.Loop(w.Result(),
			w.I32Const(sandboxtest.Buffer), w.F64Const(1.5), bytes.Repeat(w.Op(wasm.OpF64Floor), 8192), w.OpMemory(wasm.OpF64Store, 3, 0),
			w.Br(0)), sandboxtest.Trap())
	}
	return g.Bytes()
}

func newBurningServer(t testing.TB, tenants int) *burningServer {
	t.Helper()
	s := &burningServer{log: &runLog{begun: make(chan struct{}, 1000)}}
	var err error
	if s.Server, err = runtime.New(runtime.Config{Dev: true, Logger: slog.New(s.log)}); err != nil {
		t.Fatal(err)
	}
	module := burningModule()
	for n := range tenants {
		id := burningTenant(n)
		if err := errors.Join(s.CreateTenant(t.Context(), id, []byte(burnLimits)), s.Push(t.Context(), id, "burn", module)); err != nil {
			t.Fatal(err)
		}
	}
	running := make(chan error, 1)
	go func() { running <- s.Run(context.Background()) }()
	web := httptest.NewServer(s.Server)
	s.url = web.URL
	s.end = func(ctx context.Context) error {
		defer web.Close()
		return errors.Join(s.Shutdown(ctx), <-running)
	}
	return s
}

func burningTenant(n int) string { return fmt.Sprintf("burns-%d", n) }

// burn has each tenant get an event that its resolver burns fuel for, and
// returns when all of them do.
func (s *burningServer) burn(t testing.TB, tenants int) {
	t.Helper()
	for n := range tenants {
		socket := s.dial(t, burningTenant(n))
		socket.send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { burn }"}}`)
		socket.ping()
		go socket.drain()
		if _, err := s.Publish(t.Context(), burningTenant(n), event.Event{Channel: "burn", Payload: []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	for range tenants {
		<-s.log.begun
	}
}

// burningSocket is a subscriber's connection.
type burningSocket struct {
	testing.TB
	*websocket.Conn
}

// dial opens a connection and has it acknowledged.
func (s *burningServer) dial(t testing.TB, tenant string) burningSocket {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.Dial(strings.Replace(s.url, "http", "ws", 1)+"/t/"+tenant+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	socket := burningSocket{t, conn}
	socket.send(`{"type":"connection_init"}`)
	socket.expect(`"connection_ack"`)
	return socket
}

func (s burningSocket) send(text string) {
	s.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

// expect reads a message, which has to hold the part.
func (s burningSocket) expect(part string) {
	s.Helper()
	if _, message, err := s.ReadMessage(); err != nil || !strings.Contains(string(message), part) {
		s.Fatalf("got %s, %v; want %s", message, err, part)
	}
}

func (s burningSocket) ping() {
	s.Helper()
	s.send(`{"type":"ping"}`)
	s.expect(`"pong"`)
}

// drain reads until the server closes the connection, and answers that.
func (s burningSocket) drain() {
	for {
		if _, _, err := s.ReadMessage(); err != nil {
			return
		}
	}
}

// runLog is the log of a server, of which it counts the runs.
type runLog struct {
	begun     chan struct{}
	ended     atomic.Int64
	cancelled atomic.Int64 // of those that ended
	how       atomic.Value // what was said of the last that was not cancelled
}

func (l *runLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *runLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *runLog) WithGroup(string) slog.Handler            { return l }

func (l *runLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		text := a.Value.String()
		switch {
		case r.Message == "module" && a.Key == "line" && text == burnsLine:
			l.begun <- struct{}{}
		case r.Message == "module" && a.Key == "line" && !strings.HasPrefix(text, string(abi.CodeInternal)):
			l.ended.Add(1) // how, which was no good end
			l.how.Store(text)
		case r.Message == "resolver failed" && a.Key == "message" && strings.HasSuffix(text, "the run was cancelled"):
			l.cancelled.Add(1) // and not one that never began
			l.ended.Add(1)
		}
		return true
	})
	return nil
}
