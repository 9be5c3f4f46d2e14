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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/admin/admintest"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

var (
	apiRequests = flag.Int("requests", 20000, "how many random requests TestAPI sends")
	apiSeed     = flag.Uint64("apiseed", 2, "the seed of the first")
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
	// Two versions of one module, so that there is one to roll back to.
	var versions [2][]byte
	for i := range versions {
		small := sandboxtest.New("type Query { a: Int }")
		versions[i] = small.Resolver("Query.a", small.Output(strconv.Itoa(i))).Bytes()
	}
	r := &admintest.Random{
		Rand: rand.New(rand.NewPCG(*apiSeed, 0)),
		Names: map[string][]string{
			"tenant": {"acme", "other"}, "id": {"acme", "other", "third"}, "module": {"orders", "small"}, "name": {"orders", "a name"},
			"digest": {"sha256:" + strings.Repeat("0", 64)}, "version": {"sha256:" + strings.Repeat("0", 64)}, "channel": {"orders"}, "after": {"acme", "orders", "1"}, "key": {"abcdefghijkl"}, "subscription": {"0000000000000001"},
		},
		Tokens:  []string{token, "", "wrong"},
		Rare:    []string{"delete_tenants_tenant", "patch_tenants_tenant", "delete_tenants_tenant_modules_module"},
		Modules: [][]byte{versions[0], versions[1], examples.OrdersRust},
	}
	for id, limits := range map[string]string{"acme": "{}", "other": `{"moduleBytes":1024,"eventsPerSecond":1}`} {
		if err := server.CreateTenant(t.Context(), id, []byte(limits)); err != nil {
			t.Fatal(err)
		}
	}
	statuses, done := map[int]int{}, map[string]bool{}
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
		if w.Code < 300 {
			done[document.Operation(request)] = true
		}
		learn(r, w.Body.Bytes())
	}
	for _, id := range document.Operations() {
		if !done[id] && id != "delete_tenants_tenant_subscriptions_subscription" { // nobody subscribes here
			t.Errorf("%s never did what it is for", id)
		}
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
	if made.Digest != "" && !slices.Contains(r.Names["digest"], made.Digest) && len(r.Names["digest"]) < 10 {
		r.Names["digest"], r.Names["version"] = append(r.Names["digest"], made.Digest), append(r.Names["version"], made.Digest)
	}
	if made.Key == "" {
		return // of what has an id, keys alone are asked for by an id that the server chose
	}
	if keys := append(r.Names["key"], made.ID); len(keys) > 10 {
		r.Names["key"] = keys[1:]
	} else {
		r.Names["key"] = keys
	}
	if len(r.Tokens) < 12 {
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
