package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Operation is a validated operation of one subscriber, ready to execute or to
// subscribe, once. It holds its version in use until then: an Operation that
// is neither executed nor subscribed must be closed.
type Operation struct {
	broker    *Broker
	state     *state
	ctx       context.Context // bounds the wait for a turn
	version   *Version        // nil once released
	variables []byte
	identity  tenant.Identity
	bound
}

// Open parses, validates and plans an operation under the tenant's active
// version, in a turn of the tenant's. ctx bounds the wait for that, and for the turn of
// Subscribe. The request's bytes must not change while the operation lives.
func (b *Broker) Open(ctx context.Context, t *tenant.Tenant, id tenant.Identity, request graph.Request) (*Operation, graph.Errors) {
	b.counters.operations.Add(1)
	st := b.state(t, false)
	if st == nil {
		return nil, noSchema()
	}
	v := st.use()
	if v == nil {
		return nil, noSchema()
	}
	bound, errs := v.bind(ctx, st, nil, &id, document{request.Query, request.OperationName}, request.Variables)
	if errs != nil {
		st.usage.count(errs[0].Code)
		st.release(v)
		return nil, errs
	}
	return &Operation{broker: b, state: st, ctx: ctx, version: v, variables: request.Variables, identity: id, bound: bound}, nil
}

func graphLimits(l tenant.Limits) graph.Limits {
	return graph.Limits{
		QueryBytes: int(l.QueryBytes), QueryTokens: int(l.QueryTokens), QueryFields: int(l.QueryFields), QueryAliases: int(l.QueryAliases), QueryDepth: int(l.QueryDepth),
		VariablesBytes: int(l.VariablesBytes), ListItems: int(l.ListItems),
	}
}

// Kind tells queries, mutations and subscriptions apart.
func (o *Operation) Kind() graph.OperationKind { return o.operation.Plan().Kind() }

// Close gives up an operation.
func (o *Operation) Close() {
	o.state.release(o.version)
	o.version = nil
}

// Subscribe makes a subscription live, or has it replay what it missed until it
// is. Responses may reach the sink before it returns.
func (o *Operation) Subscribe(sink Sink, resume Resume) (*Subscription, graph.Errors) {
	defer o.Close()
	p, errs := o.progress(resume)
	var s *Subscription
	if errs == nil {
		s, errs = o.subscribe(p, sink)
	}
	if errs != nil {
		o.state.usage.count(errs[0].Code)
		return nil, errs
	}
	o.broker.begin(s)
	return s, nil
}

// subscribe takes a turn where the subscription may stand in many buckets. What else it
// takes to enter and to leave is little, and charged afterwards.
func (o *Operation) subscribe(p *progress, sink Sink) (*Subscription, graph.Errors) {
	var t *turn
	if listsClaims(o.operation.Roots()[0].Field, o.identity.Claim) {
		t = o.state.flow.begin(o.ctx, laneRequests)
		defer t.release()
		if !t.held {
			return nil, ended()
		}
	}
	return o.state.subscribe(t, o.variables, o.identity, o.version, o.bound, p, sink)
}

// Execute runs a query or a mutation and returns the whole response: first its
// root fields, one after the other, then those of object types, level by level.
func (o *Operation) Execute(ctx context.Context) []byte {
	defer o.Close()
	roots := o.operation.Roots()
	results := make([]graph.Result, len(roots))
	requestID := rand.Text()
	turn := o.state.flow.begin(ctx, laneRequests)
	defer turn.release()
	in := inputs{id: requestID, meta: requestMeta(requestID), identity: &o.identity, turn: turn}
	x := execution{shared: newShared(o.broker, o.state, o.version), operation: o.operation, inputs: in}
	defer func() {
		o.state.usage.sharedRuns.Add(x.shared.sharedRuns)
		x.shared.recycle()
	}()
	published := 0
	var run sandbox.Result
	var exhausted *graph.Error
	for i, root := range roots {
		field := &root.Field.ResolvedField
		if x.fuel >= x.shared.fuel {
			if exhausted == nil {
				exhausted = x.shared.exhausted(field, &in)
			}
			results[i].Err = exhausted
			continue
		}
		in.arguments = root.Arguments
		o.broker.run(ctx, o.state, o.version, field, &in, &run)
		refused := o.publish(ctx, turn, requestID, &published, run.Published)
		if refused != nil {
			run.Fault = publishFault(refused)
		}
		outcome := o.broker.conclude(o.state, o.version, field, &in, &run, false)
		tellPublisher(outcome.result.Err, refused)
		results[i] = outcome.result
		turn.spend(outputByteUnits * int64(len(outcome.result.Output)))
		x.fuel += outcome.fuel
	}
	if !turn.held {
		turn.take() // or not: a request that has ended is answered as well
	}
	response := x.response(ctx, results)
	turn.spend(byteUnits * int64(len(response)))
	return response
}

// publish sends what a mutation field published, under ids that follow from
// the request's: at once, before the next field and before the fields below it
// run, since nothing that these do takes the events back.
func (o *Operation) publish(ctx context.Context, t *turn, requestID string, count *int, published []sandbox.Published) error {
	if len(published) == 0 {
		return nil
	}
	t.release() // the bus is waited for
	events := make([]event.Event, len(published))
	for i, p := range published {
		*count++
		events[i] = event.Event{Channel: p.Channel, ID: requestID + "-" + strconv.Itoa(*count), Payload: p.Payload}
	}
	_, err := o.broker.config.Publisher.Publish(ctx, o.state.tenant, events)
	return err
}

// publishFault is what a mutation ends with whose events were not accepted.
func publishFault(err error) *sandbox.Fault {
	f := &sandbox.Fault{Code: abi.CodeInternal, Message: err.Error()}
	var over *tenant.RateError
	var batch *event.BatchError
	switch {
	case errors.As(err, &over):
		f.Code, f.Limit = abi.CodeLimitExceeded, over.Limit
	case errors.As(err, &batch):
		f.Code, f.Limit = abi.CodeLimitExceeded, batch.Limit
	case errors.Is(err, event.ErrFull):
		f.Code = abi.CodeLimitExceeded
	}
	return f
}

// retryFull is when who has published may try again where events are waiting for their
// subscribers.
const retryFull = time.Second

// tellPublisher says in a mutation's error why its events were not accepted, where
// that is nothing to hide, and when it may be sent again. Where the bus is not there it does
// not say when: the events may have been accepted, and have other ids the next time.
func tellPublisher(e *graph.Error, err error) {
	var over *tenant.RateError
	var full *event.FullError
	var batch *event.BatchError
	wait := int64(0)
	switch {
	case errors.As(err, &batch):
		e.Message = batch.Error()
	case errors.As(err, &over):
		e.Message, wait = over.Error(), over.RetryAfterMillis()
	case errors.Is(err, event.ErrFull):
		e.Message, wait = "too many events are waiting for their subscribers; try again later", retryFull.Milliseconds()
		if errors.As(err, &full) {
			wait = max(1, full.RetryAfter.Milliseconds())
		}
	case errors.Is(err, event.ErrUnavailable):
		e.Message = "the bus can't be reached: whether the events were accepted is not known"
	}
	if wait > 0 {
		e.Extensions = append(strconv.AppendInt(append(e.Extensions[:len(e.Extensions)-1], `,"retryAfterMs":`...), wait, 10), '}')
	}
}

// requestMeta is the meta input of a query or mutation.
func requestMeta(id string) []byte {
	meta := append([]byte(nil), `{"id":`...)
	meta = jsondoc.AppendQuoted(meta, id)
	meta = append(meta, `,"time":"`...)
	meta = event.AppendTime(meta, time.Now())
	return append(meta, `"}`...)
}
