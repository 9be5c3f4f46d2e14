package wasm

import "encoding/binary"

// MaxNesting is how deep blocks may lie in each other within one function.
// Compilers that have no structured control flow to start from, such as Go's,
// open a block for each target of a large switch.
const MaxNesting = 4096

// MaxBranchTargets is how many labels one br_table may have beside its default.
const MaxBranchTargets = 65520

// maxSelectTypes bounds the types that a select may list; valid code has one.
const maxSelectTypes = 16

// Reader walks the instructions of one body:
//
//	r := body.Reader()
//	for r.Next() {
//		use(&r.Instruction)
//	}
//	if err := r.Err(); err != nil { … }
//
// It checks the format, that block, loop, if, else and end pair up and nest no deeper than
// [MaxNesting], and that the last end is the last byte.
type Reader struct {
	Instruction Instruction // the current one; its slices are valid until the next call of Next

	in     cursor
	blocks []Opcode // open constructs inside the function's own
	done   bool
}

// Reader returns a reader of the body's instructions. The errors of a body that [Decode] returned are
// all found there.
func (b *Body) Reader() *Reader { return b.reader(-1) }

// Reader returns a reader of the expression's instructions.
func (e *Expression) Reader() *Reader {
	return &Reader{in: cursor{data: e.Code, end: len(e.Code), base: e.Offset, function: -1}}
}

func (b *Body) reader(function int) *Reader {
	return &Reader{in: cursor{
		data: b.Code, end: len(b.Code), base: b.Offset, section: SectionCode.String(), function: function,
	}}
}

// Err returns what ended the walk early, nil after the whole body.
func (r *Reader) Err() error {
	if r.in.err == nil {
		return nil
	}
	return r.in.err
}

// Depth returns how many constructs are open after the current instruction, the function's own not
// counted.
func (r *Reader) Depth() int { return len(r.blocks) }

// Offset returns where the current instruction lies in the file.
func (r *Reader) Offset() int { return r.in.base + r.Instruction.Start }

// Next reads the next instruction into r.Instruction. It returns false after the end of the function
// and on an error.
func (r *Reader) Next() bool {
	if r.done || r.in.err != nil {
		return false
	}
	targets, types := r.Instruction.Targets[:0], r.Instruction.Types[:0]
	r.Instruction = Instruction{Start: r.in.pos, Targets: targets, Types: types}
	r.opcode()
	r.immediates()
	r.nest()
	r.Instruction.End = r.in.pos
	return r.in.err == nil
}

func (r *Reader) opcode() {
	start := r.in.pos
	b := r.in.byte()
	op, number := Opcode(b), uint32(b)
	if b == 0xfc || b == 0xfd {
		number = r.in.u32()
		op = Opcode(b)<<8 | Opcode(number&0xff)
	}
	r.Instruction.Op = op
	if number <= 0xff && op.Immediate() != 0 || r.in.failed() {
		return
	}
	switch p := unsupported(b); {
	case p != "":
		r.in.fail(start, "not supported: %s (opcode 0x%02x)", p, b)
	case b == 0xfd && number >= 0x100:
		r.in.fail(start, "not supported: relaxed vector instructions (opcode 0xfd 0x%02x)", number)
	case b == 0xfc || b == 0xfd:
		r.in.fail(start, "unknown opcode 0x%02x 0x%02x", b, number)
	default:
		r.in.fail(start, "unknown opcode 0x%02x", b)
	}
}

func (r *Reader) immediates() {
	if r.in.failed() {
		return
	}
	c, i := &r.in, &r.Instruction
	switch i.Op.Immediate() {
	case ImmediateNone:
	case ImmediateBlock:
		i.Block = c.blockType()
	case ImmediateLabel, ImmediateFunction, ImmediateLocal, ImmediateGlobal, ImmediateTable, ImmediateElement,
		ImmediateData:
		i.Index = c.u32()
	case ImmediateTypeTable, ImmediateTableTable, ImmediateElementTable:
		i.Index = c.u32()
		i.Second = c.u32()
	case ImmediateLabels:
		r.targets()
	case ImmediateMemory:
		c.memoryIndex()
	case ImmediateMemoryMemory:
		c.memoryIndex()
		c.memoryIndex()
	case ImmediateDataMemory:
		i.Index = c.u32()
		c.memoryIndex()
	case ImmediateMemoryArgument:
		i.Align, i.Value = c.memoryArgument()
	case ImmediateMemoryArgumentLane:
		i.Align, i.Value = c.memoryArgument()
		i.Lane = c.byte()
	case ImmediateLane:
		i.Lane = c.byte()
	case ImmediateI32:
		i.Value = uint64(c.signed(32))
	case ImmediateI64:
		i.Value = uint64(c.signed(64))
	case ImmediateF32:
		if b := c.take(4); b != nil {
			i.Value = uint64(binary.LittleEndian.Uint32(b))
		}
	case ImmediateF64:
		if b := c.take(8); b != nil {
			i.Value = binary.LittleEndian.Uint64(b)
		}
	case ImmediateV128, ImmediateShuffle:
		i.Bytes = c.take(16)
	case ImmediateReferenceType:
		i.Types = append(i.Types, c.referenceType())
	case ImmediateValueTypes:
		r.selectTypes()
	}
}

func (r *Reader) targets() {
	start := r.in.pos
	n := r.in.count("labels")
	if n > MaxBranchTargets {
		r.in.fail(start, "br_table has %d labels, at most %d are allowed", n, MaxBranchTargets)
	}
	for range uint64(n) + 1 {
		if r.in.failed() {
			return
		}
		r.Instruction.Targets = append(r.Instruction.Targets, r.in.u32())
	}
}

func (r *Reader) selectTypes() {
	start := r.in.pos
	n := r.in.count("types")
	if n > maxSelectTypes {
		r.in.fail(start, "select lists %d types", n)
	}
	for range n {
		if r.in.failed() {
			return
		}
		r.Instruction.Types = append(r.Instruction.Types, r.in.valueType())
	}
}

func (c *cursor) blockType() BlockType {
	start := c.pos
	b := BlockType(c.signed(33))
	if b >= 0 || b == BlockEmpty || c.failed() {
		return b
	}
	if b < -64 || !ValueType(b+0x80).valid() {
		c.fail(start, "bad block type")
	}
	return b
}

func (c *cursor) memoryIndex() {
	start := c.pos
	if b := c.byte(); b != 0 {
		c.fail(start, "not supported: multiple memories (memory index where a zero byte is expected)")
	}
}

func (c *cursor) memoryArgument() (align uint32, offset uint64) {
	start := c.pos
	align = c.u32()
	if align&0x40 != 0 && align < 0x80 {
		c.fail(start, "not supported: multiple memories (a memory index in a memory argument)")
	} else if align >= 32 {
		c.fail(start, "alignment 2**%d is too large", align)
	}
	return align, uint64(c.u32())
}

// nest keeps track of the open constructs.
func (r *Reader) nest() {
	if r.in.failed() {
		return
	}
	i := &r.Instruction
	switch i.Op {
	case OpBlock, OpLoop, OpIf:
		if len(r.blocks) == MaxNesting {
			r.in.fail(i.Start, "blocks are nested deeper than %d", MaxNesting)
			return
		}
		r.blocks = append(r.blocks, i.Op)
	case OpElse:
		if n := len(r.blocks); n == 0 || r.blocks[n-1] != OpIf {
			r.in.fail(i.Start, "else without if")
			return
		}
		r.blocks[len(r.blocks)-1] = OpElse
	case OpEnd:
		if len(r.blocks) > 0 {
			r.blocks = r.blocks[:len(r.blocks)-1]
			return
		}
		r.done = true
		if r.in.pos != r.in.end {
			r.in.fail(r.in.pos, "code after the end of the function")
		}
	}
}
