//go:build !race

// Nothing runs concurrently here, and under the race detector compiling Go's
// runtime takes half a minute.

package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// TestGoRuntime holds that Go's scheduler, timers and collector work on the
// clock of a run, and that a program which could only wait ends.
func TestGoRuntime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "go.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, "./testdata/go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode(binary)
	if err != nil {
		t.Fatal(err)
	}
	m.Customs = append(m.Customs, wasm.Custom{Name: abi.SchemaSection, Bytes: []byte(schema), After: wasm.SectionData})
	l := limits()
	l.FuelPerRun, l.MemoryBytes, l.LogBytesPerRun = 10_000_000, 16<<20, 16<<10
	b := newPool(t, m.Encode(), "", l)
	for _, c := range []struct {
		resolver, want string
		code           abi.Code // of the fault that is wanted instead, whose message begins so
	}{
		{"time", "verdict 0", ""},
		{"sleep", "verdict 0", ""},
		{"timeout", "verdict 0", ""},
		{"goroutines", "verdict 0", ""},
		{"collect", "verdict 0", ""},
		{"deadlock", "fatal error: all goroutines are asleep - deadlock!", abi.CodeResolverTrap},
		{"panic", "panic: runtime error: index out of range [0] with length 0", abi.CodeResolverTrap},
		{"yield", "all of its 10000000 units", abi.CodeFuelExhausted},
		{"ticker", "all of its 10000000 units", abi.CodeFuelExhausted},
		{"eat", "memory.grow past the limit", abi.CodeMemoryLimit},
	} {
		r := run(b, "Subscription."+c.resolver, withMeta("e1"))
		got := describe(r)
		if c.code != "" && (r.Fault == nil || r.Fault.Code != c.code) || !strings.HasPrefix(strings.TrimPrefix(got, "fault "), c.want) {
			t.Errorf("%s: %s, want %s %s", c.resolver, got, c.code, c.want)
		}
	}
	if got := b.log[0].Message; got != "starting at 0 with true" {
		t.Errorf("the first line: %q", got)
	}
}
