package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/admin/admintest"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

var (
	apiRequests = flag.Int("requests", 4000, "how many random requests TestAPI sends")
	apiSeed     = flag.Uint64("apiseed", 1, "the seed of the first")
)

// TestAPI asks a whole server at random, by its own OpenAPI document: no answer
// is a failure of the server, and none is undocumented.
func TestAPI(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	var log bytes.Buffer
	server, err := runtime.New(runtime.Config{AdminToken: token, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	document := fetchDocument(t, server)
	small := sandboxtest.New("type Query { a: Int }")
	r := &admintest.Random{
		Rand: rand.New(rand.NewPCG(*apiSeed, 0)),
		Names: map[string][]string{
			"tenant": {"acme", "other"}, "id": {"acme", "other", "third"}, "module": {"orders", "small"}, "name": {"orders", "a name"},
			"digest": {"sha256:" + strings.Repeat("0", 64)}, "channel": {"orders"}, "after": {"acme", "orders", "1"}, "key": {"abcdefghijkl"}, "subscription": {"0000000000000001"},
		},
		Tokens:  []string{token, "", "wrong"},
		Rare:    []string{"delete_tenants_tenant", "patch_tenants_tenant"},
		Modules: [][]byte{small.Resolver("Query.a", small.Output("1")).Bytes(), examples.OrdersRust},
	}
	for id, limits := range map[string]string{"acme": "{}", "other": `{"moduleBytes":1024,"eventsPerSecond":1}`} {
		if err := server.CreateTenant(t.Context(), id, []byte(limits)); err != nil {
			t.Fatal(err)
		}
	}
	statuses := map[int]int{}
	for range *apiRequests {
		request := r.Request(document)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, request.WithContext(ctx))
		cancel()
		statuses[w.Code]++
		if err := document.Check(request, w.Code, w.Header(), w.Body.Bytes()); err != nil || w.Code >= 500 {
			t.Fatalf("%s %s: %d %s, %v", request.Method, request.URL, w.Code, w.Body, err)
		}
		learn(r, w.Body.Bytes())
	}
	t.Logf("answers by status: %v", statuses)
	for _, status := range []int{200, 201, 202, 204, 400, 401, 403, 404, 409, 413, 415, 422} {
		if statuses[status] == 0 {
			t.Errorf("no answer was %d: the requests reach too little", status)
		}
	}
	if log.Len() > 0 {
		t.Errorf("the server logged failures: %s", log.Bytes())
	}
}

// learn takes up what an answer names, so that later requests ask for it.
func learn(r *admintest.Random, body []byte) {
	var made struct{ ID, Key, Digest string }
	if json.Unmarshal(body, &made) != nil {
		return
	}
	for name, value := range map[string]string{"key": made.ID, "digest": made.Digest} {
		if value != "" && len(r.Names[name]) < 10 {
			r.Names[name] = append(r.Names[name], value)
		}
	}
	if made.Key != "" && len(r.Tokens) < 12 {
		r.Tokens = append(r.Tokens, made.Key)
	}
}

func fetchDocument(t *testing.T, server http.Handler) *admintest.Document {
	t.Helper()
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	document, err := admintest.Load(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return document
}
