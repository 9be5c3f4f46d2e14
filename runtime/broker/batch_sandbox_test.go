package broker_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/tenant"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// TestBatchesInTheSandbox runs a module whose fields of object types put out
// their parents, and others that end in each way that a run can end.
func TestBatchesInTheSandbox(t *testing.T) {
	g := sandboxtest.New(`
		type Node { id: ID self: Node skip: Int complete: Int failed: Int silent: Int none: Int trap: Int forever: Int publish: Int }
		type Query { nodes: [Node] }
		type Mutation { make: Node }
		type Subscription { node: Node @on(channel: "c") }`)
	nodes := g.Output(`[{"id":1},null,{"id":2,"more":{}}]`)
	made := w.Join(g.Call(abi.ImportPublish, g.Text("c"), g.Text(`{"id":9}`)), w.Drop(), g.Output(`{"id":9}`))
	publish := w.Join(g.Call(abi.ImportPublish, g.Text("c"), g.Text(`{"id":10}`)), w.Drop(), g.Output(`[1]`))
	g.Resolver("Query.nodes", nodes).Resolver("Mutation.make", made).Resolver("Subscription.node", g.Echo(abi.InputEvent)).
		Resolver("Node.self", g.Echo(abi.InputParents)).
		Resolver("Node.skip", g.Call(abi.ImportOutput, g.Text(`[1,2]`)), sandboxtest.Verdict(abi.Skip)).
		Resolver("Node.complete", g.Call(abi.ImportOutput, g.Text(`[1,2]`)), sandboxtest.Verdict(abi.Complete)).
		Resolver("Node.failed", g.Call(abi.ImportFail, g.Text(`{"message":"no","extensions":{"code":"OUT"}}`)), sandboxtest.Verdict(abi.Failed)).
		Resolver("Node.silent", sandboxtest.Verdict(abi.Failed)).
		Resolver("Node.none", sandboxtest.Verdict(abi.Deliver)).
		Resolver("Node.trap", sandboxtest.Trap()).
		Resolver("Node.forever", sandboxtest.Forever()).
		Resolver("Node.publish", publish)
	engine, err := sandbox.New(context.Background(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close(context.Background()) }()
	m, err := engine.Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	pool := m.Pool(sandbox.PoolConfig{Limits: func() sandbox.Limits {
		return sandbox.Limits{FuelPerRun: 1_000_000, MemoryBytes: 1 << 20, OutputBytes: 1 << 16, PublishesPerRun: 4, EventBytes: 1000}
	}})
	defer func() { _ = pool.Close() }()
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: m.Schema(), Resolvers: m.Resolvers()}}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t)
	s.broker.Activate(s.tenant, &broker.Version{Schema: schema, Runners: map[string]broker.Runner{"m": pool}})

	if got, want := s.execute(tenant.Identity{}, `{ nodes { id self { id self { id } } } }`, ""),
		`{"data":{"nodes":[{"id":"1","self":{"id":"1","self":{"id":"1"}}},null,{"id":"2","self":{"id":"2","self":{"id":"2"}}}]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for field, want := range map[string]string{
		"skip": "verdict 0 (skip) is for root fields", "complete": "verdict 3 (complete) is for Subscription resolvers", "failed": `"message":"no"`,
		"silent": `"message":"resolver failed"`, "none": "without an output", "trap": "RESOLVER_TRAP", "forever": `"limit":"fuelPerRun"`,
	} {
		code := map[string]string{"failed": "OUT", "silent": "RESOLVER_ERROR", "trap": "RESOLVER_TRAP", "forever": "FUEL_EXHAUSTED"}[field]
		if code == "" {
			code = "BAD_OUTPUT"
		}
		got := s.execute(tenant.Identity{}, `{ nodes { f: `+field+` id } }`, "")
		if strings.Count(got, want) != 2 || strings.Count(got, `"code":"`+code+`"`) != 2 || !json.Valid([]byte(got)) ||
			!strings.Contains(got, `"path":["nodes",0,"f"]`) || !strings.Contains(got, `"path":["nodes",2,"f"]`) ||
			!strings.HasSuffix(got, `"data":{"nodes":[{"f":null,"id":"1"},null,{"f":null,"id":"2"}]}}`) {
			t.Errorf("%s: %s", field, got)
		}
	}
	got := s.execute(tenant.Identity{}, `mutation { make { id publish } }`, "")
	if !strings.Contains(got, "RESOLVER_TRAP") || !strings.Contains(got, "Mutation resolvers only") || len(s.bus.events) != 1 || string(s.bus.events[0].Payload) != `{"id":9}` {
		t.Errorf("%d events: %s", len(s.bus.events), got)
	}
	sub := s.subscribe(tenant.Identity{}, `subscription { node { self { id } } }`, "")
	s.publish("c", string(s.bus.events[0].Payload))
	if got := strings.Join(sub.take(), "|"); got != `{"data":{"node":{"self":{"id":"9"}}}}` {
		t.Errorf("the subscriber got %s", got)
	}
}
