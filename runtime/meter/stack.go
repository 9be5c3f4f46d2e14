package meter

import (
	"fmt"
	"slices"

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

// calls is the call graph of a module: a vertex for each function defined there, and behind those one for
// each type that is called indirectly, whose callees are the functions that such a call may reach.
//
// Every cycle has an edge on which the depth is counted at run time: an indirect call that is part of a
// cycle, else the entry of each function in it. So the functions of a compiler's library, which may all
// reach each other through the indirect calls of its formatting, do not count on every entry.
type calls struct {
	defined   int
	callees   [][]uint32
	types     map[uint32]uint32 // the vertex of each type that is called indirectly
	frames    []int64           // what each function's frame is taken to need; 0 for types
	counted   []bool            // functions that count on entry
	circular  map[edge]bool     // indirect calls that count
	depths    []int64           // the frames of the longest chain of calls from a vertex that are not counted
	below     []int32           // the next vertex of that chain, or -1
	canonical []uint32          // of each type, the first that equals it
	entered   map[uint32]bool   // functions that are entered otherwise than by a call to their index, too
	sequence  []uint32          // the functions, callees before their callers where there is no cycle
}

// edge is a call of a function, or of a type, by a function.
type edge struct{ from, to uint32 }

// newCalls follows the calls in all bodies. An indirect call may reach every function of its type whose
// reference the module takes anywhere.
func newCalls(m *wasm.Module, s space) (*calls, error) {
	imported := s.functions - len(m.Functions)
	g := &calls{
		defined: len(m.Code), callees: make([][]uint32, len(m.Code)), frames: make([]int64, len(m.Code)),
		types: map[uint32]uint32{}, circular: map[edge]bool{},
	}
	scan := scanner{m: m, space: s, indirect: make([][]uint32, len(m.Code)), taken: map[uint32]bool{}, canonical: canonicalTypes(m)}
	scan.segments()
	for i := range m.Code {
		if err := scan.body(g, i); err != nil {
			return nil, err
		}
	}
	scan.resolve(g, imported)
	g.count()
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

// resolve adds the vertices of types. The graph stays as large as the module, however many calls there are.
func (s *scanner) resolve(g *calls, imported int) {
	for i, types := range s.indirect {
		for _, t := range types {
			v, ok := g.types[t]
			if !ok {
				v = uint32(len(g.callees))
				g.types[t] = v
				g.callees, g.frames = append(g.callees, nil), append(g.frames, 0)
			}
			g.callees[i] = append(g.callees[i], v)
		}
	}
	for f := range s.taken {
		if int(f) < imported {
			continue
		}
		if v, ok := g.types[s.canonical[s.m.Functions[int(f)-imported]]]; ok {
			g.callees[v] = append(g.callees[v], f-uint32(imported))
		}
	}
	for v := g.defined; v < len(g.callees); v++ {
		slices.Sort(g.callees[v])
	}
	g.canonical, g.entered = s.canonical, s.taken
	for i := range s.m.Exports {
		if x := &s.m.Exports[i]; x.Kind == wasm.Function {
			g.entered[x.Index] = true
		}
	}
	if s.m.Start != nil {
		g.entered[*s.m.Start] = true
	}
}

// count decides what is counted, and how deep the rest gets.
func (g *calls) count() {
	component := make([]int, len(g.callees))
	for n, vertices := range components(g.callees) {
		for _, v := range vertices {
			component[v] = n
		}
	}
	static := make([][]uint32, len(g.callees))
	for v, callees := range g.callees {
		for _, w := range callees {
			if int(w) >= g.defined && component[v] == component[w] {
				g.circular[edge{uint32(v), w}] = true
			} else {
				static[v] = append(static[v], w)
			}
		}
	}
	g.counted = make([]bool, len(static))
	g.depths, g.below = make([]int64, len(static)), make([]int32, len(static))
	for _, vertices := range components(static) {
		g.deepen(static, vertices)
	}
}

// deepen finds how deep calls get from the vertices of a component, whose callees are known.
func (g *calls) deepen(callees [][]uint32, vertices []uint32) {
	cycle := len(vertices) > 1 || slices.Contains(callees[vertices[0]], vertices[0])
	deepest, through := int64(0), int32(-1)
	for _, v := range vertices {
		for _, w := range callees[v] {
			if g.depths[w] > deepest {
				deepest, through = g.depths[w], int32(w)
			}
		}
	}
	for _, v := range vertices {
		g.counted[v] = cycle
		g.depths[v], g.below[v] = deepest, through
		if !cycle {
			g.depths[v] += g.frames[v]
		}
		if int(v) < g.defined {
			g.sequence = append(g.sequence, v)
		}
	}
}

// indirectFrames returns what an indirect call has to count, 0 where it is part of no cycle.
func (g *calls) indirectFrames(from int, t uint32) int64 {
	v := g.types[g.canonical[t]]
	if !g.circular[edge{uint32(from), v}] {
		return 0
	}
	return max(g.depths[v], frameBase)
}

// deepest returns the functions of the longest chain of calls that are not counted.
func (g *calls) deepest() (chain []uint32, bytes int64) {
	top := int32(-1)
	for v := range g.depths {
		if g.depths[v] > bytes {
			bytes, top = g.depths[v], int32(v)
		}
	}
	for v := top; v >= 0; v = g.below[v] {
		if int(v) < g.defined && !g.counted[v] {
			chain = append(chain, uint32(v))
		}
	}
	return chain, bytes
}

// counts tells whether anything is counted.
func (g *calls) counts() bool { return len(g.circular) > 0 || slices.Contains(g.counted, true) }

// checkStack refuses a module whose calls may nest too deep without a cycle.
func (r *rewriter) checkStack() error {
	chain, bytes := r.calls.deepest()
	if bytes <= r.options.StackBytes {
		return nil
	}
	imported := r.space.functions - len(r.in.Functions)
	first := int(chain[0])
	return &wasm.Error{
		Section: wasm.SectionCode.String(), Offset: r.in.Code[first].Offset, Function: imported + first,
		Message: fmt.Sprintf(
			"a chain of %d calls that begins here may need %d bytes of stack, at most %d are allowed",
			len(chain), bytes, r.options.StackBytes,
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
