package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// maxUnchecked is the most that a run may have been charged since its last check when the next charge
// is not checked. It is the bound on what is executed past the limit.
const maxUnchecked = 4096

// flow is what is known at a place in the code, whichever way it was reached.
type flow struct {
	live      bool
	unchecked uint32 // at most this was charged in this function since the last check
	called    bool   // there may have been a call since, whose charges are not in unchecked
}

func (f flow) join(o flow) flow {
	if !f.live {
		return o
	}
	if !o.live {
		return f
	}
	return flow{live: true, unchecked: max(f.unchecked, o.unchecked), called: f.called || o.called}
}

// label is an open construct.
type label struct {
	op     wasm.Opcode
	exit   flow // of the branches to its end
	branch flow // of the false branch of an if, until its else
}

// emitter writes a metered body.
type emitter struct {
	rewriter *rewriter
	fuel     uint32
	out      []byte
	local    uint32 // index of the i64 that charges use
	used     bool   // whether there has to be that local
	flow     flow
	labels   []label
}

// body returns the instructions of b with its charges in place, valid until the next call.
func (e *emitter) body(b *wasm.Body, charges []charge, local uint32) ([]byte, error) {
	e.out, e.local, e.used = e.out[:0], local, false
	e.flow, e.labels = flow{live: true}, append(e.labels[:0], label{op: wasm.OpBlock})
	copied := 0
	r := b.Reader()
	for r.Next() {
		in := &r.Instruction
		for len(charges) > 0 && charges[0].at == in.Start {
			e.out = append(e.out, b.Code[copied:in.Start]...)
			copied = in.Start
			e.charge(charges[0])
			charges = charges[1:]
		}
		if h, ok := helperFor(in.Op); ok {
			e.out = append(e.out, b.Code[copied:in.Start]...)
			copied = in.Start
			e.out = wasm.AppendUint32(append(e.out, byte(wasm.OpCall)), e.rewriter.use(h))
		}
		e.step(in)
	}
	e.out = append(e.out, b.Code[copied:]...)
	return e.out, r.Err()
}

func (e *emitter) charge(c charge) {
	if c.cost == 0 && (c.at == 0 || !c.check) {
		e.flow.called = e.flow.called || c.at == 0 // nothing was checked on entry: the next charge does it
		return
	}
	check := c.check || e.flow.called || e.flow.unchecked+c.cost > maxUnchecked
	switch {
	case c.cost == 0:
		e.out = appendCheck(e.out, wasm.OpGlobalGet, e.fuel)
	case check:
		e.used = true
		e.out = appendCharge(e.out, e.fuel, c.cost)
		e.out = wasm.AppendUint32(append(e.out, byte(wasm.OpLocalTee)), e.local)
		e.out = wasm.AppendUint32(append(e.out, byte(wasm.OpGlobalSet)), e.fuel)
		e.out = appendCheck(e.out, wasm.OpLocalGet, e.local)
	default:
		e.out = appendCharge(e.out, e.fuel, c.cost)
		e.out = wasm.AppendUint32(append(e.out, byte(wasm.OpGlobalSet)), e.fuel)
	}
	if check {
		e.flow.unchecked, e.flow.called = 0, false
	} else {
		e.flow.unchecked += c.cost
	}
}

// appendCharge pushes the counter less n.
func appendCharge(dst []byte, fuel, n uint32) []byte {
	dst = wasm.AppendUint32(append(dst, byte(wasm.OpGlobalGet)), fuel)
	dst = wasm.AppendInt64(append(dst, byte(wasm.OpI64Const)), int64(n))
	return append(dst, byte(wasm.OpI64Sub))
}

// appendCheck traps where the i64 that get reads is negative.
func appendCheck(dst []byte, get wasm.Opcode, index uint32) []byte {
	dst = wasm.AppendUint32(append(dst, byte(get)), index)
	return append(
		dst, byte(wasm.OpI64Const), 0, byte(wasm.OpI64LtS),
		byte(wasm.OpIf), 0x40, byte(wasm.OpUnreachable), byte(wasm.OpEnd),
	)
}

// step follows the flow through one instruction.
func (e *emitter) step(in *wasm.Instruction) {
	switch in.Op {
	case wasm.OpCall, wasm.OpCallIndirect:
		e.flow.called = true
	case wasm.OpBlock, wasm.OpLoop:
		e.labels = append(e.labels, label{op: in.Op})
	case wasm.OpIf:
		e.labels = append(e.labels, label{op: in.Op, branch: e.flow})
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
	case wasm.OpReturn, wasm.OpUnreachable:
		e.flow = flow{}
	}
}

// branch joins the flow into a label's end. At the start of a loop there is a check instead.
func (e *emitter) branch(depth uint32) {
	if l := &e.labels[len(e.labels)-1-int(depth)]; l.op != wasm.OpLoop {
		l.exit = l.exit.join(e.flow)
	}
}

// bodies rewrites all function bodies, then adds the helper functions that they call.
func (r *rewriter) bodies() error {
	var p planner
	e := emitter{rewriter: r, fuel: r.fuel}
	imported := r.space.functions - len(r.in.Functions)
	r.out.Code = nil
	for i := range r.in.Code {
		b := &r.in.Code[i]
		charges, err := p.plan(b)
		if err != nil {
			return err
		}
		local := uint32(len(r.in.Types[r.space.functionTypes[imported+i]].Params))
		for _, g := range b.Locals {
			local += g.Count
		}
		code, err := e.body(b, charges, local)
		if err != nil {
			return err
		}
		out := wasm.Body{Locals: b.Locals, Code: append([]byte(nil), code...)}
		if e.used {
			out.Locals = append(b.Locals[:len(b.Locals):len(b.Locals)], wasm.LocalGroup{Count: 1, Type: wasm.I64})
		}
		r.out.Code = append(r.out.Code, out)
	}
	r.addHelpers()
	return nil
}
