package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// outcome is what a run gave, for all who share it. It is used by one goroutine
// at a time.
type outcome struct {
	broker *Broker
	state  *state
	runner Runner
	field  *graph.ResolvedField
	event  string // id of the event or request

	verdict   abi.Verdict // Failed where the run ended with a fault
	result    graph.Result
	hasOutput bool
	ending    ending   // as quarantine sees it
	code      abi.Code // of the fault, where there is one
	fuel      int64
	read      []question // all that can differ between the runs for one event
	asked     []question // of these, what was asked of the subscriber
	unshared  bool       // no other run need end like this one
	responses map[projection]*tree[*response]
	incident  string // of output that does not fit; empty until it is met
}

// projection identifies a shared response, together with what the runs for it
// read of the subscriber: the plan, and by key the variables that matter to it
// and the answers to the permissions inside it.
type projection struct {
	plan *graph.Plan
	key  string
}

// response is a whole response, which must not be changed.
type response struct {
	bytes    []byte
	asked    []question // of the subscriber, by the runs below the root field
	unshared bool       // it is for one subscriber alone
}

func projectionOf(o *graph.Operation) projection { return projection{o.Plan(), o.ProjectionKey()} }

// conclude turns a run's result into an outcome, which borrows nothing from it but the
// output, where it may.
func (b *Broker) conclude(st *state, v *Version, f *graph.ResolvedField, in *inputs, r *sandbox.Result, borrow bool) *outcome {
	o := &outcome{broker: b, state: st, runner: v.Runners[f.Module], field: f, event: in.id, verdict: r.Verdict, hasOutput: r.HasOutput, ending: succeeded, fuel: r.Fuel}
	o.result.Misfits = o
	switch {
	case r.Fault != nil:
		o.verdict, o.hasOutput = abi.Failed, false
		o.ending, o.code = failed, r.Fault.Code
		if o.code == abi.CodeInternal {
			o.ending = inconclusive
		}
		o.result.Err = o.faultError(r.Fault)
	case r.Verdict == abi.Failed:
		st.usage.count(abi.CodeResolverError)
		o.result.Err = failureError(r.Failure)
	case r.HasOutput && borrow:
		o.result.Output = r.Output
	case r.HasOutput:
		o.result.Output = append([]byte(nil), r.Output...)
	default:
		o.result.Output = []byte("null")
	}
	return o
}

// faultError is what subscribers see of a guest's fault. Without debug that is
// the code and an id to look for in the module's log.
func (o *outcome) faultError(fault *sandbox.Fault) *graph.Error {
	o.state.usage.count(fault.Code)
	incident := rand.Text()
	o.log(incident, fault.Code, fmt.Sprintf("%s in %s: %s", fault.Code, o.field.Resolver, fault.Message))
	e := &graph.Error{Message: o.shown(fault.Message), Code: fault.Code, Extensions: incidentExtensions(incident)}
	if fault.Limit != "" {
		e.Extensions = append(e.Extensions[:len(e.Extensions)-1], `,"limit":`...)
		e.Extensions = append(jsondoc.AppendQuoted(e.Extensions, fault.Limit), '}')
	}
	return e
}

// Report implements graph.Misfits: output that does not fit the schema is a
// fault like others, and one incident however many values and projections it
// spoils. Its first is in the module's log. Where nothing of the output is of use,
// the run has failed.
func (o *outcome) Report(e *graph.Error) *graph.Error {
	if len(e.Path) == 1 {
		o.ending, o.code = failed, e.Code
	}
	if o.incident == "" {
		o.state.usage.count(e.Code)
		o.incident = rand.Text()
		o.log(o.incident, e.Code, fmt.Sprintf("%s at %s: %s", e.Code, pathText(e.Path), e.Message))
	}
	shown := *e
	shown.Message = o.shown(e.Message)
	shown.Extensions = incidentExtensions(o.incident)
	if len(e.Extensions) > 0 {
		shown.Extensions = append(append(shown.Extensions[:len(shown.Extensions)-1], ','), e.Extensions[1:]...)
	}
	return &shown
}

// shown is what subscribers see of a message.
func (o *outcome) shown(message string) string {
	if o.broker.config.Debug || o.state.tenant.Debug() {
		return message
	}
	return "resolver failed"
}

// log tells of an incident: the tenant, in the module's log, of what the guest
// did; operators of what the host did, which tells of more than the tenant's own.
// In their log a tenant's faults would drown all else.
func (o *outcome) log(incident string, code abi.Code, message string) {
	line := sandbox.Line{Level: abi.LogError, ID: o.event, Message: message, Incident: incident}
	if code != abi.CodeInternal {
		o.runner.Log(line)
		return
	}
	line.Message = fmt.Sprintf("%s in %s: the server could not run it", code, o.field.Resolver)
	o.runner.Log(line)
	o.broker.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "resolver failed",
		slog.String("incident", incident), slog.String("tenant", o.state.tenant.ID()), slog.String("event", o.event),
		slog.String("module", o.field.Module), slog.String("resolver", o.field.Resolver), slog.String("code", string(code)), slog.String("message", message))
}

func incidentExtensions(incident string) []byte {
	return append(jsondoc.AppendQuoted([]byte(`{"incident":`), incident), '}')
}

// pathText joins a path by dots.
func pathText(path []any) string {
	var b strings.Builder
	for i, step := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, step)
	}
	return b.String()
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
