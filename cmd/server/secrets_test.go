package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/plugins/examples"
)

// TestNoSecretInTheLog sends secrets to every route that there is, in every
// place that a request has, and finds none of them in the log.
func TestNoSecretInTheLog(t *testing.T) {
	p := runInProcess(t, environment("RUNNEL_ADMIN_TOKEN", token), "--data", t.TempDir(), "--admin-listen", "127.0.0.1:0", "--log-level", "debug")
	secrets := map[string]string{
		"admin token": token, "wrong token": "wrong-token-5e884898da280471", "token of a subscriber": "eyJhbGciOiJIUzI1NiJ9.secret-claims.secret-signature",
		"cookie": "cookie-6b3a55e0", "query": "query-4e07408562be", "body": "body-ef2d127de37b", "payload": "payload-4b227777d4dd", "identity": "identity-e7f6c011776e",
		"variable": "variable-7902699be42c",
	}
	admin := []string{"Authorization", "Bearer " + token, "Content-Type", "application/json", "Cookie", "session=" + secrets["cookie"]}
	as := func(token string) []string {
		return []string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}
	}
	client := http.DefaultClient
	must := func(status int, method, path, body string, headers ...string) string {
		t.Helper()
		got, text := p.do(client, method, p.adminURL+path, body, headers...)
		if got != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
		}
		return text
	}
	must(201, "POST", "/v1/tenants", `{"id":"acme"}`, admin...)
	must(201, "PUT", "/v1/tenants/acme/modules/orders?activate=true", string(examples.OrdersRust), "Authorization", "Bearer "+token, "Content-Type", "application/wasm")
	var key struct{ Key string }
	if err := json.Unmarshal([]byte(must(201, "POST", "/v1/tenants/acme/keys", `{"scopes":["events"]}`, admin...)), &key); err != nil || key.Key == "" {
		t.Fatalf("no key: %v", err)
	}
	secrets["key"] = key.Key
	must(202, "POST", "/v1/tenants/acme/events", fmt.Sprintf(`{"channel":"orders","payload":{"id":%q}}`, secrets["payload"]), as(key.Key)...)

	requests := 3 + p.everyRoute(client, secrets, admin, as)
	p.subscribeInVain(secrets)
	log := p.logged()
	for what, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("the %s is in the log", what)
		}
	}
	if n := strings.Count(log, `"msg":"request"`); n < requests {
		t.Errorf("%d requests to /v1 are in the log, %d were made: the test looks at the wrong log", n, requests)
	}
}

// everyRoute sends requests with secrets to all routes of the OpenAPI document
// and returns how many of them were to /v1.
func (p *inProcess) everyRoute(client *http.Client, secrets map[string]string, admin []string, as func(string) []string) (requests int) {
	p.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	_, text := p.do(client, "GET", p.adminURL+"/openapi.json", "")
	if err := json.Unmarshal([]byte(text), &document); err != nil || len(document.Paths) < 5 {
		p.t.Fatalf("the OpenAPI document has %d paths, %v", len(document.Paths), err)
	}
	names := strings.NewReplacer("{tenant}", "acme", "{module}", "orders", "{key}", "k", "{subscription}", "s")
	bodies := []string{
		fmt.Sprintf(`{"secret":%q}`, secrets["body"]), `{"mode":"required","algorithm":"HS256","secret":"` + secrets["body"] + strings.Repeat("x", 32) + `"}`,
		`{"` + secrets["body"], fmt.Sprintf(`{"channel":"orders","payload":{"id":%q}`, secrets["payload"]), secrets["body"],
	}
	for path, methods := range document.Paths {
		for method := range methods {
			method, url := strings.ToUpper(method), p.adminURL+names.Replace(path)
			if method == "DELETE" && path == "/v1/tenants/{tenant}" {
				continue // the others need it
			}
			for _, h := range [][]string{as(secrets["wrong token"]), as(secrets["key"]), admin} {
				for _, body := range bodies {
					p.do(client, method, url, body, h...)
					p.do(client, method, url+"?token="+secrets["query"], body, h...)
					requests += 2
				}
			}
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/openapi.json", "/debug/pprof/heap", "/nothing"} {
		for _, url := range []string{p.url, p.adminURL} {
			p.do(client, "GET", url+path+"?token="+secrets["query"], "", admin...)
		}
	}
	return requests
}

// subscribeInVain shows secrets as a subscriber: in headers, over HTTP and
// sockets.
func (p *inProcess) subscribeInVain(secrets map[string]string) {
	p.t.Helper()
	body := fmt.Sprintf(`{"query":"{ f(x: \"%s\") }","variables":{"v":%q}}`, secrets["body"], secrets["variable"])
	shown := []string{"Authorization", "Bearer " + secrets["token of a subscriber"], "X-Runnel-Identity", `{"claims":{"sub":"` + secrets["identity"] + `"}}`, "Content-Type", "application/json"}
	for _, accept := range []string{"application/json", "text/event-stream"} {
		p.do(http.DefaultClient, "POST", p.url+"/t/acme/graphql?token="+secrets["query"], body, append(shown, "Accept", accept)...)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/t/acme/graphql", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	init := fmt.Sprintf(`{"type":"connection_init","payload":{"authorization":"Bearer %s","x":%q}}`, secrets["token of a subscriber"], secrets["identity"])
	if err := conn.WriteMessage(websocket.TextMessage, []byte(init)); err != nil {
		p.t.Fatal(err)
	}
	if _, m, err := conn.ReadMessage(); err == nil {
		p.t.Fatalf("a token of nobody's gave %s", m)
	}
}
