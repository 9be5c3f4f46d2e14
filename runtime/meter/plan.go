package meter

import "github.com/runnel-dev/runnel/runtime/wasm"

// maxCharge is the most that is charged at once, so that no run gets further than that ahead of a
// check. A function's entry may exceed it by what its locals cost.
const maxCharge = 4096

// charge is a place in a body where fuel is taken: before the instruction at that position. Whoever
// passes it executes, without a way out but a trap, instructions that cost that much in sum; and
// those are not charged anywhere else.
type charge struct {
	at    int
	cost  uint32
	check bool // at the start of a loop: a run that is out of fuel has to stop there
}

const dead = -1 // in place of the index of a charge: code that cannot be reached

// planner finds the charges of one body. The current charge takes the cost of each instruction in
// turn. A new one begins where control can arrive from elsewhere or not arrive at all; but the code
// behind a construct that can only be left through its end belongs to the charge before it.
type planner struct {
	rewriter *rewriter // tells what callees do
	charges  []charge  // in order of position; those that cost nothing and check nothing are left in
	loops    []loop    // in order of position
	open     []construct
	current  int // index in charges, or dead
}

// loop says what is in a loop.
type loop struct {
	calls  bool // what may change counter and marks
	stores bool
	loops  bool // further ones
}

// construct is an open block, loop or if; the first is the function.
type construct struct {
	op       wasm.Opcode
	before   int // the current charge where it opened, or dead
	header   int // the charge of a loop's first instructions
	lowest   int // of the constructs that branches inside go to, the outermost (as index in open)
	targeted bool
	content  loop
	loop     int // index in loops, for a loop
}

// plan returns the charges of a body, valid until the next call.
func (p *planner) plan(b *wasm.Body) ([]charge, error) {
	p.charges = append(p.charges[:0], charge{cost: entryCost(b)})
	p.open, p.loops, p.current = p.open[:0], p.loops[:0], 0
	p.push(wasm.OpBlock)
	r := b.Reader()
	for r.Next() {
		p.step(&r.Instruction)
	}
	return p.charges, r.Err()
}

func (p *planner) step(in *wasm.Instruction) {
	p.add(in)
	switch in.Op {
	case wasm.OpBlock:
		p.push(in.Op)
	case wasm.OpLoop, wasm.OpIf:
		p.push(in.Op)
		if in.Op == wasm.OpLoop {
			p.open[len(p.open)-1].loop = len(p.loops)
			p.loops = append(p.loops, loop{})
		}
		p.begin(in.End)
		p.open[len(p.open)-1].header = p.current
	case wasm.OpElse:
		p.current = p.open[len(p.open)-1].before
		p.begin(in.End)
	case wasm.OpEnd:
		p.end(in)
	case wasm.OpBrIf:
		p.branch(in.Index)
		p.begin(in.End)
	case wasm.OpBr:
		p.branch(in.Index)
		p.current = dead
	case wasm.OpBrTable:
		for _, label := range in.Targets {
			p.branch(label)
		}
		p.current = dead
	case wasm.OpReturn:
		p.branch(uint32(len(p.open) - 1))
		p.current = dead
	case wasm.OpUnreachable:
		p.current = dead
	}
	if last := len(p.open) - 1; last >= 0 {
		content := &p.open[last].content
		_, stores := storedType(in.Op)
		content.calls = content.calls || p.rewriter.changes(in)
		content.stores = content.stores || stores
	}
}

// hasLength tells whether an instruction is charged by its length, in an added function.
func hasLength(op wasm.Opcode) bool {
	_, _, ok := addedFor(&wasm.Instruction{Op: op})
	return ok
}

// add adds the instruction to the current charge.
func (p *planner) add(in *wasm.Instruction) {
	if p.current == dead {
		return
	}
	n := cost(in.Op) + p.rewriter.entry(in)
	if c := &p.charges[p.current]; c.cost > 0 && c.cost+n > maxCharge {
		p.begin(in.Start)
	}
	p.charges[p.current].cost += n
}

// begin starts a new charge, unless the code is dead.
func (p *planner) begin(at int) {
	if p.current == dead {
		return
	}
	p.charges = append(p.charges, charge{at: at})
	p.current = len(p.charges) - 1
}

func (p *planner) push(op wasm.Opcode) {
	p.open = append(p.open, construct{op: op, before: p.current, header: dead, lowest: len(p.open)})
}

func (p *planner) branch(label uint32) {
	if p.current == dead {
		return
	}
	target := len(p.open) - 1 - int(label)
	p.open[target].targeted = true
	top := &p.open[len(p.open)-1]
	top.lowest = min(top.lowest, target)
}

func (p *planner) end(in *wasm.Instruction) {
	last := len(p.open) - 1
	c := p.open[last]
	p.open = p.open[:last]
	if last == 0 {
		return
	}
	p.open[last-1].lowest = min(p.open[last-1].lowest, c.lowest)
	outer := &p.open[last-1].content
	outer.calls, outer.stores = outer.calls || c.content.calls, outer.stores || c.content.stores
	outer.loops = outer.loops || c.content.loops || c.op == wasm.OpLoop
	if c.op == wasm.OpLoop {
		p.loops[c.loop] = c.content
	}
	p.current = c.before
	if c.op == wasm.OpLoop && c.before != dead {
		p.closeLoop(c)
	}
	if c.lowest < last { // left otherwise than through its end: what follows may not be reached
		p.begin(in.End)
	}
}

// closeLoop makes the header of a loop check; one that nothing branches to is no more than a block.
func (p *planner) closeLoop(c construct) {
	header, before := &p.charges[c.header], &p.charges[c.before]
	switch {
	case c.targeted:
		header.check = true
	case before.cost+header.cost <= maxCharge:
		before.cost += header.cost
		header.cost = 0
	}
}
