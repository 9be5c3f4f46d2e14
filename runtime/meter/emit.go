package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// emitter writes a metered body. The counter is a global, always up to date; a local repeats it, so that
// code without calls need not load it: that takes it out of the chain of what a short loop waits for
// (BenchmarkOverhead).
type emitter struct {
	rewriter *rewriter
	out      code
	flow     flow
	labels   []label
	loops    []loop // those to come
	marks    marker
	types    operandTypes
	again    *charge // of the loop that is resumed, whose header comes next
	before   int64   // the most that is charged before the first check
	changed  bool    // counter or marks
	checks   int     // emitted in this function

	first       uint32 // index of the first local that is added
	added       []wasm.ValueType
	temporaries [temporaryCount]uint32 // the index of each one, plus 1
}

// temporary names a local that is added where it is used.
type temporary int

const (
	temporaryCounter temporary = iota // repeats the counter
	temporaryMarks                    // repeats the marks
	temporaryAddress
	temporaryI32
	temporaryI64
	temporaryF32
	temporaryF64
	temporaryV128
	temporaryCount
)

var temporaryTypes = [temporaryCount]wasm.ValueType{
	wasm.I64, wasm.I64, wasm.I32, wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128,
}

func temporaryOf(t wasm.ValueType) temporary { return temporaryI32 + temporary(wasm.I32-t) }

// temporary returns the index of a local.
func (e *emitter) temporary(t temporary) uint32 {
	if e.temporaries[t] == 0 {
		e.added = append(e.added, temporaryTypes[t])
		e.temporaries[t] = e.first + uint32(len(e.added))
	}
	return e.temporaries[t] - 1
}

// function is what is rewritten.
type function struct {
	*wasm.Body
	signature wasm.FunctionType
	charges   []charge
	loops     []loop
	index     int    // among those defined
	locals    uint32 // how many it has, parameters among them
	frame     int64  // where the function counts its depth, else 0
}

// body writes the instructions of a function with its charges in place to e.out.
func (e *emitter) body(b *function) error {
	e.out, e.loops, e.first, e.added = e.out[:0], b.loops, b.locals, e.added[:0]
	e.temporaries = [temporaryCount]uint32{}
	e.marks.reset(b.locals)
	e.again = nil
	e.before, e.changed, e.checks = 0, false, 0
	e.flow, e.labels = flow{live: true, unchecked: unchecked{check: -1}}, append(e.labels[:0], label{op: wasm.OpBlock})
	if b.frame > 0 {
		e.enterFrame(b.frame)
		e.frameBlock(b.signature.Results)
	}
	typed := mayNeedTypes(b.Body)
	if typed {
		e.types.begin(b.signature, b.Body)
	}
	charges, copied := b.charges, 0
	r := b.Reader()
	for r.Next() {
		in := &r.Instruction
		flush := func(to int) {
			e.out = append(e.out, b.Code[copied:in.Start]...)
			copied = to
		}
		for len(charges) > 0 && charges[0].at == in.Start {
			flush(in.Start)
			e.charge(&charges[0])
			charges = charges[1:]
		}
		switch in.Op {
		case wasm.OpLoop:
			flush(in.Start)
			e.loop(in, charges)
		case wasm.OpCall:
			flush(in.Start)
			e.beforeCall(in)
		case wasm.OpCallIndirect:
			flush(in.Start)
			e.beforeCall(in)
			if frames := e.rewriter.calls.indirectFrames(b.index, in.Index); frames > 0 {
				flush(in.End)
				e.enterFrame(frames)
				e.out = append(e.out, b.Code[in.Start:in.End]...)
				e.leaveFrame(frames)
			}
		}
		if a, replaces, ok := addedFor(in); ok {
			flush(in.Start)
			if replaces {
				copied = in.End
			}
			e.out.index(wasm.OpCall, e.rewriter.use(a))
		}
		_, stores := storedType(in.Op)
		switch {
		case e.rewriter.options.MarkWrites && stores:
			flush(in.End)
			e.store(in, b.Code[in.Start:in.End])
		case e.rewriter.options.MarkWrites:
			e.marks.step(in)
		}
		if typed {
			switch t := e.types.selected(in); t {
			case wasm.F32, wasm.F64, wasm.V128:
				flush(in.End)
				e.selectSafely(t)
			}
			e.types.step(in)
		}
		switch in.Op {
		case wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable:
			if e.labels[len(e.labels)-1].levels > 0 {
				flush(in.End)
				e.relabel(in)
			}
		case wasm.OpReturn:
			if b.frame > 0 {
				flush(in.End)
				e.out.index(wasm.OpBr, e.depth(uint32(len(e.labels)-1)))
			}
		case wasm.OpEnd:
			if again := e.labels[len(e.labels)-1].again; again != nil {
				flush(in.End)
				e.out.op(wasm.OpEnd)
				e.resume(again)
			}
		}
		e.step(in)
	}
	e.out = append(e.out, b.Code[copied:]...)
	if b.frame > 0 {
		e.leaveFrame(b.frame)
		e.out.op(wasm.OpEnd)
	}
	return r.Err()
}

// loop makes the locals hold counter and marks at the start of every turn, where no call in the loop
// changes those.
func (e *emitter) loop(in *wasm.Instruction, charges []charge) {
	content := e.loops[0]
	e.loops = e.loops[1:]
	e.again = nil
	if content.calls || !e.flow.live {
		e.flow.cached, e.flow.marksCached = false, false
		return
	}
	if !e.flow.cached {
		e.out.index(wasm.OpGlobalGet, e.rewriter.fuel)
		e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
		e.flow.cached = true
	}
	if content.stores && e.rewriter.options.MarkWrites && !e.flow.marksCached {
		e.out.index(wasm.OpGlobalGet, e.rewriter.dirty)
		e.out.index(wasm.OpLocalSet, e.temporary(temporaryMarks))
		e.flow.marksCached = true
	}
	if len(charges) > 0 && charges[0].at == in.End && charges[0].check && !content.loops && e.plain(in.Block) {
		e.again = &charges[0]
		e.resumable(in.Block)
	}
}

func (e *emitter) charge(c *charge) {
	if c.cost == 0 && !c.check {
		return
	}
	check := c.check || !e.flow.unchecked.room(int64(c.cost))
	e.changed = true
	e.counter()
	if c.cost > 0 {
		e.out.i64(int64(c.cost))
		e.out.op(wasm.OpI64Sub)
		e.out.index(wasm.OpLocalTee, e.temporary(temporaryCounter))
		e.out.index(wasm.OpGlobalSet, e.rewriter.fuel)
	} else {
		e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
	}
	e.flow.cached = true
	switch {
	case e.again == c:
		e.again = nil
		e.checks++
		e.out.index(wasm.OpLocalGet, e.temporary(temporaryCounter))
		e.out.i64(0)
		e.out.op(wasm.OpI64LtS)
		e.out.index(wasm.OpBrIf, 1)
		e.flow.unchecked = checked
	case check:
		e.check()
	default:
		e.flow.unchecked.add(int64(c.cost))
		e.before = max(e.before, e.flow.unchecked.entry)
	}
}

// counter pushes the counter.
func (e *emitter) counter() {
	if e.flow.cached {
		e.out.index(wasm.OpLocalGet, e.temporary(temporaryCounter))
	} else {
		e.out.index(wasm.OpGlobalGet, e.rewriter.fuel)
	}
}

// check refills the counter where it is negative, or traps.
func (e *emitter) check() {
	e.checks++
	e.out.index(wasm.OpLocalGet, e.temporary(temporaryCounter))
	e.out.i64(0)
	e.out.op(wasm.OpI64LtS)
	e.out.begin(wasm.OpIf)
	e.out.index(wasm.OpCall, e.rewriter.use(added{kind: addedRefill}))
	e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
	e.out.op(wasm.OpEnd)
	e.flow.unchecked = checked
}

// bodies rewrites all function bodies, callees first, then adds the functions that they call.
func (r *rewriter) bodies() error {
	p := planner{rewriter: r}
	e := emitter{rewriter: r, marks: marker{shift: r.output.RegionShift}, types: operandTypes{rewriter: r}}
	imported := r.space.functions - len(r.in.Functions)
	r.out.Code = make([]wasm.Body, len(r.in.Code))
	r.summaries = make([]summary, len(r.in.Code))
	for _, i := range r.calls.sequence {
		b := &r.in.Code[i]
		charges, err := p.plan(b)
		if err != nil {
			return err
		}
		entry := r.leaveEntry(i, charges)
		t := r.in.Types[r.space.functionTypes[imported+int(i)]]
		f := function{Body: b, index: int(i), signature: t, charges: charges, loops: p.loops, locals: uint32(len(t.Params))}
		for _, g := range b.Locals {
			f.locals += g.Count
		}
		if r.calls.counted[i] {
			f.frame = r.calls.frames[i]
		}
		if err := e.body(&f); err != nil {
			return err
		}
		out := wasm.Body{Locals: b.Locals, Code: append([]byte(nil), e.out...)}
		for _, t := range e.added {
			out.Locals = append(out.Locals[:len(out.Locals):len(out.Locals)], wasm.LocalGroup{Count: 1, Type: t})
		}
		r.out.Code[i], r.summaries[i] = out, e.summarize(entry)
		if r.report != nil {
			r.report.function(r, &f, &e, entry)
		}
	}
	r.addFunctions()
	return nil
}
