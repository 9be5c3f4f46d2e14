package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// TestBackupAndRestore does what docs/operations.md says: a server in a file is
// backed up while it serves, and its backup restored into PostgreSQL, and from there
// into a file again.
func TestBackupAndRestore(t *testing.T) {
	url := postgrestest.Database(t)
	dir := t.TempDir()
	stores := [][]string{
		{"--data", filepath.Join(dir, "a")},
		{"--data", filepath.Join(dir, "b"), "--store", url},
		{"--data", filepath.Join(dir, "c")},
	}
	p := start(t, stores[0]...)
	p.createTenant("acme", `{"modules":7}`)
	g := sandboxtest.New("type Query { number: Int }")
	p.push("acme", "m", g.Resolver("Query.number", g.Output("42")).Bytes())
	for _, next := range append(stores[1:], nil) {
		want := p.must(200, "GET", "/v1/tenants/acme", "", nil) + p.must(200, "GET", "/v1/tenants/acme/modules/m", "", nil)
		if !strings.Contains(want, `"modules":7`) {
			t.Errorf("the tenant: %s", want)
		}
		if got := p.query("acme", "{number}"); got != `{"data":{"number":42}}` {
			t.Errorf("it serves %s", got)
		}
		if next == nil {
			return
		}
		file := filepath.Join(dir, "runnel.backup")
		if out, err := p.commandLine()("backup", file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := restoreFile(file, next); err != nil || !strings.Contains(out, "start the server without --restore") {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := restoreFile(file, next); err == nil || !strings.Contains(out, "the store is not empty") {
			t.Errorf("a second time: %v\n%s", err, out)
		}
		p.stop()
		p = start(t, next...)
		if got := p.must(200, "GET", "/v1/tenants/acme", "", nil) + p.must(200, "GET", "/v1/tenants/acme/modules/m", "", nil); got != want {
			t.Errorf("restored:\n%s, want\n%s", got, want)
		}
	}
}

func restoreFile(file string, arguments []string) (string, error) {
	out, err := exec.Command(binary, append([]string{"--restore", file}, arguments...)...).CombinedOutput()
	return string(out), err
}

// TestRestoreRefuses restores what is no backup: nothing is made of it.
func TestRestoreRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for file, want := range map[string]string{
		writeFile(t, "cut.backup", "runnel backup 1\nr"): "the backup is damaged: it ends after 17 bytes",
		writeFile(t, "other", "something else"):          "the backup is damaged: it does not begin with",
		"/does/not/exist":                                "no such file",
	} {
		out, err := restoreFile(file, []string{"--data", dir})
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the store is made (%v)", file, err)
		}
	}
}
