package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const orderQuery = "subscription { orderUpdated { id status note } }"

func TestToolsReadTheSchema(t *testing.T) {
	p := start(t)
	next := node(t, "graphql-ws", "introspect.mjs", p.url+"/t/demo/graphql")
	var schema strings.Builder
	for line := next(); ; line = next() {
		schema.WriteString(line + "\n")
		if line == "type Subscription {" {
			break
		}
	}
	for _, want := range []string{"type Order {", "customerId: ID!", "type Query {"} {
		if !strings.Contains(schema.String(), want) {
			t.Errorf("the schema lacks %q:\n%s", want, schema.String())
		}
	}
	if got := p.query("demo", `{ __schema { subscriptionType { fields { name args { name } } } } }`); got != `{"data":{"__schema":{"subscriptionType":{"fields":[{"name":"orderUpdated","args":[{"name":"customerId"}]}]}}}}` {
		t.Errorf("got %s", got)
	}
}

func TestDemo(t *testing.T) {
	p := start(t)
	s := p.dial("demo", `{}`)
	s.subscribe(map[string]string{"1": `subscription { orderUpdated { __typename status } }`})
	for range 2 {
		if m := s.await("1"); m.Type != "next" || !strings.Contains(string(m.Payload), `"__typename":"Order"`) {
			t.Fatalf("got %s %s", m.Type, m.Payload)
		}
	}
	if page := p.must(200, "GET", "/", "", nil); !strings.Contains(page, "graphql-transport-ws") {
		t.Errorf("the page is %s", page)
	}
	p.must(200, "GET", "/healthz", "", nil)
	p.must(404, "GET", "/nothing", "", nil)
}

// TestSwapUnderALiveSubscription swaps one example for the other: the
// subscription stays, and misses nothing.
func TestSwapUnderALiveSubscription(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "orders", examples.OrdersRust)
	s := p.dial("acme", `{"permissions":["orders:note"]}`)
	s.subscribe(map[string]string{
		"all": orderQuery,
		"c1":  `subscription { o: orderUpdated(customerId: "c1") { total sentAt } }`,
	})
	for n := range 4 {
		p.publish("acme", "orders", fmt.Sprintf(`{"id":"o%d","customerId":"c%d","status":"PAID","total":1.5,"sentAt":1764000000000,"note":"ring"}`, n, n%2))
		s.next("all", fmt.Sprintf(`{"data":{"orderUpdated":{"id":"o%d","status":"PAID","note":"ring"}}}`, n))
		if n%2 == 1 {
			s.next("c1", `{"data":{"o":{"total":1.5,"sentAt":1764000000000}}}`)
		}
		if n == 1 {
			p.push("acme", "orders", examples.OrdersAssemblyScript)
		}
	}
	var module struct{ Versions []struct{ Active bool } }
	if err := json.Unmarshal([]byte(p.must(200, "GET", "/v1/tenants/acme/modules/orders", "", nil)), &module); err != nil || len(module.Versions) != 2 {
		t.Errorf("%+v, %v", module, err)
	}
}

// hostile is a module of which every resolver but one misbehaves.
func hostile() []byte {
	g := sandboxtest.New(`
		type Thing { a: Int! }
		type Subscription {
			loops: Int @on(channel: "c")
			eats: Int @on(channel: "c")
			traps: Int @on(channel: "c")
			garbage: Int @on(channel: "c")
			nonsense: Thing @on(channel: "c")
			verdict: Int @on(channel: "c")
			echo: Int @on(channel: "c")
		}`)
	g.Resolver("Subscription.loops", sandboxtest.Forever())
	g.Resolver("Subscription.eats", sandboxtest.EatMemory())
	g.Resolver("Subscription.traps", sandboxtest.Trap())
	g.Resolver("Subscription.garbage", g.Output("\xff{]"))
	g.Resolver("Subscription.nonsense", g.Output(`{"a":"x"}`))
	g.Resolver("Subscription.verdict", wasmtest.I32Const(99))
	g.Resolver("Subscription.echo", g.Echo(abi.InputEvent))
	return g.Bytes()
}

func TestHostileModulesLeaveEverythingAlive(t *testing.T) {
	p := start(t)
	p.createTenant("evil", `{"fuelPerRun":1000000,"memoryBytes":1048576}`)
	p.createTenant("good", `{}`)
	p.push("evil", "m", hostile())
	p.push("good", "orders", examples.OrdersRust)
	evil, good := p.dial("evil", `{}`), p.dial("good", `{}`)
	operations := map[string]string{"echo": "subscription { echo }"}
	faults := map[string]string{
		"loops": "FUEL_EXHAUSTED", "eats": "MEMORY_LIMIT", "traps": "RESOLVER_TRAP",
		"garbage": "BAD_OUTPUT", "verdict": "BAD_OUTPUT",
	}
	for field := range faults {
		operations[field] = "subscription { " + field + " }"
	}
	operations["nonsense"] = "subscription { nonsense { a } }"
	evil.subscribe(operations)
	good.subscribe(map[string]string{"1": orderQuery})
	for n := range 3 {
		p.publish("evil", "c", fmt.Sprint(n))
		p.publish("good", "orders", `{"id":"o1","customerId":"c","status":"PAID"}`)
		good.next("1", `{"data":{"orderUpdated":{"id":"o1","status":"PAID","note":null}}}`)
		evil.next("echo", fmt.Sprintf(`{"data":{"echo":%d}}`, n))
		for field, code := range faults {
			m := evil.await(field)
			if m.Type != "next" || !strings.Contains(string(m.Payload), `"code":"`+code+`"`) || !strings.Contains(string(m.Payload), `"path":["`+field+`"]`) || !strings.Contains(string(m.Payload), `"data":{"`+field+`":null}`) {
				t.Errorf("%s: %s %s, want %s", field, m.Type, m.Payload, code)
			}
		}
		if m := evil.await("nonsense"); !strings.Contains(string(m.Payload), `"path":["nonsense","a"]`) || !strings.Contains(string(m.Payload), "BAD_OUTPUT") {
			t.Errorf("nonsense: %s %s", m.Type, m.Payload)
		}
	}
	if log := p.tenantLog("evil"); !strings.Contains(log, `"module":"m","digest":"sha256:`) || !strings.Contains(log, `"line":"RESOLVER_TRAP in Subscription.traps: unreachable\\n`) {
		t.Errorf("the trap is not in the module's log:\n%s", log)
	}
	if log := p.logged(); strings.Contains(log, "Subscription.") || strings.Contains(log, "unreachable") {
		t.Errorf("the server's log has what a tenant's module did:\n%s", log)
	}
	if log := p.tenantLog("good"); log != `{"lines":[]}`+"\n" {
		t.Errorf("the log of another tenant has %s", log)
	}
}

func TestBadInput(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "orders", examples.OrdersRust)
	guest := func(schema string, build func(g *sandboxtest.Guest)) []byte {
		g := sandboxtest.New(schema)
		build(g)
		return g.Bytes()
	}
	foreign := func(g *sandboxtest.Guest) { g.Resolver("Subscription.f", wasmtest.I32Const(0)) }
	for name, c := range map[string]struct {
		body []byte
		want []string
	}{
		"no wasm":     {[]byte("hello"), []string{`"offset":0`}},
		"cut":         {examples.OrdersRust[:1000], []string{`"offset":`}},
		"no resolver": {guest("type Subscription {\n  f: Int @on(channel: \"c\")\n}", func(*sandboxtest.Guest) {}), []string{"Subscription.f", `"line":2`, `"column":3`}},
		"bad SDL":     {guest("type Subscription {\n  f: Nothing @on(channel: \"c\")\n}", foreign), []string{"Nothing", `"line":2`}},
		"no SDL":      {guest("type Subscription {", foreign), []string{`"line":1`}},
	} {
		text := p.must(422, "PUT", "/v1/tenants/acme/modules/orders?activate=true", "application/wasm", c.body)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s, want %s", name, text, want)
			}
		}
	}
	text := p.must(400, "POST", "/v1/tenants/acme/events", "application/json", []byte("{\"channel\":\"orders\",\n\"payload\":{\"a\":1,\"a\":2}}"))
	for _, want := range []string{`"line":2`, `"offset":`, `"column":`} {
		if !strings.Contains(text, want) {
			t.Errorf("malformed event: %s, want %s", text, want)
		}
	}
	s := p.dial("acme", "{}")
	s.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription {\n orderUpdated { nothing } }"}}`)
	if m := s.await("1"); m.Type != "error" || !strings.Contains(string(m.Payload), `"line":2`) {
		t.Errorf("invalid operation: %s %s", m.Type, m.Payload)
	}
	s.subscribe(map[string]string{"1": orderQuery}) // the socket is open, and the version serves
	p.publish("acme", "orders", `{"id":"o1","customerId":"c","status":"PAID"}`)
	s.next("1", `{"data":{"orderUpdated":{"id":"o1","status":"PAID","note":null}}}`)
}

func TestIdsAreScopedToTheirConnection(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "orders", examples.OrdersRust)
	a, b := p.dial("acme", "{}"), p.dial("acme", "{}")
	a.subscribe(map[string]string{"1": `subscription { orderUpdated(customerId: "a") { id } }`})
	b.subscribe(map[string]string{"1": `subscription { orderUpdated(customerId: "b") { id } }`})
	p.publish("acme", "orders", `{"id":"for-b","customerId":"b","status":"PAID"}`)
	p.publish("acme", "orders", `{"id":"for-a","customerId":"a","status":"PAID"}`)
	a.next("1", `{"data":{"orderUpdated":{"id":"for-a"}}}`)
	b.next("1", `{"data":{"orderUpdated":{"id":"for-b"}}}`)
	a.send(`{"id":"1","type":"complete"}`)
	a.subscribe(nil)
	p.publish("acme", "orders", `{"id":"for-b2","customerId":"b","status":"PAID"}`)
	b.next("1", `{"data":{"orderUpdated":{"id":"for-b2"}}}`)
}

func TestShutdownClosesSockets(t *testing.T) {
	p := start(t)
	s := p.dial("demo", "{}")
	s.subscribe(map[string]string{"1": orderQuery})
	p.stop()
	for {
		if _, _, err := s.conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("the socket ended with %v", err)
			}
			return
		}
	}
}

// TestShutdownStopsRuns ends the server while it answers a request that would
// keep it for longer than it waits.
func TestShutdownStopsRuns(t *testing.T) {
	p := start(t)
	g := sandboxtest.New("type Query { burn: Int }")
	g.Resolver("Query.burn",
		g.Call(abi.ImportLog, wasmtest.I32Const(int32(abi.LogInfo)), g.Text("burning begins")), sandboxtest.Forever())
	p.createTenant("acme", `{"fuelPerRun":10000000000,"wallMillisPerRun":60000}`)
	p.push("acme", "burns", g.Bytes())
	answer := make(chan string, 1)
	go func() {
		defer close(answer)
		answer <- p.query("acme", "{ burn }")
	}()
	for !strings.Contains(p.tenantLog("acme"), "burning begins") {
		p.must(http.StatusOK, "GET", "/healthz", "", nil)
	}
	p.stop()
	if got := <-answer; !strings.Contains(got, "the run was cancelled") {
		t.Errorf("the request was answered with %s", got)
	}
}

func TestDevModeServesThisMachineOnly(t *testing.T) {
	p := start(t)
	for name, change := range map[string]func(r *http.Request){
		"host":   func(r *http.Request) { r.Host = "rebound.example.com" },
		"origin": func(r *http.Request) { r.Header.Set("Origin", "https://example.com") },
		"file":   func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		for _, path := range []string{"/v1/tenants", "/", "/t/demo/graphql"} {
			r, err := http.NewRequest("GET", p.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			change(r)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s: %s", name, path, response.Status)
			}
		}
	}
}

// TestNewVersionRefusesAnOperation ends the one operation that is not valid any
// more; its id is free, and the other goes on.
func TestNewVersionRefusesAnOperation(t *testing.T) {
	module := func(field string) []byte {
		g := sandboxtest.New(`type Subscription { both: Int @on(channel: "c") ` + field + `: Int @on(channel: "c") }`)
		for _, name := range []string{"both", field} {
			g.Resolver("Subscription."+name, g.Echo(abi.InputEvent))
		}
		return g.Bytes()
	}
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", module("old"))
	s := p.dial("acme", "{}")
	s.subscribe(map[string]string{"1": "subscription { old }", "2": "subscription { both }"})
	p.publish("acme", "c", "1")
	s.next("1", `{"data":{"old":1}}`)
	s.next("2", `{"data":{"both":1}}`)
	p.push("acme", "m", module("new"))
	if m := s.await("1"); m.Type != "error" || !strings.Contains(string(m.Payload), `\"old\"`) || !strings.Contains(string(m.Payload), "GRAPHQL_VALIDATION_FAILED") {
		t.Fatalf("got %s %s", m.Type, m.Payload)
	}
	s.subscribe(map[string]string{"1": "subscription { new }"})
	p.publish("acme", "c", "2")
	s.next("1", `{"data":{"new":2}}`)
	s.next("2", `{"data":{"both":2}}`)
}

func TestIntrospectionOff(t *testing.T) {
	p := start(t)
	const asks, refused = `{ __schema { description } }`, `GraphQL introspection has been disabled, but the requested query contained the field \"__schema\".`
	for _, allowed := range []bool{true, false, true} {
		p.must(200, "PATCH", "/v1/tenants/demo", "application/json", fmt.Appendf(nil, `{"introspection":%t}`, allowed))
		if got := p.query("demo", asks); strings.Contains(got, refused) == allowed || strings.Contains(got, `"data"`) != allowed {
			t.Errorf("allowed %t: %s", allowed, got)
		}
		if got := p.query("demo", `{ __typename }`); got != `{"data":{"__typename":"Query"}}` {
			t.Errorf("allowed %t: %s", allowed, got)
		}
	}
}
