// Package broker brings events to subscriptions: it finds those that an event
// matches, has their resolvers run (once for all whose reads are equal),
// projects each result for what was asked, and hands the responses out. It runs
// queries and mutations the same way.
package broker

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Runner runs the resolvers of one module with one config. *sandbox.Pool is one.
// Runners are compared: versions that share a module and its config share its
// Runner.
type Runner interface {
	// Run calls a resolver and fills r; see sandbox.Pool.Run.
	Run(ctx context.Context, resolver string, in sandbox.Inputs, r *sandbox.Result)
	// Log adds a line to the module's log; see sandbox.Pool.Log.
	Log(line sandbox.Line)
	// Digest names the version of the module.
	Digest() string
}

// Publisher accepts the events of mutations, all of a call or none. They have
// passed event.Check; it owns them from then on.
type Publisher interface {
	Publish(ctx context.Context, t *tenant.Tenant, events []event.Event) (cursor string, err error)
}

// Events reads what is kept of past events. Every event.Bus is one, and its
// methods are described there.
type Events interface {
	Read(ctx context.Context, tenant string, channels []string, after event.Position, max int) (event.Page, error)
	ReadLast(ctx context.Context, tenant, channel string, before event.Position, max int) ([]event.Event, error)
	Start() event.Position
}

// Config holds a Broker's settings.
type Config struct {
	// Publisher takes the events that mutations publish.
	Publisher Publisher
	// Events is what subscriptions that come back go on from. Without it there is
	// nothing to go on from.
	Events Events
	// CursorKey signs cursors. All nodes on one bus have the same, and keep it over
	// restarts. Nil stands for a random one.
	CursorKey []byte
	// Debug shows all subscribers what a guest's fault says, as a tenant's debug
	// does those of the tenant; else they see its code
	// and an incident id that stands in the log.
	Debug bool
	// Logger receives the guests' faults and what the broker cannot do. Nil
	// discards.
	Logger *slog.Logger
	// Runs is how many goroutines may work for tenants at once: run guests, hand
	// events out, validate. 0 means one less than the processors, and at least one, so
	// that sockets are served meanwhile; and where there are two and more, one for a
	// moment on the last, for tenants that want little.
	Runs int
}

// Broker serves the operations of all tenants. It is safe for concurrent use.
type Broker struct {
	config   Config
	queue    *queue
	counters counters
	cursors  *cursors
	sharing  sharing

	ctx     context.Context // of the replays
	cancel  context.CancelFunc
	replays sync.WaitGroup // goroutines, one for each tenant with replays
	closing sync.RWMutex   // held to start one, and to end ctx; before state.mu

	mu struct {
		sync.RWMutex
		tenants map[*tenant.Tenant]*state
	}
}

// state is what the broker knows of one tenant.
type state struct {
	tenant      *tenant.Tenant
	cursors     *cursors
	counters    *counters // of the broker
	flow        *flow
	runs        quota // under way or waiting for a turn
	quarantines quarantines
	usage       usage

	activating sync.Mutex // held by Activate, before mu
	receiving  sync.Mutex // held while an event is handed out, before mu

	mu struct {
		sync.Mutex
		version *Version
		index   *index
		live    slots
		at      event.Position             // of the last event that was matched with the index
		done    event.Position             // of the last event that was handed out to all
		replays *index                     // of the subscriptions that are not live yet
		waiting map[*Subscription]struct{} // the same
		stop    context.CancelFunc         // of the goroutine that brings them on; nil without one
		next    *replanning                // nil unless a version is being activated
		ahead   []*place                   // by slot: places in the index of that version, until they are the subscriptions' own
	}
}

// Version is a tenant's schema with the runners of its modules. An event or an
// operation runs wholly under one version.
type Version struct {
	// Schema is the composed schema; nil where no module is active.
	Schema *graph.Schema
	// Runners holds a runner for each module that owns a field. It is the one of the
	// version before where neither the module nor its config is another: quarantine
	// goes on with it, and ends with another.
	Runners map[string]Runner
	// Retire is called once, when the version was replaced and nothing uses it any
	// more. It may be nil.
	Retire func()

	plans      plans
	references int // users, and one while it is active; guarded by state.mu
}

// New returns a Broker without tenants.
func New(config Config) *Broker {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	spare := false
	if config.Runs <= 0 {
		config.Runs = max(1, runtime.GOMAXPROCS(0)-1)
		spare = config.Runs < runtime.GOMAXPROCS(0)
	}
	b := &Broker{config: config, queue: newQueue(config.Runs, spare), cursors: newCursors(config.CursorKey)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.mu.tenants = map[*tenant.Tenant]*state{}
	return b
}

// Close ends the replays. Subscriptions that wait for theirs stay as they are.
func (b *Broker) Close() {
	b.closing.Lock()
	b.cancel()
	b.closing.Unlock()
	b.replays.Wait()
}

// state returns what is known of a tenant, making it where asked to; nil where
// there is nothing, or the tenant was deleted.
func (b *Broker) state(t *tenant.Tenant, create bool) *state {
	b.mu.RLock()
	st := b.mu.tenants[t]
	b.mu.RUnlock()
	if st != nil || !create {
		return st
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if st = b.mu.tenants[t]; st == nil {
		select {
		case <-t.Gone():
			return nil // Remove has been here, or will not come
		default:
		}
		st = &state{tenant: t, cursors: b.cursors, counters: &b.counters, flow: newFlow(b.queue)}
		st.usage.since = time.Now().UTC()
		st.mu.live = newSlots()
		st.mu.index, st.mu.replays, st.mu.waiting = newIndex(), newIndex(), map[*Subscription]struct{}{}
		if b.config.Events != nil {
			st.mu.at = b.config.Events.Start()
			st.mu.done = st.mu.at
		}
		b.mu.tenants[t] = st
	}
	return st
}

// Remove ends all subscriptions of a tenant that was deleted, and retires its
// version. No Activate of that tenant may be under way or follow: nothing would
// retire what it brings.
func (b *Broker) Remove(t *tenant.Tenant) {
	b.mu.Lock()
	st := b.mu.tenants[t]
	delete(b.mu.tenants, t)
	b.mu.Unlock()
	if st == nil {
		return
	}
	st.mu.Lock()
	old := st.mu.version
	st.mu.version = nil
	live := st.mu.live.all
	st.mu.live = slots{}
	st.mu.index, st.mu.replays = newIndex(), newIndex()
	clear(st.mu.waiting)
	if st.mu.stop != nil {
		st.mu.stop()
	}
	st.mu.Unlock()
	gone := graph.Errors{{Message: "the tenant was deleted", Code: abi.CodeForbidden}}
	for _, s := range live {
		if s != nil {
			s.fail(gone, EndTenantDeleted)
		}
	}
	st.release(old)
}

// use returns the active version, kept from retirement until release; nil
// where there is none.
func (st *state) use() *Version {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.useLocked()
}

func (st *state) useLocked() *Version {
	if st.mu.version != nil {
		st.mu.version.references++
	}
	return st.mu.version
}

// release gives a version back; the last one to do so retires it.
func (st *state) release(v *Version) {
	if v == nil {
		return
	}
	st.mu.Lock()
	v.references--
	last := v.references == 0
	st.mu.Unlock()
	if last && v.Retire != nil {
		v.Retire()
	}
}

// run runs a resolver in the turn of its inputs, of which its fuel is spent. The
// turn is not held while the tenant waits for its own runs: one that has used up
// its instances keeps nobody from a processor.
func (b *Broker) run(ctx context.Context, st *state, v *Version, f *graph.ResolvedField, in *inputs, r *sandbox.Result) {
	limits := st.tenant.Limits()
	memory, ok := st.runs.try(&limits)
	if !ok {
		in.turn.release()
		var err error
		if memory, err = st.runs.acquire(ctx, &limits); err != nil {
			notRun(r, err)
			return
		}
	}
	defer st.runs.release(memory)
	if !in.turn.held && !in.turn.take() {
		notRun(r, context.Cause(ctx))
		return
	}
	in.spent = 0
	v.Runners[f.Module].Run(ctx, f.Resolver, in, r)
	st.usage.runs.Add(1)
	st.usage.fuel.Add(uint64(r.Fuel))
	st.tenant.ChargeFuel(r.Fuel)
	in.turn.spend(runUnits + max(r.Fuel-in.spent, 0))
}

// notRun is the result of a run that the server's end or the caller's kept from
// starting.
func notRun(r *sandbox.Result, err error) {
	*r = sandbox.Result{Fault: &sandbox.Fault{Code: abi.CodeInternal, Message: "waiting for a processor: " + err.Error()}}
}
