package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
)

// emptyBackup is one of a store with nothing in it.
func emptyBackup(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := store.Backup(t.Context(), memory.New(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBackup(t *testing.T) {
	whole := emptyBackup(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.backup")
	for _, c := range []struct {
		name     string
		server   script
		exit     int
		out, err string
		file     string // afterwards
	}{
		{"a refusal", script{status: http.StatusForbidden, contentType: "application/problem+json", answer: `{"title":"Forbidden","errors":[{"message":"the admin token may"}]}`}, exitFailed, "", "the admin token may", ""},
		{"no backup", script{status: http.StatusOK, contentType: "text/html", answer: "<html>"}, exitFailed, "", "the backup is damaged: it does not begin", ""},
		{"a whole one", script{status: http.StatusOK, contentType: "application/octet-stream", answer: whole}, exitDone, file + ": 0 records, 57 bytes\n", "", whole},
		{"one cut short", script{status: http.StatusOK, contentType: "application/octet-stream", answer: whole[:len(whole)-1]}, exitFailed, "", "before its end", whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			exit := run(t.Context(), []string{"backup", "--server", c.server.start(t), "--token", "secret", file}, strings.NewReader(""), &stdout, &stderr)
			if exit != c.exit || stdout.String() != c.out || !strings.Contains(stderr.String(), c.err) {
				t.Errorf("exit %d, %q, %q", exit, stdout.String(), stderr.String())
			}
			c.server.expect(t, "GET /v1/backup  Bearer secret", "")
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if c.file == "" {
				if len(left) > 0 {
					t.Errorf("it leaves %q", left)
				}
				return
			}
			content, err := os.ReadFile(file)
			if err != nil || string(content) != c.file || len(left) != 1 {
				t.Errorf("%q (%v), beside it %q", content, err, left)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
		})
	}
	server := script{status: http.StatusOK, answer: whole}
	var stdout, stderr bytes.Buffer
	if exit := run(t.Context(), []string{"backup", "--json", "--server", server.start(t), filepath.Join(dir, "none", "x")}, strings.NewReader(""), &stdout, &stderr); exit != exitFailed || len(server.requests) > 0 {
		t.Errorf("into a directory that is not there: exit %d, %s", exit, stderr.String())
	}
	if exit := run(t.Context(), []string{"backup", "--json", "--server", server.start(t), file}, strings.NewReader(""), &stdout, &stderr); exit != exitDone || stdout.String() != `{"file":"`+file+`","records":0,"bytes":57}`+"\n" {
		t.Errorf("as JSON: exit %d, %s", exit, stdout.String())
	}
}
