package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// node starts a script of testdata/CLIENT and returns its lines of JSON.
func node(t *testing.T, client, script string, arguments ...string) (next func() string) {
	t.Helper()
	dir := filepath.Join("testdata", client)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("the client packages are not installed: run `make deps`, or `npm ci` in cmd/server/%s", filepath.ToSlash(dir))
	}
	command := exec.CommandContext(t.Context(), "node", append([]string{script}, arguments...)...)
	command.Dir = dir
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	return func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("%s ended: %v", script, lines.Err())
		}
		return lines.Text()
	}
}

// expectLine reads a client's next line.
func expectLine(t *testing.T, next func() string, want string) {
	t.Helper()
	if got := next(); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// expectParts reads a client's next line, which has all of these parts.
func expectParts(t *testing.T, next func() string, parts ...string) {
	t.Helper()
	got := next()
	for _, want := range parts {
		if !strings.Contains(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// publishOrders publishes three of the demo's orders, of which the subscriber
// with the customer "mine" gets the last.
func (p *process) publishOrders(n int) {
	p.t.Helper()
	p.publish("demo", "orders", `{"id":"skipped","customerId":"mine","status":"DRAFT"}`)
	p.publish("demo", "orders", `{"id":"unmatched","customerId":"theirs","status":"PAID"}`)
	p.publish("demo", "orders", fmt.Sprintf(`{"id":"o%d","customerId":"mine","status":"PAID","note":"ring"}`, n))
}

// oneField is a module whose Subscription has one field, which gives 7.
func oneField(field string) []byte {
	g := sandboxtest.New(`type Subscription { ` + field + `: Int @on(channel: "c") }`)
	g.Resolver("Subscription."+field, g.Output("7"))
	return g.Bytes()
}

// lastField is a module whose only field gives 7 and is complete then.
func lastField() []byte {
	g := sandboxtest.New(`type Subscription { last: Int @on(channel: "c") }`)
	g.Resolver("Subscription.last", g.Call(abi.ImportOutput, g.Text("7")), sandboxtest.Verdict(abi.Complete))
	return g.Bytes()
}

// socketClient is a client library that speaks graphql-transport-ws.
type socketClient struct {
	directory string
	typename  string // what it selects unasked, and shows first
}

var socketClients = []socketClient{{"graphql-ws", ""}, {"apollo-client", `"__typename":"Order",`}}

func eachSocketClient(t *testing.T, test func(t *testing.T, c socketClient)) {
	for _, c := range socketClients {
		t.Run(c.directory, func(t *testing.T) { test(t, c) })
	}
}

const live = `{"live":{"__typename":"Query"}}`

// TestSocketClients has each client subscribe, get events in order, subscribe
// anew by itself when the server has crashed or was restarted, get further
// events, and complete.
func TestSocketClients(t *testing.T) {
	eachSocketClient(t, func(t *testing.T, c socketClient) {
		p := start(t)
		// The demo's own orders are of other customers; its tenant is there again after a restart.
		next := node(t, c.directory, "subscribe.mjs", p.socketURL("demo"),
			`subscription { orderUpdated(customerId: "mine") { id status note } }`, "5", `{"permissions":["orders:note"]}`)
		expect := func(want string) { t.Helper(); expectLine(t, next, want) }
		deliver := func(n int) {
			t.Helper()
			p.publishOrders(n)
			expect(fmt.Sprintf(`{"next":{"data":{"orderUpdated":{%s"id":"o%d","status":"PAID","note":"ring"}}}}`, c.typename, n))
		}
		expectClosed := func(code int) {
			t.Helper()
			if got := next(); !strings.HasPrefix(got, fmt.Sprintf(`{"closed":%d`, code)) {
				t.Fatalf("got %s, want close %d", got, code)
			}
		}
		expectLive := func() {
			t.Helper()
			got := next()
			for strings.HasPrefix(got, `{"closed":1006`) { // nobody listens yet
				got = next()
			}
			if got != live {
				t.Fatalf("got %s, want %s", got, live)
			}
		}
		expect(live)
		for n := range 3 {
			deliver(n)
		}
		p.kill()
		expectClosed(1006)
		p = p.restart()
		expectLive()
		deliver(3)
		p.stop()
		expectClosed(1001)
		p = p.restart()
		expectLive()
		deliver(4)
		expect(`{"complete":true}`)
	})
}

// TestSocketClientsAreCompleted has the server complete an operation.
func TestSocketClientsAreCompleted(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", lastField())
	eachSocketClient(t, func(t *testing.T, c socketClient) {
		next := node(t, c.directory, "subscribe.mjs", p.socketURL("acme"), "subscription { last }", "0")
		expectLine(t, next, live)
		p.publish("acme", "c", "1")
		for _, want := range []string{`{"next":{"data":{"last":7}}}`, `{"complete":true}`} {
			expectLine(t, next, want)
		}
	})
}

// TestSocketClientsSeeErrors has an operation refused at once, and another when
// a new version does not have its field any more.
func TestSocketClientsSeeErrors(t *testing.T) {
	p := start(t)
	eachSocketClient(t, func(t *testing.T, c socketClient) {
		p.createTenant(c.directory, "{}")
		p.push(c.directory, "m", oneField("first"))
		expectError := func(next func() string, field string) {
			t.Helper()
			expectParts(t, next, `{"error":[`, field, `"locations":[{"line":`, "GRAPHQL_VALIDATION_FAILED")
		}
		expectError(node(t, c.directory, "subscribe.mjs", p.socketURL(c.directory), "subscription { nothing }", "0"), "nothing")
		next := node(t, c.directory, "subscribe.mjs", p.socketURL(c.directory), "subscription { first }", "0")
		expectLine(t, next, live)
		p.push(c.directory, "m", oneField("second"))
		expectError(next, "first")
	})
}

// TestSocketClientsAreToldOfSkipped has events come faster than they may be sent: clients get the newest
// of each key, and the number of the others in the extensions, where they show these.
func TestSocketClientsAreToldOfSkipped(t *testing.T) {
	p := start(t)
	eachSocketClient(t, func(t *testing.T, c socketClient) {
		p.createTenant(c.directory, `{"deliveriesPerSecond":2}`)
		g := sandboxtest.New(`type Subscription { n: Int @on(channel: "c", overflow: LATEST) }`)
		g.Resolver("Subscription.n", g.Echo(abi.InputEvent))
		p.push(c.directory, "m", g.Bytes())
		next := node(t, c.directory, "subscribe.mjs", p.socketURL(c.directory), "subscription { n }", "3")
		expectLine(t, next, live)
		var lines strings.Builder
		for n := range 9 {
			fmt.Fprintf(&lines, `{"channel":"c","payload":%d}`+"\n", n)
		}
		p.must(http.StatusAccepted, "POST", "/v1/tenants/"+c.directory+"/events", "application/x-ndjson", []byte(lines.String()))
		skipped := `,"extensions":{"runnel":{"skipped":6}}`
		if c.directory == "apollo-client" {
			skipped = ""
		}
		for _, want := range []string{`{"next":{"data":{"n":0}}}`, `{"next":{"data":{"n":1}}}`, `{"next":{"data":{"n":8}` + skipped + `}}`, `{"complete":true}`} {
			expectLine(t, next, want)
		}
	})
}
