package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// bench is a registry over a real sandbox that notes what it is handed.
type bench struct {
	*registry.Registry
	store     store.Store
	engine    *sandbox.Engine
	directory *tenant.Directory
	tenant    *tenant.Tenant

	mu  sync.Mutex
	log []*registry.Active
}

func newEngine(t *testing.T) *sandbox.Engine {
	t.Helper()
	engine, err := sandbox.New(t.Context(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return engine
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := newNode(memory.New(), newEngine(t))
	b.tenant = tenanttest.Create(t, b.directory, "acme")
	return b
}

// newNode is a node on a store, which may be one of several; it has no tenant yet.
func newNode(s store.Store, engine *sandbox.Engine) *bench {
	b := &bench{store: s, engine: engine, directory: tenant.NewDirectory(s)}
	b.Registry = registry.New(registry.Config{Engine: engine, Store: s, OnActivate: func(_ *tenant.Tenant, a *registry.Active) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.log = append(b.log, a)
	}})
	return b
}

// list and schema are what the registry has of the tenant.
func (b *bench) list(t *testing.T) []registry.Module {
	t.Helper()
	list, err := b.List(t.Context(), b.tenant)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (b *bench) schema(t *testing.T) *graph.Schema {
	t.Helper()
	schema, err := b.Schema(t.Context(), b.tenant)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func (b *bench) limit(t *testing.T, name string, value int64) {
	t.Helper()
	tenanttest.MergeLimits(t, b.directory, b.tenant, fmt.Sprintf(`{%q:%d}`, name, value))
}

func (b *bench) push(t *testing.T, name string, binary []byte, activate bool) registry.Version {
	t.Helper()
	v, created, err := b.Upload(t.Context(), b.tenant, name, binary, activate)
	if err != nil || !created {
		t.Fatalf("upload %s: created %t, %v", name, created, err)
	}
	return v
}

// active is the digest that serves for a module, or "".
func (b *bench) active(name string) string {
	m, err := b.Get(context.Background(), b.tenant, name)
	if err != nil {
		return ""
	}
	for _, v := range m.Versions {
		if v.Active {
			return v.Digest
		}
	}
	return ""
}

// guest is a module that resolves the fields; text makes its bytes differ.
func guest(schema, text string, resolvers ...string) []byte {
	g := sandboxtest.New(schema)
	for _, name := range resolvers {
		g.Resolver(name, g.Output(text))
	}
	return g.Bytes()
}

func orders(text string) []byte {
	return guest("type Order { id: ID! } type Query { order: Order }", text, "Query.order")
}

// customers needs the type Order of another module.
func customers() []byte {
	return guest("type Customer { orders: [Order!] } extend type Query { customer: Customer }", "null", "Query.customer")
}

func TestUpload(t *testing.T) {
	b := newBench(t)
	one := orders(`"1"`)
	v := b.push(t, "orders", one, false)
	if v.Active || v.Name != "orders" || v.Bytes != len(one) || !slices.Equal(v.Resolvers, []string{"Query.order"}) || v.Uploaded.IsZero() {
		t.Errorf("got %+v", v)
	}
	if b.schema(t) != nil || len(b.log) != 0 {
		t.Error("an upload alone activates something")
	}
	again, created, err := b.Upload(t.Context(), b.tenant, "orders", one, false)
	if err != nil || created || again.Digest != v.Digest {
		t.Errorf("the same bytes: %+v, %t, %v", again, created, err)
	}
	again, created, err = b.Upload(t.Context(), b.tenant, "orders", one, true)
	if err != nil || created || !again.Active {
		t.Errorf("the same bytes, activated: %+v, %t, %v", again, created, err)
	}
	if len(b.log) != 1 || b.log[0].Modules["orders"].Digest() != v.Digest || b.schema(t) != b.log[0].Schema {
		t.Errorf("%d sets were handed on", len(b.log))
	}
	if again, _, err = b.Upload(t.Context(), b.tenant, "orders", one, true); err != nil || !again.Active || len(b.log) != 1 {
		t.Errorf("activating what is active: %v, %d sets", err, len(b.log))
	}
}

// Two modules with the same bytes are two modules, which can't serve together.
func TestTheSameBytesUnderTwoNames(t *testing.T) {
	b := newBench(t)
	one := b.push(t, "one", orders("1"), false)
	two := b.push(t, "two", orders("1"), true)
	if one.Digest != two.Digest {
		t.Errorf("digests %s and %s", one.Digest, two.Digest)
	}
	_, err := b.Activate(t.Context(), b.tenant, "one", one.Digest)
	wantError(t, err, registry.Conflict, "module two")
	if err := b.Delete(t.Context(), b.tenant, "two"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Activate(t.Context(), b.tenant, "one", one.Digest); err != nil {
		t.Errorf("the code went with the other module: %v", err)
	}
}

func TestListIsByNameAndNewestFirst(t *testing.T) {
	b := newBench(t)
	first := b.push(t, "orders", orders(`"1"`), true)
	second := b.push(t, "orders", orders(`"2"`), true)
	b.push(t, "customers", customers(), true)
	list := b.list(t)
	if len(list) != 2 || list[0].Name != "customers" || list[1].Name != "orders" {
		t.Fatalf("got %+v", list)
	}
	m := list[1]
	if len(m.Versions) != 2 || m.Versions[0].Digest != second.Digest || m.Versions[1].Digest != first.Digest || m.Previous != first.Digest {
		t.Errorf("got %+v", m)
	}
	if len(b.log) != 3 || len(b.log[2].Modules) != 2 || !strings.Contains(b.log[2].Schema.SDL(), "customer: Customer") {
		t.Errorf("the sets are %+v", b.log)
	}
}

func TestRollbackAndActivate(t *testing.T) {
	b := newBench(t)
	_, err := b.Rollback(t.Context(), b.tenant, "orders")
	wantError(t, err, registry.Unknown, "no module orders")
	first := b.push(t, "orders", orders(`"1"`), true)
	_, err = b.Rollback(t.Context(), b.tenant, "orders")
	wantError(t, err, registry.Conflict, "no earlier version")
	second := b.push(t, "orders", orders(`"2"`), true)
	third := b.push(t, "orders", orders(`"3"`), true)
	for i, want := range []string{second.Digest, third.Digest, second.Digest} {
		v, err := b.Rollback(t.Context(), b.tenant, "orders")
		if err != nil || v.Digest != want || !v.Active || b.active("orders") != want {
			t.Errorf("rollback %d: %+v, %v", i, v, err)
		}
	}
	if v, err := b.Activate(t.Context(), b.tenant, "orders", first.Digest); err != nil || !v.Active || b.active("orders") != first.Digest {
		t.Errorf("activate: %+v, %v", v, err)
	}
	sets := len(b.log)
	if v, err := b.Activate(t.Context(), b.tenant, "orders", first.Digest); err != nil || !v.Active || len(b.log) != sets {
		t.Errorf("activate the active: %+v, %v", v, err)
	}
	if v, err := b.Rollback(t.Context(), b.tenant, "orders"); err != nil || v.Digest != second.Digest {
		t.Errorf("rollback after activate: %+v, %v", v, err)
	}
	_, err = b.Activate(t.Context(), b.tenant, "orders", "sha256:00")
	wantError(t, err, registry.Unknown, "upload it first")
	_, err = b.Activate(t.Context(), b.tenant, "other", first.Digest)
	wantError(t, err, registry.Unknown, "no module other")
}

func TestDeleteVersion(t *testing.T) {
	b := newBench(t)
	wantError(t, b.DeleteVersion(t.Context(), b.tenant, "orders", "sha256:00"), registry.Unknown, "no module orders")
	first := b.push(t, "orders", orders(`"1"`), true)
	second := b.push(t, "orders", orders(`"2"`), true)
	sets := len(b.log)
	wantError(t, b.DeleteVersion(t.Context(), b.tenant, "orders", "sha256:00"), registry.Unknown, "no such version")
	wantError(t, b.DeleteVersion(t.Context(), b.tenant, "orders", second.Digest), registry.Conflict, "activate another one first")
	if err := b.DeleteVersion(t.Context(), b.tenant, "orders", first.Digest); err != nil {
		t.Fatal(err)
	}
	m, err := b.Get(t.Context(), b.tenant, "orders")
	if err != nil || len(m.Versions) != 1 || m.Previous != "" || b.active("orders") != second.Digest || len(b.log) != sets {
		t.Errorf("left is %+v, %v", m, err)
	}
	wantError(t, b.DeleteVersion(t.Context(), b.tenant, "orders", first.Digest), registry.Unknown, "no such version")
	_, err = b.Rollback(t.Context(), b.tenant, "orders")
	wantError(t, err, registry.Conflict, "no earlier version")
	if v, created, err := b.Upload(t.Context(), b.tenant, "orders", orders(`"1"`), true); err != nil || !created || b.active("orders") != v.Digest {
		t.Errorf("uploaded again: %+v, %t, %v", v, created, err)
	}
}

func TestRefusedUploadsChangeNothing(t *testing.T) {
	for name, test := range map[string]struct {
		binary []byte
		want   registry.Problem
	}{
		"no module":           {[]byte("nonsense"), registry.Problem{HasOffset: true, Message: "not a WebAssembly module"}},
		"no schema":           {withoutSchema(), registry.Problem{Message: "runnel.schema"}},
		"no resolver":         {guest("type Query { order: String }", ""), registry.Problem{Module: "orders", Line: 1, Column: 14, Message: "Query.order"}},
		"bad SDL":             {guest("type Query {\n  order: }", "", "Query.order"), registry.Problem{Module: "orders", Line: 2, Column: 10, Message: "}"}},
		"unknown type":        {guest("type Query { order: Nope }", "", "Query.order"), registry.Problem{Module: "orders", Line: 1, Column: 21, Message: "Nope"}},
		"owned by another":    {guest("extend type Query { stock: Int } type Query { order: String }", "", "Query.order", "Query.stock"), registry.Problem{Module: "orders", Message: "Query.stock is declared by module stock"}},
		"resolver of nothing": {guest("type Query { order: String }", "", "Query.order", "Query.other"), registry.Problem{Module: "orders", Function: "Query.other", Message: "names no field"}},
		"a resolver's type":   {wrongResolver(), registry.Problem{HasOffset: true, Function: "Query.order", Message: "() -> i32"}},
	} {
		b := newBench(t)
		serving := b.push(t, "orders", orders(`"1"`), true)
		b.push(t, "stock", guest("extend type Query { stock: Int }", "1", "Query.stock"), true)
		sdl := b.schema(t).SDL()
		for _, activate := range []bool{false, true} {
			_, _, err := b.Upload(t.Context(), b.tenant, "orders", test.binary, activate)
			e := wantError(t, err, registry.Invalid, "module orders")
			if !slices.ContainsFunc(e.Problems, func(p registry.Problem) bool { return matches(p, test.want) }) {
				t.Errorf("%s: problems %+v, none like %+v", name, e.Problems, test.want)
			}
		}
		m, err := b.Get(t.Context(), b.tenant, "orders")
		if err != nil || len(m.Versions) != 1 || b.active("orders") != serving.Digest || len(b.log) != 2 || b.schema(t).SDL() != sdl {
			t.Errorf("%s: something changed: %+v, %d sets", name, m, len(b.log))
		}
	}
}

func matches(got, want registry.Problem) bool {
	return got.Module == want.Module && got.HasOffset == want.HasOffset && strings.Contains(got.Message, want.Message) &&
		(want.Line == 0 || got.Line == want.Line && got.Column == want.Column) && (want.Function == "" || got.Function == want.Function)
}

func withoutSchema() []byte {
	g := sandboxtest.New("")
	g.Module().Customs = nil
	return g.Bytes()
}

func wrongResolver() []byte {
	g := sandboxtest.New("type Query { order: String }")
	g.ExportFunction("Query.order", g.Function(nil, nil, nil))
	return g.Bytes()
}

func TestWhatOthersNeedStays(t *testing.T) {
	b := newBench(t)
	first := b.push(t, "orders", orders(`"1"`), true)
	// Alone the module composes, but not beside one that needs its type.
	without := b.push(t, "orders", guest("type Query { order: String }", `"2"`, "Query.order"), false)
	b.push(t, "customers", customers(), true)
	sets := len(b.log)

	for name, act := range map[string]func() error{
		"activate": func() error { _, err := b.Activate(t.Context(), b.tenant, "orders", without.Digest); return err },
		"delete":   func() error { return b.Delete(t.Context(), b.tenant, "orders") },
	} {
		e := wantError(t, act(), registry.Conflict, "orders")
		if !strings.Contains(e.Message, "customers") || e.Code != abi.CodeValidationFailed {
			t.Errorf("%s: %q (%s) does not name both", name, e.Message, e.Code)
		}
	}
	if b.active("orders") != first.Digest || len(b.log) != sets {
		t.Error("a refused change changed something")
	}
	if err := b.Delete(t.Context(), b.tenant, "customers"); err != nil {
		t.Error(err)
	}
	other := newNode(b.store, b.engine)
	other.tenant = b.tenant
	other.refresh(t)
	if err := b.Delete(t.Context(), b.tenant, "orders"); err != nil {
		t.Error(err)
	}
	other.refresh(t)
	if len(b.list(t)) != 0 || len(b.log) != sets+2 || len(b.log[sets+1].Modules) != 0 {
		t.Error("modules are left after Delete")
	}
	// The last is deleted: there is no schema, whatever a node has served before.
	if here, there, restarted := b.schema(t), other.schema(t), b.restart(t).schema(t); here != nil || there != nil || restarted != nil {
		t.Errorf("a schema is left here (%t), on another node (%t), after a restart (%t)", here != nil, there != nil, restarted != nil)
	}
	wantError(t, b.Delete(t.Context(), b.tenant, "orders"), registry.Unknown, "no module orders")
}

func wantError(t *testing.T, err error, reason registry.Reason, part string) *registry.Error {
	t.Helper()
	var e *registry.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v of type %T", err, err)
	}
	if e.Reason != reason || !strings.Contains(e.Error(), part) {
		t.Errorf("reason %d, %q; want %d and %q", e.Reason, e, reason, part)
	}
	return e
}
