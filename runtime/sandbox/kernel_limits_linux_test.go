package sandbox_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

func init() {
	unwatched["processor"] = usesProcessor
	unwatched["memory"] = usesMemory
	unwatched["file"] = usesFile
}

func usesProcessor() error {
	for {
		runtime.Gosched()
	}
}

func usesMemory() error {
	var held [][]byte
	for {
		held = append(held, make([]byte, 1<<20))
		runtime.KeepAlive(held)
	}
}

func usesFile() error {
	f, err := os.Create("code")
	if err != nil {
		return err
	}
	for block := make([]byte, 1<<20); ; {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
}

// child is a program that runs this one as a child of that kind.
func child(t *testing.T, kind string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return script(t, fmt.Sprintf("%s=%s exec %q", unwatchedVariable, kind, self))
}

// TestKernelEndsUnwatchedChildren has children that pay no heed to their limits:
// the kernel ends them, and the parent says which limit it was.
func TestKernelEndsUnwatchedChildren(t *testing.T) {
	limits := sandbox.CompileLimits{CPU: 50 * time.Millisecond, CPUPerMiB: 1, Memory: 1 << 20, MemoryPerMiB: 1, Wall: 1e4}
	for kind, c := range map[string]struct {
		cpu  time.Duration
		want string
	}{
		"processor": {50 * time.Millisecond, "50ms of CPU time"},
		"memory":    {time.Minute, "1 MiB of memory"},
		"file":      {time.Minute, "16 MiB of machine code"},
	} {
		t.Run(kind, func(t *testing.T) {
			limits.CPU = c.cpu
			e := engineOf(t, sandbox.Config{CompileInChild: true, CompileLimits: limits})
			e.SetChild(child(t, kind), time.Minute)
			_, err := e.Load(t.Context(), echo("hello"))
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
