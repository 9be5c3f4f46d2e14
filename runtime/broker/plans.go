package broker

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// What a version keeps of plans at most. A plan that falls out lives on with
// the subscriptions that use it; they only stop sharing with later ones.
const (
	maxPlans     = 1000
	maxPlanBytes = 4 << 20 // of operation texts, and of what is wrong with them
	maxFields    = 100_000 // of all plans; a small text can make a large plan
)

// document is what a client sent to be executed.
type document struct{ query, operationName string }

// planKey is what a plan follows from, within one schema.
type planKey struct {
	document
	limits graph.Limits
}

// plans keeps the plans of one version, the least recently used going first, so
// that equal operations are validated once and share their projections. What is
// wrong with an operation is kept like a plan. The zero value is ready to use.
// It is safe for concurrent use.
type plans struct {
	validations *atomic.Uint64 // counts them for all versions; may be nil

	mu     sync.Mutex
	known  map[planKey]*list.Element // of *planned
	order  list.List                 // the most recently used in front
	bytes  int
	fields int
	made   int // how often an operation was validated
}

// planned is an operation's plan, or what is wrong with it.
type planned struct {
	planKey
	plan *graph.Plan
	errs graph.Errors
	// shared is the plan, bound, where all subscribers get the same from that.
	shared *graph.Operation
}

func (p *planned) bytes() int {
	if p.errs == nil {
		return len(p.query)
	}
	return len(p.query) + len(p.errs.Append(nil))
}

// fields is how many fields the plan holds.
func (p *planned) fields() int {
	if p.plan == nil {
		return 0
	}
	return p.plan.Fields()
}

// serves tells whether what is known answers all who send these variables.
func (p *planned) serves(variables []byte) bool {
	return p.errs != nil || p.shared != nil && len(variables) == 0
}

// prepare returns the plan for a document, or what is wrong with it. The caller
// keeps the result's document instead of its own copy.
func (p *plans) prepare(schema *graph.Schema, d document, limits graph.Limits) *planned {
	key := planKey{d, limits}
	if known := p.find(key); known != nil {
		return known
	}
	fresh := &planned{planKey: key}
	if fresh.plan, fresh.errs = schema.Prepare(d.query, d.operationName, limits); fresh.errs == nil && fresh.plan.Constant() {
		fresh.shared, _ = fresh.plan.Bind(nil, nil, limits) // what fails will do so again
	}
	return p.keep(fresh)
}

func (p *plans) find(key planKey) *planned {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.known[key]
	if e == nil {
		return nil
	}
	p.order.MoveToFront(e)
	return e.Value.(*planned)
}

// keep adds a plan and returns it, or the equal one that another request has
// added meanwhile.
func (p *plans) keep(fresh *planned) *planned {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	if p.validations != nil {
		p.validations.Add(1)
	}
	if e := p.known[fresh.planKey]; e != nil {
		return e.Value.(*planned)
	}
	if p.known == nil {
		p.known = map[planKey]*list.Element{}
	}
	p.known[fresh.planKey] = p.order.PushFront(fresh)
	p.bytes += fresh.bytes()
	p.fields += fresh.fields()
	for p.order.Len() > maxPlans || p.bytes > maxPlanBytes || p.fields > maxFields {
		oldest := p.order.Remove(p.order.Back()).(*planned)
		delete(p.known, oldest.planKey)
		p.bytes -= oldest.bytes()
		p.fields -= oldest.fields()
	}
	return fresh
}

func ended() graph.Errors {
	return graph.Errors{{Message: "the request ended before it was its turn", Code: abi.CodeInternal}}
}

// bind plans a document under the version and binds it for a subscriber, in a
// turn of the tenant's unless both were done before; the caller's, where it has one.
func (v *Version) bind(ctx context.Context, st *state, t *turn, id *tenant.Identity, d document, variables []byte) (bound, graph.Errors) {
	if v.Schema == nil {
		return bound{}, noSchema()
	}
	limits := graphLimits(st.tenant.Limits())
	limits.NoIntrospection = !st.tenant.Introspection()
	p := v.plans.find(planKey{d, limits})
	if p != nil && p.serves(variables) {
		return bound{p, p.shared}, p.errs
	}
	if t == nil {
		t = st.flow.begin(ctx, laneRequests)
		defer t.release()
		if !t.held {
			return bound{}, ended()
		}
	}
	if p == nil {
		p = v.plans.prepare(v.Schema, d, limits)
		t.spend(operationUnits + operationByteUnits*int64(len(d.query)))
	}
	if p.serves(variables) {
		return bound{p, p.shared}, p.errs
	}
	o, errs := p.plan.Bind(variables, id.Permitted, limits)
	t.spend(bindUnits + variableByteUnits*int64(len(variables)))
	return bound{p, o}, errs
}
