package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// maxUnchecked is the most that a run may have been charged since its last check when the next charge
// is not checked. It is the bound on what is executed past the limit.
const maxUnchecked = 4096

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
	results []wasm.ValueType
	charges []charge
	loops   []loop
	locals  uint32 // how many it has, parameters among them
	frame   int64  // where the function counts its depth, else 0
}

// body returns the instructions of a function with its charges in place, valid until the next call.
func (e *emitter) body(b *function) ([]byte, error) {
	e.out, e.loops, e.first, e.added = e.out[:0], b.loops, b.locals, e.added[:0]
	e.temporaries = [temporaryCount]uint32{}
	e.marks.reset(b.locals)
	e.flow, e.labels = flow{live: true}, append(e.labels[:0], label{op: wasm.OpBlock})
	if b.frame > 0 {
		e.enterFrame(b.frame)
		e.frameBlock(b.results)
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
			e.charge(charges[0])
			charges = charges[1:]
		}
		if in.Op == wasm.OpLoop {
			flush(in.Start)
			e.loop()
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
		if in.Op == wasm.OpReturn && b.frame > 0 {
			flush(in.End)
			e.out.index(wasm.OpBr, uint32(len(e.labels)-1))
		}
		e.step(in)
	}
	e.out = append(e.out, b.Code[copied:]...)
	if b.frame > 0 {
		e.leaveFrame(b.frame)
		e.out.op(wasm.OpEnd)
	}
	return e.out, r.Err()
}

// loop makes the locals hold counter and marks at the start of every turn, where no call in the loop
// changes those.
func (e *emitter) loop() {
	content := e.loops[0]
	e.loops = e.loops[1:]
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
}

func (e *emitter) charge(c charge) {
	if c.cost == 0 && (c.at == 0 || !c.check) {
		e.flow.called = e.flow.called || c.at == 0 // nothing was checked on entry: the next charge does it
		return
	}
	check := c.check || e.flow.called || e.flow.unchecked+c.cost > maxUnchecked
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
	e.flow.unchecked += c.cost
	if check {
		e.check()
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
	e.out.index(wasm.OpLocalGet, e.temporary(temporaryCounter))
	e.out.i64(0)
	e.out.op(wasm.OpI64LtS)
	e.out.begin(wasm.OpIf)
	e.out.index(wasm.OpCall, e.rewriter.use(added{kind: addedRefill}))
	e.out.index(wasm.OpLocalSet, e.temporary(temporaryCounter))
	e.out.op(wasm.OpEnd)
	e.flow.unchecked, e.flow.called = 0, false
}

// bodies rewrites all function bodies, then adds the functions that they call.
func (r *rewriter) bodies() error {
	var p planner
	e := emitter{rewriter: r, marks: marker{shift: r.output.RegionShift}}
	imported := r.space.functions - len(r.in.Functions)
	r.out.Code = nil
	for i := range r.in.Code {
		b := &r.in.Code[i]
		charges, err := p.plan(b)
		if err != nil {
			return err
		}
		t := r.in.Types[r.space.functionTypes[imported+i]]
		f := function{Body: b, results: t.Results, charges: charges, loops: p.loops, locals: uint32(len(t.Params))}
		for _, g := range b.Locals {
			f.locals += g.Count
		}
		if r.calls.counted[i] {
			f.frame = r.calls.frames[i]
		}
		code, err := e.body(&f)
		if err != nil {
			return err
		}
		out := wasm.Body{Locals: b.Locals, Code: append([]byte(nil), code...)}
		for _, t := range e.added {
			out.Locals = append(out.Locals[:len(out.Locals):len(out.Locals)], wasm.LocalGroup{Count: 1, Type: t})
		}
		r.out.Code = append(r.out.Code, out)
	}
	r.addFunctions()
	return nil
}
