package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// sealed returns an Engine on a directory that can compile nothing: what it
// loads comes from there.
func sealed(t testing.TB, c sandbox.Config) *sandbox.Engine {
	t.Helper()
	c.CompileInChild = true
	e := engineOf(t, c)
	e.SetChild("/bin/false", time.Minute)
	return e
}

func load(t testing.TB, e *sandbox.Engine, text string) *sandbox.Module {
	t.Helper()
	m, err := e.Load(context.Background(), echo(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// loadAndClose has an Engine put a module into a directory.
func loadAndClose(t testing.TB, c sandbox.Config, texts ...string) {
	t.Helper()
	e, err := sandbox.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		load(t, e, text)
	}
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// entries returns the files of a cache's entries.
func entries(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "entries", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestCacheOutlivesTheEngine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	loadAndClose(t, sandbox.Config{CacheDir: dir}, "hello")
	says(t, load(t, sealed(t, sandbox.Config{CacheDir: dir}), "hello"), "hello")
	if _, err := sealed(t, sandbox.Config{CacheDir: dir}).Load(context.Background(), echo("other")); err == nil {
		t.Error("a module that was never compiled came from the cache")
	}
	if _, err := sealed(t, sandbox.Config{CacheDir: dir, TableElements: 10}).Load(context.Background(), echo("hello")); err == nil {
		t.Error("a module that was metered for other limits came from the cache")
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCacheRefusesDamage(t *testing.T) {
	other := []byte("a key that is another")
	for name, c := range map[string]struct {
		damage func(content []byte) []byte
		key    []byte
	}{
		"seal":      {func(b []byte) []byte { b[0]++; return b }, nil},
		"length":    {func(b []byte) []byte { b[32]++; return b }, nil},
		"summary":   {func(b []byte) []byte { b[60]++; return b }, nil},
		"code":      {func(b []byte) []byte { b[len(b)-200]++; return b }, nil},
		"end":       {func(b []byte) []byte { b[len(b)-1]++; return b }, nil},
		"truncated": {func(b []byte) []byte { return b[:len(b)-1] }, nil},
		"short":     {func(b []byte) []byte { return b[:20] }, nil},
		"empty":     {func([]byte) []byte { return nil }, nil},
		"longer":    {func(b []byte) []byte { return append(b, 0) }, nil},
		"wrong key": {func(b []byte) []byte { return b }, other},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			loadAndClose(t, sandbox.Config{CacheDir: dir}, "hello", "world")
			for _, path := range entries(t, dir) {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, c.damage(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			e := engineOf(t, sandbox.Config{CacheDir: dir, CacheKey: c.key, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			says(t, load(t, e, "hello"), "hello")
			says(t, load(t, e, "world"), "world")
			if n := strings.Count(log.String(), "damaged"); n != 1 {
				t.Errorf("logged %d times: %s", n, &log)
			}
			says(t, load(t, sealed(t, sandbox.Config{CacheDir: dir, CacheKey: c.key}), "hello"), "hello") // compiled again
		})
	}
}

// TestCacheTakesNoOtherEntry puts one module's entry in the place of another's.
func TestCacheTakesNoOtherEntry(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	loadAndClose(t, sandbox.Config{CacheDir: dir}, "hello", "world")
	paths := entries(t, dir)
	if len(paths) != 2 {
		t.Fatalf("entries %q", paths)
	}
	for _, rename := range [][2]string{{paths[0], paths[0] + ".moved"}, {paths[1], paths[0]}, {paths[0] + ".moved", paths[1]}} {
		if err := os.Rename(rename[0], rename[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sealed(t, sandbox.Config{CacheDir: dir}).Load(context.Background(), echo("hello")); err == nil {
		t.Error("the entry of another module was taken")
	}
}

func TestCacheRefusesDirectories(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"others may write": func(dir string) error { return os.Chmod(dir, 0o722) },
		"others may read":  func(dir string) error { return os.Chmod(dir, 0o755) },
		"a link": func(dir string) error {
			if err := os.Rename(dir, dir+".real"); err != nil {
				return err
			}
			return os.Symlink(dir+".real", dir)
		},
		"a file": func(dir string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o600)
		},
		"a readable key": func(dir string) error { return os.Chmod(filepath.Join(dir, "key"), 0o644) },
		"a short key":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "key"), []byte("short"), 0o600) },
		"a linked key": func(dir string) error {
			key := filepath.Join(dir, "key")
			if err := os.Rename(key, key+".real"); err != nil {
				return err
			}
			return os.Symlink("key.real", key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			loadAndClose(t, sandbox.Config{CacheDir: dir}, "hello")
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			e, err := sandbox.New(context.Background(), sandbox.Config{CacheDir: dir})
			if err == nil {
				t.Error(e.Close(context.Background()), "the directory was taken")
			}
		})
	}
	if _, err := sandbox.New(context.Background(), sandbox.Config{CacheKey: make([]byte, 15)}); err == nil {
		t.Error("a short key was taken")
	}
}

func TestEnginesShareADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	texts := []string{"a", "b", "c", "d"}
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			e := engineOf(t, sandbox.Config{CacheDir: dir, CodeBytes: 1, CacheBytes: 1})
			for range 3 {
				for _, text := range texts {
					m, err := e.Load(context.Background(), echo(text))
					if err != nil {
						t.Error(err)
						return
					}
					says(t, m, text)
					if err := m.Release(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
}

// TestCacheIsBounded holds that entries nobody needs go, and those of modules in
// use stay, whichever Engine they belong to.
func TestCacheIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	loadAndClose(t, sandbox.Config{CacheDir: dir}, "size")
	info, err := os.Stat(entries(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	limit := 4 * info.Size()
	first := engineOf(t, sandbox.Config{CacheDir: dir, CacheBytes: limit, CodeBytes: 1})
	kept := load(t, first, "kept")
	second := engineOf(t, sandbox.Config{CacheDir: dir, CacheBytes: limit, CodeBytes: 1})
	for n := range 20 {
		if err := load(t, second, fmt.Sprint(n)).Release(); err != nil {
			t.Fatal(err)
		}
		if idle := len(entries(t, dir)) - 1; idle > 4 {
			t.Fatalf("%d entries of modules that nobody has", idle)
		}
	}
	says(t, kept, "kept")
	says(t, load(t, sealed(t, sandbox.Config{CacheDir: dir}), "19"), "19") // the latest is still there
	if _, err := sealed(t, sandbox.Config{CacheDir: dir}).Load(context.Background(), echo("0")); err == nil {
		t.Error("the oldest is still there")
	}
}

// TestNothingIsLeftBehind looks for files of Engines that were closed.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := filepath.Join(t.TempDir(), "cache")
	loadAndClose(t, sandbox.Config{}, "hello")
	loadAndClose(t, sandbox.Config{CacheDir: dir, CompileInChild: true}, "hello")
	for _, pattern := range []string{os.TempDir() + "/*", dir + "/live-*", dir + "/new-*", dir + "/entries/new-*"} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left %q, %v", left, err)
		}
	}
	// What a killed process left goes with the next.
	stale := filepath.Join(os.TempDir(), "runnel-sandbox-killed")
	if err := os.Mkdir(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stale, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running := engineOf(t, sandbox.Config{})
	loadAndClose(t, sandbox.Config{}, "hello")
	if _, err := os.Stat(stale); err == nil {
		t.Error("the workspace of a killed process is still there")
	}
	says(t, load(t, running, "hello"), "hello")
}
