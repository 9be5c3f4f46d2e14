package registry_test

import (
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// starting is the module of orders with a start function.
func starting(code ...wasmtest.Code) []byte {
	g := sandboxtest.New("type Query { order: String }")
	g.Resolver("Query.order", g.Output(`"1"`))
	g.Start(g.Function(nil, nil, nil, code...))
	return g.Bytes()
}

func TestWhatDoesNotStartIsNotKept(t *testing.T) {
	for _, activate := range []bool{true, false} {
		b := newBench(t)
		old := b.push(t, "orders", orders(`"1"`), true)
		_, _, err := b.Upload(t.Context(), b.tenant, "orders", starting(sandboxtest.Trap()), activate)
		e := wantError(t, err, registry.Invalid, "the start function failed after")
		if e.Code != abi.CodeResolverTrap || e.Limit != "" {
			t.Errorf("code %s, limit %q", e.Code, e.Limit)
		}
		if m, err := b.Get(t.Context(), b.tenant, "orders"); err != nil || len(m.Versions) != 1 || b.active("orders") != old.Digest || len(b.log) != 1 {
			t.Errorf("%+v, %v, %d sets", m, err, len(b.log))
		}
	}
}

// TestActivationUnderOtherLimits has a version that started under the limits of
// its upload, and does not under those of the tenant now.
func TestActivationUnderOtherLimits(t *testing.T) {
	b := newBench(t)
	b.limit(t, "memoryBytes", 1<<20)
	needs := starting(wasmtest.I32Const(10), wasmtest.MemoryGrow(), wasmtest.I32Const(-1), wasmtest.Op(wasm.OpI32Eq),
		wasmtest.If(wasmtest.Result(), sandboxtest.Trap()))
	first := b.push(t, "orders", needs, true)
	second := b.push(t, "orders", orders(`"2"`), true)
	b.limit(t, "memoryBytes", 128<<10)
	_, err := b.Activate(t.Context(), b.tenant, "orders", first.Digest)
	if e := wantError(t, err, registry.Invalid, "memory.grow past the limit"); e.Code != abi.CodeMemoryLimit || e.Limit != "memoryBytes" {
		t.Errorf("code %s, limit %q", e.Code, e.Limit)
	}
	_, err = b.Rollback(t.Context(), b.tenant, "orders")
	wantError(t, err, registry.Invalid, "memory.grow past the limit")
	if b.active("orders") != second.Digest || len(b.log) != 2 {
		t.Errorf("%s serves, %d sets", b.active("orders"), len(b.log))
	}
	b.limit(t, "memoryBytes", 1<<20)
	if v, err := b.Rollback(t.Context(), b.tenant, "orders"); err != nil || v.Digest != first.Digest {
		t.Errorf("%+v, %v", v, err)
	}
}
