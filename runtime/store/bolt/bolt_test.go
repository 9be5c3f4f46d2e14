package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/storetest"
)

func open(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Conform(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "runnel.db")) })
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "runnel.db")
	s := open(t, path)
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has %v (%v), want %v", p, info.Mode(), err, want)
		}
	}
	if err := s.Update(t.Context(), "t", func(tx store.Tx) error { return tx.Put(store.Keys, "t", "id", []byte("value")) }); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "another process uses "+path) {
		t.Errorf("a second Open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := open(t, path).View(t.Context(), func(tx store.Tx) error {
		value, err := tx.Get(store.Keys, "t", "id")
		if string(value) != "value" {
			t.Errorf("kept: %q", value)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestACommitThatFails is told too: it may have reached the disk.
func TestACommitThatFails(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "runnel.db"))
	told := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func() { close(ready) }, func(tenant string) { told <- tenant }) }()
	<-ready
	refused := errors.New("refused")
	if err := s.Update(t.Context(), "one", func(store.Tx) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("a change that fails: %v", err)
	}
	s.Bound(1 << 16)
	err := s.Update(t.Context(), "two", func(tx store.Tx) error { return tx.Put(store.Keys, "two", "id", bytes.Repeat([]byte("x"), 1<<20)) })
	if err == nil {
		t.Fatal("a commit over the bound of the file has not failed")
	}
	if tenant := <-told; tenant != "two" {
		t.Errorf("told of %s", tenant)
	}
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	if err := os.WriteFile(foreign, []byte(strings.Repeat("not a database ", 10000)), 0o600); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "later.db")
	if err := open(t, later).Close(); err != nil {
		t.Fatal(err)
	}
	setFormat(t, later, "2")
	odd := filepath.Join(dir, "odd.db")
	if err := open(t, odd).Close(); err != nil {
		t.Fatal(err)
	}
	setFormat(t, odd, "x")
	for path, want := range map[string]string{
		foreign:                           "invalid",
		later:                             "its format is 2, and this program knows those up to 1",
		odd:                               "the number of its format",
		filepath.Join(foreign, "file.db"): "not a directory",
		dir:                               "is a directory",
	} {
		s, err := bolt.Open(path)
		if err == nil {
			t.Errorf("%s is opened", path)
			_ = s.Close()
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "open the store") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	setFormat(t, later, "1")
	open(t, later)
}

func setFormat(t *testing.T, path, format string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("about")).Put([]byte("format"), []byte(format)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
