package redis_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/redis"
)

func TestBadURLs(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"redis":                              "names no host",
		"redis:host:6379":                    "names no host",
		"redis:///0":                         "names no host",
		"redis://:secret@/0":                 "names no host",
		"redis://u:secret@host/x":            "not the number of a database",
		"redis://u:secret@host/-1":           "not the number of a database",
		"redis://u:secret@host/0#x":          "written %23",
		"redis://u:secret@host?%zz":          "the part of the URL behind ?",
		"redis://u:secret@host?prefix=a:b":   "prefix: 1 to 64",
		"redis://u:secret@host?prefix=":      "prefix: 1 to 64",
		"redis://host?prefix=a&prefix=b":     "given 2 times",
		"redis://host?connections=0":         "connections: a number",
		"redis://host?connections=x":         "connections: a number",
		"redis://host?nonsense=secret":       `no option "nonsense"`,
		"redis://host?ca=/x":                 "only rediss://",
		"rediss://host?ca=/does/not/exist":   "no such file",
		"rediss://host?ca=" + empty:          "no certificate",
		"redis://a:1,b:2":                    "Cluster and Sentinel are not supported",
		"redis://u:secret@a,b,c/0":           "Cluster and Sentinel are not supported",
		"redis://a:1?addr=b:2":               "Cluster and Sentinel are not supported",
		"redis://a:1?master_name=m":          "Cluster and Sentinel are not supported",
		"redis://u:secret@127.0.0.1:1/0":     "can't be reached",
		"redis://127.0.0.1:1?connections=30": "can't be reached",
	} {
		_, err := event.Open(t.Context(), address, event.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
		if unreachable := strings.Contains(want, "reached"); errors.Is(err, event.ErrUnavailable) != unreachable {
			t.Errorf("%s: %v; unavailable: %t", address, err, !unreachable)
		}
	}
}

func TestCheck(t *testing.T) {
	for address, good := range map[string]bool{
		"redis://127.0.0.1:1/15?prefix=a.b_c-d&connections=100": true, "rediss://user:p%40ss@[::1]": true, "redis://x?y=z": false, "redis://[x": false,
	} {
		if err := redis.Check(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestWhoAnswers opens buses on servers that cannot be one.
func TestWhoAnswers(t *testing.T) {
	server := start(t)
	refused := func(what, url, want string) {
		t.Helper()
		_, err := event.Open(t.Context(), url, event.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), server.Password()) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	refused("another password", "redis://:other@"+server.Address(), "has another password")
	refused("no password", "redis://"+server.Address(), "asks for a password")
	c := client(t, server.URL("x"))
	do(t, c, "REPLICAOF", "127.0.0.1", "1")
	refused("a replica", server.URL("x"), "the server is a replica")
	cluster := start(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
	refused("a node of a cluster", cluster.URL("x"), "mode cluster")
}
