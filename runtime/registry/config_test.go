package registry_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// picky is the module of orders whose start traps where its config has length
// bytes; text makes its bytes differ.
func picky(length int32, text string) []byte {
	g := sandboxtest.New("type Query { order: String }")
	g.Resolver("Query.order", g.Output(text))
	g.Start(g.Function(nil, nil, nil,
		g.Call(abi.ImportInput, wasmtest.I32Const(int32(abi.InputConfig)), sandboxtest.Range(sandboxtest.Buffer, sandboxtest.BufferBytes)),
		wasmtest.I32Const(length), wasmtest.Op(wasm.OpI32Eq),
		wasmtest.If(wasmtest.Result(), g.Call(abi.ImportLog, wasmtest.I32Const(int32(abi.LogError)), g.Text("of all lengths, this one")), sandboxtest.Trap())))
	return g.Bytes()
}

func (b *bench) configure(t *testing.T, name, config string) {
	t.Helper()
	if err := b.SetConfig(t.Context(), b.tenant, name, []byte(config)); err != nil {
		t.Fatal(err)
	}
}

// wantConfig holds what is kept, what serves, and how many sets there were.
func (b *bench) wantConfig(t *testing.T, name, config string, sets int) {
	t.Helper()
	kept, err := b.Config(t.Context(), b.tenant, name)
	if config == "" {
		wantError(t, err, registry.Unknown, "has no config")
	} else if err != nil {
		t.Error(err)
	}
	m, err := b.Get(t.Context(), b.tenant, name)
	if err != nil || string(kept.JSON) != config || m.Config != kept.Version || (kept.Version == "") != (config == "") {
		t.Errorf("kept is %q as %q, described as %q; want %q", kept.JSON, kept.Version, m.Config, config)
	}
	if len(b.log) != sets {
		t.Fatalf("%d sets were handed on, want %d", len(b.log), sets)
	}
	if sets > 0 {
		if serving := b.log[sets-1].Modules[name].Config; string(serving.JSON) != config || serving.Version != kept.Version {
			t.Errorf("%q serves, want %q", serving.JSON, config)
		}
	}
}

func TestConfig(t *testing.T) {
	b := newBench(t)
	b.push(t, "orders", orders("1"), true)
	b.push(t, "customers", customers(), true)
	schema := b.schema(t)
	b.wantConfig(t, "orders", "", 2)
	text := []byte(" {\"greeting\": \"a\"}\n")
	if err := b.SetConfig(t.Context(), b.tenant, "orders", text); err != nil {
		t.Fatal(err)
	}
	text[2] = 'x' // the caller's still
	b.wantConfig(t, "orders", " {\"greeting\": \"a\"}\n", 3)
	b.configure(t, "orders", "2")
	b.configure(t, "orders", "2") // the one that it has
	b.wantConfig(t, "orders", "2", 4)
	b.wantConfig(t, "customers", "", 4)
	if before := b.log[2].Modules["orders"].Config; string(before.JSON) == "2" {
		t.Error("a set that was handed on is changed")
	}
	if b.schema(t) != schema {
		t.Error("the schema was composed anew")
	}
	for range 2 {
		if err := b.DeleteConfig(t.Context(), b.tenant, "orders"); err != nil {
			t.Fatal(err)
		}
		b.wantConfig(t, "orders", "", 5)
	}
	for _, err := range []error{b.SetConfig(t.Context(), b.tenant, "other", []byte("1")), b.DeleteConfig(t.Context(), b.tenant, "other")} {
		wantError(t, err, registry.Unknown, "no module other")
	}
	_, err := b.Config(t.Context(), b.tenant, "other")
	wantError(t, err, registry.Unknown, "no module other")
}

func TestConfigBelongsToTheName(t *testing.T) {
	b := newBench(t)
	first := b.push(t, "orders", orders("1"), false)
	b.configure(t, "orders", "1")
	b.wantConfig(t, "orders", "1", 0) // nothing serves yet
	if _, err := b.Activate(t.Context(), b.tenant, "orders", first.Digest); err != nil {
		t.Fatal(err)
	}
	b.wantConfig(t, "orders", "1", 1)
	b.push(t, "orders", orders("2"), true)
	b.wantConfig(t, "orders", "1", 2)
	b.configure(t, "orders", "2")
	if _, err := b.Rollback(t.Context(), b.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	b.wantConfig(t, "orders", "2", 4)
	b.push(t, "customers", guest("extend type Query { customer: Int }", "1", "Query.customer"), true)
	b.wantConfig(t, "orders", "2", 5)
	if err := b.Delete(t.Context(), b.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	b.push(t, "orders", orders("1"), true)
	b.wantConfig(t, "orders", "", 7)
}

func TestConfigsThatAreRefused(t *testing.T) {
	b := newBench(t)
	b.push(t, "orders", picky(2, "1"), true)
	b.configure(t, "orders", "1")
	b.limit(t, "configBytes", 128)
	for text, want := range map[string]struct {
		reason               registry.Reason
		message              string
		offset, line, column int
	}{
		"":                                   {registry.Malformed, "unexpected end", 0, 1, 1},
		"{\"a\":\n \"é\":1}":                 {registry.Malformed, "expected", 11, 2, 5},
		`{"a":1,"a":2}`:                      {registry.Malformed, `duplicate key "a"`, 7, 1, 8},
		"\"\xff\"":                           {registry.Malformed, "UTF-8", 1, 1, 2},
		`"\ud800"`:                           {registry.Malformed, "surrogate", 1, 1, 2},
		strings.Repeat("[", 65):              {registry.Malformed, "more than 64 levels", 64, 1, 65},
		`"` + strings.Repeat("x", 127) + `"`: {reason: registry.OverLimit, message: "129 bytes, the limit is 128"},
		"22":                                 {reason: registry.Invalid, message: "of all lengths, this one"},
	} {
		err := b.SetConfig(t.Context(), b.tenant, "orders", []byte(text))
		e := wantError(t, err, want.reason, want.message)
		if want.reason == registry.Malformed {
			if p := e.Problems[0]; !p.HasOffset || p.Offset != want.offset || p.Line != want.line || p.Column != want.column {
				t.Errorf("%q: %+v", text, p)
			}
		}
		b.wantConfig(t, "orders", "1", 2)
	}
	for _, text := range []string{strings.Repeat("[", 64) + strings.Repeat("]", 64), `"` + strings.Repeat("x", 126) + `"`} {
		b.configure(t, "orders", text)
	}
}

// TestConfigsChangeDuringUploads holds that no set has a version with a config
// that it does not start with, whatever comes between an upload's steps.
func TestConfigsChangeDuringUploads(t *testing.T) {
	b := newBench(t)
	b.limit(t, "versions", 1000) // none is released
	b.push(t, "orders", picky(2, "0"), true)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			err := b.SetConfig(t.Context(), b.tenant, "orders", []byte([]string{"1", "22", "333"}[n%3]))
			if err != nil && !strings.Contains(err.Error(), "of all lengths, this one") {
				t.Error(err)
			}
		}
	}()
	for n := range 40 {
		length := int32(n%3 + 1)
		if _, _, err := b.Upload(t.Context(), b.tenant, "orders", picky(length, strings.Repeat("x", n)), true); err != nil {
			wantError(t, err, registry.Invalid, "of all lengths, this one")
		}
	}
	close(stop)
	<-stopped
	for n, set := range b.log {
		m := set.Modules["orders"]
		if err := m.Start(t.Context(), registry.RunLimits(b.tenant.Limits()), m.Config.JSON, nil); err != nil {
			t.Fatalf("set %d of %d has config %q: %v", n, len(b.log), m.Config.JSON, err)
		}
	}
}

// TestStartsAreTriedWithTheConfig has versions that do not start with the config
// of the moment, by each of the ways to activate one.
func TestStartsAreTriedWithTheConfig(t *testing.T) {
	b := newBench(t)
	one, two := b.push(t, "orders", picky(1, "1"), true), b.push(t, "orders", picky(2, "2"), true)
	b.configure(t, "orders", "1")
	_, err := b.Rollback(t.Context(), b.tenant, "orders")
	e := wantError(t, err, registry.Invalid, "of all lengths, this one")
	if e.Code != abi.CodeResolverTrap {
		t.Errorf("code %s", e.Code)
	}
	_, err = b.Activate(t.Context(), b.tenant, "orders", one.Digest)
	wantError(t, err, registry.Invalid, "the start function failed after")
	for _, activate := range []bool{false, true} {
		_, _, err = b.Upload(t.Context(), b.tenant, "orders", picky(1, "3"), activate)
		wantError(t, err, registry.Invalid, "the start function failed after")
	}
	if b.active("orders") != two.Digest {
		t.Errorf("%s serves", b.active("orders"))
	}
	b.wantConfig(t, "orders", "1", 3)
	b.configure(t, "orders", "333")
	if _, err := b.Rollback(t.Context(), b.tenant, "orders"); err != nil {
		t.Fatal(err)
	}
	// Taking the config away is a change as well: length -1.
	b.push(t, "orders", picky(-1, "4"), true)
	err = b.DeleteConfig(t.Context(), b.tenant, "orders")
	wantError(t, err, registry.Invalid, "of all lengths, this one")
	b.wantConfig(t, "orders", "333", 6)
}
