package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// inProcess is a server that run runs in the test's own process.
type inProcess struct {
	t        *testing.T
	url      string // of --listen
	adminURL string // of --admin-listen; empty without

	mu       sync.Mutex
	log      bytes.Buffer
	address  map[string]string // by the message that tells it
	told     chan struct{}     // closed with the message that the server serves
	finished bool
}

// runInProcess runs the program until the test ends.
func runInProcess(t *testing.T, getenv func(string) string, arguments ...string) *inProcess {
	t.Helper()
	p := &inProcess{t: t, address: map[string]string{}, told: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"--listen", "127.0.0.1:0", "--log-format", "json"}, arguments...), getenv, io.Discard, p)
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with %d; it logged:\n%s", code, p.logged())
		}
	})
	select {
	case <-p.told:
	case code := <-ended:
		ended <- code
		t.Fatalf("the server ended with %d; it logged:\n%s", code, p.logged())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.url, p.adminURL = p.address["serving"], p.address["serving operators"]
	return p
}

// Write takes what the server logs, a line each.
func (p *inProcess) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(line)
	var fact struct {
		Message string `json:"msg"`
		Address string
		TLS     bool
	}
	if p.finished || json.Unmarshal(line, &fact) != nil || !strings.HasPrefix(fact.Message, "serving") {
		return len(line), nil
	}
	scheme := "http://"
	if fact.TLS {
		scheme = "https://"
	}
	p.address[fact.Message] = scheme + fact.Address
	if fact.Message == "serving" {
		p.finished = true
		close(p.told)
	}
	return len(line), nil
}

func (p *inProcess) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// do sends a request and returns status and body. headers are names and values.
func (p *inProcess) do(client *http.Client, method, url, body string, headers ...string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
