package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// TestModulesOfOtherToolchains runs programs for wasm32-wasip1 as their
// compilers made them: wazero's own tests have them. They are written for
// arguments, of which there are none, and say so as each language does; those
// in Zig were compiled without bounds checks.
func TestModulesOfOtherToolchains(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "imports", "wasi_snapshot_preview1")
	for file, want := range map[string]string{
		"testdata/cargo-wasi/wasi.wasm":        "3 thread 'main' panicked at wasi.rs:17:15:\n3 index out of bounds: the len is 0 but the index is 1\n",
		"testdata/tinygo/wasi.wasm":            "1 panic: runtime error: index out of range\nfault unreachable\n",
		"testdata/zig/wasi.wasm":               "fault out of bounds memory access\n",
		"testdata/zig-cc/wasi.wasm":            "3 unknown command: \nfault unknown command: \nproc_exit: the module exited with code 1\n",
		"example/testdata/cargo-wasi/cat.wasm": "",
		"example/testdata/tinygo/cat.wasm":     "fault proc_exit: the module exited with code 0\n",
		"example/testdata/zig/cat.wasm":        "fault out of bounds memory access\n",
		"example/testdata/zig-cc/cat.wasm":     "",
	} {
		t.Run(file, func(t *testing.T) {
			binary, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			l := limits()
			l.FuelPerRun, l.MemoryBytes, l.LogBytesPerRun = 10_000_000, 32<<20, 16<<10
			b := newPool(t, command(t, binary), "", l)
			r := run(b, "Query.main", withMeta("e1"))
			got := linesAndFault(b, r)
			if !strings.HasPrefix(got, want) || want == "" && (r.Fault != nil || got != "") {
				t.Errorf("%v, log\n%swant\n%s", r.Fault, got, want)
			}
		})
	}
}

// command makes a module of a program: a resolver calls its _start, and skips.
func command(t *testing.T, program []byte) []byte {
	t.Helper()
	m, err := wasm.Decode(program)
	if err != nil {
		t.Fatal(err)
	}
	start := -1
	for _, x := range m.Exports {
		if x.Name == "_start" {
			start = int(x.Index)
		}
	}
	if start < 0 {
		t.Fatal("no _start")
	}
	m.Types = append(m.Types, wasm.FunctionType{Results: w.I32s(1)})
	m.Functions = append(m.Functions, uint32(len(m.Types)-1))
	m.Code = append(m.Code, wasm.Body{Code: w.Join(w.Call(uint32(start)), w.I32Const(0), w.Op(wasm.OpEnd))})
	resolver := uint32(m.ImportedCount(wasm.Function) + len(m.Functions) - 1)
	m.Exports = append(m.Exports, wasm.Export{Name: "Query.main", Kind: wasm.Function, Index: resolver})
	m.Customs = append(m.Customs, wasm.Custom{Name: abi.SchemaSection, Bytes: []byte("type Query { main: Int }"), After: wasm.SectionData})
	return m.Encode()
}
