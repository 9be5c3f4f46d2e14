package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// limitedModule has a resolver for each thing that a limit of runs is about.
func limitedModule() []byte {
	g := sandboxtest.New(`
		type Item { n: Int self: Item }
		type Query {
			one(list: [Int]): Int items: [Item] spend: Int burn: Int quick: Int eat: Int large: String log: Int
		}
		type Mutation { publish: Int }
		type Tick { k: String n: Int }
		type Subscription { echo: String @on(channel: "c") tick: Tick @on(channel: "t", overflow: LATEST, key: "k") }`)
	say := func(line string) w.Code { return g.Call(abi.ImportLog, w.I32Const(int32(abi.LogInfo)), g.Text(line)) }
	spend := w.Loop(w.Result(), w.LocalGet(0), w.I32Const(1), w.Op(wasm.OpI32Add), w.LocalTee(0), w.I32Const(1000), w.Op(wasm.OpI32LtS), w.BrIf(0))
	published := w.Join(
		w.I32Const(sandboxtest.Buffer), g.Call(abi.ImportPublish, g.Text("c"), g.Text("1")), w.I32Const('0'), w.Op(wasm.OpI32Add), w.I32Store8(0),
		sandboxtest.Range(sandboxtest.Buffer, 1), w.Call(g.Host[abi.ImportOutput]), sandboxtest.Verdict(abi.Deliver))
	return g.Resolver("Query.one", g.Output("1")).
		Resolver("Query.items", g.Output(`[{"n":1},{"n":2},{"n":3}]`)).
		Resolver("Item.self", say("parents"), g.Echo(abi.InputParents)).
		Resolver("Query.spend", spend, g.Output("1")).
		Resolver("Query.burn", say("burns"), sandboxtest.Forever()).
		Resolver("Query.quick", say("quick"), g.Output("1")).
		Resolver("Query.eat", sandboxtest.EatMemory()).
		Resolver("Query.large", g.Call(abi.ImportOutput, sandboxtest.Range(0, 2000)), sandboxtest.Verdict(abi.Deliver)).
		Resolver("Query.log", say("0123456789"), say("another"), g.Output("1")).
		Resolver("Mutation.publish", published).
		Resolver("Subscription.tick", g.Echo(abi.InputEvent)).
		Resolver("Subscription.echo", g.Echo(abi.InputEvent)).Bytes()
}

// limited is a tenant of a whole server, reached as anybody reaches it.
type limited struct {
	*testing.T
	url, tenant string
	bus         event.Bus
	log         *moduleLog
}

// newLimitedServer gives a function that makes tenants. Three runs may be under way.
func newLimitedServer(t *testing.T) func(t *testing.T, tenant string) *limited {
	t.Helper()
	log := newModuleLog()
	before := goruntime.GOMAXPROCS(4)
	bus := memory.New()
	server, err := runtime.New(runtime.Config{Dev: true, Bus: bus, Logger: slog.New(log), CompileInProcess: true})
	goruntime.GOMAXPROCS(before)
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- server.Run(context.Background()) }()
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(context.Background()), <-running); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	module := limitedModule()
	return func(t *testing.T, tenant string) *limited {
		l := &limited{t, web.URL, tenant, bus, log}
		l.must(http.StatusCreated, l.send("POST", "/v1/tenants", "application/json", `{"id":"`+tenant+`"}`))
		l.must(http.StatusCreated, l.upload("m", module))
		return l
	}
}

// answer is what a request was answered.
type answer struct {
	status int
	header http.Header
	body   string
}

func (l *limited) send(method, path, contentType, body string) answer {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	return l.do(r, "application/graphql-response+json, application/json;q=0.9")
}

func (l *limited) do(r *http.Request, accept string) answer {
	l.Helper()
	r.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		l.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func (l *limited) must(status int, a answer) {
	l.Helper()
	if a.status != status {
		l.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
}

// path is one below the tenant.
func (l *limited) path(rest string) string { return "/v1/tenants/" + l.tenant + rest }

func (l *limited) set(limits string) {
	l.Helper()
	l.must(http.StatusOK, l.send("PATCH", l.path(""), "application/json", `{"limits":`+limits+`}`))
}

func (l *limited) upload(name string, module []byte) answer {
	l.Helper()
	return l.send("PUT", l.path("/modules/"+name+"?activate=true"), "application/wasm", string(module))
}

func (l *limited) publish(payload string) answer {
	l.Helper()
	return l.send("POST", l.path("/events"), "application/json", `{"channel":"c","payload":`+payload+`}`)
}

func (l *limited) query(text string) answer {
	l.Helper()
	return l.send("POST", "/t/"+l.tenant+"/graphql", "application/json", fmt.Sprintf(`{"query":%q}`, text))
}

// refused expects a code and the name of the limit.
func (l *limited) refused(status int, code abi.Code, limit string, a answer) {
	l.Helper()
	if a.status != status || !strings.Contains(a.body, `"code":"`+string(code)+`"`) || !strings.Contains(a.body, `"limit":"`+limit+`"`) {
		l.Errorf("got %d %s, want %d %s for %s", a.status, a.body, status, code, limit)
	}
}

// limitedSocket is a subscriber's connection.
type limitedSocket struct {
	*limited
	*websocket.Conn
}

func (l *limited) dial() limitedSocket {
	l.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.Dial(strings.Replace(l.url, "http", "ws", 1)+"/t/"+l.tenant+"/graphql", nil)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = conn.Close() })
	return limitedSocket{l, conn}
}

// init shows an identity.
func (s limitedSocket) init(identity string) {
	s.Helper()
	s.say(`{"type":"connection_init","payload":` + identity + `}`)
}

// join is a connection that was acknowledged.
func (l *limited) join(identity string) limitedSocket {
	l.Helper()
	s := l.dial()
	s.init(identity)
	s.expect(`"connection_ack"`)
	return s
}

func (s limitedSocket) say(text string) {
	s.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

func (s limitedSocket) subscribe(id string) {
	s.Helper()
	s.say(`{"type":"subscribe","id":"` + id + `","payload":{"query":"subscription { echo }"}}`)
}

func (s limitedSocket) expect(parts ...string) {
	s.Helper()
	_, text, err := s.ReadMessage()
	for _, part := range parts {
		if err != nil || !strings.Contains(string(text), part) {
			s.Fatalf("got %s, %v; want %s", text, err, part)
		}
	}
}

// expectClose reads to the close frame, whose reason names the limit.
func (s limitedSocket) expectClose(code int, limit string) {
	s.Helper()
	for {
		_, _, err := s.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case err == nil:
		case errors.As(err, &closed) && closed.Code == code && strings.Contains(closed.Text, "("+limit+")"):
			return
		default:
			s.Fatalf("got %v, want close %d for %s", err, code, limit)
		}
	}
}

// moduleLog keeps the lines of modules, each with its tenant.
type moduleLog struct {
	more   *sync.Cond // told of each line
	lines  *[]string  // guarded by more.L
	tenant string
}

func newModuleLog() *moduleLog {
	return &moduleLog{more: sync.NewCond(new(sync.Mutex)), lines: new([]string)}
}

func (l *moduleLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *moduleLog) WithGroup(string) slog.Handler            { return l }

func (l *moduleLog) WithAttrs(attributes []slog.Attr) slog.Handler {
	child := *l
	for _, a := range attributes {
		if a.Key == "tenant" {
			child.tenant = a.Value.String()
		}
	}
	return &child
}

func (l *moduleLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "module" {
		return nil
	}
	line := l.tenant + ":"
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "line":
			line += a.Value.String()
		case "truncated":
			line += " truncated"
		}
		return true
	})
	l.more.L.Lock()
	defer l.more.L.Unlock()
	*l.lines = append(*l.lines, line)
	l.more.Broadcast()
	return nil
}

// logged returns the lines of the tenant's modules so far.
func (l *limited) logged() []string {
	l.log.more.L.Lock()
	defer l.log.more.L.Unlock()
	return l.loggedLocked()
}

// awaitLine waits until there are more lines than so many.
func (l *limited) awaitLine(than int) {
	l.log.more.L.Lock()
	defer l.log.more.L.Unlock()
	for len(l.loggedLocked()) <= than {
		l.log.more.Wait()
	}
}

func (l *limited) loggedLocked() []string {
	var lines []string
	for _, line := range *l.log.lines {
		if own, ok := strings.CutPrefix(line, l.tenant+":"); ok {
			lines = append(lines, own)
		}
	}
	return lines
}
