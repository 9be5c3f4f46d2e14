package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
)

// TestTokensAreRenewed has graphql-ws subscribe with tokens that expire after
// seconds: it comes back with a fresh one by itself, and goes on.
func TestTokensAreRenewed(t *testing.T) {
	const adminToken, secret = "an admin token of at least 32 characters", "a secret of at least thirty-two bytes"
	server, err := runtime.New(runtime.Config{AdminToken: adminToken})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- server.Run(context.Background()) }()
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.CloseClientConnections()
		if err := errors.Join(server.Shutdown(context.Background()), <-running); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	if err := errors.Join(server.CreateTenant(t.Context(), "acme", nil), server.Push(t.Context(), "acme", "orders", examples.OrdersRust)); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("PUT", "/v1/tenants/acme/auth", strings.NewReader(`{"algorithm":"HS256","secret":"`+secret+`","clockSkewSeconds":0}`))
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}

	var issued atomic.Int32
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		issued.Add(1)
		encode := base64.RawURLEncoding.EncodeToString
		text := encode([]byte(`{"alg":"HS256"}`)) + "." + encode(fmt.Appendf(nil, `{"exp":%d,"permissions":["orders:note"]}`, time.Now().Unix()+3)) // for 2 to 3 s
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		_, _ = w.Write([]byte(text + "." + encode(mac.Sum(nil))))
	}))
	defer issuer.Close()

	next := node(t, "graphql-ws", "renew.mjs", "ws"+strings.TrimPrefix(web.URL, "http")+"/t/acme/graphql", "subscription { orderUpdated { id note } }", issuer.URL)
	const tokens = 3
	for n := range tokens {
		expectLine(t, next, `{"live":true}`)
		payload := fmt.Appendf(nil, `{"id":"o%d","customerId":"c","status":"PAID","note":"ring"}`, n)
		if _, err := server.Publish(t.Context(), "acme", event.Event{Channel: "orders", Payload: payload}); err != nil {
			t.Fatal(err)
		}
		expectLine(t, next, fmt.Sprintf(`{"next":{"data":{"orderUpdated":{"id":"o%d","note":"ring"}}}}`, n))
		expectLine(t, next, `{"error":"UNAUTHENTICATED"}`)
		expectLine(t, next, `{"closed":4403,"reason":"Forbidden"}`)
	}
	expectLine(t, next, `{"live":true}`)
	if n := issued.Load(); n != tokens+1 {
		t.Errorf("%d tokens were fetched, want %d", n, tokens+1)
	}
}
