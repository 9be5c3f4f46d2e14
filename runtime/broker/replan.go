package broker

import (
	"context"
	"runtime"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// planTime is how long re-planning works before it enters what it has planned. So
// the lock is kept from the tenant's events for no longer.
const planTime = time.Millisecond / 2

// sliceSubscriptions is how many subscriptions are moved under one lock at most.
const sliceSubscriptions = 512

// bound is an operation, bound under some version, with the plan's place among
// those that the version keeps.
type bound struct {
	planned   *planned
	operation *graph.Operation
}

// candidate is a subscription's operation under one version, before it is
// entered into that version's index; or why it cannot be.
type candidate struct {
	bound
	field *graph.RootField
	keys  keys
	errs  graph.Errors
}

func candidateOf(b bound, id *tenant.Identity) (c candidate) {
	root := b.operation.Roots()[0]
	c.bound, c.field = b, root.Field
	var err error
	if c.keys, err = subscriberKeys(root.Field, root.Arguments, id.Claim); err != nil {
		c.errs = graph.Errors{{Message: err.Error(), Code: abi.CodeLimitExceeded}}
	}
	return c
}

// entries is how many places the subscription has in an index.
func (c *candidate) entries() int {
	if c.field == nil {
		return 0
	}
	return len(c.keys.values) * len(c.field.Channels)
}

// units is what entries beyond one cost.
func (c *candidate) units() int64 { return entryUnits * int64(max(c.entries()-1, 0)) }

// candidate plans a subscription under the version, as bind does.
func (v *Version) candidate(st *state, t *turn, s *Subscription, d document) candidate {
	b, errs := v.bind(context.Background(), st, t, &s.identity, d, []byte(s.variables))
	if errs != nil {
		return candidate{errs: errs}
	}
	return candidateOf(b, &s.identity)
}

// replanning enters the live subscriptions of a tenant into the index of a
// version that is to be active, while they run on under the one that is.
type replanning struct {
	version *Version
	state   *state
	turn    *turn // in a lane of its own: requests of the tenant's subscribers don't delay it

	// Guarded by state.mu. The places in the index are state.mu.ahead.
	index   *index
	replays *index
	refused []refusal
}

// refusal is a subscription that is not valid under the new version.
type refusal struct {
	subscription *Subscription
	errors       graph.Errors
}

// Activate makes v the tenant's version: the next event runs under it, for all
// subscriptions alike. Live subscriptions are planned anew before, in slices,
// and go on without a gap; those that no longer validate end with an error that
// says why. The version before is retired when nothing uses it.
func (b *Broker) Activate(t *tenant.Tenant, v *Version) {
	st := b.state(t, true)
	if st == nil {
		if v.Retire != nil {
			v.Retire()
		}
		return // the tenant was deleted
	}
	st.activating.Lock()
	defer st.activating.Unlock()
	v.references = 1
	v.plans.validations = &b.counters.validations
	r, live := st.beginReplanning(v)
	r.turn = st.flow.begin(context.Background(), laneVersions)
	defer r.turn.release() // also where a bug ends it
	for len(live) > 0 {
		live = live[r.slice(live):]
		runtime.Gosched() // to who waits for the lock
	}
	old, released := r.swap()
	b.released(st, released, "another version of its module is active")
	r.settle()
	r.turn.release()
	st.release(old)
}

func (st *state) beginReplanning(v *Version) (*replanning, []*Subscription) {
	st.mu.Lock()
	defer st.mu.Unlock()
	r := &replanning{version: v, state: st, index: newIndex(), replays: newIndex()}
	st.mu.next = r
	st.mu.ahead = make([]*place, len(st.mu.live.all))
	return r, append([]*Subscription(nil), st.mu.live.all...)
}

// slice plans subscriptions for about planTime, enters them, and returns how
// many they were.
func (r *replanning) slice(live []*Subscription) int {
	var few [64]candidate
	planned := r.planSome(few[:0], live)
	units := replanUnits * int64(len(planned))
	for i := range planned {
		units += planned[i].units()
	}
	r.turn.spend(units)
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	for i, s := range live[:len(planned)] {
		if s != nil && r.state.mu.live.has(s) {
			r.enterLocked(s, planned[i])
		}
	}
	return len(planned)
}

// planSome appends what the first of the subscriptions are planned as.
func (r *replanning) planSome(planned []candidate, live []*Subscription) []candidate {
	end, entries := time.Now().Add(planTime), 0
	for _, s := range live {
		planned = append(planned, r.plan(s))
		entries += planned[len(planned)-1].entries()
		if len(planned) == sliceSubscriptions || entries >= 4*sliceSubscriptions || time.Now().After(end) {
			break
		}
	}
	return planned
}

// plan plans a subscription anew; one that has left meanwhile, or a free slot, is
// nobody's.
func (r *replanning) plan(s *Subscription) candidate {
	if s == nil {
		return candidate{}
	}
	r.state.mu.Lock()
	p := s.place
	r.state.mu.Unlock()
	if p == nil {
		return candidate{}
	}
	return r.version.candidate(r.state, r.turn, s, p.shared.planned.document)
}

// enterLocked gives a subscription its place under the new version.
func (r *replanning) enterLocked(s *Subscription, c candidate) {
	if c.errs != nil {
		r.refused = append(r.refused, refusal{s, c.errs})
		return
	}
	st := r.state
	if missing := int(s.slot) + 1 - len(st.mu.ahead); missing > 0 {
		st.mu.ahead = append(st.mu.ahead, make([]*place, missing)...)
	}
	index := r.index
	if s.waits() {
		index = r.replays
	}
	st.mu.ahead[s.slot] = index.add(s, c.bound, c.field, c.keys)
}

// swap makes the new version the active one, and returns the other, with what has
// left quarantine by that.
func (r *replanning) swap() (old *Version, released []*suspected) {
	st := r.state
	st.mu.Lock()
	defer st.mu.Unlock()
	old = st.mu.version
	st.mu.version, st.mu.index, st.mu.replays, st.mu.next = r.version, r.index, r.replays, nil
	return old, st.quarantines.renew(r.version.Runners)
}

// settle forgets the places under the old version, and ends the subscriptions
// that have none under the new.
func (r *replanning) settle() {
	for r.settleSlice() {
		r.turn.spend(replanUnits / 4 * sliceSubscriptions)
		runtime.Gosched()
	}
	for _, refused := range r.refused {
		refused.subscription.leave()
		refused.subscription.fail(refused.errors, endingOf(refused.errors[0].Code))
		r.turn.spend(frameUnits)
	}
}

// settleSlice settles some subscriptions, the last of them first, and reports
// whether any are left.
func (r *replanning) settleSlice() bool {
	st := r.state
	st.mu.Lock()
	defer st.mu.Unlock()
	rest := max(0, len(st.mu.ahead)-sliceSubscriptions)
	for _, p := range st.mu.ahead[rest:] {
		if p != nil {
			p.subscription.place = p
		}
	}
	st.mu.ahead = st.mu.ahead[:rest]
	if rest == 0 {
		st.mu.ahead = nil
	}
	return rest > 0
}
