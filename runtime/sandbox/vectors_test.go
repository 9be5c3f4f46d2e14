package sandbox_test

import (
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/abi/vectors"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// TestVectors replays the test vectors of runnel_v1 through the built modules
// of both SDKs, and through the example in Go: what a guest reads, in which order, and what it gives.
func TestVectors(t *testing.T) {
	files := map[string]string{
		"plugins/examples/orders-rust/orders-rust.wasm":                     "orders",
		"plugins/examples/orders-assemblyscript/orders-assemblyscript.wasm": "orders",
		"plugins/examples/orders-go/orders-go.wasm":                         "orders",
		"plugins/examples/shop-rust/shop-rust.wasm":                         "shop",
		"plugins/examples/shop-assemblyscript/shop-assemblyscript.wasm":     "shop",
		"sdk/rust/conformance/probe.wasm":                                   "probe",
		"sdk/assemblyscript/conformance/probe.wasm":                         "probe",
	}
	if raceEnabled { // it takes half a minute to compile, and nothing runs concurrently here
		delete(files, "plugins/examples/orders-go/orders-go.wasm")
	}
	for file, module := range files {
		t.Run(file, func(t *testing.T) {
			binary, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			list, err := vectors.Load(module)
			if err != nil {
				t.Fatal(err)
			}
			e := newEngine(t)
			m, err := e.Load(context.Background(), binary)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range list {
				t.Run(v.Name, func(t *testing.T) {
					b := replay(t, m, v)
					// No run of an example grows its memory, changes a table or drops a segment.
					if module != "probe" && b.Idle() != 1 {
						t.Error("the instance had to be closed")
					}
				})
			}
			beside, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path.Dir(file)), "schema.graphql"))
			if module != "probe" && (err != nil || m.Schema() != string(beside)) {
				t.Errorf("%v; the module holds another schema than lies beside it:\n%s", err, m.Schema())
			}
		})
	}
}

func replay(t *testing.T, m *sandbox.Module, v vectors.Vector) *bench {
	t.Helper()
	l := limits()
	l.FuelPerRun, l.MemoryBytes, l.LogBytesPerRun = 10_000_000, 16<<20, 16<<10
	l.PublishesPerRun = 16
	if v.PublishResult == abi.PublishOverLimit {
		l.PublishesPerRun = 0
	}
	b := poolOf(t, m, string(v.Config), l)
	r := run(b, v.Resolver, vectorInputs(t, v))

	var reads []string
	for _, read := range r.Reads {
		reads = append(reads, read.String())
	}
	if !slices.Equal(reads, v.Reads) && len(reads)+len(v.Reads) > 0 {
		t.Errorf("reads %q, want %q", reads, v.Reads)
	}
	checkLog(t, b.log, v.Log, v.Verdict.Trap)
	if v.Verdict.Trap {
		if r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap || !strings.Contains(r.Fault.Message, v.Log[0].Message) {
			t.Errorf("%+v, want a trap", r)
		}
		return b
	}
	if r.Fault != nil || int32(r.Verdict) != v.Verdict.Value {
		t.Fatalf("verdict %d, fault %v, want %d; log %+v; fail %q", r.Verdict, r.Fault, v.Verdict.Value, b.log, r.Failure.Message)
	}
	sameJSON(t, "output", r.Output, v.Output)
	sameJSON(t, "extensions", r.Failure.Extensions, v.FailExtensions)
	if r.Failure.Message != v.Fail {
		t.Errorf("fail %q, want %q", r.Failure.Message, v.Fail)
	}
	if v.PublishResult != abi.PublishTaken {
		return b // the host of the vector took nothing
	}
	if len(r.Published) != len(v.Published) {
		t.Fatalf("published %+v, want %+v", r.Published, v.Published)
	}
	for i, p := range v.Published {
		if r.Published[i].Channel != p.Channel {
			t.Errorf("published on %s, want %s", r.Published[i].Channel, p.Channel)
		}
		sameJSON(t, "payload", r.Published[i].Payload, p.Payload)
	}
	return b
}

func vectorInputs(t *testing.T, v vectors.Vector) fixed {
	t.Helper()
	in := fixed{inputs: map[abi.Kind]string{}, arguments: v.Arguments, claims: v.Claims, permissions: v.Permissions}
	arguments, err := json.Marshal(v.Arguments)
	if err != nil {
		t.Fatal(err)
	}
	if v.Arguments == nil {
		arguments = []byte("{}")
	}
	in.inputs[abi.InputArguments] = string(arguments)
	for kind, text := range map[abi.Kind]json.RawMessage{abi.InputEvent: v.Event, abi.InputMeta: v.Meta, abi.InputParents: v.Parents} {
		if text != nil {
			in.inputs[kind] = string(text)
		}
	}
	return in
}

func checkLog(t *testing.T, got []sandbox.Line, want []vectors.LogLine, trap bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("log %+v, want %+v", got, want)
		return
	}
	for i, line := range want {
		matches := got[i].Message == line.Message || trap && strings.Contains(got[i].Message, line.Message)
		if !matches || int32(got[i].Level) != line.Level {
			t.Errorf("log line %+v, want %+v", got[i], line)
		}
	}
}

// sameJSON compares as the README of the vectors says: a null member equals an
// absent one.
func sameJSON(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(parsed(t, what, got), parsed(t, what, want)) {
		t.Errorf("%s %s, want %s", what, got, want)
	}
}

func parsed(t *testing.T, what string, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s %q: %v", what, text, err)
	}
	return withoutNulls(v)
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if member == nil {
				delete(v, key)
			} else {
				v[key] = withoutNulls(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}
