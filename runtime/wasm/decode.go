package wasm

import "slices"

const (
	formFunction = 0x60

	// MaxEntries is how many entries a section may have, and how many custom sections there may be. It
	// bounds the memory that a decoded module takes: entries of a few bytes are much larger decoded.
	MaxEntries = 200000

	// MaxLocals is how many locals, parameters not counted, a function may declare.
	MaxLocals = 50000
)

// Decode reads a module. The result borrows b, which has to stay unchanged as long as the module is
// used. The error is an [*Error].
func Decode(b []byte) (*Module, error) {
	d := decoder{cursor: cursor{data: b, end: len(b), function: -1}}
	d.module()
	if d.err != nil {
		return nil, d.err
	}
	return &d.m, nil
}

type decoder struct {
	cursor
	m        Module
	imported int // functions
}

func (d *decoder) module() {
	if len(d.data) < len(header) || string(d.data[:4]) != header[:4] {
		d.fail(0, "not a WebAssembly module")
		return
	}
	if string(d.data[4:8]) != header[4:] {
		d.fail(4, "not supported: binary format version %#x", d.data[4:8])
		return
	}
	d.pos = len(header)
	last, place := SectionCustom, -1
	for d.more() {
		start := d.pos
		id := SectionID(d.byte())
		if id != SectionCustom && !d.failed() {
			at := slices.Index(sectionOrder[:], id)
			switch {
			case id == 13:
				d.fail(start, "not supported: exceptions (a tag section)")
			case at < 0:
				d.fail(start, "unknown section %d", byte(id))
			case at <= place:
				d.fail(start, "%s section twice or out of order", id)
			}
			place = at
		}
		d.section(id, last)
		if id != SectionCustom {
			last = id
		}
	}
	d.counts()
}

// section reads one section within its declared size.
func (d *decoder) section(id, last SectionID) {
	at := d.pos
	size := d.u32()
	start := d.pos
	sizeWidth := widthBeyondNeed(size, start-at)
	d.take(uint64(size))
	if d.failed() {
		return
	}
	whole := d.end
	d.pos, d.end, d.cursor.section, d.longer = start, d.pos, id.String(), false
	if id == SectionCustom {
		d.custom(last, sizeWidth)
	} else {
		d.content(id)
		d.noteWriting(id, sizeWidth, d.data[start:d.end])
	}
	if !d.failed() && d.pos != d.end {
		d.fail(d.pos, "section is larger than its content")
	}
	d.end, d.cursor.section = whole, ""
}

func (d *decoder) custom(last SectionID, sizeWidth uint8) {
	m := &d.m
	m.Offsets[SectionCustom] = d.pos
	if len(m.Customs) == MaxEntries {
		d.fail(d.pos, "more than %d custom sections", MaxEntries)
		return
	}
	start := d.pos
	c := Custom{Name: d.name(), After: last, sizeWidth: sizeWidth}
	c.nameWidth = widthBeyondNeed(uint32(len(c.Name)), d.pos-start-len(c.Name))
	c.Offset, c.Bytes = d.base+d.pos, d.take(uint64(d.end-d.pos))
	m.Customs = append(m.Customs, c)
}

func (d *decoder) content(id SectionID) {
	m := &d.m
	m.Offsets[id] = d.pos
	switch id {
	case SectionType:
		d.entries("types", func() { m.Types = append(m.Types, d.functionType()) })
	case SectionImport:
		d.entries("imports", func() { m.Imports = append(m.Imports, d.importEntry()) })
		d.imported = m.ImportedCount(Function)
	case SectionFunction:
		d.entries("functions", func() { m.Functions = append(m.Functions, d.u32()) })
	case SectionTable:
		d.entries("tables", func() { m.Tables = append(m.Tables, d.tableType()) })
	case SectionMemory:
		d.entries("memories", func() { m.Memories = append(m.Memories, d.memoryType()) })
		d.oneMemory()
	case SectionGlobal:
		d.entries("globals", func() {
			m.Globals = append(m.Globals, Global{Type: d.globalType(), Init: d.expression()})
		})
	case SectionExport:
		d.entries("exports", func() { m.Exports = append(m.Exports, d.export()) })
	case SectionStart:
		v := d.u32()
		m.Start = &v
	case SectionElement:
		d.entries("element segments", func() { m.Elements = append(m.Elements, d.element()) })
	case SectionDataCount:
		v := d.u32()
		m.DataCount = &v
	case SectionCode:
		d.entries("function bodies", func() { m.Code = append(m.Code, d.body()) })
	case SectionData:
		d.entries("data segments", func() { m.Data = append(m.Data, d.dataSegment()) })
	}
}

// entries reads the vector that a section consists of.
func (d *decoder) entries(what string, entry func()) {
	start := d.pos
	if n := d.count(what); n > MaxEntries {
		d.fail(start, "%d %s, at most %d are allowed", n, what, MaxEntries)
		return
	}
	d.pos = start
	d.each(what, entry)
}

// each reads a vector.
func (d *decoder) each(what string, entry func()) {
	for range d.count(what) {
		if d.failed() {
			return
		}
		entry()
	}
}

// counts checks what spans sections.
func (d *decoder) counts() {
	m := &d.m
	if len(m.Functions) != len(m.Code) {
		d.fail(d.pos, "%d functions declared, %d bodies given", len(m.Functions), len(m.Code))
	}
	if m.DataCount != nil && uint64(*m.DataCount) != uint64(len(m.Data)) {
		d.fail(d.pos, "%d data segments declared, %d given", *m.DataCount, len(m.Data))
	}
}

func (d *decoder) oneMemory() {
	if len(d.m.Memories)+d.m.ImportedCount(Memory) > 1 {
		d.fail(d.pos, "not supported: multiple memories")
	}
}

func (d *decoder) body() Body {
	size := d.u32()
	start := d.pos
	d.take(uint64(size))
	if d.failed() {
		return Body{}
	}
	section := d.end
	d.pos, d.end, d.function = start, d.pos, d.imported+len(d.m.Code)
	var b Body
	b.Locals = d.locals()
	b.Offset = d.pos
	b.Code = d.take(uint64(d.end - d.pos))
	d.checkBody(&b)
	d.end, d.function = section, -1
	return b
}

func (d *decoder) locals() []LocalGroup {
	var groups []LocalGroup
	total := uint64(0)
	d.each("groups of locals", func() {
		start := d.pos
		g := LocalGroup{Count: d.u32(), Type: d.valueType()}
		if total += uint64(g.Count); total > MaxLocals {
			d.fail(start, "too many locals: %d, at most %d are allowed", total, MaxLocals)
		}
		groups = append(groups, g)
	})
	return groups
}

func (d *decoder) checkBody(b *Body) {
	if d.failed() {
		return
	}
	r := b.reader(d.function)
	for r.Next() {
		if i := r.Instruction.Op.Immediate(); (i == ImmediateDataMemory || i == ImmediateData) && d.m.DataCount == nil {
			d.fail(r.Offset(), "%s without a data count section", r.Instruction.Op)
			return
		}
	}
	d.err = r.in.err
}
