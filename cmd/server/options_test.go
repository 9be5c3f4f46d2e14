package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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
	o, err := parseOptions([]string{"--listen", "127.0.0.1:9"}, environment)
	if err != nil {
		t.Fatal(err)
	}
	if o.listen != "127.0.0.1:9" || o.drain != 30*time.Second || o.logFormat != "json" || o.logLevel != slog.LevelDebug ||
		o.trustedProxies.String() != "10.0.0.0/8,fd00::/8" || o.unauthenticatedPerAddress != 5 || !o.dev {
		t.Errorf("options are %+v: a flag overrides the environment, which overrides the file, which overrides defaults", o)
	}
}

func TestLastPrefixesCount(t *testing.T) {
	o, err := parseOptions([]string{"--dev", "--jwks-allow", "127.0.0.1, ::ffff:10.1.2.3"}, environment("RUNNEL_JWKS_ALLOW", "10.0.0.0/8"))
	if err != nil || o.jwksAllow.String() != "127.0.0.1/32,10.1.2.3/32" {
		t.Errorf("%v, %v: a flag replaces what the environment says, and an address is itself", o.jwksAllow, err)
	}
}

func TestAdminTokenFromFile(t *testing.T) {
	file := writeFile(t, "token", token+"\n")
	o, err := parseOptions([]string{"--data", t.TempDir(), "--admin-token-file", file}, environment("RUNNEL_ADMIN_TOKEN", "other"))
	if err != nil || o.adminToken != token || o.node != "" {
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
	file, empty, large := writeFile(t, "file", "x"), writeFile(t, "empty", "\n"), writeFile(t, "large", strings.Repeat("x", 5000))
	for _, c := range []struct {
		arguments   []string
		environment []string
		want        string
	}{
		{nil, nil, "--admin-token-file: there is no admin token: give a file"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", token}, "--data: there is nowhere to keep tenants and modules: give --data DIR"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", "short"}, "RUNNEL_ADMIN_TOKEN: the admin token has fewer than 32 bytes"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN", token + " " + token}, "RUNNEL_ADMIN_TOKEN: the admin token has spaces"},
		{[]string{"--admin-token-file", empty}, nil, "--admin-token-file: the admin token has fewer than 32 bytes"},
		{[]string{"--admin-token-file", "/does/not/exist"}, nil, "--admin-token-file: open /does/not/exist"},
		{nil, []string{"RUNNEL_ADMIN_TOKEN_FILE", large}, "RUNNEL_ADMIN_TOKEN_FILE: " + large + " has more than 4096 bytes"},
		{[]string{"--dev", "--listen", "0.0.0.0:8080"}, nil, "--listen: \"0.0.0.0:8080\": with --dev"},
		{[]string{"--dev", "--listen", "example.com:8080"}, nil, "loopback only"},
		{[]string{"--dev", "--listen", ":8080"}, nil, "loopback only"},
		{[]string{"--dev"}, []string{"RUNNEL_LISTEN", "8080"}, `RUNNEL_LISTEN: "8080" is no address: give host and port`},
		{[]string{"--dev", "--listen", "127.0.0.1:65536"}, nil, `--listen: "127.0.0.1:65536" is no address`},
		{[]string{"--dev", "--admin-listen", "0.0.0.0:8081"}, nil, "--admin-listen: \"0.0.0.0:8081\": with --dev"},
		{[]string{"--dev", "--admin-listen", "127.0.0.1:8080"}, nil, `--admin-listen: "127.0.0.1:8080" is what --listen serves on: give another port`},
		{[]string{"--dev", "--data", file}, nil, "--data: " + file + " is no directory"},
		{[]string{"--dev", "--store", "mysql://x/y"}, nil, "--store: the URL of the store cannot be read: it looks like postgres://"},
		{[]string{"--dev"}, []string{"RUNNEL_STORE", "postgres://h/y?sslmode=x"}, "RUNNEL_STORE: the URL of the store cannot be read: "},
		{[]string{"--dev", "--restore", file}, nil, "--restore: where to? give --data DIR"},
		{[]string{"--restore", file, "--data", file}, nil, "--data: " + file + " is no directory"},
		{[]string{"--restore", "/does/not/exist", "--data", t.TempDir()}, nil, "--restore: stat /does/not/exist"},
		{[]string{"--dev", "--bus", "kafka://x"}, nil, "--bus: that is no bus: give memory, or a URL"},
		{[]string{"--dev", "--bus", "postgres://x/y?pool_max_conns=1"}, nil, "--bus: the URL of the bus cannot be used: pool_max_conns is 1"},
		{[]string{"--dev", "--bus", "redis://x/y"}, nil, "--bus: the path of the URL"},
		{[]string{"--dev"}, []string{"RUNNEL_BUS", "redis://x?prefix=:"}, "RUNNEL_BUS: prefix"},
		{[]string{"--dev", "--bus", "redis://[x"}, nil, "--bus: that is no URL"},
		{[]string{"--dev", "--bus", "redis-sentinel://x"}, nil, "--bus: Redis Cluster and Sentinel are not supported"},
		{[]string{"--dev", "--log-format", "xml"}, nil, `--log-format: "xml" is neither text nor json`},
		{[]string{"--dev", "--log-level", "loud"}, nil, `--log-level: "loud" is not debug, info, warn or error`},
		{[]string{"--dev", "--tls-cert", file}, nil, "--tls-cert: it needs the certificate's key: give --tls-key FILE"},
		{[]string{"--dev"}, []string{"RUNNEL_TLS_KEY", file}, "RUNNEL_TLS_KEY: it needs the key's certificate: give --tls-cert FILE"},
		{[]string{"--dev", "--tls-cert", file, "--tls-key", file}, nil, "--tls-cert, --tls-key: tls: failed to find any PEM data"},
		{[]string{"--dev", "--tls-cert", "/does/not/exist", "--tls-key", file}, nil, "no such file"},
		{[]string{"--dev", "--unauthenticated-per-address", "0"}, nil, "--unauthenticated-per-address: 0 is too few: give 1 or more"},
		{[]string{"--dev", "--metrics-tenants", "-1"}, nil, "--metrics-tenants: -1 is not from 0 to 1000"},
		{[]string{"--dev", "--metrics-tenants=many"}, nil, `--metrics-tenants: "many" is not a whole number`},
		{[]string{"--dev", "--drain", "2h"}, nil, "--drain: 2h0m0s is not from 0s to 1h0m0s"},
		{[]string{"--dev"}, []string{"RUNNEL_DRAIN", "5"}, `RUNNEL_DRAIN: "5" is not a time such as 30s or 1m30s`},
		{[]string{"--dev", "--drain"}, nil, "--drain: it takes a time such as 30s or 1m30s, and nothing follows"},
		{[]string{"--dev", "--trusted-proxies", "10.0.0.1/8"}, nil, "--trusted-proxies: \"10.0.0.1/8\" has bits behind its 8: write 10.0.0.0/8"},
		{[]string{"--dev", "--jwks-allow", "intranet"}, nil, `--jwks-allow: "intranet" is no CIDR`},
		{[]string{"--dev", "extra"}, nil, "argument 2: it belongs to no flag"},
		{[]string{"--dev", "--", "extra"}, nil, "argument 2: it belongs to no flag"},
		{[]string{"--dev", "--nonsense"}, nil, "--nonsense: there is no such flag"},
		{[]string{"--dev", "--config", "/does/not/exist"}, nil, "--config: open /does/not/exist"},
		{nil, []string{"RUNNEL_CONFIG", "/does/not/exist"}, "RUNNEL_CONFIG: open /does/not/exist"},
		{nil, []string{"RUNNEL_DEV", "perhaps"}, `RUNNEL_DEV: "perhaps" is not true or false`},
		{[]string{"--dev", "--node", "two words"}, nil, "--node: \"two words\" is no name of a node: give at most 253 bytes"},
		{[]string{"--dev", "--node", strings.Repeat("x", 254)}, nil, "--node"},
		{[]string{"--dev", "--node", "\xff"}, nil, "--node"},
	} {
		_, err := parseOptions(c.arguments, environment(c.environment...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: %v, want %q", c.arguments, c.environment, err, c.want)
		}
	}
}

func TestBadConfigFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"", ":2: Key 'listen' has already been defined."},
		{"# one\n\nlisten 5", ":3: this is not TOML"},
		{"dev = true\nlisten = 8080", ":2: listen: it takes a text in quotes"},
		{"dev = \"true\"", ":1: dev: it takes true or false"},
		{"metrics-tenants = \"5\"", ":1: metrics-tenants: it takes a whole number"},
		{"metrics-tenants = 1.5", ":1: metrics-tenants: it takes a whole number"},
		{"\nmetrics-tenants = 5000", ":2: metrics-tenants: 5000 is not from 0 to 1000"},
		{"trusted-proxies = [1]", ":1: trusted-proxies: it takes a list such as"},
		{"trusted-proxies = [\"10.0.0.0/8\",\n\"x\"]", ":1: trusted-proxies: \"x\" is no CIDR"},
		{"drain = 5", ":1: drain: it takes a text in quotes"},
		{"drain = \"5\"", ":1: drain: \"5\" is not a time such as"},
		{"log-level = \"loud\"", ":1: log-level: \"loud\" is not debug, info, warn or error"},
		{"data = \"\"\n\nlog-format = \"xml\"", ":3: log-format: \"xml\" is neither"},
		{"dev = true\n\nmetrics = 1", ":3: there is no setting \"metrics\""},
		{"[admin]\nlisten = \"x\"", ":1: there is no setting \"admin\""},
		{"[dev]\nx = true", ":1: dev: it takes true or false"},
		{"admin-token = \"secret-of-the-file\"", ":1: the admin token is not kept in this file"},
		{"config = \"other\"", ":1: config belongs on the command line"},
		{"check-config = true", ":1: check-config belongs on the command line"},
		{"restore = \"file\"", ":1: restore belongs on the command line"},
	} {
		path := writeFile(t, "server.toml", c.text)
		_, err := parseOptions([]string{"--dev", "--config", path}, environment())
		if err == nil || !strings.HasPrefix(err.Error(), path+c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestAllMistakesAtOnce: who corrects settings does not learn of one mistake after
// the other, whatever they are of and wherever they are, nor of what follows from
// another.
func TestAllMistakesAtOnce(t *testing.T) {
	path := writeFile(t, "server.toml", "listen = 8080\nnonsense = 2\nunauthenticated-per-address = 0\ndrain = \"2h\"\nlog-format = \"xml\"\n")
	broken := writeFile(t, "server.toml", "data")
	for _, c := range []struct {
		arguments, environment []string
		want                   string
	}{
		{
			[]string{"--config", path, "--metrics-tenants", "x", "--wrong", "5", "more", "--log-format", "yaml", "--bus=y", "--tls-cert", "/none"},
			[]string{"RUNNEL_DRAIN", "soon", "RUNNEL_ADMIN_TOKEN", "short", "RUNNEL_STORE", "mysql://x"},
			"--wrong: there is no such flag\n" +
				"argument 7: it belongs to no flag, and all settings are flags\n" +
				path + ":1: listen: it takes a text in quotes\n" +
				path + ":2: there is no setting \"nonsense\"\n" +
				"RUNNEL_DRAIN: \"soon\" is not a time such as 30s or 1m30s\n" +
				"--metrics-tenants: \"x\" is not a whole number\n" +
				"RUNNEL_STORE: the URL of the store cannot be read: …\n" +
				path + ":3: unauthenticated-per-address: 0 is too few: give 1 or more\n" +
				"--log-format: \"yaml\" is neither text nor json\n" +
				"--bus: that is no bus: give memory, or a URL that begins with redis://, rediss:// or postgres://\n" +
				"RUNNEL_ADMIN_TOKEN: the admin token has fewer than 32 bytes: make one by openssl rand -base64 33\n" +
				"--tls-cert: it needs the certificate's key: give --tls-key FILE as well",
		},
		{nil, nil, "--data: there is nowhere to keep tenants and modules: …\n--admin-token-file: there is no admin token: …"},
		{[]string{"--dev=perhaps"}, nil, "--dev: \"perhaps\" is not true or false"},
		{[]string{"--config", "/does/not/exist"}, nil, "--config: open /does/not/exist: no such file or directory"},
		{[]string{"--config", broken}, nil, broken + ":1: this is not TOML: …"},
	} {
		_, err := parseOptions(c.arguments, environment(c.environment...))
		got, want := strings.Split(fmt.Sprint(err), "\n"), strings.Split(c.want, "\n")
		if !slices.EqualFunc(got, want, func(got, want string) bool {
			begin, open := strings.CutSuffix(want, "…")
			return got == want || open && strings.HasPrefix(got, begin)
		}) {
			t.Errorf("%v: got\n%v\nwant\n%s", c.arguments, err, c.want)
		}
	}
}

// TestNoSecretInComplaints gives secrets in settings that are wrong.
func TestNoSecretInComplaints(t *testing.T) {
	const password = "hunter2"
	for _, url := range []string{
		"postgres://u:hunter2@[::1", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d", "redis://u:hunter2@h", "hunter2", "postgres://u:hunter2%zz@h/d",
	} {
		path := writeFile(t, "server.toml", "store = \""+url+"\"\nbus = \""+url+"\"\n")
		broken := writeFile(t, "server.toml", "store = \""+url+"\nbus = \""+url+"\"\n")
		bare := writeFile(t, "server.toml", "store = "+url+"\n")
		for _, c := range []struct{ arguments, environment []string }{
			{[]string{"--dev", "--store", url, "--bus", url}, nil},
			{[]string{"--dev"}, []string{"RUNNEL_STORE", url, "RUNNEL_BUS", url}},
			{[]string{"--dev", "--config", path}, nil},
			{[]string{"--dev", "--config", broken}, nil},
			{[]string{"--dev", "--config", bare}, nil},
			{[]string{"--dev", "--stor", url}, nil},
			{[]string{"--dev", "--admin-token", "--", password}, nil},
			{[]string{"--dev", "--store", "x", url}, nil},
			{nil, []string{"RUNNEL_ADMIN_TOKEN", password}},
		} {
			_, err := parseOptions(c.arguments, environment(c.environment...))
			if err == nil || strings.Contains(err.Error(), password) {
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
	stdout.Reset()
	if code := run(t.Context(), []string{"--help"}, environment(), &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "\n  --listen ADDRESS\n        address to serve on (default 127.0.0.1:8080)\n") || stderr.Len() > 0 {
		t.Errorf("--help: code %d, %q, %q", code, stdout.String(), stderr.String())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("--check-config has made the directory")
	}
	if code := run(t.Context(), []string{"--check-config"}, environment(), &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), "no admin token") || strings.Count(stderr.String(), "\n") != 3 {
		t.Errorf("code %d, %q", code, stderr.String())
	}
}
