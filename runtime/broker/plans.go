package broker

import (
	"container/list"
	"sync"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// What a version keeps of plans at most. A plan that falls out lives on with
// the subscriptions that use it; they only stop sharing with later ones.
const (
	maxPlans     = 1000
	maxPlanBytes = 4 << 20 // of operation texts
	maxFields    = 100_000 // of all plans; a small text can make a large plan
)

// planKey is what a plan follows from, within one schema.
type planKey struct {
	query, operationName string
	limits               graph.Limits
}

// plans keeps the plans of one version, the least recently used going first, so
// that equal operations are validated once and share their projections. The
// zero value is ready to use. It is safe for concurrent use.
type plans struct {
	mu     sync.Mutex
	known  map[planKey]*list.Element // of *planned
	order  list.List                 // the most recently used in front
	bytes  int
	fields int
}

type planned struct {
	key  planKey
	plan *graph.Plan
}

// prepare returns the plan for a request, and the text that it was made of,
// which the caller keeps instead of its own copy.
func (p *plans) prepare(schema *graph.Schema, r graph.Request, limits graph.Limits) (*graph.Plan, string, graph.Errors) {
	key := planKey{r.Query, r.OperationName, limits}
	if known := p.find(key); known != nil {
		return known.plan, known.key.query, nil
	}
	plan, errs := schema.Prepare(r.Query, r.OperationName, limits)
	if errs != nil {
		return nil, "", errs
	}
	kept := p.keep(&planned{key, plan})
	return kept.plan, kept.key.query, nil
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
	if e := p.known[fresh.key]; e != nil {
		return e.Value.(*planned)
	}
	if p.known == nil {
		p.known = map[planKey]*list.Element{}
	}
	p.known[fresh.key] = p.order.PushFront(fresh)
	p.bytes += len(fresh.key.query)
	p.fields += fresh.plan.Fields()
	for p.order.Len() > maxPlans || p.bytes > maxPlanBytes || p.fields > maxFields {
		oldest := p.order.Remove(p.order.Back()).(*planned)
		delete(p.known, oldest.key)
		p.bytes -= len(oldest.key.query)
		p.fields -= oldest.plan.Fields()
	}
	return fresh
}
