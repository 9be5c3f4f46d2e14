package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// resumedLevels is how many constructs stand around a loop that is resumed.
const resumedLevels = 3

// plain tells whether a block takes no parameters: then a loop of that type starts with nothing on the
// operand stack that it would have to be given again.
func (e *emitter) plain(t wasm.BlockType) bool {
	index, ok := t.TypeIndex()
	return !ok || len(e.rewriter.in.Types[index].Params) == 0
}

// resumable opens what an innermost loop without calls stands in, so that the code for the rare case, that
// the counter has to be refilled, lies behind the loop and not in it (BenchmarkOverhead):
//
//	block                                 ;; of the loop's type
//	  loop
//	    block
//	      loop                            ;; the guest's, of the same type
//	        charge; br_if 1 where negative
//	        …
//	      end
//	      br 2
//	    end
//	    refill; give the charge back
//	    br 0
//	  end
//	  unreachable
//	end
func (e *emitter) resumable(t wasm.BlockType) {
	e.out = wasm.AppendInt64(append(e.out, byte(wasm.OpBlock)), int64(t))
	e.out.begin(wasm.OpLoop)
	e.out.begin(wasm.OpBlock)
}

// resume closes what resumable opened, behind the end of the loop.
func (e *emitter) resume(c *charge) {
	counter := e.temporary(temporaryCounter)
	e.out.index(wasm.OpBr, resumedLevels-1)
	e.out.op(wasm.OpEnd)
	e.out.index(wasm.OpCall, e.rewriter.use(added{kind: addedRefill}))
	e.out.i64(int64(c.cost))
	e.out.op(wasm.OpI64Add)
	e.out.index(wasm.OpLocalTee, counter)
	e.out.index(wasm.OpGlobalSet, e.rewriter.fuel)
	e.out.index(wasm.OpBr, 0)
	e.out.op(wasm.OpEnd, wasm.OpUnreachable, wasm.OpEnd)
}

// depth returns the label of a construct that the guest calls by d, with the constructs that were added in
// between.
func (e *emitter) depth(d uint32) uint32 {
	top := len(e.labels) - 1
	return d + e.labels[top].levels - e.labels[top-int(d)].levels
}

// relabel emits a branch.
func (e *emitter) relabel(in *wasm.Instruction) {
	if in.Op != wasm.OpBrTable {
		e.out.index(in.Op, e.depth(in.Index))
		return
	}
	e.out.index(in.Op, uint32(len(in.Targets)-1))
	for _, d := range in.Targets {
		e.out = wasm.AppendUint32(e.out, e.depth(d))
	}
}
