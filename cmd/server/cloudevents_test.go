package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestCloudEventsSDK has the JavaScript SDK publish in each mode: every event is
// delivered once, in order, and has the id that Runnel makes of source and id.
func TestCloudEventsSDK(t *testing.T) {
	p := start(t)
	// The demo's own orders are of other customers.
	received := node(t, httpClients, "subscribe.mjs", p.url+"/t/demo/graphql", `subscription { orderUpdated(customerId: "mine") { id status } }`, "5")
	expectLine(t, received, `{"connected":true,"again":false}`)
	events := p.url + "/v1/tenants/demo/events"
	sent := node(t, "cloudevents", "publish.mjs", events)
	for _, again := range []bool{false, true} {
		for _, mode := range []string{"binary", "structured", "batch", "bytes"} {
			expectLine(t, sent, fmt.Sprintf(`{"mode":%q,"again":%t,"status":202,"accepted":1}`, mode, again))
		}
	}
	for n, status := range map[int]int{1: http.StatusConflict, 4: http.StatusConflict, 5: http.StatusAccepted} {
		id := map[int]string{1: "n 1", 4: "n°4", 5: "n°5"}[n]
		body := fmt.Sprintf(`{"channel":"orders","id":"urn:shop:till %s","payload":{"id":"o%d","customerId":"mine","status":"SHIPPED"}}`, id, n)
		response, err := http.Post(events, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != status {
			t.Errorf("event %d: %d %s, want %d: %v", n, response.StatusCode, answer, status, err)
		}
	}
	for n, status := range []string{"PAID", "PAID", "PAID", "PAID", "SHIPPED"} {
		expectLine(t, received, fmt.Sprintf(`{"next":{"data":{"orderUpdated":{"id":"o%d","status":%q}}}}`, n+1, status))
	}
}
