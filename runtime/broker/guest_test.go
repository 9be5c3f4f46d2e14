package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// reader is a guest's view of its inputs. It records as the sandbox does.
type reader struct {
	in sandbox.Inputs
	r  *sandbox.Result
}

func (g *reader) record(read sandbox.Read) {
	for _, r := range g.r.Reads {
		if r.Question == read.Question && r.Kind == read.Kind && r.Name == read.Name {
			return
		}
	}
	g.r.Reads = append(g.r.Reads, read)
}

func (g *reader) event() string {
	v, ok := g.in.Input(abi.InputEvent)
	g.record(sandbox.Read{Question: sandbox.AskInput, Kind: abi.InputEvent, Value: v, Present: ok})
	return string(v)
}

func (g *reader) arguments() string {
	v, ok := g.in.Input(abi.InputArguments)
	g.record(sandbox.Read{Question: sandbox.AskInput, Kind: abi.InputArguments, Value: v, Present: ok})
	return string(v)
}

func (g *reader) parents() string {
	v, ok := g.in.Input(abi.InputParents)
	g.record(sandbox.Read{Question: sandbox.AskInput, Kind: abi.InputParents, Value: v, Present: ok})
	return string(v)
}

func (g *reader) argument(name string) string {
	v, ok := g.in.Argument(name)
	g.record(sandbox.Read{Question: sandbox.AskArgument, Name: name, Value: v, Present: ok})
	return string(v)
}

func (g *reader) claim(name string) string {
	v, ok := g.in.Claim(name)
	g.record(sandbox.Read{Question: sandbox.AskClaim, Name: name, Value: v, Present: ok})
	return string(v)
}

func (g *reader) permitted(p string) bool {
	ok := g.in.Permitted(p)
	g.record(sandbox.Read{Question: sandbox.AskPermitted, Name: p, Present: ok})
	return ok
}

// resolver is a guest in Go. It sets what it wants of the result.
type resolver func(g *reader, r *sandbox.Result)

// output is a resolver's last word.
func output(r *sandbox.Result, format string, arguments ...any) {
	r.Verdict, r.HasOutput, r.Output = abi.Deliver, true, fmt.Appendf(r.Output[:0], format, arguments...)
}

// module implements broker.Runner and counts runs.
type module struct {
	resolvers map[string]resolver
	digest    string
	mu        sync.Mutex
	runs      int
	ran       []string // names of resolvers
	lines     []sandbox.Line
}

func (m *module) Digest() string { return m.digest }

func (m *module) Log(line sandbox.Line) {
	m.mu.Lock()
	m.lines = append(m.lines, line)
	m.mu.Unlock()
}

func (m *module) Run(_ context.Context, name string, in sandbox.Inputs, r *sandbox.Result) {
	m.mu.Lock()
	m.runs++
	m.ran = append(m.ran, name)
	m.mu.Unlock()
	// As the sandbox does it uses the slices again; who has kept them finds it out.
	for i := range r.Output[:cap(r.Output)] {
		r.Output[:cap(r.Output)][i] = '~'
	}
	*r = sandbox.Result{Output: r.Output[:0], Reads: r.Reads[:0]}
	m.resolvers[name](&reader{in, r}, r)
}

func (m *module) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.runs
	m.runs, m.ran = 0, nil
	return n
}

// took returns the resolvers that ran since the last call, in order.
func (m *module) took() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ran := m.ran
	m.ran, m.runs = nil, 0
	return ran
}

// bus collects what mutations publish.
type bus struct{ events []event.Event }

func (b *bus) Publish(_ context.Context, t *tenant.Tenant, events []event.Event) (string, error) {
	for _, e := range events {
		e.Tenant = t.ID()
		b.events = append(b.events, e)
	}
	return "", nil
}

// stage is a broker with one tenant and one module.
type stage struct {
	t      testing.TB
	broker *broker.Broker
	owners *tenant.Directory
	tenant *tenant.Tenant
	bus    *bus
	events int
}

func newStage(t testing.TB) *stage {
	t.Helper()
	owners, b := tenanttest.Directory(), &bus{}
	// Guests that stand still keep their turns, beside which others work.
	return &stage{t: t, broker: broker.New(broker.Config{Publisher: b, Debug: true, Runs: 4}), owners: owners, tenant: tenanttest.Create(t, owners, "acme"), bus: b}
}

// activate composes a schema and makes the resolvers serve it.
func (s *stage) activate(sdl string, resolvers map[string]resolver) (*module, *broker.Version) {
	s.t.Helper()
	m := &module{resolvers: resolvers}
	var names []string
	for name := range resolvers {
		names = append(names, name)
	}
	schema, err := graph.Compose([]graph.Source{{Module: "m", SDL: sdl, Resolvers: names}}, graph.ComposeLimits{})
	if err != nil {
		s.t.Fatal(err)
	}
	v := &broker.Version{Schema: schema, Runners: map[string]broker.Runner{"m": m}}
	s.broker.Activate(s.tenant, v)
	return m, v
}

func (s *stage) open(id tenant.Identity, query, variables string) (*broker.Operation, graph.Errors) {
	return s.broker.Open(s.t.Context(), s.tenant, id, graph.Request{Query: query, Variables: []byte(variables)})
}

// subscriber is a sink that keeps what it is told.
type subscriber struct {
	*broker.Subscription
	got []string
}

func (s *subscriber) Next(d graph.Delivery) (taken, skipped bool) {
	s.got = append(s.got, string(d.Response))
	return true, false
}
func (s *subscriber) Error(errs graph.Errors) { s.got = append(s.got, "error "+errs.Error()) }
func (*subscriber) Position(string)           {}
func (*subscriber) Ready() bool               { return true }
func (s *subscriber) Complete()               { s.got = append(s.got, "complete") }

// take returns what came since the last call.
func (s *subscriber) take() []string {
	got := s.got
	s.got = nil
	return got
}

func (s *stage) subscribe(id tenant.Identity, query, variables string) *subscriber {
	s.t.Helper()
	o, errs := s.open(id, query, variables)
	if errs != nil {
		s.t.Fatalf("%s: %v", query, errs)
	}
	sub := &subscriber{}
	if sub.Subscription, errs = o.Subscribe(sub, broker.Resume{}); errs != nil {
		s.t.Fatalf("%s: %v", query, errs)
	}
	return sub
}

func (s *stage) publish(channel, payload string) {
	s.t.Helper()
	s.events++
	e := &event.Event{Tenant: s.tenant.ID(), Channel: channel, ID: fmt.Sprint("e", s.events), Payload: []byte(payload)}
	s.broker.Receive(context.Background(), s.tenant, e)
}

func identity(t testing.TB, claims string, permissions ...string) tenant.Identity {
	t.Helper()
	var texts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(claims), &texts); err != nil {
		t.Fatal(err)
	}
	id, err := tenant.NewIdentity(texts, permissions)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
