package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// configured is a server whose tenant acme has a module that reads its config.
type configured struct{ *node }

func newConfigured(t *testing.T, module []byte) *configured {
	t.Helper()
	n := newNode(t, runtime.Config{})
	if err := errors.Join(n.CreateTenant(t.Context(), "acme", nil), n.Push(t.Context(), "acme", "probe", module)); err != nil {
		t.Fatal(err)
	}
	return &configured{n}
}

// put sends a config, or takes it away where that is empty.
func (c *configured) put(config string) error {
	method := http.MethodPut
	if config == "" {
		method = http.MethodDelete
	}
	_, err := c.request(method, "/v1/tenants/acme/modules/probe/config", "application/json", []byte(config), http.StatusNoContent)
	return err
}

func (c *configured) publish(id, payload string) {
	if _, err := c.Publish(context.Background(), "acme", event.Event{Channel: "probe", ID: id, Payload: []byte(payload)}); err != nil {
		c.t.Error(err)
	}
}

// next reads one frame and returns the value of its only field.
func next(t testing.TB, socket *websocket.Conn) (id string, value json.RawMessage) {
	var frame struct {
		Type, ID string
		Payload  struct{ Data map[string]json.RawMessage }
	}
	if err := socket.ReadJSON(&frame); err != nil || frame.Type != "next" || len(frame.Payload.Data) != 1 {
		t.Errorf("got %+v, %v", frame, err)
		return "", nil
	}
	for _, value = range frame.Payload.Data {
	}
	return frame.ID, value
}

func TestModulesReadTheirConfig(t *testing.T) {
	for _, path := range []string{"../sdk/rust/conformance/probe.wasm", "../sdk/assemblyscript/conformance/probe.wasm"} {
		module, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c := newConfigured(t, module)
		socket := subscribe(t, c.url, "subscription { greeting }")
		for n, step := range []struct{ config, greeting string }{
			{`{"greeting":"salut"}`, `"salut"`}, {`{"greeting":"moin"}`, `"moin"`}, {"", `"hello"`}, {`{"greeting":"moin"}`, `"moin"`}, {"{}", `"hello"`},
		} {
			if err := c.put(step.config); err != nil {
				t.Fatal(err)
			}
			c.publish(fmt.Sprint(n), "null")
			if _, got := next(t, socket); string(got) != step.greeting {
				t.Errorf("%s: with config %s the greeting is %s", path, step.config, got)
			}
		}
	}
}

// TestImagesBelongToAConfig has a module keep in _initialize what it shows later.
func TestImagesBelongToAConfig(t *testing.T) {
	const kept = 16384
	g := sandboxtest.New(`type Subscription { kept: Int @on(channel: "probe") }`)
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil,
		g.Call(abi.ImportInput, wasmtest.I32Const(int32(abi.InputConfig)), sandboxtest.Range(kept, 1)), wasmtest.Drop()))
	g.Resolver("Subscription.kept", g.Call(abi.ImportOutput, sandboxtest.Range(kept, 1)), sandboxtest.Verdict(abi.Deliver))
	g.Data(kept, []byte("0"))
	c := newConfigured(t, g.Bytes())
	socket := subscribe(t, c.url, "subscription { kept }")
	for n, config := range []string{"1", "2", "", "1", "3"} {
		if err := c.put(config); err != nil {
			t.Fatal(err)
		}
		c.publish(fmt.Sprint(n), "null")
		want := config
		if config == "" {
			want = "0"
		}
		if _, got := next(t, socket); string(got) != want {
			t.Errorf("the image of config %q has %s", config, got)
		}
	}
}

// TestAnotherConfigEndsAQuarantine has a module that traps until its config has
// two bytes, and one that is activated beside it, which changes nothing.
func TestAnotherConfigEndsAQuarantine(t *testing.T) {
	g := sandboxtest.New(`type Subscription { f: Int @on(channel: "probe") }`)
	g.Resolver("Subscription.f",
		g.Call(abi.ImportInput, wasmtest.I32Const(int32(abi.InputConfig)), sandboxtest.Range(sandboxtest.Buffer, sandboxtest.BufferBytes)),
		wasmtest.I32Const(2), wasmtest.Op(wasm.OpI32Ne), wasmtest.If(wasmtest.Result(), sandboxtest.Trap()), g.Output("1"))
	c := newConfigured(t, g.Bytes())
	socket := subscribe(t, c.url, "subscription { f }")
	events := 0
	expect := func(part string) {
		t.Helper()
		events++
		c.publish(fmt.Sprint(events), "null")
		if _, frame, err := socket.ReadMessage(); err != nil || !strings.Contains(string(frame), part) {
			t.Fatalf("event %d: got %s, %v; want %s", events, frame, err, part)
		}
	}
	for range 20 {
		expect("RESOLVER_TRAP")
	}
	expect("MODULE_QUARANTINED")
	other := sandboxtest.New(`type Query { other: Int }`)
	if err := c.Push(t.Context(), "acme", "other", other.Resolver("Query.other", other.Output("1")).Bytes()); err != nil {
		t.Fatal(err)
	}
	c.publish("not run, and nothing is said of it again", "null")
	if err := c.put("22"); err != nil {
		t.Fatal(err)
	}
	expect(`"data":{"f":1}`)
}

// TestAThousandConfigs changes the config under live subscriptions while events
// flow. Each subscription gets each event once, in order. Each event is shown
// with the same config to all: none older than what was set before it was
// published, nor than what the event before had.
func TestAThousandConfigs(t *testing.T) {
	const changes, sockets = 1000, 10
	module, err := os.ReadFile("../sdk/rust/conformance/probe.wasm")
	if err != nil {
		t.Fatal(err)
	}
	c := newConfigured(t, module)
	var set atomic.Int64 // the last config that was answered
	changed := make(chan error, 1)
	put := func(n int) error { return c.put(fmt.Sprintf(`{"greeting":"%d"}`, n)) }
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	var all []*websocket.Conn
	for range sockets {
		all = append(all, subscribe(t, c.url, "subscription { greeting }", "subscription { stamp { id } }"))
	}
	go func() {
		var err error
		for n := 1; n <= changes && err == nil; n++ {
			if err = put(n); err == nil {
				set.Store(int64(n))
			}
		}
		changed <- err
	}()
	last, events := 0, 0
	for over := false; !over; events++ {
		select {
		case err := <-changed:
			if err != nil {
				t.Fatal(err)
			}
			over = true // one event more, with the last config
		default:
		}
		least := max(int(set.Load()), last)
		c.publish(fmt.Sprint(events), "null")
		last = c.receive(all, events, least)
	}
	if last != changes {
		t.Errorf("the last event has config %d", last)
	}
	t.Logf("%d changes of config under %d subscriptions and %d events", changes, 2*sockets, events)
}

// receive reads what both subscriptions of all sockets get of an event, and
// returns the config that it was shown with.
func (c *configured) receive(all []*websocket.Conn, number, least int) (config int) {
	c.t.Helper()
	config = -1
	for _, socket := range all {
		seen := map[string]bool{}
		for range 2 {
			id, value := next(c.t, socket)
			seen[id] = true
			if id == "1" {
				if want := fmt.Sprintf(`{"id":"%d"}`, number); string(value) != want {
					c.t.Fatalf("got event %s, want %s", value, want)
				}
				continue
			}
			var greeting int
			if _, err := fmt.Sscanf(string(value), `"%d"`, &greeting); err != nil || greeting < least || config >= 0 && greeting != config {
				c.t.Fatalf("event %d: config %s, others have %d, %d was set before: %v", number, value, config, least, err)
			}
			config = greeting
		}
		if len(seen) != 2 {
			c.t.Fatalf("event %d: %v", number, seen)
		}
	}
	return config
}
