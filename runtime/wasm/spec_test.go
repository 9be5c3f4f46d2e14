package wasm_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// specModules calls f for the modules of the WebAssembly specification's test suite, which wazero
// carries.
func specModules(t testing.TB, f func(name string, b []byte)) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(
		strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest", "v[12]", "testdata", "*.wasm",
	))
	if err != nil || len(names) < 5000 {
		t.Fatalf("%d spec test modules found, %v", len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(name), b)
	}
}

// TestSpecModules holds that all modules of the specification's tests are encoded to the bytes they
// were decoded from, and that changing their bytes does no harm.
func TestSpecModules(t *testing.T) {
	decoded := 0
	specModules(t, func(name string, b []byte) {
		checkRoundTrip(t, b)
		if _, err := wasm.Decode(b); err == nil {
			decoded++
		}
		for _, at := range []int{len(b) / 3, len(b) / 2, len(b) - 1} {
			if at > 8 && len(b) < 10_000 {
				c := bytes.Clone(b)
				c[at] ^= byte(0x11 * (at%15 + 1))
				checkRoundTrip(t, c)
			}
		}
	})
	if decoded < 5000 {
		t.Errorf("%d decoded", decoded)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(full().Bytes())
	n := 0
	specModules(f, func(_ string, b []byte) {
		if n++; n%40 == 0 && len(b) < 4096 {
			f.Add(b)
		}
	})
	f.Fuzz(func(t *testing.T, b []byte) { checkRoundTrip(t, b) })
}
