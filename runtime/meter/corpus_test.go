package meter_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// specModules returns the modules of the WebAssembly specification's test suite, which wazero carries,
// by file name.
func specModules(t testing.TB) map[string][]byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	modules := make(map[string][]byte)
	for _, version := range []string{"v1", "v2"} {
		names, err := filepath.Glob(filepath.Join(
			strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest", version, "testdata", "*.wasm",
		))
		if err != nil || len(names) < 1000 {
			t.Fatalf("spec test modules %s: %d found, %v", version, len(names), err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			modules[version+"/"+filepath.Base(name)] = b
		}
	}
	return modules
}

// compiler returns a runtime and a function that says whether a module is valid.
func compiler(t testing.TB) func([]byte) error {
	t.Helper()
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = runtime.Close(ctx) })
	return func(b []byte) error {
		m, err := runtime.CompileModule(ctx, b)
		if err != nil {
			return err
		}
		return m.Close(ctx)
	}
}
