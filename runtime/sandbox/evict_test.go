package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

func TestCodeIsEvicted(t *testing.T) {
	e := engineOf(t, sandbox.Config{CodeBytes: 1})
	m := load(t, e, "hello")
	if loaded, unused := e.Codes(); loaded != 0 || unused != 0 {
		t.Errorf("%d modules with %d bytes are in memory before a run", loaded, unused)
	}
	b := poolOf(t, m, "", limits())
	if r := run(b, "Subscription.f", event(`{}`)); string(r.Output) != `"hello"` {
		t.Fatal(describe(r))
	}
	if loaded, _ := e.Codes(); loaded != 1 {
		t.Errorf("%d modules are in memory while an instance needs one", loaded)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if loaded, _ := e.Codes(); loaded != 0 {
		t.Errorf("%d modules are in memory after the last instance", loaded)
	}
	says(t, m, "hello")
}

// TestLatestCodeStays holds that what was used last is evicted last.
func TestLatestCodeStays(t *testing.T) {
	one := newEngine(t)
	load(t, one, "size")
	_, size := one.Codes()
	e := engineOf(t, sandbox.Config{CodeBytes: 3*size + size/2})
	modules := map[string]*sandbox.Module{}
	for _, text := range []string{"a", "b", "c", "d"} {
		modules[text] = load(t, e, text)
	}
	if loaded, unused := e.Codes(); loaded != 3 || unused > 3*size+size/2 {
		t.Errorf("%d modules with %d bytes are in memory", loaded, unused)
	}
	for text, m := range modules {
		says(t, m, text)
	}
}

// TestRunsWhileCodeIsEvicted has modules that need a fresh instance for each run
// evict one another.
func TestRunsWhileCodeIsEvicted(t *testing.T) {
	e := engineOf(t, sandbox.Config{CodeBytes: 1})
	pools := make([]*bench, 6)
	for n := range pools {
		g := sandboxtest.New(schema)
		text := fmt.Sprintf(`"%d"`, n)
		code := g.Output(text)
		g.Resolver("Subscription.f", code).Resolver("Subscription.trap", sandboxtest.Trap())
		m, err := e.Load(context.Background(), g.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		pools[n] = poolOf(t, m, "", limits())
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for n := range 60 {
				which := (n*7 + worker) % len(pools)
				if r := run(pools[which], "Subscription.f", event(`{}`)); string(r.Output) != fmt.Sprintf(`"%d"`, which) {
					t.Errorf("%d: %s", which, describe(r))
				}
				if r := run(pools[which], "Subscription.trap", event(`{}`)); r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap {
					t.Errorf("%d: %s", which, describe(r))
				}
			}
		})
	}
	wait.Wait()
}

// TestLostCode damages the file of a module that is in use: its runs fail, and
// nothing else does. Loading it again mends it.
func TestLostCode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	e := engineOf(t, sandbox.Config{CodeBytes: 1, CacheDir: dir})
	m := load(t, e, "hello")
	if err := os.Truncate(entries(t, dir)[0], 100); err != nil {
		t.Fatal(err)
	}
	b := poolOf(t, m, "", limits())
	r := run(b, "Subscription.f", event(`{}`))
	if r.Fault == nil || r.Fault.Code != abi.CodeInternal || !strings.Contains(r.Fault.Message, "damaged") {
		t.Errorf("got %s", describe(r))
	}
	says(t, load(t, e, "other"), "other")
	if !m.Lost() {
		t.Error("the module does not say that its code is lost")
	}
	says(t, load(t, e, "hello"), "hello")
	if m.Lost() {
		t.Error("the module says that its code is lost")
	}
	says(t, m, "hello")
}
