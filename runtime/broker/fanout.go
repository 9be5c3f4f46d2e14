package broker

import (
	"context"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
)

// fanOut brings one event to the subscriptions of one field: it runs the field's
// resolver, and those of the fields below it, once for all whose reads are equal,
// and delivers what they give. It is for one goroutine.
type fanOut struct {
	broker  *Broker
	state   *state
	field   *graph.ResolvedField
	runner  Runner
	inputs  inputs
	results *shared
	now     int64  // in nanoseconds since 1970
	key     string // of what is delivered for the event
	pass    pass
	occasion

	signed struct { // the cursor that was made last
		at     event.Position
		cursor string
	}

	// What came of the runs so far.
	failed, succeeded, unknown bool
	unfinished                 bool     // not all runs were looked at: the server ends, or has a bug
	code                       abi.Code // of the last that failed
	concluded                  bool     // the quarantines know

	deliveries, deliveredBytes, superseded uint64
}

// fanOut works in the turn, which it gives back. It reports whether ctx has cut it short.
func (b *Broker) fanOut(ctx context.Context, st *state, v *Version, m *matched, in inputs, t *turn, o occasion) (cut bool) {
	defer t.release()
	defer b.recovered(ctx, m, &in)
	in.turn = t
	field := &m.field.ResolvedField
	f := fanOut{broker: b, state: st, field: field, runner: v.Runners[field.Module], inputs: in, results: newShared(b, st, v), now: time.Now().UnixNano(), occasion: o}
	f.key = latestKey(m.field, o.event.Channel, o.payload)
	f.pass = st.quarantines.admit(field, f.runner)
	defer func() { cut = f.close(ctx) }()
	switch f.pass.admission {
	case skipped:
		st.usage.skipped.Add(1)
		f.skip(ctx, m.parts)
	case probe:
		f.try(ctx, m.parts)
	default:
		f.results.alone = m.isForOne()
		f.run(ctx, m.parts, false)
	}
	return false
}

// run runs the event for subscriptions and delivers the responses. With hold it
// delivers none where the resolver failed, and returns whom those were for.
func (f *fanOut) run(ctx context.Context, parts []part, hold bool) (held []member) {
	f.unfinished = true
	for i := range parts {
		some, ok := f.runPart(ctx, &parts[i], hold)
		if !ok {
			return nil
		}
		held = append(held, some...)
	}
	f.unfinished = false
	return held
}

// runPart is run for one part. It reports false where the server ends.
func (f *fanOut) runPart(ctx context.Context, p *part, hold bool) (held []member, ok bool) {
	var a answer
	for i, m := range p.members {
		s := m.place.subscription
		if ctx.Err() != nil {
			return nil, false
		}
		if !a.common && s.ended() { // else deliver finds out
			continue
		}
		if a.common {
			f.results.sharedRuns++
		} else {
			f.inputs.arguments, f.inputs.identity = m.place.arguments, &s.identity
			a = f.answer(ctx, m.place.shared, p.grouping)
			if f.results.ended {
				return nil, false // that is no answer to this event
			}
			f.judge(a.outcome)
		}
		if hold && a.outcome.ending == failed {
			held = append(held, m)
			continue
		}
		f.deliver(s, a.outcome.verdict, a.response, f.at, f.at)
		if a.common && a.outcome.verdict == abi.Skip && !p.resuming {
			f.results.sharedRuns += uint64(len(p.members) - i - 1)
			break // nobody is told anything
		}
	}
	return held, true
}

// answer is what a subscription gets, and whether all of its group do.
type answer struct {
	outcome  *outcome
	response []byte // nil for none
	common   bool
}

// answer answers the subscription whose inputs are there.
func (f *fanOut) answer(ctx context.Context, shared *sharedOperation, g *grouping) (a answer) {
	o := f.results.result(ctx, f.field, &f.inputs)
	a.outcome, a.common = o, !o.unshared && g.covers(o.read)
	if !o.unshared && g.mayLearn(o.read) {
		f.state.learn(shared, o.read)
	}
	if o.verdict != abi.Skip && (o.verdict != abi.Complete || o.hasOutput) {
		r := f.results.response(ctx, o, shared.operation, &f.inputs)
		a.response, a.common = r.bytes, a.common && !r.unshared && g.covers(r.asked)
		if !r.unshared && g.mayLearn(r.asked) {
			f.state.learn(shared, r.asked)
		}
	}
	a.common = a.common && f.broker.sharing == sharingAll
	return a
}

func (f *fanOut) judge(o *outcome) {
	switch o.ending {
	case succeeded:
		f.succeeded = true
	case failed:
		f.failed, f.code = true, o.code
	default:
		f.unknown = true
	}
}

// ending is what came of the event as a whole.
func (f *fanOut) ending() ending {
	switch {
	case f.succeeded:
		return succeeded
	case f.failed && !f.unknown && !f.unfinished:
		return failed
	}
	return inconclusive
}

// try runs the event to see whether the resolver works again. Where it does,
// those for whom it failed get their errors. Where it does not, the event is one
// more that they are not told of.
func (f *fanOut) try(ctx context.Context, parts []part) {
	held := []part{{members: f.run(ctx, parts, true)}}
	f.conclude()
	if f.succeeded {
		counted := f.results.sharedRuns
		f.run(ctx, held, false)
		f.results.sharedRuns = counted // theirs are
	} else {
		f.skip(ctx, held)
	}
}

// skip passes over subscriptions, of which each is told of the quarantine once.
// None of these responses stands for an event.
func (f *fanOut) skip(ctx context.Context, parts []part) {
	f.key = ""
	var o *outcome
	for i := range parts {
		for _, m := range parts[i].members {
			s := m.place.subscription
			first, held := s.drop(f.pass.serial, f.before)
			if !first {
				f.inputs.turn.spend(skipUnits)
				continue
			}
			if o == nil {
				o = &outcome{verdict: abi.Failed, result: graph.Result{Err: f.state.quarantines.error(f.field)}}
			}
			f.state.usage.count(abi.CodeModuleQuarantined)
			f.inputs.arguments, f.inputs.identity = m.place.arguments, &s.identity
			f.deliver(s, o.verdict, f.results.response(ctx, o, m.place.shared.operation, &f.inputs).bytes, "", held)
		}
	}
}

// deliver delivers a response that stands for the event at a position, or for
// none, and with which the subscription is at the other.
func (f *fanOut) deliver(s *Subscription, verdict abi.Verdict, response []byte, at, reached event.Position) {
	cursor := ""
	if s.resumes && s.progress.cursors && response != nil {
		if f.signed.at != reached {
			f.signed.at, f.signed.cursor = reached, f.state.cursors.sign(f.state.tenant, f.field.Name, reached)
		}
		cursor = f.signed.cursor
	}
	taken, skipped, ended := s.deliver(verdict, graph.Delivery{Response: response, Cursor: cursor, Key: f.key, Now: f.now}, at)
	switch {
	case skipped: // and this one in its place, which is counted
		f.superseded++
	case taken:
		f.deliveries++
		f.deliveredBytes += uint64(len(response))
	}
	if ended {
		s.leave()
	}
	if response != nil {
		f.inputs.turn.spend(frameUnits)
	} else {
		f.inputs.turn.spend(skipUnits)
	}
}

// conclude tells the quarantines how the event ended.
func (f *fanOut) conclude() {
	f.concluded = true
	if line := f.state.quarantines.conclude(f.field, f.runner, f.pass, f.ending(), f.code); line != "" {
		f.broker.logQuarantine(f.state, f.field, f.runner, f.inputs.id, line)
	}
}

// close hands over what was counted, also where a bug has ended the event, and reports
// whether ctx has.
func (f *fanOut) close(ctx context.Context) (cut bool) {
	if f.pass.admission != skipped && !f.concluded {
		f.conclude()
	}
	switch {
	case !f.unfinished:
	case ctx.Err() != nil:
		cut = true
		f.broker.counters.interrupted.Add(1)
	default:
		f.broker.counters.broken.Add(1)
	}
	u := &f.state.usage
	u.sharedRuns.Add(f.results.sharedRuns)
	u.deliveries.Add(f.deliveries)
	u.deliveredBytes.Add(f.deliveredBytes)
	u.superseded.Add(f.superseded)
	f.broker.counters.superseded.Add(f.superseded)
	f.state.tenant.ChargeDelivered(int64(f.deliveredBytes))
	f.results.recycle()
	return cut
}
