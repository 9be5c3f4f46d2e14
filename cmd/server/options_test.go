package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	file := writeFile(t, "server.toml", `
# Each of these is overridden once more than the one before.
listen = "127.0.0.1:7"
log-format = "json"
trusted-proxies = ["10.0.0.0/8", "fd00::/8"]
drain = "20s"
unauthenticated-per-address = 5
dev = true
`)
	environment := environment("RUNNEL_LISTEN", "127.0.0.1:8", "RUNNEL_LOG_LEVEL", "debug", "RUNNEL_DRAIN", "30s", "RUNNEL_CONFIG", file)
	o, err := parseOptions([]string{"--listen", "127.0.0.1:9"}, environment, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.listen != "127.0.0.1:9" || o.drain != 30*time.Second || o.logFormat != "json" || o.logLevel != slog.LevelDebug ||
		o.trustedProxies.String() != "10.0.0.0/8,fd00::/8" || o.unauthenticatedPerAddress != 5 || !o.dev {
		t.Errorf("options are %+v: a flag overrides the environment, which overrides the file, which overrides defaults", o)
	}
}

func TestLastPrefixesCount(t *testing.T) {
	o, err := parseOptions([]string{"--dev", "--jwks-allow", "127.0.0.1, ::ffff:10.1.2.3"}, environment("RUNNEL_JWKS_ALLOW", "10.0.0.0/8"), io.Discard)
	if err != nil || o.jwksAllow.String() != "127.0.0.1/32,10.1.2.3/32" {
		t.Errorf("%v, %v: a flag replaces what the environment says, and an address is itself", o.jwksAllow, err)
	}
}

func TestAdminTokenFromFile(t *testing.T) {
	file := writeFile(t, "token", token+"\n")
	o, err := parseOptions([]string{"--data", t.TempDir(), "--admin-token-file", file}, environment("RUNNEL_ADMIN_TOKEN", "other"), io.Discard)
	if err != nil || o.adminToken != token {
		t.Errorf("token %q, %v", o.adminToken, err)
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadOptions(t *testing.T) {
	file := writeFile(t, "file", "x")
	for _, c := range []struct {
		arguments   []string
		environment []string
		want        string
	}{
		{nil, nil, "no admin token"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", token}, "nowhere to keep tenants and modules: give --data DIR"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", "short"}, "fewer than 32 bytes"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", token + " " + token}, "no header Authorization can carry"},
		{[]string{"--admin-token-file", writeFile(t, "empty", "\n")}, nil, "is empty"},
		{[]string{"--admin-token-file", "/does/not/exist"}, nil, "--admin-token-file"},
		{[]string{"--admin-token-file", writeFile(t, "large", strings.Repeat("x", 5000))}, nil, "more than 4096 bytes"},
		{[]string{"--dev", "--listen", "0.0.0.0:8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", "example.com:8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", ":8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", "8080"}, nil, "--listen"},
		{[]string{"--dev", "--listen", "127.0.0.1:65536"}, nil, `no port "65536"`},
		{[]string{"--dev", "--admin-listen", "0.0.0.0:8081"}, nil, "--admin-listen \"0.0.0.0:8081\": with --dev"},
		{[]string{"--dev", "--admin-listen", "127.0.0.1:8080"}, nil, "that is what --listen serves on"},
		{[]string{"--dev", "--data", file}, nil, "not a directory"},
		{[]string{"--dev", "--store", "mysql://x/y"}, nil, "--store: not a URL that begins with postgres://"},
		{[]string{"--dev", "--store", "postgres:///y"}, nil, "--store: the URL names no host"},
		{[]string{"--dev", "--restore", file}, nil, "--restore: where to?"},
		{[]string{"--restore", file, "--data", file}, nil, "not a directory"},
		{[]string{"--dev", "--bus", "kafka://x"}, nil, "--bus: neither"},
		{[]string{"--dev", "--bus", "redis://x"}, nil, "--bus redis: this version"},
		{[]string{"--dev", "--log-format", "xml"}, nil, "--log-format"},
		{[]string{"--dev", "--log-level", "loud"}, nil, "log-level"},
		{[]string{"--dev", "--tls-cert", file}, nil, "given together"},
		{[]string{"--dev", "--tls-cert", file, "--tls-key", file}, nil, "failed to find any PEM data"},
		{[]string{"--dev", "--tls-cert", "/does/not/exist", "--tls-key", file}, nil, "no such file"},
		{[]string{"--dev", "--unauthenticated-per-address", "0"}, nil, "at least 1"},
		{[]string{"--dev", "--metrics-tenants", "-1"}, nil, "from 0 to 1000"},
		{[]string{"--dev", "--drain", "2h"}, nil, "from 0 to 1h"},
		{[]string{"--dev", "--trusted-proxies", "10.0.0.1/8"}, nil, "write 10.0.0.0/8"},
		{[]string{"--dev", "--jwks-allow", "intranet"}, nil, `"intranet" is no CIDR`},
		{[]string{"--dev", "extra"}, nil, "unexpected argument"},
		{[]string{"--nonsense"}, nil, "nonsense"},
		{[]string{"--dev", "--config", "/does/not/exist"}, nil, "--config"},
		{nil, []string{"RUNNEL_DEV", "perhaps"}, "RUNNEL_DEV"},
	} {
		_, err := parseOptions(c.arguments, environment(c.environment...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: %v, want %q", c.arguments, c.environment, err, c.want)
		}
	}
}

func TestBadConfigFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"", ":2: Key 'listen' has already been defined."},
		{"# one\n\nlisten 5", ":3: "},
		{"dev = true\nlisten = 8080", ":2: listen takes a text in quotes"},
		{"dev = \"true\"", ":1: dev takes true or false"},
		{"metrics-tenants = \"5\"", ":1: metrics-tenants takes a whole number"},
		{"metrics-tenants = 1.5", ":1: metrics-tenants takes a whole number"},
		{"trusted-proxies = [1]", ":1: trusted-proxies takes a list such as"},
		{"trusted-proxies = [\"10.0.0.0/8\",\n\"x\"]", ":1: trusted-proxies: \"x\" is no CIDR"},
		{"drain = 5", ":1: drain takes a text in quotes"},
		{"drain = \"5\"", ":1: drain: parse error"},
		{"log-level = \"loud\"", ":1: log-level: "},
		{"dev = true\n\nmetrics = 1", ":3: unknown key \"metrics\""},
		{"[admin]\nlisten = \"x\"", ":1: unknown key \"admin\""},
		{"[dev]\nx = true", ":1: dev takes true or false"},
		{"admin-token = \"secret-of-the-file\"", ":1: the admin token is not kept in this file"},
		{"config = \"other\"", ":1: config belongs on the command line"},
		{"check-config = true", ":1: check-config belongs on the command line"},
	} {
		path := writeFile(t, "server.toml", c.text)
		_, err := parseOptions([]string{"--dev", "--config", path}, environment(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), path+c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestAllMistakesAtOnce: who corrects a file does not learn of one after the
// other.
func TestAllMistakesAtOnce(t *testing.T) {
	path := writeFile(t, "server.toml", "dev = 1\nnonsense = 2\n")
	_, err := parseOptions([]string{"--config", path}, environment(), io.Discard)
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two lines", err)
	}
	_, err = parseOptions([]string{"--drain", "-1s", "--log-format", "xml"}, environment(), io.Discard)
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four lines", err)
	}
}

// TestNoSecretInComplaints gives secrets in settings that are wrong.
func TestNoSecretInComplaints(t *testing.T) {
	const password = "hunter2"
	for _, url := range []string{
		"postgres://u:hunter2@[::1", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d", "postgres:///d?password=hunter2", "redis://u:hunter2@h", "hunter2", "postgres://u:hunter2%zz@h/d",
	} {
		path := writeFile(t, "server.toml", "store = \""+url+"\"\nbus = \""+url+"\"\n")
		broken := writeFile(t, "server.toml", "store = \""+url+"\nbus = \""+url+"\"\n")
		var usage strings.Builder
		for _, c := range []struct{ arguments, environment []string }{
			{[]string{"--dev", "--store", url, "--bus", url}, nil},
			{[]string{"--dev"}, []string{"RUNNEL_STORE", url, "RUNNEL_BUS", url}},
			{[]string{"--dev", "--config", path}, nil},
			{[]string{"--dev", "--config", broken}, nil},
			{nil, []string{"RUNNEL_ADMIN_TOKEN", password}},
		} {
			_, err := parseOptions(c.arguments, environment(c.environment...), &usage)
			if err == nil || strings.Contains(err.Error()+usage.String(), password) {
				t.Errorf("%v %v: %v", c.arguments, c.environment, err)
			}
		}
	}
}

// TestCheckConfig: the program says that settings are good, and leaves nothing
// behind.
func TestCheckConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"--check-config", "--data", dir}, environment("RUNNEL_ADMIN_TOKEN", token), &stdout, &stderr)
	if code != 0 || stdout.String() != "the settings are good\n" || stderr.Len() > 0 {
		t.Errorf("code %d, %q, %q", code, stdout.String(), stderr.String())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("--check-config has made the directory")
	}
	if code := run(t.Context(), []string{"--check-config"}, environment(), &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), "no admin token") {
		t.Errorf("code %d, %q", code, stderr.String())
	}
}
