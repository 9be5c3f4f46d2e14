package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const httpClients = "graphql-over-http"

// audits is how many the pinned version of graphql-http has.
const audits = 61

// TestGraphQLOverHTTPAudits runs the whole audit suite of the GraphQL over HTTP
// specification. What it only suggests must pass, too.
func TestGraphQLOverHTTPAudits(t *testing.T) {
	p := start(t)
	next := node(t, httpClients, "audit.mjs", p.url+"/t/demo/graphql")
	passed, levels := 0, map[string]int{}
	for range audits {
		var audit struct{ ID, Name, Status, Reason, Got string }
		text := next()
		if err := json.Unmarshal([]byte(text), &audit); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if audit.Status != "ok" {
			t.Errorf("audit %s, %s: %s; got %s", audit.ID, audit.Name, audit.Reason, audit.Got)
			continue
		}
		passed++
		level, _, _ := strings.Cut(audit.Name, " ")
		levels[level]++
	}
	t.Logf("%d of %d audits pass: %d MUST, %d SHOULD, %d MAY", passed, audits, levels["MUST"], levels["SHOULD"], levels["MAY"])
	if got := next(); got != fmt.Sprintf(`{"audits":%d}`, audits) {
		t.Errorf("there is %s, want %d audits", got, audits)
	}
}

// TestEventStreamClient has graphql-sse subscribe, get three events in order,
// come back by itself when the server has crashed or was restarted, get a further
// one each time, and complete.
func TestEventStreamClient(t *testing.T) {
	p := start(t)
	// The demo's own orders are of other customers; its tenant is there again after a restart.
	next := node(t, httpClients, "subscribe.mjs", p.url+"/t/demo/graphql",
		`subscription { orderUpdated(customerId: "mine") { id status note } }`, "5", `{"x-runnel-identity":"{\"permissions\":[\"orders:note\"]}"}`)
	expect := func(want string) { t.Helper(); expectLine(t, next, want) }
	// The status comes once the subscription is live, so no event is lost from there on.
	deliver := func(n int) {
		t.Helper()
		p.publishOrders(n)
		expect(fmt.Sprintf(`{"next":{"data":{"orderUpdated":{"id":"o%d","status":"PAID","note":"ring"}}}}`, n))
	}
	expect(`{"connected":true,"again":false}`)
	for n := range 3 {
		deliver(n)
	}
	p.kill()
	p = p.restart()
	expect(`{"connected":true,"again":true}`)
	deliver(3)
	p.stop()
	p = p.restart()
	expect(`{"connected":true,"again":true}`)
	deliver(4)
	expect(`{"complete":true}`)
}

// TestEventStreamClientIsCompleted has the server complete an operation, with a
// last result.
func TestEventStreamClientIsCompleted(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", lastField())
	next := node(t, httpClients, "subscribe.mjs", p.url+"/t/acme/graphql", "subscription { last }", "0")
	for _, want := range []string{`{"connected":true,"again":false}`, `{"next":{"data":{"last":7}}}`, `{"complete":true}`} {
		if strings.Contains(want, "next") {
			p.publish("acme", "c", "1")
		}
		expectLine(t, next, want)
	}
}

// TestEventStreamClientSeesErrors has an operation refused at once, and another
// when a new version does not have its field any more. Queries go, too.
func TestEventStreamClientSeesErrors(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", oneField("first"))
	url := p.url + "/t/acme/graphql"
	for query, parts := range map[string][]string{
		"subscription { nothing }": {`{"next":{"errors":[`, "nothing", "GRAPHQL_VALIDATION_FAILED"},
		"subscription {":           {`{"next":{"errors":[`, "GRAPHQL_PARSE_FAILED"},
		"{ __typename }":           {`{"next":{"data":{"__typename":"Query"}}}`},
	} {
		next := node(t, httpClients, "subscribe.mjs", url, query, "0")
		expectParts(t, next, `"connected"`)
		expectParts(t, next, parts...)
		expectParts(t, next, `{"complete":true}`)
	}
	next := node(t, httpClients, "subscribe.mjs", url, "subscription { first }", "0")
	expectParts(t, next, `"connected"`)
	p.push("acme", "m", oneField("second"))
	expectParts(t, next, `{"next":{"errors":[`, "first", "GRAPHQL_VALIDATION_FAILED")
	expectParts(t, next, `{"complete":true}`)
}

// TestShutdownEndsEventStreams ends the server under a stream: its response ends
// whole, and without complete.
func TestShutdownEndsEventStreams(t *testing.T) {
	p := start(t)
	r, err := http.NewRequest("GET", p.url+"/t/demo/graphql?query=subscription{orderUpdated(customerId:%22mine%22){id}}", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	p.publish("demo", "orders", `{"id":"o1","customerId":"mine","status":"PAID"}`)
	want := ":\n\nid\n\nid\nevent: next\ndata: {\"data\":{\"orderUpdated\":{\"id\":\"o1\"}}}\n\n"
	cursors := regexp.MustCompile(`id: [\w-]+\n`)
	for got, text := "", make([]byte, 1024); got != want; { // handed out, not only accepted
		n, err := response.Body.Read(text)
		if got = cursors.ReplaceAllString(got+string(text[:n]), "id\n"); err != nil || len(got) > 2*len(want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	p.stop()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v at the end", rest, err)
	}
}
