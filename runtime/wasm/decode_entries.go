package wasm

func (c *cursor) valueType() ValueType {
	start := c.pos
	b := c.byte()
	t := ValueType(b)
	if c.failed() || t.valid() {
		return t
	}
	switch b {
	case 0x63, 0x64:
		c.fail(start, "not supported: typed function references (type 0x%02x)", b)
	case 0x69:
		c.fail(start, "not supported: exceptions (type 0x%02x)", b)
	default:
		c.fail(start, "bad value type 0x%02x", b)
	}
	return 0
}

func (c *cursor) referenceType() ValueType {
	start := c.pos
	t := c.valueType()
	if !c.failed() && !t.IsReference() {
		c.fail(start, "%s is not a reference type", t)
	}
	return t
}

func (d *decoder) valueTypes() []ValueType {
	var types []ValueType
	d.each("types", func() { types = append(types, d.valueType()) })
	return types
}

func (d *decoder) functionType() FunctionType {
	start := d.pos
	switch form := d.byte(); form {
	case formFunction:
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		d.fail(start, "not supported: garbage collected types (form 0x%02x)", form)
	default:
		d.fail(start, "bad form of type 0x%02x", form)
	}
	return FunctionType{Params: d.valueTypes(), Results: d.valueTypes()}
}

func (d *decoder) importEntry() Import {
	i := Import{Offset: d.base + d.pos}
	i.Module, i.Name = d.name(), d.name()
	start := d.pos
	i.Kind = Kind(d.byte())
	switch i.Kind {
	case Function:
		i.Function = d.u32()
	case Table:
		i.Table = d.tableType()
	case Memory:
		i.Memory = d.memoryType()
	case GlobalKind:
		i.Global = d.globalType()
	default:
		d.badKind(start, i.Kind)
	}
	return i
}

func (d *decoder) badKind(pos int, k Kind) {
	if k == 4 {
		d.fail(pos, "not supported: exceptions (a tag)")
	} else {
		d.fail(pos, "bad %s", k)
	}
}

func (d *decoder) tableType() TableType {
	return TableType{Element: d.referenceType(), Limits: d.limits("tables")}
}

func (d *decoder) memoryType() Limits { return d.limits("memories") }

func (d *decoder) limits(what string) Limits {
	start := d.pos
	flags := d.byte()
	switch {
	case flags > 7:
		d.fail(start, "bad limits 0x%02x", flags)
	case flags&2 != 0:
		d.fail(start, "not supported: threads (shared %s)", what)
	case flags&4 != 0:
		d.fail(start, "not supported: 64-bit %s", what)
	}
	l := Limits{Min: d.u32()}
	if flags == 1 {
		l.Max, l.HasMax = d.u32(), true
	}
	return l
}

func (d *decoder) globalType() GlobalType {
	t := GlobalType{Value: d.valueType()}
	start := d.pos
	switch b := d.byte(); b {
	case 0, 1:
		t.Mutable = b == 1
	default:
		d.fail(start, "bad mutability 0x%02x", b)
	}
	return t
}

func (d *decoder) export() Export {
	x := Export{Offset: d.base + d.pos}
	x.Name = d.name()
	start := d.pos
	if x.Kind = Kind(d.byte()); x.Kind > GlobalKind {
		d.badKind(start, x.Kind)
	}
	x.Index = d.u32()
	return x
}

// expression reads a constant expression.
func (d *decoder) expression() Expression {
	if d.failed() {
		return Expression{}
	}
	r := Reader{in: d.cursor}
	// The end of the expression is not the end of what the reader sees; constants cannot nest.
	r.blocks = append(r.blocks, OpBlock)
	for len(r.blocks) > 0 && r.Next() {
		if !isConstant(r.Instruction.Op) {
			r.notConstant()
		}
	}
	e := Expression{Code: d.data[d.pos:r.in.pos:r.in.pos], Offset: d.base + d.pos}
	d.cursor = r.in
	return e
}

func isConstant(op Opcode) bool {
	switch op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const, OpV128Const, OpGlobalGet, OpRefNull, OpRefFunc, OpEnd:
		return true
	}
	return false
}

func (r *Reader) notConstant() {
	switch op := r.Instruction.Op; op {
	case OpI32Add, OpI32Sub, OpI32Mul, OpI64Add, OpI64Sub, OpI64Mul:
		r.in.fail(r.Instruction.Start, "not supported: extended constant expressions (%s)", op)
	default:
		r.in.fail(r.Instruction.Start, "%s in a constant expression", op)
	}
}

func (d *decoder) element() Element {
	start := d.pos
	flags := d.u32()
	if flags > 7 {
		d.fail(start, "bad form of element segment %d", flags)
	}
	e := Element{Type: FuncRef, UsesExpressions: flags&elementExpressions != 0, Offset: d.base + start}
	switch {
	case flags&elementNotActive == 0:
		if flags&elementExplicit != 0 {
			e.Table = d.u32()
			d.longer = true // than without the table, where that is 0
		}
		e.Start = d.expression()
	case flags&elementExplicit != 0:
		e.Mode = Declared
	default:
		e.Mode = Passive
	}
	if flags&(elementNotActive|elementExplicit) != 0 {
		d.elementType(&e)
	}
	d.each("elements", func() {
		if e.UsesExpressions {
			e.Expressions = append(e.Expressions, d.expression())
		} else {
			e.Functions = append(e.Functions, d.u32())
		}
	})
	return e
}

func (d *decoder) elementType(e *Element) {
	start := d.pos
	if e.UsesExpressions {
		e.Type = d.referenceType()
	} else if b := d.byte(); b != elementFunctionKind {
		d.fail(start, "bad kind of elements 0x%02x", b)
	}
}

func (d *decoder) dataSegment() Data {
	s := Data{Offset: d.base + d.pos}
	switch flags := d.u32(); flags {
	case 0:
	case 1:
		s.Mode = Passive
	case 2:
		d.zeroMemory()
		d.longer = true // than without the memory
	default:
		d.fail(s.Offset-d.base, "bad form of data segment %d", flags)
	}
	if s.Mode == Active {
		s.Start = d.expression()
	}
	s.Bytes = d.take(uint64(d.u32()))
	return s
}

func (d *decoder) zeroMemory() {
	start := d.pos
	if d.u32() != 0 {
		d.fail(start, "not supported: multiple memories")
	}
}
