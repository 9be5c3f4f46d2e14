package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

const token = "0123456789abcdef0123456789abcdef"

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"--listen", "127.0.0.1:9"}, environment("RUNNEL_LISTEN", "127.0.0.1:8", "RUNNEL_DEV", "true", "RUNNEL_LOG_LEVEL", "debug"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.listen != "127.0.0.1:9" || !o.dev || o.logLevel != slog.LevelDebug {
		t.Errorf("options are %+v: a flag overrides the environment, which overrides defaults", o)
	}
}

func TestAdminTokenFromFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"--admin-token-file", file}, environment("RUNNEL_ADMIN_TOKEN", "other"), io.Discard)
	if err != nil || o.adminToken != token {
		t.Errorf("token %q, %v", o.adminToken, err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		arguments   []string
		environment []string
		want        string
	}{
		{nil, nil, "no admin token"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", "short"}, "fewer than 32 characters"},
		{[]string{"--dev", "--listen", "0.0.0.0:8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", "example.com:8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", ":8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", "8080"}, nil, "--listen"},
		{[]string{"--dev", "--bus", "kafka://x"}, nil, "--bus"},
		{[]string{"--dev", "--log-format", "xml"}, nil, "--log-format"},
		{[]string{"--dev", "extra"}, nil, "unexpected argument"},
		{[]string{"--nonsense"}, nil, "nonsense"},
		{nil, []string{"RUNNEL_DEV", "perhaps"}, "RUNNEL_DEV"},
		{[]string{"--admin-token-file", "/does/not/exist"}, nil, "--admin-token-file"},
	} {
		_, err := parseOptions(c.arguments, environment(c.environment...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: %v, want %q", c.arguments, c.environment, err, c.want)
		}
	}
}
