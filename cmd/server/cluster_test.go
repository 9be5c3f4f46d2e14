package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// TestTwoServersOnOneStore has two processes on one PostgreSQL: what is done at
// one is so at the other soon after, under a live subscription there.
func TestTwoServersOnOneStore(t *testing.T) {
	url := postgrestest.Database(t)
	here, there := start(t, "--store", url), start(t, "--store", url)
	version := func(output string) []byte {
		g := sandboxtest.New(`type Query { which: String } type Subscription { which: String @on(channel: "c") }`)
		return g.Resolver("Query.which", g.Output(`"`+output+`"`)).Resolver("Subscription.which", g.Output(`"`+output+`"`)).Bytes()
	}
	soon := func(what string, done func() bool) {
		t.Helper()
		began := time.Now()
		for !done() {
			if time.Since(began) > time.Minute {
				t.Fatalf("%s: not after %v; the other server logged:\n%s", what, time.Since(began), there.logged())
			}
		}
		t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
	}
	answers := func(output string) func() bool {
		return func() bool {
			_, text := there.request("POST", "/t/acme/graphql", "application/json", []byte(`{"query":"{ which }"}`))
			return text == `{"data":{"which":"`+output+`"}}`
		}
	}

	here.createTenant("acme", `{"modules":3}`)
	here.push("acme", "m", version("one"))
	soon("a tenant and its module", answers("one"))
	s := there.dial("acme", "{}")
	s.subscribe(map[string]string{"1": "subscription { which }"})
	there.publish("acme", "c", "1")
	s.next("1", `{"data":{"which":"one"}}`)

	here.push("acme", "m", version("two"))
	soon("an activation", answers("two"))
	there.publish("acme", "c", "1")
	s.next("1", `{"data":{"which":"two"}}`)
	here.must(http.StatusOK, "POST", "/v1/tenants/acme/modules/m/rollback", "", nil)
	soon("a roll-back", answers("one"))
	there.publish("acme", "c", "1")
	s.next("1", `{"data":{"which":"one"}}`)

	here.must(http.StatusOK, "PATCH", "/v1/tenants/acme", "application/json", []byte(`{"limits":{"modules":7}}`))
	soon("a limit", func() bool {
		_, text := there.request("GET", "/v1/tenants/acme", "", nil)
		return strings.Contains(text, `"modules":7`)
	})
	// Both change the same module at the same time: one after the other, whoever is first.
	uploads := make(chan int, 20)
	for i := range cap(uploads) {
		p := []*process{here, there}[i%2]
		go func() {
			status, _ := p.request("PUT", "/v1/tenants/acme/modules/m?activate=true", "application/wasm", version(fmt.Sprint("both ", i)))
			uploads <- status
		}()
	}
	for range cap(uploads) {
		if status := <-uploads; status != http.StatusCreated && status != http.StatusTooManyRequests {
			t.Errorf("an upload beside others: %d", status)
		}
	}
	soon("the same versions here as there", func() bool {
		_, a := here.request("GET", "/v1/tenants/acme/modules", "", nil)
		_, b := there.request("GET", "/v1/tenants/acme/modules", "", nil)
		return a == b
	})
	here.must(http.StatusNoContent, "DELETE", "/v1/tenants/acme", "", nil)
	soon("a deletion", func() bool {
		status, _ := there.request("GET", "/v1/tenants/acme", "", nil)
		return status == http.StatusNotFound
	})
	for closed := false; !closed; { // an error of the operation may come first
		_, _, err := s.conn.ReadMessage()
		if closed = err != nil; closed && !websocket.IsCloseError(err, 4403) {
			t.Errorf("the connection ends with %v", err)
		}
	}
}

// TestTwoServersOnOneBus has two processes on one bus: what is published at one
// reaches the subscribers of the other, in order, each number once.
func TestTwoServersOnOneBus(t *testing.T) {
	t.Run("redis", func(t *testing.T) { twoServersOnOneBus(t, postgrestest.Database(t), redistest.URL(t)) })
	t.Run("postgres", func(t *testing.T) {
		database := postgrestest.Database(t)
		twoServersOnOneBus(t, database, database)
	})
}

func twoServersOnOneBus(t *testing.T, store, bus string) {
	here, there := start(t, "--store", store, "--bus", bus), start(t, "--store", store, "--bus", bus)
	here.createTenant("acme", "{}")
	g := sandboxtest.New(`type Query { live: Boolean } type Subscription { n: Int @on(channel: "c") }`)
	here.push("acme", "m", g.Resolver("Query.live", g.Output("true")).Resolver("Subscription.n", g.Echo(abi.InputEvent)).Bytes())
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, text := there.request("POST", "/t/acme/graphql", "application/json", []byte(`{"query":"{ live }"}`)); text == `{"data":{"live":true}}` {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the other server does not have the module; it logged:\n%s", there.logged())
		}
	}
	sockets := []*socket{here.dial("acme", "{}"), there.dial("acme", "{}")}
	for _, s := range sockets {
		s.subscribe(map[string]string{"1": "subscription { n }"})
	}
	for n := range 50 {
		[]*process{here, there}[n%2].publish("acme", "c", fmt.Sprint(n))
	}
	for _, s := range sockets {
		for n := range 50 {
			s.next("1", fmt.Sprintf(`{"data":{"n":%d}}`, n))
		}
	}
}
