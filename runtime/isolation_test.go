package runtime_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// canary is in everything that the tenant acme has.
const canary = "canary"

const mallorySecret = "another secret of at least thirty-two bytes"

func canaryModule() []byte {
	g := sandboxtest.New(`
		"canary" type Query { canary: String }
		type Mutation { canary: String }
		type Subscription { canary: String @on(channel: "c") }`)
	for _, field := range []string{"Query.canary", "Mutation.canary", "Subscription.canary"} {
		g.Resolver(field, g.Output(`"canary"`))
	}
	return g.Bytes()
}

// newNeighbours is a server with two tenants whose subscribers show tokens: acme
// of newGuarded's, with the canary, and mallory.
func newNeighbours(t *testing.T) *guarded {
	s := newGuarded(t, byHS256)
	s.admin(204, "DELETE", "/v1/tenants/acme/modules/m", "")
	if err := s.Push(t.Context(), "acme", "canary", canaryModule()); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTenant(t.Context(), "mallory", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Push(t.Context(), "mallory", "m", guardedModule("")); err != nil {
		t.Fatal(err)
	}
	s.admin(200, "PUT", "/v1/tenants/mallory/auth", strings.Replace(byHS256, tenantSecret, mallorySecret, 1))
	return s
}

// strangers are what must open nothing of acme's to a subscriber.
func strangers(t *testing.T, s *guarded) map[string]string {
	t.Helper()
	_, _, key := s.request("POST", "/v1/tenants/acme/keys", `{"scopes":["modules","events","read"]}`, "Authorization", "Bearer "+adminToken)
	_, key, _ = strings.Cut(key, `"key":"`)
	key, _, _ = strings.Cut(key, `"`)
	return map[string]string{
		"the token of another tenant": signed(mallorySecret, time.Hour, `"sub":"m"`),
		"an API key of the tenant":    key,
		"the admin token":             adminToken,
		"nothing that anybody gave":   "x",
	}
}

// clientMessages are all that graphql-transport-ws lets a client send.
var clientMessages = []string{
	`{"type":"connection_init"}`,
	`{"type":"ping"}`,
	`{"type":"pong"}`,
	`{"type":"subscribe","id":"1","payload":{"query":"subscription { canary }"}}`,
	`{"type":"subscribe","id":"2","payload":{"query":"{ canary __schema { types { name description } } }"}}`,
	`{"type":"complete","id":"1"}`,
	// And what it does not.
	`{"type":"connection_ack"}`,
	`{"type":"next","id":"1","payload":{"data":null}}`,
	`{"type":"error","id":"1","payload":[]}`,
}

// TestIsolationOfSubscribers shows what belongs to others at every way in to a
// tenant's GraphQL: the answer is that to any stranger, and has no byte of the tenant's.
func TestIsolationOfSubscribers(t *testing.T) {
	s := newNeighbours(t)
	own := s.join(hs256(time.Hour, `"sub":"a"`))
	own.send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { canary }"}}`)
	own.ping()
	for what, token := range strangers(t, s) {
		for _, accept := range []string{"application/json", "application/graphql-response+json", "text/event-stream"} {
			for _, query := range []string{"{ canary }", "mutation { canary }", "subscription { canary }", "{ __schema { types { description } } }"} {
				body := fmt.Sprintf(`{"query":%q}`, query)
				status, _, text := s.request("POST", "/t/acme/graphql", body, "Authorization", "Bearer "+token, "Accept", accept)
				if status != http.StatusUnauthorized || strings.Contains(text, canary) {
					t.Errorf("%s, %s as %s: %d %s", what, query, accept, status, text)
				}
			}
		}
		for _, message := range clientMessages {
			// With the credentials first, and without any.
			for _, init := range []string{fmt.Sprintf(`{"type":"connection_init","payload":{"authorization":"Bearer %s"}}`, token), ""} {
				if got := s.whatComes("acme", init, message); strings.Contains(got, canary) || strings.Contains(got, `"type":"next"`) || strings.Contains(got, `"type":"connection_ack"`) {
					t.Errorf("%s, %s after %q: %s", what, message, init, got)
				}
			}
		}
	}
	// What a neighbour does at home, with the ids that acme uses, does not reach acme.
	theirs := s.joinTenant("mallory", signed(mallorySecret, time.Hour, `"sub":"m"`))
	theirs.send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { open }"}}`)
	theirs.ping()
	s.admin(202, "POST", "/v1/tenants/mallory/events", `{"channel":"c","payload":{}}`)
	theirs.expect(`"data":{"open":1}`)
	theirs.send(`{"type":"complete","id":"1"}`)
	theirs.ping()
	own.ping() // nothing came before the pong
	s.admin(202, "POST", "/v1/tenants/acme/events", `{"channel":"c","payload":{}}`)
	own.expect(`"data":{"canary":"canary"}`)
	theirs.ping() // nor here
}

// TestSubscribersReachNoRoute asks for every route of the API with the token of a
// subscriber.
func TestSubscribersReachNoRoute(t *testing.T) {
	s := newNeighbours(t)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	document, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer("{tenant}", "acme", "{module}", "canary", "{key}", "abcdefghijkl", "{version}", "sha256:0", "{subscription}", "0000000000000000")
	asked := 0
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			for _, token := range []string{hs256(time.Hour, `"sub":"a"`), signed(mallorySecret, time.Hour, `"sub":"m"`)} {
				status, _, text := s.request(method, names.Replace(path), "{}", "Authorization", "Bearer "+token)
				if status != http.StatusUnauthorized || strings.Contains(text, canary) {
					t.Errorf("%s %s: %d %s", method, path, status, text)
				}
				asked++
			}
		}
	}
	if asked < 40 {
		t.Errorf("%d requests: the document has few routes", asked)
	}
}

// whatComes sends messages over a socket of its own and returns all that the
// server says to them.
func (s *guarded) whatComes(tenant string, messages ...string) (all string) {
	s.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(context.Background(), strings.Replace(s.url, "http", "ws", 1)+"/t/"+tenant+"/graphql", nil)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, m := range slices.DeleteFunc(messages, func(m string) bool { return m == "" }) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			break // closed already, which the reader tells
		}
	}
	// Where the server has nothing against a message, this ends the conversation.
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return all + err.Error()
		}
		all += string(message) + "\n"
	}
}
