package main

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	s := created()
	server := httptest.NewServer(s)
	defer server.Close()
	var out bytes.Buffer
	c := push{remote: remote{server: server.URL, terminal: &out, timeout: defaultTimeout}, name: "orders", file: writeFile(t, "orders.wasm", strings.Repeat("x", 300<<10))}
	if err := c.accept([]string{c.file}); err != nil {
		t.Fatal(err)
	}
	if err := c.run(t.Context(), streams{out: io.Discard, err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"% of 300 KB sent", "waiting for the server"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q has no %q", out.String(), part)
		}
	}
	if !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("%q leaves a line behind", out.String())
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	if terminalOf(new(bytes.Buffer)) != nil {
		t.Error("a buffer is taken for a terminal")
	}
	s := created()
	got := invoke(t, "", "push", "--server", s.start(t), "--name", "orders", writeFile(t, "orders.wasm", strings.Repeat("x", 300<<10)))
	if got.errors != "" {
		t.Errorf("what is no terminal gets %q", got.errors)
	}
}
