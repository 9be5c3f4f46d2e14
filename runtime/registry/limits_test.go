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
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		limit string
		value int64
		guest func() []byte
	}{
		{"moduleBytes", 1024, func() []byte { return orders(strings.Repeat(" ", 1024)) }},
		{"modules", 1, func() []byte { return orders(`"2"`) }},
		{"schemaBytes", 1024, func() []byte {
			return guest("type Query { more: Int }"+strings.Repeat(" ", 1024), "1", "Query.more")
		}},
		{"schemaTypes", 3, func() []byte {
			return guest("type A { b: Int } type B { b: Int } type C { a: A b: B } type Query { c: C }", "1", "Query.c")
		}},
		{"memoryBytes", 64 << 10, func() []byte {
			g := sandboxtest.New("type Query { more: Int }")
			g.Module().Memories[0].Min = 2
			return g.Resolver("Query.more", g.Output("1")).Bytes()
		}},
	} {
		b := newBench(t)
		b.push(t, "first", orders(`"1"`), true)
		b.limit(t, test.limit, test.value)
		_, _, err := b.Upload(t.Context(), b.tenant, "second", test.guest(), true)
		e := wantError(t, err, registry.OverLimit, fmt.Sprint(test.value))
		if e.Limit != test.limit || e.Code != abi.CodeLimitExceeded {
			t.Errorf("%s: limit %q, code %s", test.limit, e.Limit, e.Code)
		}
		if len(b.list(t)) != 1 || len(b.log) != 1 {
			t.Errorf("%s: the refused module is kept", test.limit)
		}
	}
}

func TestAtTheLimitAModuleStillGetsVersions(t *testing.T) {
	b := newBench(t)
	b.push(t, "orders", orders(`"1"`), true)
	b.limit(t, "modules", 1)
	b.push(t, "orders", orders(`"2"`), true)
}

func TestOldVersionsGiveWay(t *testing.T) {
	b := newBench(t)
	b.limit(t, "versions", 3)
	var digests []string
	for i := range 2 {
		digests = append(digests, b.push(t, "orders", orders(fmt.Sprintf(`"%d"`, i)), true).Digest)
	}
	for i := range 4 {
		digests = append(digests, b.push(t, "orders", orders(fmt.Sprintf(`"idle %d"`, i)), false).Digest)
	}
	m, err := b.Get(t.Context(), b.tenant, "orders")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range m.Versions {
		got = append(got, v.Digest)
	}
	if want := []string{digests[5], digests[1], digests[0]}; !slices.Equal(got, want) {
		t.Errorf("kept are %v, want the newest, the active and the one before: %v", got, want)
	}
	_, err = b.Activate(t.Context(), b.tenant, "orders", digests[2])
	wantError(t, err, registry.Unknown, "upload it first")
	if v, created, err := b.Upload(t.Context(), b.tenant, "orders", orders(`"idle 0"`), true); err != nil || !created || v.Digest != digests[2] {
		t.Errorf("a dropped version uploaded again: %+v, %t, %v", v, created, err)
	}
	if m, err = b.Get(t.Context(), b.tenant, "orders"); err != nil || len(m.Versions) != 3 || m.Previous != digests[1] {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestNames(t *testing.T) {
	b := newBench(t)
	_, _, err := b.Upload(t.Context(), b.tenant, "Orders", orders(`"1"`), true)
	wantError(t, err, registry.Invalid, "a-z 0-9 -")
	_, err = b.Get(t.Context(), b.tenant, strings.Repeat("x", 1000))
	if e := wantError(t, err, registry.Unknown, "no such module"); len(e.Error()) > 200 {
		t.Error("the message repeats a name without end")
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	b.push(t, "orders", orders(`"1"`), true)
	if err := b.directory.Delete(t.Context(), b.tenant, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(b.tenant); err != nil {
		t.Error(err)
	}
	if list, err := b.List(t.Context(), b.tenant); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("a removed tenant has modules: %v, %v", list, err)
	}
	if _, _, err := b.Upload(t.Context(), b.tenant, "orders", orders(`"1"`), true); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("an upload for a removed tenant: %v", err)
	}
	if err := b.Remove(b.tenant); err != nil || len(b.log) != 1 {
		t.Errorf("%v, %d sets", err, len(b.log))
	}
	again, err := b.directory.Create(t.Context(), "acme", tenant.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	if b.tenant = again; len(b.list(t)) != 0 {
		t.Error("a tenant of the same id sees the modules")
	}
}

func TestACancelledUpload(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// A compilation that is faster than the look at ctx is no fault.
	_, created, err := b.Upload(ctx, b.tenant, "orders", orders(`"1"`), true)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if kept := len(b.list(t)) == 1; kept != created || created != (err == nil) {
		t.Errorf("created %t, kept %t, %v", created, kept, err)
	}
}

// The sets that are handed on must be a history: each module's digest in a set
// is one that was active then, and the last set is what the registry shows.
func TestConcurrentChanges(t *testing.T) {
	b := newBench(t)
	b.limit(t, "versions", 3)
	b.push(t, "base", orders(`"0"`), true)
	var wg sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("m%d", i%2)
		wg.Go(func() {
			for n := range 5 {
				field := "f" + name
				binary := guest("extend type Query { "+field+": Int }", fmt.Sprint(n), "Query."+field)
				if _, _, err := b.Upload(t.Context(), b.tenant, name, binary, n%2 == 0); err != nil {
					var refused *registry.Error
					if !errors.As(err, &refused) || refused.Reason != registry.Conflict {
						t.Error(err)
					}
				}
				if _, err := b.Rollback(t.Context(), b.tenant, name); err != nil {
					wantError(t, err, registry.Conflict, "no earlier version")
				}
				b.list(t)
				b.schema(t)
			}
		})
	}
	wg.Wait()
	last := b.log[len(b.log)-1]
	for _, m := range b.list(t) {
		if loaded := last.Modules[m.Name]; loaded.Module == nil || loaded.Digest() != b.active(m.Name) {
			t.Errorf("the last set does not hold the active version of %s", m.Name)
		}
		if len(m.Versions) > 3 {
			t.Errorf("%s has %d versions", m.Name, len(m.Versions))
		}
	}
	if b.schema(t) != last.Schema {
		t.Error("the schema shown is not the last one handed on")
	}
}
