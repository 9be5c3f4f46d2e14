package broker

import (
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// outcome is what a run gave, for all who share it. It is used by one goroutine
// at a time.
type outcome struct {
	verdict     abi.Verdict // Failed where the run ended with a fault
	result      graph.Result
	hasOutput   bool
	projections map[projection][]byte
	projected   int // bytes of projections
}

// projection identifies a shared response: the plan, and by key the variables
// that matter to it and the answers to the permissions inside it.
type projection struct {
	plan *graph.Plan
	key  string
}

// response returns the outcome as a whole response for an operation, encoded
// once for all operations to which it must be equal. The caller must not
// change it.
func (o *outcome) response(operation *graph.Operation) []byte {
	p := projection{operation.Plan(), operation.ProjectionKey()}
	payload, ok := o.projections[p]
	if !ok {
		payload = operation.AppendResponse(nil, []graph.Result{o.result})
		if o.projections == nil {
			o.projections = map[projection][]byte{}
		}
		o.projections[p] = payload
		o.projected += len(payload)
	}
	return payload
}

// conclude turns a run's result into an outcome that does not borrow from it.
func (b *Broker) conclude(ctx context.Context, st *state, f *graph.RootField, in *inputs, r *sandbox.Result) *outcome {
	if r.Fault != nil {
		return &outcome{verdict: abi.Failed, result: graph.Result{Err: b.faultError(ctx, st, f, in, r.Fault)}}
	}
	o := &outcome{verdict: r.Verdict, hasOutput: r.HasOutput}
	switch {
	case r.Verdict == abi.Failed:
		o.result.Err = failureError(r.Failure)
	case r.HasOutput:
		o.result.Output = append([]byte(nil), r.Output...)
	default:
		o.result.Output = []byte("null")
	}
	return o
}

// faultError is what subscribers see of a guest's fault. Without debug that is
// the code and an id to look for in the log.
func (b *Broker) faultError(ctx context.Context, st *state, f *graph.RootField, in *inputs, fault *sandbox.Fault) *graph.Error {
	incident := rand.Text()
	attributes := []slog.Attr{
		slog.String("incident", incident), slog.String("tenant", st.tenant.ID()), slog.String("event", in.id),
		slog.String("module", f.Module), slog.String("resolver", f.Resolver),
		slog.String("code", string(fault.Code)), slog.String("limit", fault.Limit),
	}
	if fault.Code == abi.CodeInternal || fault.Code == abi.CodeLimitExceeded {
		attributes = append(attributes, slog.String("message", fault.Message)) // the others' is in the module's log
	}
	b.config.Logger.LogAttrs(ctx, slog.LevelWarn, "resolver failed", attributes...)
	e := &graph.Error{Message: "resolver failed", Code: fault.Code}
	if b.config.Debug {
		e.Message = fault.Message
	}
	e.Extensions = append(e.Extensions, `{"incident":`...)
	e.Extensions = jsondoc.AppendQuoted(e.Extensions, incident)
	if fault.Limit != "" {
		e.Extensions = append(e.Extensions, `,"limit":`...)
		e.Extensions = jsondoc.AppendQuoted(e.Extensions, fault.Limit)
	}
	e.Extensions = append(e.Extensions, '}')
	return e
}

// failureError is an error that the guest reported itself. Its extensions may
// hold a code of its own.
func failureError(f sandbox.Failure) *graph.Error {
	e := &graph.Error{Message: f.Message, Code: abi.CodeResolverError}
	var d jsondoc.Document
	if f.Extensions == nil || d.Parse(f.Extensions, jsondoc.Options{}) != nil {
		return e
	}
	members := []byte{'{'}
	for key := uint32(1); key < d.Nodes[0].Next; key = d.Nodes[key+1].Next {
		if d.StringEquals(key, "code") {
			if d.Nodes[key+1].Kind == jsondoc.String && !d.StringEquals(key+1, "") {
				e.Code = abi.Code(d.AppendString(nil, key+1))
			}
			continue
		}
		if len(members) > 1 {
			members = append(members, ',')
		}
		members = append(append(append(members, d.Raw(key)...), ':'), d.Raw(key+1)...)
	}
	if len(members) > 1 {
		e.Extensions = append(members, '}')
	}
	return e
}
