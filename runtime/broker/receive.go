package broker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// matched is a field with the members of that moment that an event reaches
// through it.
type matched struct {
	field *graph.RootField
	parts []part
}

// isForOne tells whether the event reaches one subscription, whose operation has no
// resolvers below its root field.
func (m *matched) isForOne() bool {
	return len(m.parts) == 1 && len(m.parts[0].members) == 1 && !m.parts[0].members[0].place.shared.operation.HasBatches()
}

// Receive brings an event to the subscriptions of a tenant, and returns when
// all of it is handed out, or reports false where ctx has ended before, at shutdown: then some
// may have it and others not. Events of one channel are received one after the
// other, by the caller's care.
func (b *Broker) Receive(ctx context.Context, t *tenant.Tenant, e *event.Event) (all bool) {
	st := b.state(t, true)
	if st == nil {
		return true
	}
	st.receiving.Lock()
	defer st.receiving.Unlock()
	turn := st.flow.begin(ctx, laneEvents)
	defer turn.release()
	defer func() {
		if all {
			st.handedOut(e.Position)
		}
	}()
	payload := documents.Get().(*jsondoc.Document)
	defer giveBackDocument(payload)
	err := payload.Parse(e.Payload, jsondoc.Options{})
	turn.spend(eventUnits + eventCost(payload))
	if err != nil {
		b.config.Logger.LogAttrs(ctx, slog.LevelError, "event skipped: malformed payload",
			slog.String("tenant", e.Tenant), slog.String("channel", e.Channel), slog.String("event", e.ID), slog.String("error", err.Error()))
		return true
	}
	st.usage.events.Add(1)
	version, fields, lender, before := st.match(turn, e, payload)
	defer st.release(version)
	defer st.giveBack(lender)
	return b.handOut(ctx, st, version, fields, turn, occasion{event: e, payload: payload, at: e.Position, before: before})
}

// Precedes tells whether an event is older than the tenant: it was for another that
// had the id before.
func Precedes(t *tenant.Tenant, e *event.Event) bool {
	return e.Time.Before(t.Created().Truncate(time.Millisecond))
}

// occasion is an event with where it stands for those whom it is handed out to.
type occasion struct {
	event   *event.Event
	payload *jsondoc.Document // of it
	// at is where they are behind it, and before where they were in front of it, unless
	// they were farther. Both are empty where the bus gives no positions.
	at, before event.Position
}

// metaBytes is room for the meta of most events.
const metaBytes = 160

// handOut brings an event to the subscriptions that it matches, and reports whether all of them
// have it: not where ctx has ended before. It gives the turn back, before it waits for the
// fields that have turns of their own.
func (b *Broker) handOut(ctx context.Context, st *state, v *Version, fields []*matched, t *turn, o occasion) (all bool) {
	if len(fields) == 0 {
		t.release() // before the version is, which may close instances
		return true
	}
	common := inputs{id: o.event.ID, payload: o.event.Payload, meta: o.event.AppendMeta(make([]byte, 0, metaBytes))}
	var others struct {
		sync.WaitGroup
		cut atomic.Bool
	}
	for _, m := range fields[1:] {
		others.Go(func() {
			if b.fanOut(ctx, st, v, m, common, st.flow.begin(ctx, t.lane), o) {
				others.cut.Store(true)
			}
		})
	}
	cut := b.fanOut(ctx, st, v, fields[0], common, t, o)
	others.Wait()
	return !cut && !others.cut.Load()
}

// Pass takes note of something at a position of a tenant's that is no event. It is called
// where Receive would be.
func (b *Broker) Pass(t *tenant.Tenant, at event.Position) {
	if st := b.state(t, true); st != nil {
		st.usage.malformed.Add(1)
		st.receiving.Lock()
		st.handedOut(at)
		st.receiving.Unlock()
	}
}

// Lose tells all subscriptions of a tenant of events that they will not get. It is
// called where Receive would be. Of what retention took, those that wait learn when
// they read, as far as they are behind it.
func (b *Broker) Lose(t *tenant.Tenant, gap event.Gap) {
	st := b.state(t, true)
	if st == nil {
		return
	}
	st.usage.gaps.Add(1)
	st.receiving.Lock()
	defer st.receiving.Unlock()
	type loser struct {
		*Subscription
		field string
		live  bool
	}
	var all []loser
	st.mu.Lock()
	st.mu.at = max(st.mu.at, gap.To) // whoever comes back from now on in front of the gap is told when that is read
	for _, s := range st.mu.live.all {
		if s == nil || gap.Retention && s.waits() {
			continue
		}
		all = append(all, loser{s, s.place.field(), !s.waits()})
	}
	st.mu.Unlock()
	for _, s := range all {
		s.lose(s.field, gap, s.live)
	}
	st.handedOut(gap.To)
}

// handedOut takes note that all up to a position was handed out.
func (st *state) handedOut(at event.Position) {
	st.mu.Lock()
	st.mu.at = max(st.mu.at, at)
	st.mu.done = st.mu.at
	st.mu.Unlock()
}

// match collects whom an event reaches, and the version that it runs under. Whoever
// subscribes from then on begins behind the event. before is what lies in front of it.
// The lender is to be given back what it has lent, where it is not nil.
func (st *state) match(t *turn, e *event.Event, payload *jsondoc.Document) (_ *Version, fields []*matched, lender *index, before event.Position) {
	st.mu.Lock()
	defer st.mu.Unlock()
	fields, lender = st.collectLocked(t, &st.mu.index, e, payload)
	before = st.mu.at
	st.mu.at = max(st.mu.at, e.Position)
	return st.useLocked(), fields, lender, before
}

// collectLocked collects whom an event reaches by an index, in which groups are chosen anew
// first where that is due. Meanwhile the lock is let go, and another index may take its place, which
// is looked at then. The lender is to be given back what it has lent, where it is not nil.
func (st *state) collectLocked(t *turn, x **index, e *event.Event, payload *jsondoc.Document) (fields []*matched, lender *index) {
	fields, lends, due := collect(t, *x, e.Channel, payload)
	if len(due) > 0 {
		st.regroupLocked(t, *x, due)
		fields, lends, _ = collect(t, *x, e.Channel, payload)
	}
	if !lends {
		return fields, nil
	}
	(*x).lent++
	return fields, *x
}

func (st *state) giveBack(lender *index) {
	if lender == nil {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	lender.giveBack()
}

// collect returns the members that an event reaches. It reports whether the index has to
// lend some of them: the members of buckets of few are copied. Those that are due had
// better be reviewed, and all be collected again.
func collect(t *turn, x *index, channel string, payload *jsondoc.Document) (fields []*matched, lends bool, due []*crowd) {
	var few []member // of the last field
	places := x.match(channel, payload, func(fi *fieldIndex, b *bucket) {
		if len(fields) == 0 || fields[len(fields)-1].field != fi.field {
			fields, few = append(fields, &matched{field: fi.field, parts: make([]part, 1)}), nil
		}
		m := fields[len(fields)-1]
		if c := b.crowd(); c != nil {
			if c.due() {
				due = append(due, c)
			}
			m.parts = c.parts(m.parts)
			lends = true
			return
		}
		n := b.members()
		few = slices.Grow(few, n)
		for i := range n {
			few = append(few, *b.member(i))
		}
		m.parts[0].members = few
	})
	t.Spend(placeUnits * int64(places))
	return fields, lends, due
}

// recovered keeps a bug that one event of one field meets from ending the
// server for all tenants.
func (b *Broker) recovered(ctx context.Context, m *matched, in *inputs) {
	if bug := recover(); bug != nil {
		b.config.Logger.LogAttrs(ctx, slog.LevelError, "event given up: this is a bug of the server",
			slog.String("resolver", m.field.Resolver), slog.String("event", in.id), slog.Any("panic", bug), slog.String("stack", string(debug.Stack())))
	}
}
