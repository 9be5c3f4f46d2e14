package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
