package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// What may be charged without a check, in units.
const (
	// maxUnchecked is the most that a run may have been charged since its last check: the bound on what is
	// executed past the limit.
	maxUnchecked = 8192
	// maxBefore is the part of that which a function may take before its first check, or without one: its
	// callers check for it.
	maxBefore = 2048
)

// unchecked bounds what was charged at a place in a function, on the ways to it. A number below zero says
// that there is no such way.
type unchecked struct {
	entry int64 // without a check since the entry of the function: since then
	check int64 // with a check: since the last one
	// unknown says that there may have been a call since which charged any amount.
	unknown bool
}

func (u unchecked) join(o unchecked) unchecked {
	return unchecked{max(u.entry, o.entry), max(u.check, o.check), u.unknown || o.unknown}
}

// room tells whether so many units more may be charged without a check.
func (u unchecked) room(units int64) bool {
	fromEntry := u.entry < 0 || u.entry+units <= maxBefore
	fromCheck := u.check < 0 || u.check+units <= maxUnchecked
	return !u.unknown && fromEntry && fromCheck
}

func (u *unchecked) add(units int64) {
	if u.entry >= 0 {
		u.entry += units
	}
	if u.check >= 0 {
		u.check += units
	}
}

var checked = unchecked{entry: -1, check: 0}

// maxEntry is the most that the callers of a function charge for its entry.
const maxEntry = 512

// summary says what a call of a function does, for its callers.
type summary struct {
	// entry is what the callers charge for the instructions that the function always executes. It is 0
	// where it does so itself, because others than callers that know it can enter it.
	entry   uint32
	before  int64     // the most that it charges before its first check
	after   unchecked // where it returns
	returns bool
	known   bool // else nothing but before is: it is not rewritten yet, or one of those of a type
	pure    bool // it changes neither the counter nor the marks
}

// callee returns the summary of what an instruction calls; ok is false for a host function, which charges
// and checks by itself.
func (r *rewriter) callee(in *wasm.Instruction) (s summary, ok bool) {
	anything := summary{before: maxBefore, after: unchecked{unknown: true}, returns: true}
	if in.Op == wasm.OpCallIndirect {
		return anything, true
	}
	imported := uint32(r.space.functions - len(r.in.Functions))
	if in.Index < imported {
		return summary{}, false
	}
	if s = r.summaries[in.Index-imported]; s.known {
		return s, true
	}
	return anything, true
}

// entry returns what has to be charged for the entry of what an instruction calls.
func (r *rewriter) entry(in *wasm.Instruction) uint32 {
	if in.Op != wasm.OpCall {
		return 0
	}
	s, _ := r.callee(in)
	return s.entry
}

// changes tells whether counter and marks can have other values after an instruction, by what is called
// for it.
func (r *rewriter) changes(in *wasm.Instruction) bool {
	switch in.Op {
	case wasm.OpCallIndirect:
		return true
	case wasm.OpCall:
		s, ok := r.callee(in)
		return !ok || !s.pure
	}
	return hasLength(in.Op)
}

// leaveEntry takes the charge of a function's entry away, for its callers to take, where all of them are
// known to do so.
func (r *rewriter) leaveEntry(i uint32, charges []charge) (entry uint32) {
	function := uint32(r.space.functions-len(r.in.Functions)) + i
	first := &charges[0]
	if r.calls.counted[i] || r.calls.entered[function] || first.cost > maxEntry {
		return 0
	}
	entry, first.cost = first.cost, 0
	return entry
}

// beforeCall checks where there is no room for what the callee does not check.
func (e *emitter) beforeCall(in *wasm.Instruction) {
	s, ok := e.rewriter.callee(in)
	if !ok || !e.flow.live {
		return
	}
	if !e.flow.unchecked.room(s.before) {
		e.counter()
		e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
		e.flow.cached = true
		e.check()
	}
	if e.flow.unchecked.entry >= 0 {
		e.before = max(e.before, e.flow.unchecked.entry+s.before)
	}
}

// afterCall notes what a call has done to the counter.
func (e *emitter) afterCall(in *wasm.Instruction) {
	s, ok := e.rewriter.callee(in)
	if !ok {
		return
	}
	u := &e.flow.unchecked
	switch {
	case !s.returns:
		*u = checked
	case s.after.entry >= 0:
		u.add(s.after.entry)
	default:
		u.entry, u.check = -1, -1
	}
	u.check = max(u.check, s.after.check)
	u.unknown = u.unknown || s.after.unknown
}

// summarize returns the summary of the function just emitted.
func (e *emitter) summarize(entry uint32) summary {
	return summary{
		entry: entry, before: e.before, after: e.flow.unchecked, returns: e.flow.live, known: true, pure: !e.changed,
	}
}
