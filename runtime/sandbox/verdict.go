package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// fault turns what ended a call into a value. Exhaustion is told by the fuel
// that is left, since its trap is a plain unreachable; a refused memory.grow
// explains any later trap but that one.
func (i *instance) fault(err error) *Fault {
	var bug runtime.Error
	exhausted := i.fuel != nil && i.fuelLeft() < 0
	switch {
	case i.stopped != nil:
		return i.stopFault()
	case exhausted || errors.Is(err, errExhausted):
		limit, fuel := "fuelPerRun", i.limits.FuelPerRun
		if i.starting {
			limit, fuel = "", i.pool.module.engine.config.StartFuel
		}
		return &Fault{Code: abi.CodeFuelExhausted, Limit: limit, Message: fmt.Sprintf("all of its %d units of fuel are used", fuel)}
	case errors.Is(err, errOutputTooLarge):
		return &Fault{Code: abi.CodeLimitExceeded, Limit: "outputBytes", Message: fmt.Sprintf("the output is over the limit of %d bytes", i.limits.OutputBytes)}
	case errors.As(err, &bug):
		return &Fault{Code: abi.CodeInternal, Message: errorText(err)}
	case i.depth != nil && int64(i.depth.Get()) < 0:
		return &Fault{Code: abi.CodeResolverTrap, Message: "the stack is exhausted: calls nest too deep\n" + i.trapText(err)}
	case i.memory.refused:
		return &Fault{Code: abi.CodeMemoryLimit, Limit: "memoryBytes", Message: fmt.Sprintf("memory.grow past the limit of %d bytes was refused, then the run trapped: %s", i.limits.MemoryBytes, i.trapText(err))}
	default:
		return &Fault{Code: abi.CodeResolverTrap, Message: i.trapText(err)}
	}
}

// stopFault says why the host stopped a run. That does not follow from what
// the run read.
func (i *instance) stopFault() *Fault {
	if errors.Is(i.stopped, errCancelled) {
		return &Fault{Code: abi.CodeInternal, Unrepeatable: true, Message: "the run was cancelled"}
	}
	if i.starting {
		return &Fault{Code: abi.CodeInternal, Unrepeatable: true, Message: fmt.Sprintf("stopped after %v", startWall)}
	}
	return &Fault{
		Code: abi.CodeLimitExceeded, Limit: "wallMillisPerRun", Unrepeatable: true,
		Message: fmt.Sprintf("stopped after the limit of %v", i.limits.wall()),
	}
}

// trapText describes a trap. What the guest logged as an error before it comes
// first: SDKs log what a panic said, and the trap itself says nothing.
func (i *instance) trapText(err error) string {
	if len(i.lastError) == 0 {
		return errorText(err)
	}
	said := strings.TrimRight(string(errorEnd(i.lastError)), "\n")
	return strings.ToValidUTF8(said, "\uFFFD") + "\n" + errorText(err)
}

// conclude judges a verdict by the table of docs/abi.md.
func (i *instance) conclude(resolver string, verdict abi.Verdict) {
	r := i.result
	root, _, _ := strings.Cut(resolver, ".")
	r.Verdict = verdict
	switch {
	case verdict < abi.Skip || verdict > abi.Complete:
		i.badOutput("%d is no verdict", verdict)
	case verdict == abi.Complete && root != "Subscription":
		i.badOutput("verdict 3 (complete) is for Subscription resolvers")
	case verdict == abi.Skip && root != "Subscription" && root != "Query" && root != "Mutation":
		i.badOutput("verdict 0 (skip) is for root fields")
	case verdict == abi.Deliver && !r.HasOutput:
		i.badOutput("verdict 1 (deliver) without an output")
	case (verdict == abi.Deliver || verdict == abi.Complete) && r.HasOutput && len(r.Output) == 0:
		i.badOutput("the output is empty")
	case verdict == abi.Deliver && len(r.Published) > 0:
		// Other outputs are parsed where they are needed. Here events would be out by then.
		if err := i.document.Parse(r.Output, jsondoc.Options{AllowDuplicateKeys: true}); err != nil {
			i.badOutput("the output is not valid JSON: %v", err)
		}
	}
	if verdict != abi.Deliver && verdict != abi.Complete || r.Fault != nil {
		r.Output, r.HasOutput = r.Output[:0], false
	}
	if verdict != abi.Deliver || r.Fault != nil {
		r.Published = r.Published[:0]
	}
	if verdict == abi.Failed {
		r.Failure = i.failure()
	}
}

func (i *instance) badOutput(format string, arguments ...any) {
	i.result.Fault = &Fault{Code: abi.CodeBadOutput, Message: fmt.Sprintf(format, arguments...)}
}

// failure reads what the guest gave to fail: an object with a message, or the
// message itself.
func (i *instance) failure() Failure {
	text := i.result.fail
	if !i.failed {
		return Failure{Message: "resolver failed"}
	}
	plain := Failure{Message: strings.ToValidUTF8(string(text), "\uFFFD")}
	d := &i.document
	if d.Parse(text, jsondoc.Options{}) != nil || d.Nodes[0].Kind != jsondoc.Object {
		return plain
	}
	message, ok := d.Member(0, "message")
	if !ok || d.Nodes[message].Kind != jsondoc.String {
		return plain
	}
	f := Failure{Message: string(d.AppendString(nil, message))}
	if extensions, ok := d.Member(0, "extensions"); ok && d.Nodes[extensions].Kind == jsondoc.Object {
		f.Extensions = json.RawMessage(d.Raw(extensions))
	}
	return f
}
