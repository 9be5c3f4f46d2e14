package broker

import (
	"context"
	"sync"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// maxSharedBytes bounds what is kept of one event: it is held until the event is
// handed out to all, and guests decide how much they ask and put out for each
// subscriber.
const maxSharedBytes = 32 << 20

// shared holds the results of the runs for one event or request, by resolver and
// by what the runs read. When it has grown too large it forgets all: the same
// runs give the same results again. It is for one goroutine.
type shared struct {
	broker  *Broker
	state   *state
	version *Version
	fuel    int64 // that one operation may use
	limits  graph.ExecutionLimits

	// alone tells that there is one subscriber and one run: nothing is kept, and what is
	// returned is valid until the next event. Most selective events are so, and would spend
	// more on keeping than on projecting.
	alone bool

	results map[*graph.ResolvedField]*tree[*outcome]
	last    *graph.ResolvedField              // the one that was looked up last, mostly the event's own
	tree    *tree[*outcome]                   // its results
	stopped map[*graph.ResolvedField]*outcome // of runs that the clock stopped: no other is tried
	bytes   int                               // about what trees, results and responses take
	ended   bool                              // ctx had ended after a run: what is returned is of no use
	run     sandbox.Result
	only    response // the one of an event for one subscriber; its bytes are used again

	sharedRuns uint64 // results that needed no run
}

// recycled are shared that are over, for what they have of buffers.
var recycled = sync.Pool{New: func() any { return new(shared) }}

// keepBufferBytes is the size up to which buffers are kept for the next event, and
// keepReads up to how many reads.
const keepBufferBytes, keepReads = 64 << 10, 1 << 10

func newShared(b *Broker, st *state, v *Version) *shared {
	s, l := recycled.Get().(*shared), st.tenant.Limits()
	s.broker, s.state, s.version, s.fuel = b, st, v, l.FuelPerOperation
	s.limits = graph.ExecutionLimits{ParentsPerRun: int(l.ParentsPerRun), OutputBytes: operationOutputs * int(l.OutputBytes)}
	return s
}

// recycle gives up a shared whose event or request is over.
func (s *shared) recycle() {
	run, only := s.run, s.only.bytes
	if max(cap(run.Output), cap(only)) > keepBufferBytes || cap(run.Reads) > keepReads {
		return
	}
	clear(run.Reads[:cap(run.Reads)]) // earlier runs had more
	*s = shared{run: sandbox.Result{Output: run.Output[:0], Reads: run.Reads[:0]}, only: response{bytes: only[:0]}}
	recycled.Put(s)
}

// operationOutputs times outputBytes is what the outputs of one operation's runs
// may take together.
const operationOutputs = 32

// result returns what a resolver gives for the inputs: the result of an earlier
// run that read the same, or of a new run.
func (s *shared) result(ctx context.Context, f *graph.ResolvedField, in *inputs) *outcome {
	if s.alone {
		return s.runFor(ctx, f, in)
	}
	if o := s.stopped[f]; o != nil {
		s.sharedRuns++
		return o
	}
	t := s.of(f)
	o, ok := t.find(in)
	in.turn.spend(t.units())
	if ok && s.broker.sharing != sharingNothing {
		s.sharedRuns++
		return o
	}
	o = s.runFor(ctx, f, in)
	o.read = questions(s.run.Reads)
	for _, q := range o.read {
		if q.ofSubscriber() {
			o.asked = append(o.asked, q)
		}
	}
	switch fault := s.run.Fault; {
	case fault != nil && fault.Code == abi.CodeInternal: // the host's, and says nothing of the next run
		o.unshared = true
	case fault != nil && fault.Unrepeatable:
		o.unshared = true
		if s.stopped == nil {
			s.stopped = map[*graph.ResolvedField]*outcome{}
		}
		s.stopped[f] = o
	default:
		o.unshared = !s.keep(f, o.read, in, o)
	}
	return o
}

// runFor runs a resolver.
func (s *shared) runFor(ctx context.Context, f *graph.ResolvedField, in *inputs) *outcome {
	s.broker.run(ctx, s.state, s.version, f, in, &s.run)
	s.ended = s.ended || ctx.Err() != nil
	return s.broker.conclude(s.state, s.version, f, in, &s.run, s.alone)
}

// of returns the results of a resolver.
func (s *shared) of(f *graph.ResolvedField) *tree[*outcome] {
	if s.last == f {
		return s.tree
	}
	t := s.results[f]
	if t == nil {
		t = &tree[*outcome]{}
		if s.results == nil {
			s.results = map[*graph.ResolvedField]*tree[*outcome]{}
		}
		s.results[f] = t
	}
	s.last, s.tree = f, t
	return t
}

// keep adds a result, and reports false where it is for these inputs alone.
func (s *shared) keep(f *graph.ResolvedField, asked []question, in *inputs, o *outcome) bool {
	if s.bytes > maxSharedBytes {
		s.forget()
	}
	bytes, ok := s.of(f).insert(asked, in, o)
	s.bytes += bytes + nodeBytes + len(o.result.Output)
	return ok
}

func (s *shared) forget() {
	clear(s.results)
	s.last, s.tree = nil, nil
	for _, o := range s.stopped {
		o.responses = nil
	}
	s.bytes = 0
}

// response returns an outcome as a whole response for a subscriber's operation,
// made once for all to whom it must be equal: those who ask for the same of the
// same result, and agree on what the runs below it read.
func (s *shared) response(ctx context.Context, o *outcome, operation *graph.Operation, in *inputs) *response {
	if s.alone {
		s.only = response{bytes: operation.AppendResponse(s.only.bytes[:0], []graph.Result{o.result}), unshared: true}
		in.turn.spend(byteUnits*int64(len(s.only.bytes)) + outputByteUnits*int64(len(o.result.Output)))
		return &s.only
	}
	p := projectionOf(operation)
	t := o.responses[p]
	if t == nil {
		t = &tree[*response]{}
		if o.responses == nil {
			o.responses = map[projection]*tree[*response]{}
		}
		o.responses[p] = t
	}
	r, ok := t.find(in)
	in.turn.spend(t.units())
	if ok && s.broker.sharing != sharingNothing {
		return r
	}
	x := execution{shared: s, operation: operation, inputs: *in, fuel: o.fuel}
	r = &response{bytes: x.response(ctx, []graph.Result{o.result})}
	in.turn.spend(byteUnits*int64(len(r.bytes)) + outputByteUnits*int64(len(o.result.Output)))
	r.asked, r.unshared = x.asked, x.unshared
	if !r.unshared {
		bytes, _ := t.insert(x.asked, in, r)
		s.bytes += bytes + nodeBytes + len(r.bytes)
	}
	return r
}

// sharing is what of it is done, less than all in tests alone.
type sharing int

const (
	sharingAll     sharing = iota
	sharingByTree          // each member of a group asks the tree
	sharingNothing         // each member has runs of its own
)
