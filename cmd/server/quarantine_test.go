package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// fragile is a module whose resolver ends with the code, beside one that echoes.
func fragile(g *sandboxtest.Guest, code wasmtest.Code) []byte {
	return g.Resolver("Subscription.fragile", code).Resolver("Subscription.echo", g.Echo(abi.InputEvent)).Bytes()
}

const fragileSchema = `type Subscription { fragile: Int @on(channel: "c") echo: Int @on(channel: "c") }`

// TestQuarantine has a resolver that always traps: after 20 events it is in
// quarantine, of which the subscriber is told once, while the module's other
// resolver serves on. A version that works ends it.
func TestQuarantine(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", fragile(sandboxtest.New(fragileSchema), sandboxtest.Trap()))
	s := p.dial("acme", `{"claims":{"sub":"u1"}}`)
	s.subscribe(map[string]string{"f": "subscription Watch { fragile }", "e": "subscription { echo }"})
	n := 0
	publish := func() {
		n++
		p.publish("acme", "c", fmt.Sprint(n))
		s.next("e", fmt.Sprintf(`{"data":{"echo":%d}}`, n))
	}
	for range 20 {
		publish()
		if m := s.await("f"); m.Type != "next" || !strings.Contains(string(m.Payload), "RESOLVER_TRAP") {
			t.Fatalf("got %s %s", m.Type, m.Payload)
		}
	}
	for range 3 {
		publish()
	}
	var told struct {
		Data   struct{ Fragile *int }
		Errors []struct {
			Path       []string
			Extensions struct {
				Code         string
				RetryAfterMs int
			}
		}
	}
	m := s.await("f")
	if err := json.Unmarshal(m.Payload, &told); err != nil || m.Type != "next" || len(told.Errors) != 1 || told.Errors[0].Extensions.Code != "MODULE_QUARANTINED" ||
		told.Errors[0].Extensions.RetryAfterMs < 1 || told.Errors[0].Extensions.RetryAfterMs > 5000 || told.Errors[0].Path[0] != "fragile" {
		t.Fatalf("got %s %s, %v", m.Type, m.Payload, err)
	}

	var usage struct {
		Usage struct {
			Runs, SkippedEvents, Events int
			Errors                      map[string]int
		}
		Limits []struct {
			Name string
			Used *int
		}
		Quarantined []struct {
			Module, Resolver, Digest string
			Failures                 int
		}
	}
	text := p.must(200, "GET", "/v1/tenants/acme/usage", "", nil)
	if err := json.Unmarshal([]byte(text), &usage); err != nil || len(usage.Quarantined) != 1 || usage.Usage.SkippedEvents == 0 || usage.Usage.Errors["RESOLVER_TRAP"] < 20 {
		t.Fatalf("%s, %v", text, err)
	}
	if q := usage.Quarantined[0]; q.Module != "m" || q.Resolver != "Subscription.fragile" || !strings.HasPrefix(q.Digest, "sha256:") || q.Failures < 20 {
		t.Errorf("%+v", q)
	}
	for _, l := range usage.Limits {
		if l.Name == "subscriptions" && (l.Used == nil || *l.Used != 2) {
			t.Errorf("the subscriptions in %s", text)
		}
	}
	if log := p.logged(); !strings.Contains(log, "the quarantine of Subscription.fragile begins") {
		t.Errorf("the log says nothing of it:\n%s", log)
	}

	good := sandboxtest.New(fragileSchema)
	p.push("acme", "m", fragile(good, good.Output("7")))
	publish()
	s.next("f", `{"data":{"fragile":7}}`)
	if text := p.must(200, "GET", "/v1/tenants/acme/usage", "", nil); !strings.Contains(text, `"quarantined":[]`) {
		t.Errorf("still in quarantine: %s", text)
	}
	p.must(204, "DELETE", "/v1/tenants/acme/modules/m/quarantine", "", nil)
}

// TestTheOperatorEndsASubscription finds one among those that are live, and ends
// it: the subscriber is told, and the socket stays.
func TestTheOperatorEndsASubscription(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	good := sandboxtest.New(fragileSchema)
	p.push("acme", "m", fragile(good, good.Output("7")))
	s := p.dial("acme", `{"claims":{"sub":"u1"}}`)
	s.subscribe(map[string]string{"f": "subscription Watch { fragile }", "e": "subscription { echo }"})
	p.publish("acme", "c", "1")
	s.next("f", `{"data":{"fragile":7}}`)
	s.next("e", `{"data":{"echo":1}}`)
	var list struct {
		Subscriptions []struct {
			ID, OperationName, Field, Subject, Node, Created, LastDelivery string
			Delivered, Dropped                                             int
		}
	}
	text := p.must(200, "GET", "/v1/tenants/acme/subscriptions", "", nil)
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Subscriptions) != 2 {
		t.Fatalf("%s, %v", text, err)
	}
	for _, one := range list.Subscriptions {
		if one.Subject != "u1" || one.Node == "" || one.Created == "" || one.LastDelivery == "" || one.Delivered != 1 || one.Dropped != 0 {
			t.Errorf("%+v", one)
		}
		if one.OperationName == "Watch" {
			p.must(204, "DELETE", "/v1/tenants/acme/subscriptions/"+one.ID, "", nil)
			p.must(404, "DELETE", "/v1/tenants/acme/subscriptions/"+one.ID, "", nil)
		}
	}
	if m := s.await("f"); m.Type != "error" || string(m.Payload) != `[{"message":"ended by the operator","extensions":{"code":"FORBIDDEN"}}]` {
		t.Errorf("got %s %s", m.Type, m.Payload)
	}
	p.publish("acme", "c", "2")
	s.next("e", `{"data":{"echo":2}}`)
}
