package meter

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// operandTypes follows the types on the operand stack of a valid body. In one that is not valid it may be
// wrong, but does not panic: the validator refuses that one.
type operandTypes struct {
	rewriter *rewriter
	locals   []wasm.ValueType
	stack    []wasm.ValueType // 0 where it is not known
	frames   []typeFrame
	dead     bool // the code cannot be reached
}

type typeFrame struct {
	height  int
	block   wasm.FunctionType
	wasDead bool
}

// begin starts a function.
func (o *operandTypes) begin(t wasm.FunctionType, b *wasm.Body) {
	o.locals = append(o.locals[:0], t.Params...)
	for _, g := range b.Locals {
		for range g.Count {
			o.locals = append(o.locals, g.Type)
		}
	}
	o.stack, o.dead = o.stack[:0], false
	o.frames = append(o.frames[:0], typeFrame{})
}

func (o *operandTypes) push(types ...wasm.ValueType) { o.stack = append(o.stack, types...) }

func (o *operandTypes) pop() wasm.ValueType {
	last := len(o.stack) - 1
	if last < o.frames[len(o.frames)-1].height {
		return 0
	}
	t := o.stack[last]
	o.stack = o.stack[:last]
	return t
}

func (o *operandTypes) popN(n int) {
	for range n {
		o.pop()
	}
}

// selected returns the type that a select is about to choose from, 0 for other instructions and where that
// cannot be reached.
func (o *operandTypes) selected(in *wasm.Instruction) wasm.ValueType {
	switch {
	case o.dead || in.Op != wasm.OpSelect && in.Op != wasm.OpSelectTyped || in.Op == wasm.OpSelectTyped && len(in.Types) != 1:
		return 0
	case in.Op == wasm.OpSelectTyped:
		return in.Types[0]
	case len(o.stack) < 3:
		return 0
	}
	return o.stack[len(o.stack)-2]
}

func (o *operandTypes) block(t wasm.BlockType) wasm.FunctionType {
	if i, ok := t.TypeIndex(); ok {
		return o.rewriter.in.Types[i]
	}
	if r, ok := t.Result(); ok {
		return wasm.FunctionType{Results: []wasm.ValueType{r}}
	}
	return wasm.FunctionType{}
}

// step follows one instruction.
func (o *operandTypes) step(in *wasm.Instruction) {
	top := &o.frames[len(o.frames)-1]
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		if in.Op == wasm.OpIf {
			o.pop()
		}
		t := o.block(in.Block)
		o.popN(len(t.Params))
		o.frames = append(o.frames, typeFrame{height: len(o.stack), block: t, wasDead: o.dead})
		o.push(t.Params...)
	case wasm.OpElse:
		o.stack, o.dead = append(o.stack[:top.height], top.block.Params...), top.wasDead
	case wasm.OpEnd:
		if len(o.frames) > 1 {
			o.stack, o.dead = append(o.stack[:top.height], top.block.Results...), top.wasDead
			o.frames = o.frames[:len(o.frames)-1]
		}
	case wasm.OpBr, wasm.OpBrTable, wasm.OpReturn, wasm.OpUnreachable:
		o.stack, o.dead = o.stack[:top.height], true
	default:
		if !o.dead {
			o.plain(in)
		}
	}
}

// plain follows an instruction that is not control.
func (o *operandTypes) plain(in *wasm.Instruction) {
	if t, ok := in.Op.Signature(); ok {
		o.popN(len(t.Params))
		o.push(t.Results...)
		return
	}
	s := &o.rewriter.space
	switch in.Op {
	case wasm.OpBrIf, wasm.OpDrop, wasm.OpLocalSet, wasm.OpGlobalSet:
		o.pop()
	case wasm.OpCall:
		o.call(s.functionTypes[in.Index])
	case wasm.OpCallIndirect:
		o.pop()
		o.call(in.Index)
	case wasm.OpSelect, wasm.OpSelectTyped:
		o.popN(2)
		if t := o.pop(); in.Op == wasm.OpSelect {
			o.push(t)
		} else if len(in.Types) > 0 {
			o.push(in.Types[0])
		}
	case wasm.OpLocalGet:
		o.push(o.locals[in.Index])
	case wasm.OpGlobalGet:
		o.push(s.globals[in.Index].Value)
	case wasm.OpI32Const, wasm.OpTableSize:
		o.push(wasm.I32)
	case wasm.OpI64Const:
		o.push(wasm.I64)
	case wasm.OpF32Const:
		o.push(wasm.F32)
	case wasm.OpF64Const:
		o.push(wasm.F64)
	case wasm.OpV128Const:
		o.push(wasm.V128)
	case wasm.OpRefNull:
		o.push(in.Types[0])
	case wasm.OpRefFunc:
		o.push(wasm.FuncRef)
	case wasm.OpRefIsNull, wasm.OpMemoryGrow:
		o.pop()
		o.push(wasm.I32)
	case wasm.OpTableGet:
		o.pop()
		o.push(wasm.FuncRef) // or another reference: none is selected in another way
	case wasm.OpTableGrow:
		o.popN(2)
		o.push(wasm.I32)
	case wasm.OpTableSet:
		o.popN(2)
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit, wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit:
		o.popN(3)
	}
}

func (o *operandTypes) call(t uint32) {
	f := &o.rewriter.in.Types[t]
	o.popN(len(f.Params))
	o.push(f.Results...)
}

// selectSafely takes the place of a select of floats or vectors. wazero 1.12 compiles those for amd64 so that
// where registers are short the result may be what another value has left in one (wazero/wazero#2534): a guest
// would see what it must not, and another thing each time.
func (e *emitter) selectSafely(t wasm.ValueType) {
	c := &e.out
	switch t {
	case wasm.F32, wasm.F64:
		toInteger, toFloat := wasm.OpI32ReinterpretF32, wasm.OpF32ReinterpretI32
		if t == wasm.F64 {
			toInteger, toFloat = wasm.OpI64ReinterpretF64, wasm.OpF64ReinterpretI64
		}
		condition, second := e.temporary(temporaryI32), e.temporary(temporaryOf(t))
		c.index(wasm.OpLocalSet, condition)
		c.index(wasm.OpLocalSet, second)
		c.op(toInteger)
		c.index(wasm.OpLocalGet, second)
		c.op(toInteger)
		c.index(wasm.OpLocalGet, condition)
		c.op(wasm.OpSelect, toFloat)
	case wasm.V128: // by a mask of all ones where the condition holds
		c.op(wasm.OpI32Eqz, wasm.OpI64ExtendI32U)
		c.i64(1)
		c.op(wasm.OpI64Sub, wasm.OpI64x2Splat, wasm.OpV128Bitselect)
	}
}

// mayNeedTypes tells whether a body has a select at all.
func mayNeedTypes(b *wasm.Body) bool {
	return slices.Contains(b.Code, byte(wasm.OpSelect)) || slices.Contains(b.Code, byte(wasm.OpSelectTyped))
}
