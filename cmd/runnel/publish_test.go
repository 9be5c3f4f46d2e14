package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/problem"
)

// busy is a server that refuses what it is sent a few times before it takes it.
type busy struct {
	status     int
	retryAfter string
	refusals   int

	bodies []string
}

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	b.bodies = append(b.bodies, string(body))
	if len(b.bodies) <= b.refusals {
		w.Header().Set("Retry-After", b.retryAfter)
		problem.Write(w, problem.New(b.status, "INTERNAL", "not now"))
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"accepted":1}`)
}

// TestPublishAgain holds what is sent again, and what is not.
func TestPublishAgain(t *testing.T) {
	one := []string{"orders", "1"}
	withID := []string{"orders", "1", "--id", "a"}
	lines := []string{"--ndjson", "-"}
	for name, c := range map[string]struct {
		args     []string
		stdin    string
		server   busy
		attempts int // 4 where it is taken in the end
	}{
		"full":                 {one, "", busy{status: 429, retryAfter: "0", refusals: 3}, 4},
		"away, with an id":     {withID, "", busy{status: 503, retryAfter: "0", refusals: 3}, 4},
		"away, with ids":       {lines, "{\"id\":\"1\"}\n\n {\"id\":\"2\"}", busy{status: 503, retryAfter: "0", refusals: 3}, 4},
		"away, without":        {one, "", busy{status: 503, retryAfter: "0", refusals: 3}, 1},
		"away, some without":   {lines, "{\"id\":\"1\"}\n{\"payload\":{\"id\":1}}", busy{status: 503, retryAfter: "0", refusals: 3}, 1},
		"away, no events":      {lines, "{\"id\":\"1\"}\n[", busy{status: 503, retryAfter: "0", refusals: 3}, 1},
		"no time said":         {withID, "", busy{status: 429, refusals: 3}, 1},
		"a date":               {withID, "", busy{status: 429, retryAfter: "Wed, 21 Oct 2015 07:28:00 GMT", refusals: 3}, 1},
		"later than asked":     {withID, "", busy{status: 429, retryAfter: "3600", refusals: 3}, 1},
		"not at all":           {append(withID, "--retry", "0s"), "", busy{status: 429, retryAfter: "0", refusals: 3}, 1},
		"refused for ever":     {withID, "", busy{status: 409, retryAfter: "0", refusals: 3}, 1},
		"for a while, in vain": {append(withID, "--retry", "250ms"), "", busy{status: 429, retryAfter: "0", refusals: 100}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&c.server)
			defer server.Close()
			got := invoke(t, c.stdin, append([]string{"publish", "--server", server.URL}, c.args...)...)
			taken := c.attempts == 4
			if n := len(c.server.bodies); n != c.attempts && (c.server.refusals < 100 || n < 2 || n > c.attempts) || (got.code == exitDone) != taken {
				t.Errorf("%d attempts: %+v", n, got)
			}
			for _, body := range c.server.bodies {
				if body != c.server.bodies[0] {
					t.Errorf("sent %s and then %s", c.server.bodies[0], body)
				}
			}
			if again := strings.Count(got.errors, "runnel publish: not now; trying again in 100ms\n"); again != len(c.server.bodies)-1 {
				t.Errorf("said %d times: %s", again, got.errors)
			}
			if !taken && !strings.Contains(got.errors, "not now") {
				t.Errorf("no reason: %s", got.errors)
			}
		})
	}
}

func TestPublishAgainInterrupted(t *testing.T) {
	server := httptest.NewServer(&busy{status: 429, retryAfter: "20", refusals: 100})
	defer server.Close()
	clearEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	errors := cancelling{cancel: cancel}
	if code := run(ctx, []string{"publish", "--server", server.URL, "orders", "1"}, nil, &out, &errors); code != exitFailed || out.Len() > 0 {
		t.Errorf("exit %d: %s", code, &errors.Buffer)
	}
}

func TestPublishAgainAsJSON(t *testing.T) {
	server := httptest.NewServer(&busy{status: 429, retryAfter: "0", refusals: 1})
	defer server.Close()
	got := invoke(t, "", "publish", "--json", "--server", server.URL, "orders", "1")
	if want := (invocation{out: fmt.Sprintln(`{"accepted":1}`)}); got != want {
		t.Errorf("%+v", got)
	}
}
