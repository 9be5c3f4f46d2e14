package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// flow is what is known at a place in the code, whichever way it was reached.
type flow struct {
	live      bool
	unchecked unchecked
	cached    bool // the local holds the counter
	// marksCached is the same for the marks.
	marksCached bool
}

func (f flow) join(o flow) flow {
	if !f.live {
		return o
	}
	if !o.live {
		return f
	}
	return flow{
		live: true, unchecked: f.unchecked.join(o.unchecked),
		cached: f.cached && o.cached, marksCached: f.marksCached && o.marksCached,
	}
}

// label is an open construct.
type label struct {
	op     wasm.Opcode
	exit   flow    // of the branches to its end
	branch flow    // of the false branch of an if, until its else
	again  *charge // of a loop that stands in a construct of resume
	levels uint32  // how many constructs were added around those up to here
}

// step follows the flow through one instruction.
func (e *emitter) step(in *wasm.Instruction) {
	switch in.Op {
	case wasm.OpBlock:
		e.open(label{op: in.Op})
	case wasm.OpLoop:
		e.open(label{op: in.Op, again: e.again})
	case wasm.OpIf:
		e.open(label{op: in.Op, branch: e.flow})
	case wasm.OpElse:
		l := &e.labels[len(e.labels)-1]
		l.exit = l.exit.join(e.flow)
		e.flow, l.branch = l.branch, flow{}
	case wasm.OpEnd:
		l := e.labels[len(e.labels)-1]
		e.labels = e.labels[:len(e.labels)-1]
		e.flow = e.flow.join(l.exit).join(l.branch)
	case wasm.OpBrIf:
		e.branch(in.Index)
	case wasm.OpBr:
		e.branch(in.Index)
		e.flow = flow{}
	case wasm.OpBrTable:
		for _, l := range in.Targets {
			e.branch(l)
		}
		e.flow = flow{}
	case wasm.OpReturn:
		e.branch(uint32(len(e.labels) - 1))
		e.flow = flow{}
	case wasm.OpUnreachable:
		e.flow = flow{}
	}
	if e.flow.live && e.rewriter.changes(in) {
		e.changed = true
		e.flow.cached, e.flow.marksCached = false, false
		if !hasLength(in.Op) {
			e.afterCall(in)
		}
	}
}

func (e *emitter) open(l label) {
	if n := len(e.labels); n > 0 {
		l.levels = e.labels[n-1].levels
	}
	if l.again != nil {
		l.levels += resumedLevels
	}
	e.labels = append(e.labels, l)
}

// branch joins the flow into a label's end. At the start of a loop there is a check instead.
func (e *emitter) branch(depth uint32) {
	if l := &e.labels[len(e.labels)-1-int(depth)]; l.op != wasm.OpLoop {
		l.exit = l.exit.join(e.flow)
	}
}
