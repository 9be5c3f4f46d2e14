package sandbox_test

import (
	"math/rand/v2"

	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// bomb is a module that is meant to cost a compiler as much as it can: a shape
// with numbers to it.
type bomb struct {
	shape   int
	bytes   int // of the bodies, about
	bodies  int // functions that share them
	locals  int
	depth   int // of nesting
	width   int // of whatever else the shape repeats
	variant int
}

// shapes make the code of one body, of about n bytes.
var shapes = []struct {
	name string
	make func(b *bomber, n int) w.Code
}{
	{"nested loops", (*bomber).loops},
	{"blocks in turn", (*bomber).blocks},
	{"if and else", (*bomber).branches},
	{"br_if ladder", (*bomber).ladder},
	{"br_table", (*bomber).switches},
	{"br_table loop", (*bomber).machine},
	{"calls", (*bomber).calls},
	{"deep stack", (*bomber).stack},
	{"selects", (*bomber).selects},
	{"vectors", (*bomber).vectors},
	{"constants", (*bomber).constants},
	{"memory", (*bomber).memory},
	{"arithmetic", (*bomber).arithmetic},
	{"globals", (*bomber).globals},
	{"block types", (*bomber).blockTypes},
	{"results", (*bomber).results},
	{"tables", (*bomber).tables},
	{"dead code", (*bomber).dead},
}

// bomber writes the bodies of one bomb.
type bomber struct {
	bomb
	*rand.Rand
	guest  *sandboxtest.Guest
	wide   uint32 // the index of a function type of width parameters and as many results
	source uint32 // () -> width results
	sink   uint32 // width parameters -> ()
	vector bool   // there are v128 locals behind the others
}

// module builds the bomb.
func (b bomb) module(seed uint64) []byte {
	g := sandboxtest.New(schema)
	m := &bomber{bomb: b, Rand: rand.New(rand.NewPCG(seed, 0)), guest: g}
	width := w.I32s(min(b.width, 16))
	m.wide = g.Type(width, width)
	m.source = g.Declare(nil, width)
	m.sink = g.Declare(width, nil)
	zeros := w.Code{}
	for range width {
		zeros = append(zeros, w.I32Const(0)...)
	}
	g.Define(m.source, nil, zeros)
	g.Define(m.sink, nil)
	g.Table(wasm.FuncRef, 10)
	for range 8 {
		g.Global(wasm.I32, w.I32Const(0))
	}
	locals := w.I32s(b.locals)
	if b.variant%3 == 1 {
		for i := range locals {
			locals[i] = []wasm.ValueType{wasm.I32, wasm.I32, wasm.V128}[i*3/len(locals)]
		}
	}
	m.locals = max(1, len(locals)*2/3)
	m.vector = b.variant%3 == 1 && b.locals > 2
	for range b.bodies {
		g.Function(nil, nil, locals, shapes[b.shape].make(m, b.bytes/b.bodies))
	}
	return g.Resolver("Subscription.f", g.Output(`"bomb"`)).Bytes()
}

// fill joins pieces of code until there are n bytes.
func fill(n int, piece func() w.Code) w.Code {
	var out w.Code
	for len(out) < n {
		out = append(out, piece()...)
	}
	return out
}

// get pushes a local.
func (b *bomber) get() w.Code { return w.LocalGet(uint32(b.IntN(b.locals))) }

// step changes a local by another.
func (b *bomber) step() w.Code {
	return w.Join(b.get(), b.get(), w.Op(wasm.OpI32Add), w.LocalSet(uint32(b.IntN(b.locals))))
}

func (b *bomber) loops(n int) w.Code {
	return fill(n, func() w.Code {
		code := b.step()
		for range b.depth {
			code = w.Loop(w.Result(), code, b.step(), b.get(), w.BrIf(uint32(b.IntN(1+b.variant%2))))
		}
		return code
	})
}

func (b *bomber) blocks(n int) w.Code {
	return fill(n, func() w.Code { return w.Block(w.Result(), b.get(), w.BrIf(0), b.step()) })
}

func (b *bomber) branches(n int) w.Code {
	return fill(n, func() w.Code { return w.Join(b.get(), w.IfElse(w.Result(), b.step(), b.step())) })
}

func (b *bomber) ladder(n int) w.Code {
	return fill(n, func() w.Code {
		code := w.Code{}
		for i := range b.depth {
			code = append(code, w.Join(b.step(), b.get(), w.BrIf(uint32(i)))...)
		}
		for range b.depth {
			code = w.Block(w.Result(), code)
			if b.variant%2 == 1 {
				code = append(code, b.step()...)
			}
		}
		return code
	})
}

func (b *bomber) switches(n int) w.Code {
	return fill(n, func() w.Code {
		targets := make([]uint32, b.width+1)
		for i := range targets {
			targets[i] = uint32(b.IntN(b.depth))
		}
		code := w.Join(b.get(), w.BrTable(targets...))
		for range b.depth {
			code = append(w.Block(w.Result(), code), b.step()...)
		}
		return code
	})
}

// machine is a state machine, as compilers make of gotos.
func (b *bomber) machine(n int) w.Code {
	cases := max(1, n/16)
	if b.variant%2 == 1 {
		cases = min(cases, b.depth)
	}
	cases = min(cases, 900)
	targets := make([]uint32, cases)
	for i := range targets {
		targets[i] = uint32(i)
	}
	code := w.Join(b.get(), w.BrTable(targets...))
	for i := range cases {
		code = w.Join(w.Block(w.Result(), code), b.step(), b.get(), w.BrIf(uint32(cases-1-i)))
	}
	return w.Loop(w.Result(), code)
}

func (b *bomber) calls(n int) w.Code {
	return fill(n, func() w.Code {
		if b.variant%2 == 0 {
			return w.Join(w.Call(b.source), w.Call(b.sink))
		}
		return w.Join(w.Call(b.source), w.I32Const(0), w.CallIndirect(b.wide, 0), w.Call(b.sink))
	})
}

func (b *bomber) stack(n int) w.Code {
	return fill(n, func() w.Code {
		var code w.Code
		for range b.width {
			code = append(code, w.Join(b.get(), w.I32Load(0))...)
		}
		for range b.width {
			code = append(code, w.Drop()...)
		}
		if b.variant%2 == 1 {
			code = code[:len(code)-b.width]
			for range b.width - 1 {
				code = append(code, w.Op(wasm.OpI32Xor)...)
			}
			code = append(code, w.Drop()...)
		}
		return code
	})
}

func (b *bomber) selects(n int) w.Code {
	return fill(n, func() w.Code {
		return w.Join(b.get(), b.get(), b.get(), w.Op(wasm.OpSelect), w.LocalSet(uint32(b.IntN(b.locals))))
	})
}

func (b *bomber) vectors(n int) w.Code {
	ops := []wasm.Opcode{0xfd<<8 | 0xd5, 0xfd<<8 | 0x62, 0xfd<<8 | 0x0e, 0xfd<<8 | 0x75, 0xfd<<8 | 0xfd, 0xfd<<8 | 0xf8}
	op := ops[b.variant%len(ops)]
	return w.Join(w.I32Const(0), w.OpIndex(0xfd<<8|0x11), fill(n, func() w.Code {
		switch op & 0xff {
		case 0xd5, 0x0e:
			return w.Join(w.I32Const(1), w.OpIndex(0xfd<<8|0x11), w.Op(op))
		}
		return w.Op(op)
	}), w.Drop())
}

func (b *bomber) constants(n int) w.Code {
	return fill(n, func() w.Code { return w.Join(w.I64Const(b.Int64()), w.F64Const(b.Float64()), w.Drop(), w.Drop()) })
}

func (b *bomber) memory(n int) w.Code {
	return fill(n, func() w.Code {
		switch b.variant % 4 {
		case 0:
			return w.Join(b.get(), b.get(), w.I32Load(uint32(b.IntN(b.width))), w.I32Store(uint32(b.IntN(b.width))))
		case 1:
			return w.Join(b.get(), b.get(), b.get(), w.MemoryCopy())
		case 2:
			return w.Join(b.get(), b.get(), b.get(), w.MemoryFill())
		}
		return w.Join(b.get(), w.MemoryGrow(), w.LocalSet(0))
	})
}

func (b *bomber) arithmetic(n int) w.Code {
	ops := []wasm.Opcode{wasm.OpI32DivS, wasm.OpI32RemS, wasm.OpI32DivU, 0x67, 0x69, 0x77, 0xa8, 0xfc << 8, 0x6a}
	op := ops[b.variant%len(ops)]
	return fill(n, func() w.Code {
		switch op {
		case 0xa8, 0xfc << 8: // truncations
			return w.Join(b.get(), w.Op(0xb2), w.Op(op), w.LocalSet(0))
		case 0x67, 0x69:
			return w.Join(b.get(), w.Op(op), w.LocalSet(0))
		}
		return w.Join(b.get(), b.get(), w.Op(op), w.LocalSet(0))
	})
}

func (b *bomber) globals(n int) w.Code {
	return fill(n, func() w.Code { return w.Join(w.GlobalGet(uint32(b.IntN(8))), w.GlobalSet(uint32(b.IntN(8)))) })
}

func (b *bomber) blockTypes(n int) w.Code {
	return w.Join(w.Call(b.source), fill(n, func() w.Code {
		code := w.Join(b.get(), w.BrIf(0))
		for range b.depth {
			if b.variant%2 == 0 {
				code = w.Block(wasm.BlockType(b.wide), code)
			} else {
				code = w.Loop(wasm.BlockType(b.wide), code)
			}
		}
		return code
	}), w.Call(b.sink))
}

func (b *bomber) results(n int) w.Code {
	return fill(n, func() w.Code { return w.Join(w.Call(b.source), w.Call(b.sink)) })
}

func (b *bomber) tables(n int) w.Code {
	return fill(n, func() w.Code {
		return w.Join(b.get(), b.get(), w.OpIndex(wasm.OpTableGet, 0), w.OpIndex(wasm.OpTableSet, 0))
	})
}

func (b *bomber) dead(n int) w.Code {
	return w.Join(w.Unreachable(), fill(n, func() w.Code { return w.Block(w.Result(), w.Br(0), b.step()) }))
}
