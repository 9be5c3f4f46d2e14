package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// startNode runs the server, with tokens, as a process on a store that others use, until
// the test ends.
func startNode(t *testing.T, store string) *inProcess {
	t.Helper()
	p := &inProcess{t: t, address: map[string]string{}, told: make(chan struct{})}
	command := exec.Command(binary, "--listen", "127.0.0.1:0", "--log-format", "json", "--store", store, "--drain", "0s")
	command.Env = append(os.Environ(), "RUNNEL_ADMIN_TOKEN="+token)
	command.Stderr = p
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the server ended with %v; it logged:\n%s", err, p.logged())
			}
		case <-time.After(20 * time.Second):
			_ = command.Process.Kill()
			t.Errorf("the server did not end; it logged:\n%s", p.logged())
		}
	})
	select {
	case <-p.told:
	case <-time.After(20 * time.Second):
		t.Fatalf("the server does not serve; it logged:\n%s", p.logged())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.url = p.address["serving"]
	return p
}

// admin sends a request with the admin token.
func (p *inProcess) admin(status int, method, path, contentType, body string) string {
	p.t.Helper()
	got, text := p.do(http.DefaultClient, method, p.url+path, body, "Authorization", "Bearer "+token, "Content-Type", contentType)
	if got != status {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return text
}

const revokeSecret = "a secret of a tenant that has 32 bytes"

// revocable is a subscriber with a token, on every transport at one node, and what has
// become of that.
type revocable struct {
	node  *inProcess
	token string
	// Closed when the socket and the event stream have ended.
	socket, stream chan struct{}
	last           string // the last message of the socket; then why it ended
}

// newRevocable subscribes over a WebSocket and with an event stream.
func newRevocable(node *inProcess, claims string) *revocable {
	t := node.t
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix() - 1 // a second before whatever is revoked from now on
	text := encode([]byte(`{"alg":"HS256"}`)) + "." + encode(fmt.Appendf(nil, `{"iat":%d,"exp":%d,%s}`, now, now+3600, claims))
	mac := hmac.New(sha256.New, []byte(revokeSecret))
	mac.Write([]byte(text))
	r := &revocable{node: node, token: text + "." + encode(mac.Sum(nil)), socket: make(chan struct{}), stream: make(chan struct{})}

	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(node.url, "http")+"/t/acme/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for _, one := range [][2]string{
		{`{"type":"connection_init","payload":{"authorization":"Bearer ` + r.token + `"}}`, `"connection_ack"`},
		{`{"type":"subscribe","id":"1","payload":{"query":"subscription { which }"}}`, ""},
		{`{"type":"ping"}`, `"pong"`}, // messages are taken in order: it is live
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(one[0])); err != nil {
			t.Fatal(err)
		}
		if one[1] == "" {
			continue
		}
		if _, got, err := conn.ReadMessage(); err != nil || !strings.Contains(string(got), one[1]) {
			t.Fatalf("%s is answered %s, %v", one[0], got, err)
		}
	}
	go func() {
		defer close(r.socket)
		for {
			_, got, err := conn.ReadMessage()
			if err != nil {
				r.last += " " + err.Error()
				return
			}
			r.last = string(got)
		}
	}()

	request, err := http.NewRequestWithContext(t.Context(), "POST", node.url+"/t/acme/graphql", strings.NewReader(`{"query":"subscription { which }"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "text/event-stream", "Content-Type": "application/json", "Authorization": "Bearer " + r.token} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("a stream: %v, %v", response, err)
	}
	go func() {
		defer close(r.stream)
		defer func() { _ = response.Body.Close() }()
		_, _ = io.Copy(io.Discard, response.Body)
	}()
	if got := r.query(); got != http.StatusOK {
		t.Fatalf("a query: %d", got)
	}
	return r
}

func (r *revocable) query() int {
	status, _ := r.node.do(http.DefaultClient, "POST", r.node.url+"/t/acme/graphql", `{"query":"{ which }"}`, "Content-Type", "application/json", "Authorization", "Bearer "+r.token)
	return status
}

// soon is how long what one node does may take to hold at another, on a machine that is busy.
const soon = 30 * time.Second

// wantEnd holds that all has ended soon after began, when it was revoked at another
// node.
func (r *revocable) wantEnd(began time.Time, status int, last ...string) {
	t := r.node.t
	t.Helper()
	late := time.After(soon - time.Since(began))
	for name, ended := range map[string]chan struct{}{"the socket": r.socket, "the event stream": r.stream} {
		select {
		case <-ended:
		case <-late:
			t.Fatalf("%s has not ended after %v; the server logged:\n%s", name, time.Since(began), r.node.logged())
		}
	}
	t.Logf("the socket and the stream ended within %v", time.Since(began).Round(time.Millisecond))
	if got := r.query(); got != status {
		t.Errorf("a query is answered %d, want %d", got, status)
	}
	for _, part := range last {
		if !strings.Contains(r.last, part) {
			t.Errorf("the socket ended with %s, want %s", r.last, part)
		}
	}
}

func (r *revocable) wantLife() {
	r.node.t.Helper()
	select {
	case <-r.socket:
		r.node.t.Errorf("another's socket has ended: %s", r.last)
	case <-r.stream:
		r.node.t.Error("another's event stream has ended")
	default:
	}
	if got := r.query(); got != http.StatusOK {
		r.node.t.Errorf("another's query: %d", got)
	}
}

// TestRevokedAtAnotherServer has two processes on one PostgreSQL: what is revoked at one,
// be it a subscriber, a token, a key or the tenant, has ended at the other soon.
func TestRevokedAtAnotherServer(t *testing.T) {
	store := postgrestest.Database(t)
	here, there := startNode(t, store), startNode(t, store)
	g := sandboxtest.New(`type Query { which: String } type Subscription { which: String @on(channel: "c") }`)
	wasm := g.Resolver("Query.which", g.Output(`"a"`)).Resolver("Subscription.which", g.Output(`"a"`)).Bytes()
	here.admin(http.StatusCreated, "POST", "/v1/tenants", "application/json", `{"id":"acme"}`)
	here.admin(http.StatusCreated, "PUT", "/v1/tenants/acme/modules/m?activate=true", "application/wasm", string(wasm))
	var key struct{ ID, Key string }
	if err := json.Unmarshal([]byte(here.admin(http.StatusCreated, "POST", "/v1/tenants/acme/keys", "application/json", `{"scopes":["modules"]}`)), &key); err != nil {
		t.Fatal(err)
	}
	here.admin(http.StatusOK, "PUT", "/v1/tenants/acme/auth", "application/json", `{"algorithm":"HS256","secret":"`+revokeSecret+`"}`)
	withKey := func() int {
		status, _ := there.do(http.DefaultClient, "GET", there.url+"/v1/tenants/acme/schema", "", "Authorization", "Bearer "+key.Key)
		return status
	}
	for began := time.Now(); !strings.Contains(there.adminText("/v1/tenants/acme/auth"), "HS256") || withKey() != http.StatusOK; {
		if time.Since(began) > time.Minute {
			t.Fatalf("the other server does not follow; it logged:\n%s", there.logged())
		}
	}

	bySubject, byToken, stays := newRevocable(there, `"sub":"u1","jti":"t1"`), newRevocable(there, `"sub":"u2","jti":"t2"`), newRevocable(there, `"sub":"u3","jti":"t3"`)
	for what, one := range map[string]*revocable{`{"sub":"u1"}`: bySubject, `{"jti":"t2"}`: byToken} {
		began := time.Now()
		here.admin(http.StatusNoContent, "POST", "/v1/tenants/acme/revocations", "application/json", what)
		one.wantEnd(began, http.StatusUnauthorized, `"UNAUTHENTICATED"`, "4403")
	}
	stays.wantLife()

	// A key follows the log meanwhile.
	request, err := http.NewRequestWithContext(t.Context(), "GET", there.url+"/v1/tenants/acme/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key.Key)
	request.Header.Set("Accept", "text/event-stream")
	log, err := http.DefaultClient.Do(request)
	if err != nil || log.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", log, err)
	}
	defer func() { _ = log.Body.Close() }()
	lines := bufio.NewReader(log.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	here.admin(http.StatusNoContent, "DELETE", "/v1/tenants/acme/keys/"+key.ID, "", "")
	late := time.AfterFunc(soon, func() { _ = log.Body.Close() })
	if _, err := io.Copy(io.Discard, lines); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || time.Since(began) > soon {
		t.Errorf("the log of a key that was revoked ended with %v after %v", err, time.Since(began))
	}
	late.Stop()
	t.Logf("the key's log ended after %v", time.Since(began).Round(time.Millisecond))
	if got := withKey(); got != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", got)
	}
	stays.wantLife()

	began = time.Now()
	here.admin(http.StatusNoContent, "DELETE", "/v1/tenants/acme", "", "")
	stays.wantEnd(began, http.StatusNotFound, "4403")
}

// adminText is what a route shows to the admin token, whatever the status.
func (p *inProcess) adminText(path string) string {
	_, text := p.do(http.DefaultClient, "GET", p.url+path, "", "Authorization", "Bearer "+token)
	return text
}
