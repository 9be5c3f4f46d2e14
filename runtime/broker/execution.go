package broker

import (
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// execution answers one operation, given the results of its root fields: it runs
// the resolvers of fields of object types, level by level.
type execution struct {
	shared    *shared
	operation *graph.Operation
	inputs    inputs
	fuel      int64 // used by the operation's runs, its own and those it shares

	asked    []question // of the subscriber, by the runs below the root fields
	known    map[question]struct{}
	unshared bool // the response is for this subscriber alone
}

// response returns the whole response.
func (x *execution) response(ctx context.Context, results []graph.Result) []byte {
	if !x.operation.HasBatches() {
		return x.operation.AppendResponse(nil, results)
	}
	e := x.operation.Begin(results, x.shared.limits)
	for batches := e.Next(); len(batches) > 0; batches = e.Next() {
		for _, b := range batches {
			if e.Stopped() {
				break
			}
			x.resolve(ctx, e, b)
		}
	}
	return e.AppendResponse(nil)
}

// resolve gives a batch its result, or stops the execution.
func (x *execution) resolve(ctx context.Context, e *graph.Execution, b *graph.Batch) {
	if x.fuel >= x.shared.fuel {
		e.Stop(x.shared.exhausted(b.Field(), &x.inputs))
		return
	}
	x.inputs.arguments, x.inputs.batch, x.inputs.parents = b.Arguments(), b, x.inputs.parents[:0]
	o := x.shared.result(ctx, b.Field(), &x.inputs)
	b.Resolve(o.result)
	x.inputs.turn.spend(outputByteUnits * int64(len(o.result.Output)))
	if x.shared.ended && o.result.Err != nil {
		e.Stop(o.result.Err)
	}
	x.fuel += o.fuel
	x.unshared = x.unshared || o.unshared
	for _, q := range o.asked {
		if _, known := x.known[q]; known {
			continue
		}
		if x.known == nil {
			x.known = map[question]struct{}{}
		}
		x.known[q] = struct{}{}
		x.asked = append(x.asked, q)
	}
}

// exhausted is the error of fields for which no fuel of the operation is left.
// f is the first of them.
func (s *shared) exhausted(f *graph.ResolvedField, in *inputs) *graph.Error {
	fault := &sandbox.Fault{
		Code: abi.CodeFuelExhausted, Limit: "fuelPerOperation",
		Message: fmt.Sprintf("all of the operation's %d units of fuel are used before it", s.fuel),
	}
	o := &outcome{broker: s.broker, state: s.state, runner: s.version.Runners[f.Module], field: f, event: in.id}
	return o.faultError(fault)
}
