package broker_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestHostileOutputs has modules of the sandbox's hostile corpus answer
// subscriptions with what is no JSON: subscribers get BAD_OUTPUT in a response
// that is JSON, and those of the module's other field get what they should.
func TestHostileOutputs(t *testing.T) {
	engine, err := sandbox.New(context.Background(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close(context.Background()) }()
	for _, name := range []string{"invalid-utf8", "invalid-json", "too-deep"} {
		binary, err := os.ReadFile(filepath.Join("..", "sandbox", "testdata", "hostile", "output", name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := engine.Load(context.Background(), binary)
		if err != nil {
			t.Fatal(err)
		}
		pool := m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits {
			return sandbox.Limits{FuelPerRun: 10_000_000, MemoryBytes: 16 << 20, OutputBytes: 1 << 20}
		}})
		schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: m.Schema(), Resolvers: m.Resolvers()}}, graph.ComposeLimits{})
		if err != nil {
			t.Fatal(err)
		}
		s := newStage(t)
		s.broker.Activate(s.tenant, &broker.Version{Schema: schema, Runners: map[string]broker.Runner{"m": pool}})
		subscribers := map[string]*subscriber{}
		for _, resolver := range m.Resolvers() {
			_, field, _ := strings.Cut(resolver, ".")
			subscribers[field] = s.subscribe(tenant.Identity{}, "subscription { "+field+" }", "")
		}
		s.publish("c", `{"a":1}`)
		for field, sub := range subscribers {
			want := `"code":"` + string(abi.CodeBadOutput) + `"`
			if field == "ok" {
				want = `{"data":{"ok":"ok"}}`
			}
			got := strings.Join(sub.take(), " and ")
			if !strings.Contains(got, want) || !json.Valid([]byte(got)) || strings.ToValidUTF8(got, "") != got {
				t.Errorf("%s, %s: %.300q, want %s", name, field, got, want)
			}
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}
