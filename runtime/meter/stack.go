package meter

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// What the frame of a function is taken to need, in bytes. The engine spills a value to a slot of its
// own where it has to, so a frame grows with the code, not with the depth of the operand stack.
const (
	frameBase   = 64
	frameLocal  = 8 // a parameter, result or local
	frameValue  = 8 // an instruction whose result may have to be kept
	frameVector = 8 // what a vector needs more
)

// calls is the call graph of the functions defined in the module.
type calls struct {
	defined  int        // the vertices above are types that are called indirectly
	callees  [][]uint32 // of each vertex
	frames   []int64    // what each one's frame is taken to need
	counted  []bool     // those on a cycle: functions that have to count
	sequence []uint32   // the functions, callees before their callers where there is no cycle
	deepest  int64      // the frames of the longest chain of functions that do not count
	chain    []uint32   // that chain
}

// newCalls follows the calls in all bodies. An indirect call may reach every function of its type whose
// reference the module takes anywhere.
func newCalls(m *wasm.Module, s space) (*calls, error) {
	imported := s.functions - len(m.Functions)
	g := &calls{
		defined: len(m.Code), callees: make([][]uint32, len(m.Code)), frames: make([]int64, len(m.Code)), counted: make([]bool, len(m.Code)),
	}
	scan := scanner{m: m, space: s, indirect: make([][]uint32, len(m.Code)), taken: map[uint32]bool{}, canonical: canonicalTypes(m)}
	scan.segments()
	for i := range m.Code {
		if err := scan.body(g, i); err != nil {
			return nil, err
		}
	}
	scan.resolve(g, imported)
	g.order()
	return g, nil
}

// scanner collects what the call graph is made of.
type scanner struct {
	m         *wasm.Module
	space     space
	indirect  [][]uint32 // the types of the indirect calls of each function
	taken     map[uint32]bool
	canonical []uint32
}

// canonicalTypes maps each type to the first that equals it: indirect calls compare types by structure.
func canonicalTypes(m *wasm.Module) []uint32 {
	first := map[string]uint32{}
	canonical := make([]uint32, len(m.Types))
	var key []byte
	for i, t := range m.Types {
		key = key[:0]
		for _, v := range t.Params {
			key = append(key, byte(v))
		}
		key = append(key, 0)
		for _, v := range t.Results {
			key = append(key, byte(v))
		}
		n, ok := first[string(key)]
		if !ok {
			n = uint32(i)
			first[string(key)] = n
		}
		canonical[i] = n
	}
	return canonical
}

// segments notes the references that element segments and globals hold.
func (s *scanner) segments() {
	expression := func(e *wasm.Expression) {
		for r := e.Reader(); r.Next(); {
			if r.Instruction.Op == wasm.OpRefFunc {
				s.taken[r.Instruction.Index] = true
			}
		}
	}
	for i := range s.m.Elements {
		e := &s.m.Elements[i]
		for _, f := range e.Functions {
			s.taken[f] = true
		}
		for j := range e.Expressions {
			expression(&e.Expressions[j])
		}
	}
	for i := range s.m.Globals {
		expression(&s.m.Globals[i].Init)
	}
}

func (s *scanner) body(g *calls, i int) error {
	imported := uint32(s.space.functions - len(s.m.Functions))
	t := s.m.Types[s.m.Functions[i]]
	b := &s.m.Code[i]
	locals := int64(len(t.Params)) * frameLocal
	for _, l := range b.Locals {
		locals += frameLocal * int64(l.Count)
		if l.Type == wasm.V128 {
			locals += frameVector * int64(l.Count)
		}
	}
	frame := frameBase + locals + frameLocal*int64(len(t.Results))
	seen, seenTypes := map[uint32]bool{}, map[uint32]bool{}
	r := b.Reader()
	for r.Next() {
		in := &r.Instruction
		frame += frameOf(in.Op)
		if in.Op == wasm.OpLoop { // where each local may get a slot anew
			frame += locals
		}
		switch in.Op {
		case wasm.OpCall:
			if in.Index >= imported && !seen[in.Index] {
				seen[in.Index] = true
				g.callees[i] = append(g.callees[i], in.Index-imported)
			}
		case wasm.OpCallIndirect:
			if c := s.canonical[in.Index]; !seenTypes[c] {
				seenTypes[c] = true
				s.indirect[i] = append(s.indirect[i], c)
			}
		case wasm.OpRefFunc:
			s.taken[in.Index] = true
		}
	}
	g.frames[i] = frame
	return r.Err()
}

// frameOf returns what the result of an instruction may need in the frame.
func frameOf(op wasm.Opcode) int64 {
	switch op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee, wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const,
		wasm.OpF64Const, wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpElse, wasm.OpEnd, wasm.OpBr, wasm.OpBrIf,
		wasm.OpBrTable, wasm.OpReturn, wasm.OpUnreachable, wasm.OpNop, wasm.OpDrop, wasm.OpGlobalSet,
		wasm.OpI32Store, wasm.OpI64Store, wasm.OpF32Store, wasm.OpF64Store, wasm.OpI32Store8, wasm.OpI32Store16,
		wasm.OpI64Store8, wasm.OpI64Store16, wasm.OpI64Store32:
		return 0
	}
	if op>>8 == 0xfd {
		return frameValue + frameVector
	}
	return frameValue
}

// resolve adds a vertex for each type that is called indirectly: its callees are the functions of that
// type whose reference is taken. The graph stays as large as the module, however many calls there are.
func (s *scanner) resolve(g *calls, imported int) {
	vertex := map[uint32]uint32{}
	for i, types := range s.indirect {
		for _, t := range types {
			v, ok := vertex[t]
			if !ok {
				v = uint32(len(g.callees))
				vertex[t] = v
				g.callees, g.frames, g.counted = append(g.callees, nil), append(g.frames, 0), append(g.counted, false)
			}
			g.callees[i] = append(g.callees[i], v)
		}
	}
	for f := range s.taken {
		if int(f) < imported {
			continue
		}
		if v, ok := vertex[s.canonical[s.m.Functions[int(f)-imported]]]; ok {
			g.callees[v] = append(g.callees[v], f-uint32(imported))
		}
	}
}

// order finds the cycles by Tarjan's algorithm (SIAM Journal on Computing 1, 1972), without recursion:
// the guest chose the depth. Components come out callees first, so the longest chain below each vertex is
// known when its own turn comes.
func (g *calls) order() {
	n := len(g.callees)
	index, low, next := make([]int, n), make([]int, n), make([]int, n)
	onStack := make([]bool, n)
	depth, below := make([]int64, n), make([]int32, n)
	var path, stack []uint32
	count := 0
	for root := range n {
		if index[root] != 0 {
			continue
		}
		path = append(path, uint32(root))
		for len(path) > 0 {
			v := path[len(path)-1]
			if index[v] == 0 {
				count++
				index[v], low[v], onStack[v] = count, count, true
				stack = append(stack, v)
			}
			if next[v] < len(g.callees[v]) {
				w := g.callees[v][next[v]]
				next[v]++
				switch {
				case index[w] == 0:
					path = append(path, w)
				case onStack[w]:
					low[v] = min(low[v], index[w])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				u := path[len(path)-1]
				low[u] = min(low[u], low[v])
			}
			if low[v] == index[v] {
				first := len(stack) - 1
				for stack[first] != v {
					first--
				}
				g.component(stack[first:], depth, below)
				for _, w := range stack[first:] {
					onStack[w] = false
				}
				stack = stack[:first]
			}
		}
	}
	g.deepen(depth, below)
}

// component closes a strongly connected component.
func (g *calls) component(vertices []uint32, depth []int64, below []int32) {
	cycle := len(vertices) > 1
	for _, w := range g.callees[vertices[0]] {
		cycle = cycle || w == vertices[0]
	}
	deepest, through := int64(0), int32(-1)
	for _, v := range vertices {
		for _, w := range g.callees[v] {
			if depth[w] > deepest {
				deepest, through = depth[w], int32(w)
			}
		}
	}
	for _, v := range vertices {
		g.counted[v] = cycle
		if int(v) < g.defined {
			g.sequence = append(g.sequence, v)
		}
		depth[v], below[v] = deepest, through
		if !cycle {
			depth[v] += g.frames[v]
		}
	}
}

// deepen notes the longest chain.
func (g *calls) deepen(depth []int64, below []int32) {
	top := int32(-1)
	for v := range depth {
		if depth[v] > g.deepest {
			g.deepest, top = depth[v], int32(v)
		}
	}
	for v := top; v >= 0; v = below[v] {
		if int(v) < g.defined && !g.counted[v] {
			g.chain = append(g.chain, uint32(v))
		}
	}
}

// checkStack refuses a module whose calls may nest too deep without a cycle.
func (r *rewriter) checkStack() error {
	if r.calls.deepest <= r.options.StackBytes {
		return nil
	}
	imported := r.space.functions - len(r.in.Functions)
	first := int(r.calls.chain[0])
	return &wasm.Error{
		Section: wasm.SectionCode.String(), Offset: r.in.Code[first].Offset, Function: imported + first,
		Message: fmt.Sprintf(
			"a chain of %d calls that begins here may need %d bytes of stack, at most %d are allowed",
			len(r.calls.chain), r.calls.deepest, r.options.StackBytes,
		),
	}
}

// enterFrame takes a frame from what is left of the stack, and traps where that does not suffice.
func (e *emitter) enterFrame(bytes int64) {
	e.out.index(wasm.OpGlobalGet, e.rewriter.stack)
	e.out.i64(bytes)
	e.out.op(wasm.OpI64Sub)
	e.out.index(wasm.OpLocalTee, e.temporary(temporaryCounter))
	e.out.index(wasm.OpGlobalSet, e.rewriter.stack)
	e.out.index(wasm.OpLocalGet, e.temporary(temporaryCounter))
	e.out.i64(0)
	e.out.op(wasm.OpI64LtS)
	e.out.begin(wasm.OpIf)
	e.out.op(wasm.OpUnreachable, wasm.OpEnd)
}

// leaveFrame gives a frame back.
func (e *emitter) leaveFrame(bytes int64) {
	e.out.index(wasm.OpGlobalGet, e.rewriter.stack)
	e.out.i64(bytes)
	e.out.op(wasm.OpI64Add)
	e.out.index(wasm.OpGlobalSet, e.rewriter.stack)
}

// frameBlock opens the block that a counted function's code is put in, so that every way out leads past
// leaveFrame. A branch to the function's own label reaches the block's end without a change; a return
// becomes such a branch.
func (e *emitter) frameBlock(results []wasm.ValueType) {
	e.out.op(wasm.OpBlock)
	switch len(results) {
	case 0:
		e.out = append(e.out, 0x40)
	case 1:
		e.out = append(e.out, byte(results[0]))
	default:
		t := e.rewriter.typeIndex(wasm.FunctionType{Results: results})
		e.out = wasm.AppendInt64(e.out, int64(t))
	}
}
