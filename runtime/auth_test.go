package runtime_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

const (
	adminToken   = "an admin token of at least 32 characters"
	tenantSecret = "a secret of at least thirty-two bytes"
)

// hs256 is a token of the tenant acme with these claims besides exp and iat.
func hs256(lasts time.Duration, claims string) string { return signed(tenantSecret, lasts, claims) }

func signed(secret string, lasts time.Duration, claims string) string {
	now := time.Now()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil, `{"iat":%d,"exp":%d,%s}`, now.Unix(), now.Add(lasts).Unix(), claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

// guarded is a server that asks for tokens, with the tenant acme, whose resolvers
// log that they run.
type guarded struct {
	*testing.T
	*runtime.Server
	url string

	mu  sync.Mutex
	log bytes.Buffer
}

func (s *guarded) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// ran tells how often a resolver did.
func (s *guarded) ran(field string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.log.String(), `line="ran `+field+`"`)
}

// guardedModule has fields that ask for something before they run.
func guardedModule(extra string) []byte {
	g := sandboxtest.New(`
		type Query { open: Int secret: Int @requires(permission: "see") }
		type Mutation { act: Int @requires(permission: "act") }
		type Subscription {
			open: Int @on(channel: "c") ` + extra + `
			mine: Int @on(channel: "c") @match(path: "owner", claim: "sub")
			team: Int @on(channel: "c") @match(path: "team", claim: "teams")
			secret: Int @on(channel: "c") @requires(permission: "see")
		}`)
	for _, field := range []string{"Query.open", "Query.secret", "Mutation.act", "Subscription.open", "Subscription.mine", "Subscription.team", "Subscription.secret"} {
		g.Resolver(field, g.Call(abi.ImportLog, w.I32Const(int32(abi.LogInfo)), g.Text("ran "+field)), g.Output("1"))
	}
	return g.Bytes()
}

func newGuarded(t *testing.T, auth string) *guarded {
	t.Helper()
	s := &guarded{T: t}
	var err error
	s.Server, err = runtime.New(runtime.Config{AdminToken: adminToken, Logger: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- s.Server.Run(context.Background()) }()
	web := httptest.NewServer(s.Server)
	s.url = web.URL
	t.Cleanup(func() {
		web.CloseClientConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-running); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	if err := errors.Join(s.CreateTenant(t.Context(), "acme", nil), s.Push(t.Context(), "acme", "m", guardedModule(""))); err != nil {
		t.Fatal(err)
	}
	if auth != "" {
		s.admin(200, "PUT", "/v1/tenants/acme/auth", auth)
	}
	return s
}

const byHS256 = `{"algorithm":"HS256","secret":"` + tenantSecret + `","clockSkewSeconds":0}`

// admin sends a request with the admin token.
func (s *guarded) admin(status int, method, path, body string) {
	s.Helper()
	if got, _, text := s.request(method, path, body, "Authorization", "Bearer "+adminToken); got != status {
		s.Fatalf("%s %s: %d %s", method, path, got, text)
	}
}

func (s *guarded) request(method, path, body string, headers ...string) (int, http.Header, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// query posts an operation with a token; none where it is empty.
func (s *guarded) query(token, query string, headers ...string) (int, string) {
	s.Helper()
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	status, _, text := s.request("POST", "/t/acme/graphql", `{"query":"`+query+`"}`, headers...)
	return status, text
}

// connect opens a socket of the tenant acme and sends connection_init.
func (s *guarded) connect(payload string, headers ...string) burningSocket {
	s.Helper()
	return s.connectTenant("acme", payload, headers...)
}

func (s *guarded) connectTenant(tenant, payload string, headers ...string) burningSocket {
	s.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	conn, _, err := (&websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}).Dial(strings.Replace(s.url, "http", "ws", 1)+"/t/"+tenant+"/graphql", header)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	socket := burningSocket{s, conn}
	socket.send(`{"type":"connection_init","payload":` + payload + `}`)
	return socket
}

// join connects with a token that is taken.
func (s *guarded) join(token string) burningSocket {
	s.Helper()
	return s.joinTenant("acme", token)
}

func (s *guarded) joinTenant(tenant, token string) burningSocket {
	s.Helper()
	socket := s.connectTenant(tenant, `{"Authorization":"Bearer `+token+`"}`)
	socket.expect(`"connection_ack"`)
	return socket
}

func (s burningSocket) subscribe(id, field string) {
	s.Helper()
	s.send(`{"type":"subscribe","id":"` + id + `","payload":{"query":"subscription { ` + field + ` }"}}`)
}

// expectClose reads the end of the connection.
func (s burningSocket) expectClose(code int, reason string) {
	s.Helper()
	_, message, err := s.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code || closed.Text != reason {
		s.Fatalf("got %s, %v; want close %d %s", message, err, code, reason)
	}
}

func (s *guarded) publish(payload string) {
	s.Helper()
	if _, err := s.Publish(s.Context(), "acme", event.Event{Channel: "c", Payload: []byte(payload)}); err != nil {
		s.Fatal(err)
	}
}

// TestNoVerifierRefusesAll holds what a tenant is at first, whoever a subscriber
// says he is.
func TestNoVerifierRefusesAll(t *testing.T) {
	s := newGuarded(t, "")
	const believed = `{"claims":{"sub":"u1"},"permissions":["see","act"]}`
	for _, payload := range []string{"null", "{}", believed, `{"authorization":"Bearer ` + hs256(time.Hour, `"sub":"u1"`) + `"}`, `{"authorization":"Bearer ` + adminToken + `"}`} {
		s.connect(payload).expectClose(4403, "Forbidden")
	}
	for _, headers := range [][]string{nil, {"X-Runnel-Identity", believed}, {"Authorization", "Bearer " + hs256(time.Hour, `"sub":"u1"`)}, {"Authorization", "Bearer " + adminToken}, {"Cookie", "authorization=Bearer x"}} {
		status, header, text := s.request("POST", "/t/acme/graphql?authorization=x", `{"query":"{ open }"}`, headers...)
		if status != 401 || !strings.Contains(text, "UNAUTHENTICATED") || header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%v: %d %s", headers, status, text)
		}
	}
	if n := s.ran("Query.open"); n > 0 {
		t.Errorf("it ran %d times", n)
	}
}

// TestAuthorizationComesBeforeTheGuest has a subscriber denied, by a permission or
// by a claim: no resolver runs for him.
func TestAuthorizationComesBeforeTheGuest(t *testing.T) {
	s := newGuarded(t, byHS256)
	const forbidden = `"code":"FORBIDDEN"`
	plain := hs256(time.Hour, `"sub":"u1","teams":["red","blue"]`)
	privileged := hs256(time.Hour, `"sub":"u2","permissions":["see","act"]`)
	for _, query := range []string{"{ secret }", "mutation { act }"} {
		if _, text := s.query(plain, query); !strings.Contains(text, forbidden) {
			t.Errorf("%s: %s", query, text)
		}
	}
	// Claims and permissions that come beside the token count for nothing.
	if _, text := s.query(plain, "{ secret }", "X-Runnel-Identity", `{"permissions":["see"]}`); !strings.Contains(text, forbidden) {
		t.Errorf("believed: %s", text)
	}
	denied := s.connect(`{"authorization":"Bearer ` + plain + `","permissions":["see"],"claims":{"sub":"u2"}}`)
	denied.expect(`"connection_ack"`)
	denied.subscribe("1", "secret")
	denied.expect(forbidden)
	if n := s.ran("Query.secret") + s.ran("Mutation.act"); n > 0 {
		t.Errorf("resolvers ran %d times for who was denied", n)
	}
	if _, text := s.query(privileged, "{ secret }"); text != `{"data":{"secret":1}}` {
		t.Errorf("with the permission: %s", text)
	}
	if _, text := s.query(privileged, "mutation { act }"); text != `{"data":{"act":1}}` {
		t.Errorf("with the permission: %s", text)
	}

	denied.subscribe("2", "mine")
	denied.subscribe("3", "team")
	denied.ping()
	s.publish(`{"owner":"u2","team":"green"}`)
	s.publish(`{"owner":["u1"],"team":null}`)
	allowed := s.join(privileged)
	allowed.subscribe("1", "secret")
	allowed.subscribe("2", "team") // by a claim that he does not have
	allowed.ping()
	s.publish(`{"owner":"u3","team":""}`)
	allowed.expect(`"next","payload":{"data":{"secret":1}}`)
	if n := s.ran("Subscription.mine") + s.ran("Subscription.team"); n > 0 {
		t.Errorf("resolvers ran %d times for events of others", n)
	}
	if n := s.ran("Subscription.secret"); n != 1 {
		t.Errorf("the secret was resolved %d times, want once", n)
	}
	s.publish(`{"owner":"u1","team":"x"}`)
	denied.expect(`"id":"2","type":"next","payload":{"data":{"mine":1}}`)
	s.publish(`{"owner":"x","team":"blue"}`)
	denied.expect(`"id":"3","type":"next","payload":{"data":{"team":1}}`)
	if m, team := s.ran("Subscription.mine"), s.ran("Subscription.team"); m != 1 || team != 1 {
		t.Errorf("resolvers ran %d and %d times, want once each", m, team)
	}
}

// TestAPermissionIsLost has the two ways in which a live operation loses one: a
// version that asks for more, and a token that is revoked.
func TestAPermissionIsLost(t *testing.T) {
	s := newGuarded(t, byHS256)
	plain := s.join(hs256(time.Hour, `"sub":"u1"`))
	privileged := s.join(hs256(time.Hour, `"sub":"u2","permissions":["see"]`))
	for _, socket := range []burningSocket{plain, privileged} {
		socket.subscribe("1", "open")
		socket.ping()
	}
	s.publish(`{}`)
	plain.expect(`"next"`)
	privileged.expect(`"next"`)
	if err := s.Push(t.Context(), "acme", "m", guardedModule(`@requires(permission: "see")`)); err != nil {
		t.Fatal(err)
	}
	plain.expect(`"id":"1","type":"error","payload":[{"message":`)
	before := s.ran("Subscription.open")
	s.publish(`{}`)
	privileged.expect(`"next"`)
	if n := s.ran("Subscription.open"); n != before+1 {
		t.Errorf("it ran %d times more, want once", n-before)
	}
	s.admin(204, "POST", "/v1/tenants/acme/revocations", `{"sub":"u2","before":"`+time.Now().Add(time.Second).UTC().Format(time.RFC3339)+`"}`)
	privileged.expect(`"id":"1","type":"error","payload":[{"message":"The token is not valid any more","extensions":{"code":"UNAUTHENTICATED"}}]`)
	privileged.expectClose(4403, "Forbidden")
	plain.ping()
	s.publish(`{}`)
	plain.ping()
	if n := s.ran("Subscription.open"); n != before+1 {
		t.Errorf("it ran %d times after the revocation", n-before-1)
	}
}

// TestTokensExpireAndAreRevoked goes through each transport.
func TestTokensExpireAndAreRevoked(t *testing.T) {
	s := newGuarded(t, byHS256)
	short := hs256(2*time.Second, `"sub":"u1"`) // 1 to 2 s, since exp is whole seconds
	stream, err := http.NewRequest("POST", s.url+"/t/acme/graphql", strings.NewReader(`{"query":"subscription { open }"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + short} {
		stream.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	socket := s.join(short)
	socket.subscribe("1", "open")
	socket.ping()
	if status, text := s.query(short, "{ open }"); status != 200 || text != `{"data":{"open":1}}` {
		t.Errorf("before it expires: %d %s", status, text)
	}
	s.publish(`{}`)
	socket.expect(`"next"`)
	socket.expect(`"code":"UNAUTHENTICATED"`)
	socket.expectClose(4403, "Forbidden")
	body, err := io.ReadAll(answer.Body)
	if ids := regexp.MustCompile(`id: [\w-]+\n`); err != nil || ids.ReplaceAllString(string(body), "id\n") != ":\n\nid\n\nid\nevent: next\ndata: {\"data\":{\"open\":1}}\n\n" {
		t.Errorf("the stream was %q, %v", body, err)
	}
	if status, text := s.query(short, "{ open }"); status != 401 || !strings.Contains(text, "UNAUTHENTICATED") {
		t.Errorf("after it expired: %d %s", status, text)
	}
	if status, _, text := s.request("POST", "/t/acme/graphql", `{"query":"subscription { open }"}`, "Accept", "text/event-stream", "Authorization", "Bearer "+short); status != 401 {
		t.Errorf("the stream after it expired: %d %s", status, text)
	}
	s.connect(`{"authorization":"Bearer `+short+`"}`).expectClose(4403, "Forbidden")

	lasting := hs256(time.Hour, `"sub":"u1","jti":"t1"`)
	live := s.join(lasting)
	live.subscribe("1", "open")
	live.ping()
	s.admin(204, "POST", "/v1/tenants/acme/revocations", `{"jti":"t1"}`)
	live.expect(`"code":"UNAUTHENTICATED"`)
	live.expectClose(4403, "Forbidden")
	if status, _ := s.query(lasting, "{ open }"); status != 401 {
		t.Errorf("a revoked token: %d", status)
	}
	if status, _ := s.query(hs256(time.Hour, `"sub":"u1","jti":"t2"`), "{ open }"); status != 200 {
		t.Errorf("another token of the same subject: %d", status)
	}
}

// TestAnonymous has a tenant that asks for no token, but for an origin.
func TestAnonymous(t *testing.T) {
	s := newGuarded(t, `{"mode":"anonymous","origins":["https://a.example"]}`)
	for _, token := range []string{"", hs256(time.Hour, `"sub":"u1","permissions":["see"]`)} {
		if status, text := s.query(token, "{ open }", "Origin", "https://a.example"); status != 200 || text != `{"data":{"open":1}}` {
			t.Errorf("%d %s", status, text)
		}
		if _, text := s.query(token, "{ secret }"); !strings.Contains(text, "FORBIDDEN") {
			t.Errorf("a permission: %s", text)
		}
	}
	if n := s.ran("Query.secret"); n > 0 {
		t.Errorf("it ran %d times", n)
	}
	live := s.connect("null", "Origin", "https://a.example")
	live.expect(`"connection_ack"`)
	live.subscribe("1", "open")
	live.subscribe("2", "mine") // there is no claim
	live.ping()
	s.publish(`{"owner":null}`)
	live.expect(`"id":"1","type":"next"`)
	s.admin(200, "PUT", "/v1/tenants/acme/auth", byHS256)
	for _, id := range []string{"1", "2"} {
		live.expect(`"id":"` + id + `","type":"error"`)
	}
	live.expectClose(4403, "Forbidden")
	if n := s.ran("Subscription.mine"); n > 0 {
		t.Errorf("it ran %d times", n)
	}
}

// TestOrigins has the tenant decide which pages may connect, on every way in.
func TestOrigins(t *testing.T) {
	s := newGuarded(t, byHS256)
	token := hs256(time.Hour, `"sub":"u1"`)
	try := func(origin string) (query, preflight, socket int, allowed string) {
		query, text := s.query(token, "{ open }", "Origin", origin)
		if query == 403 && !strings.Contains(text, "FORBIDDEN") {
			t.Errorf("%s: %s", origin, text)
		}
		preflight, header, _ := s.request("OPTIONS", "/t/acme/graphql", "", "Origin", origin, "Access-Control-Request-Method", "POST")
		if header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed", origin)
		}
		_, answer, err := (&websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}).Dial(strings.Replace(s.url, "http", "ws", 1)+"/t/acme/graphql", http.Header{"Origin": {origin}})
		if answer == nil {
			t.Fatal(err)
		}
		return query, preflight, answer.StatusCode, header.Get("Access-Control-Allow-Origin")
	}
	if q, p, ws, allowed := try("https://any.example"); q != 200 || p != 204 || ws != 101 || allowed != "https://any.example" {
		t.Errorf("any origin with a token: %d %d %d %q", q, p, ws, allowed)
	}
	s.admin(200, "PUT", "/v1/tenants/acme/auth", strings.TrimSuffix(byHS256, "}")+`,"origins":["https://a.example"]}`)
	if q, p, ws, allowed := try("https://a.example"); q != 200 || p != 204 || ws != 101 || allowed != "https://a.example" {
		t.Errorf("the listed one: %d %d %d %q", q, p, ws, allowed)
	}
	for _, origin := range []string{"https://any.example", "http://a.example", "https://a.example.any.example", "null", "https://A.example"} {
		if q, p, ws, allowed := try(origin); q != 403 || p != 403 || ws != 403 || allowed != "" {
			t.Errorf("%s: %d %d %d %q", origin, q, p, ws, allowed)
		}
	}
	if status, _ := s.query(token, "{ open }"); status != 200 {
		t.Errorf("no browser: %d", status)
	}
}

// TestSettingsReachOtherTenantsNot has a token of one tenant shown to another.
func TestSettingsReachOtherTenantsNot(t *testing.T) {
	s := newGuarded(t, byHS256)
	if err := errors.Join(s.CreateTenant(t.Context(), "other", nil), s.Push(t.Context(), "other", "m", guardedModule(""))); err != nil {
		t.Fatal(err)
	}
	token := hs256(time.Hour, `"sub":"u1"`)
	ask := func() int {
		status, _, _ := s.request("POST", "/t/other/graphql", `{"query":"{ open }"}`, "Authorization", "Bearer "+token)
		return status
	}
	if status := ask(); status != 401 {
		t.Errorf("without a verifier: %d", status)
	}
	s.admin(200, "PUT", "/v1/tenants/other/auth", strings.Replace(byHS256, "a secret", "A secret", 1))
	if status := ask(); status != 401 {
		t.Errorf("with another secret: %d", status)
	}
	s.admin(204, "POST", "/v1/tenants/other/revocations", `{"sub":"u1"}`)
	if status, _ := s.query(token, "{ open }"); status != 200 {
		t.Errorf("revoked by the other tenant: %d", status)
	}
	if status, _, _ := s.request("GET", "/v1/tenants/acme", "", "Authorization", "Bearer "+token); status != 401 {
		t.Errorf("a subscriber's token on /v1: %d", status)
	}
}
