package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// guest makes a module that a server takes, but for what change does to it.
func guest(change func(*wasmtest.Builder)) []byte {
	b := wasmtest.New()
	log := b.Import("runnel_v1", "log", wasmtest.I32s(3), nil)
	b.Memory(2)
	b.Global(wasm.I32, wasmtest.I32Const(7))
	b.Constant(wasm.I64, wasmtest.I64Const(7))
	b.Custom("runnel.schema", []byte("type Query {\n\ta: String # \u202e[31m\r\n}\n"))
	b.ExportFunction("Query.a", b.Function(nil, wasmtest.I32s(1), nil,
		wasmtest.I32Const(1), wasmtest.I32Const(0), wasmtest.I32Const(0), wasmtest.Call(log),
		wasmtest.I32Const(0)))
	if change != nil {
		change(b)
	}
	return b.Bytes()
}

func TestInspect(t *testing.T) {
	binary := guest(nil)
	file := writeFile(t, "orders.wasm", string(binary))
	metered := writeFile(t, "metered.wasm", "")
	if got := invoke(t, "", "meter", file, "-o", metered); got.code != exitDone {
		t.Fatalf("meter: %+v", got)
	}
	stat, err := os.Stat(metered)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`bytes      %d
digest     sha256:%x
memory     131072 bytes, no maximum
functions  1 defined, 1 imported
globals    2 defined, 1 of them mutable
imports    func runnel_v1.log (i32, i32, i32) -> ()
exports    memory memory
           func Query.a () -> i32
resolvers  Query.a
schema     type Query {
           	a: String # \u202e[31m
           }
metered    %d bytes
fuel       8 units; regions: 1, the largest: 8, checks: 0
           instructions: 1 cost 0, 4 cost 1, 1 cost 4
stack      at most 80 bytes in a chain of calls, functions: 1; no recursion
reset      memory, in regions of 2048 bytes, and globals: 1
NaN        cannot look at the bits of one
admission  accepted; %d bytes once metered
`, len(binary), sha256.Sum256(binary), stat.Size(), stat.Size())
	if got := invoke(t, "", "inspect", file); got != (invocation{out: want}) {
		t.Errorf("got %+v,\nwant %s", got, want)
	}
	if got := invoke(t, string(binary), "inspect", "-"); got != (invocation{out: want}) {
		t.Errorf("from stdin: %+v", got)
	}
}

func TestInspectRefused(t *testing.T) {
	binary := guest(func(b *wasmtest.Builder) {
		b.ExportFunction("_runnel\x1b", 1)
		b.ExportFunction("Query.far", 99)
	})
	file := writeFile(t, "orders.wasm", string(binary))
	got := invoke(t, "", "inspect", file)
	if got.code != exitFailed || !strings.Contains(got.errors, "orders.wasm would be refused: _runnel") {
		t.Errorf("got %+v", got)
	}
	for _, want := range []string{
		"admission  refused\n", `_runnel\u001b, offset `, "are reserved\n", "Query.far, offset ",
		"exports    memory memory\n", "           func Query.far\n", "schema     type Query {\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in %s", want, got.out)
		}
	}

	var d description
	got = invoke(t, "", "inspect", "--json", file)
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || got.code != exitFailed {
		t.Fatalf("%+v: %v", got, err)
	}
	if len(d.Problems) < 2 || d.Problems[0].Function != "_runnel\x1b" || d.Problems[0].Offset == nil || d.Metered != 0 {
		t.Errorf("problems %+v", d.Problems)
	}
	if !strings.HasPrefix(got.errors, `{"title":"`) {
		t.Errorf("errors %q", got.errors)
	}
}

func TestInspectJudgesTheSchema(t *testing.T) {
	binary := guest(func(b *wasmtest.Builder) { b.ExportFunction("Query.other", 1) })
	got := invoke(t, "", "inspect", writeFile(t, "orders.wasm", string(binary)))
	if got.code != exitFailed || !strings.Contains(got.out, "admission  refused\n") || !strings.Contains(got.errors, "schema: ") || !strings.Contains(got.errors, "Query.other") {
		t.Errorf("got %+v", got)
	}
}

func TestInspectJSON(t *testing.T) {
	got := invoke(t, "", "inspect", "--json", writeFile(t, "orders.wasm", string(guest(nil))))
	var d map[string]any
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || got.code != exitDone || got.errors != "" {
		t.Fatalf("%+v: %v", got, err)
	}
	delete(d, "bytes")
	delete(d, "digest")
	delete(d, "meteredBytes")
	delete(d, "metering")
	want := map[string]any{
		"memories":  []any{map[string]any{"pages": 2.0}},
		"functions": map[string]any{"defined": 1.0, "imported": 1.0},
		"globals":   map[string]any{"defined": 2.0, "mutable": 1.0},
		"imports":   []any{map[string]any{"module": "runnel_v1", "name": "log", "kind": "func", "type": "(i32, i32, i32) -> ()"}},
		"exports":   []any{map[string]any{"name": "memory", "kind": "memory"}, map[string]any{"name": "Query.a", "kind": "func", "type": "() -> i32"}},
		"resolvers": []any{"Query.a"},
		"schema":    "type Query {\n\ta: String # \u202e[31m\r\n}\n",
		"problems":  []any{},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %v,\nwant %v", d, want)
	}
}

func TestInspectLargeMemory(t *testing.T) {
	for pages, want := range map[uint32]string{16384: "", 16385: "memory section: the memory starts with 1073807360 bytes; the limit memoryBytes can be 1073741824 at most"} {
		binary := guest(func(b *wasmtest.Builder) { b.Module().Memories[0].Min = pages })
		got := invoke(t, "", "inspect", writeFile(t, "large.wasm", string(binary)))
		if (got.code == exitFailed) != (want != "") || !strings.Contains(got.errors, want) || !strings.Contains(got.out, want) {
			t.Errorf("%d pages: %+v", pages, got)
		}
	}
}

// A module of nothing still has every line.
func TestInspectEmpty(t *testing.T) {
	got := invoke(t, "\x00asm\x01\x00\x00\x00", "inspect", "-")
	for _, want := range []string{"memory     none\n", "imports    none\n", "exports    none\n", "resolvers  none\n", "schema\n", "no memory", "no custom section"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in %s", want, got.out)
		}
	}
	if got.code != exitFailed {
		t.Errorf("exit %d", got.code)
	}
}

func TestMeter(t *testing.T) {
	file := writeFile(t, "orders.wasm", string(guest(nil)))
	for name, want := range map[string]string{
		"":       "reset      memory, and globals: 1\n",
		"--json": `"globals":["_runnel_global_0 i32"],"reinstantiate":false}` + "\n",
	} {
		out := filepath.Join(t.TempDir(), "out.wasm")
		got := invoke(t, "", strings.Fields("meter -o "+out+" "+name+" "+file)...)
		if got.code != exitDone || got.errors != "" || !strings.HasSuffix(got.out, want) {
			t.Errorf("%s: %+v", name, got)
		}
		binary, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := wasm.Decode(binary); err != nil || len(m.Functions) < 1 || len(m.Exports) < 4 {
			t.Errorf("%s: wrote %v, %v", name, m, err)
		}
	}
	table := guest(func(b *wasmtest.Builder) {
		b.Table(wasm.FuncRef, 2)
		b.Function(nil, nil, nil, wasmtest.I32Const(0), wasmtest.I32Const(0), wasmtest.OpIndex(wasm.OpTableGet, 0), wasmtest.OpIndex(wasm.OpTableSet, 0))
	})
	out := filepath.Join(t.TempDir(), "out.wasm")
	if got := invoke(t, string(table), "meter", "-", "-o", out); !strings.HasSuffix(got.out, "reset      a fresh instance for every run\n") {
		t.Errorf("a module that writes its table: %+v", got)
	}
}

func TestModuleFailures(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.wasm")
	garbage := writeFile(t, "garbage", "\x00asm\x01\x00\x00\x00\x01")
	threads := writeFile(t, "threads.wasm", "\x00asm\x01\x00\x00\x00\x05\x04\x01\x03\x01\x01")
	invalid := writeFile(t, "invalid.wasm", string(guest(func(b *wasmtest.Builder) {
		b.ExportFunction("Query.wrong", b.Function(nil, wasmtest.I32s(1), nil, wasmtest.I64Const(1)))
	})))
	fit := writeFile(t, "fit.wasm", string(guest(nil)))
	unfit := writeFile(t, "unfit.wasm", string(guest(func(b *wasmtest.Builder) { b.ExportFunction("Query.far", 99) })))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"inspect", garbage}, garbage + " would be refused: offset "},
		{[]string{"inspect", threads}, threads + " would be refused: offset 11: memory section: not supported: threads (shared memories)"},
		{[]string{"inspect", "--json", threads}, `","errors":[{"message":"memory section: not supported: threads (shared memories)","offset":11}]}`},
		{[]string{"inspect", dir}, "is a directory"},
		{[]string{"inspect", out}, "no such file"},
		{[]string{"meter", garbage, "-o", out}, "decode " + garbage + ": offset "},
		{[]string{"meter", "--json", garbage, "-o", out}, `{"title":"decode ` + garbage + `","errors":[{"message":`},
		{[]string{"meter", unfit, "-o", out}, "meter " + unfit + ": offset "},
		{[]string{"meter", invalid, "-o", out}, "meter " + invalid + ": Query.wrong, offset "},
		{[]string{"meter", "--json", invalid, "-o", out}, `{"title":"meter ` + invalid + `","errors":[{"message":"cannot use i64 as result[0] type i32","function":"Query.wrong","offset":`},
		{[]string{"meter", fit, "-o", dir}, "is a directory"},
	} {
		got := invoke(t, "", test.args...)
		if got.code != exitFailed || got.out != "" || !strings.Contains(got.errors, test.want) {
			t.Errorf("%v: %+v, want %q", test.args, got, test.want)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a failed meter left a file: %v", err)
	}
}
