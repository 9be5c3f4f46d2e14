package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// smallCost is the most that a function may cost which checks nothing itself: its callers do.
const smallCost = 1024

// summary says what a call of a function does to the counter, for its callers.
type summary struct {
	kind  summaryKind
	units uint32
}

type summaryKind int

const (
	// unknown functions may have charged any amount since their last check, or have not checked at all.
	_ summaryKind = iota
	// small ones check nothing, and charge at most so many units.
	smallSummary
	// checked ones have checked, and charged at most so many units since.
	checkedSummary
)

// callee returns the summary of what an instruction calls; ok is false for a host function, which charges
// and checks by itself.
func (e *emitter) callee(in *wasm.Instruction) (s summary, ok bool) {
	if in.Op == wasm.OpCallIndirect {
		return summary{}, true
	}
	imported := uint32(e.rewriter.space.functions - len(e.rewriter.in.Functions))
	if in.Index < imported {
		return summary{}, false
	}
	return e.rewriter.summaries[in.Index-imported], true
}

// beforeCall checks where a callee that does not check might get too far.
func (e *emitter) beforeCall(in *wasm.Instruction) {
	s, ok := e.callee(in)
	if !ok || s.kind == checkedSummary || !e.flow.live {
		return
	}
	units := uint32(smallCost) // of whatever is called indirectly
	if s.kind == smallSummary {
		units = s.units
	}
	if !e.small && e.flow.unchecked+units > maxUnchecked {
		e.counter()
		e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
		e.flow.cached = true
		e.check()
	}
}

// called notes what a call has done to the counter.
func (e *emitter) called(in *wasm.Instruction) {
	if hasLength(in.Op) {
		e.unfit = true
		return
	}
	switch s, ok := e.callee(in); {
	case !ok:
	case s.kind == smallSummary:
		e.flow.unchecked += s.units
	case s.kind == checkedSummary:
		e.flow.unchecked = s.units
		e.unfit = true
	default:
		e.flow.called = true
		e.unfit = true
	}
	e.unfit = e.unfit || e.flow.unchecked > smallCost
}

// summarize returns the summary of the function just emitted.
func (e *emitter) summarize() summary {
	switch {
	case !e.flow.live: // it never returns
		return summary{kind: checkedSummary}
	case e.small:
		return summary{kind: smallSummary, units: e.flow.unchecked}
	case e.flow.called:
		return summary{}
	}
	return summary{kind: checkedSummary, units: e.flow.unchecked}
}
