package meter_test

import (
	"math/rand/v2"
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// program makes random valid modules that end by themselves: loops count down before they branch back
// and functions call only later ones. Which way the code goes is decided by a pseudo-random number in
// global 0, exported as "number". The export "run" takes and returns nothing.
type program struct {
	*rand.Rand
	bulk   bool     // whether to use operations that are charged by length
	later  []uint32 // functions that may be called
	calls  int      // how many more calls this function may contain
	labels []label  // open constructs, innermost last
	locals []wasm.ValueType
}

// label says what a branch to a construct is like.
type label int

const (
	plain  label = iota
	valued       // carries an i32
	closed       // is not allowed: it would be a loop without end
)

func randomModule(seed uint64, bulk bool) []byte {
	p := program{Rand: rand.New(rand.NewPCG(seed, 1)), bulk: bulk}
	b := New()
	b.Memory(1, 3)
	b.Global(wasm.I32, I32Const(int32(seed)))
	var functions []uint32
	for range 1 + p.IntN(4) {
		functions = append(functions, b.Declare(nil, nil))
	}
	b.Table(wasm.FuncRef, uint32(len(functions)))
	b.Elements(0, 0, functions...)
	for i := range functions {
		p.later, p.labels, p.calls = functions[i+1:], []label{plain}, 2
		p.locals = slices.Repeat([]wasm.ValueType{wasm.I64}, p.IntN(9))
		body := p.statements(0)
		b.Define(functions[i], p.locals, body)
	}
	b.ExportFunction("run", functions[0])
	b.Export("number", wasm.GlobalKind, 0)
	return b.Bytes()
}

func (p *program) statements(depth int) Code {
	var out Code
	for range 1 + p.IntN(4) {
		out = append(out, p.statement(depth)...)
	}
	return out
}

func (p *program) statement(depth int) Code {
	k := p.IntN(16)
	if depth > 4 {
		k = 6 + p.IntN(10)
	}
	switch k {
	case 0:
		return Block(Result(), p.inside(depth, plain))
	case 1:
		return Join(Block(Result(wasm.I32), p.inside(depth, valued), I32Const(1)), Drop())
	case 2:
		return p.loop(depth)
	case 3:
		return Loop(Result(), p.inside(depth, closed))
	case 4:
		return Join(p.condition(), If(Result(), p.inside(depth, plain)))
	case 5:
		return Join(p.condition(), IfElse(Result(), p.inside(depth, plain), p.inside(depth, plain)))
	case 6, 7, 8:
		return p.work()
	case 9, 10:
		return p.branchIf()
	case 11:
		return Join(p.condition(), If(Result(), p.nested(p.leave)))
	case 12:
		return Join(p.condition(), If(Result(), p.nested(p.leave), p.work())) // dead code behind
	case 13:
		return p.branchTable()
	case 14:
		return p.call()
	default:
		return p.byLength()
	}
}

func (p *program) inside(depth int, l label) Code {
	p.labels = append(p.labels, l)
	defer func() { p.labels = p.labels[:len(p.labels)-1] }()
	return p.statements(depth + 1)
}

func (p *program) nested(code func() Code) Code {
	p.labels = append(p.labels, plain)
	defer func() { p.labels = p.labels[:len(p.labels)-1] }()
	return code()
}

// loop takes at most three turns, however often its body branches to its start.
func (p *program) loop(depth int) Code {
	counter := uint32(len(p.locals))
	p.locals = append(p.locals, wasm.I32)
	p.labels = append(p.labels, plain)
	body := p.inside(depth, plain)
	p.labels = p.labels[:len(p.labels)-1]
	return Join(
		I32Const(int32(1+p.IntN(3))), LocalSet(counter),
		Block(Result(), Loop(
			Result(),
			LocalGet(counter), Op(wasm.OpI32Eqz), BrIf(1),
			LocalGet(counter), I32Const(1), Op(wasm.OpI32Sub), LocalSet(counter),
			body, p.condition(), BrIf(0),
		)),
	)
}

// condition pushes 0 or 1.
func (p *program) condition() Code {
	return Join(p.step(), GlobalGet(0), I32Const(int32(8+p.IntN(16))), Op(wasm.OpI32ShrU), I32Const(1), Op(wasm.OpI32And))
}

// step changes the number that decides.
func (p *program) step() Code {
	return Join(
		GlobalGet(0), I32Const(1664525), Op(wasm.OpI32Mul), I32Const(1013904223), Op(wasm.OpI32Add), GlobalSet(0),
	)
}

func (p *program) work() Code {
	switch p.IntN(30) {
	case 0:
		return slices.Repeat(Op(wasm.OpNop), 3000+p.IntN(3000)) // more than one charge takes
	case 1, 2, 3:
		return slices.Repeat(Join(I32Const(1), Drop()), 1+p.IntN(9))
	default:
		return p.step()
	}
}

// target returns the depth of a label that a branch may go to.
func (p *program) target() (uint32, label) {
	for {
		depth := p.IntN(len(p.labels))
		if l := p.labels[len(p.labels)-1-depth]; l != closed {
			return uint32(depth), l
		}
	}
}

func (p *program) branchIf() Code {
	depth, l := p.target()
	if l == valued {
		return Join(I32Const(7), p.condition(), BrIf(depth), Drop())
	}
	return Join(p.condition(), BrIf(depth))
}

// leave ends with a branch out, a return or, seldom, a trap.
func (p *program) leave() Code {
	depth, l := p.target()
	switch k := p.IntN(8); {
	case k == 0:
		return Unreachable()
	case k < 3:
		return Return()
	case l == valued:
		return Join(p.work(), I32Const(7), Br(depth))
	default:
		return Join(p.work(), Br(depth))
	}
}

func (p *program) branchTable() Code {
	var depths []uint32
	for len(depths) < 3 {
		if depth, l := p.target(); l == plain {
			depths = append(depths, depth+1)
		}
	}
	depths = append(depths[:2:2], 0, depths[2])
	code := Join(p.condition(), p.condition(), Op(wasm.OpI32Add), BrTable(depths...))
	return Block(Result(), code)
}

func (p *program) call() Code {
	if len(p.later) == 0 || p.calls == 0 {
		return p.work()
	}
	p.calls--
	f := p.later[p.IntN(len(p.later))]
	if p.IntN(2) == 0 {
		return Call(f)
	}
	return Join(I32Const(int32(f)), CallIndirect(0, 0))
}

// byLength returns an operation on at most 1 KiB, or one that may grow the memory by up to 3 pages.
func (p *program) byLength() Code {
	if !p.bulk {
		return p.work()
	}
	length := Join(GlobalGet(0), I32Const(1023), Op(wasm.OpI32And))
	switch p.IntN(3) {
	case 0:
		return Join(I32Const(16), I32Const(int32(p.IntN(256))), length, MemoryFill())
	case 1:
		return Join(I32Const(4096), I32Const(16), length, MemoryCopy())
	default:
		return Join(p.condition(), If(Result(), I32Const(int32(p.IntN(4))), MemoryGrow(), Drop()))
	}
}
