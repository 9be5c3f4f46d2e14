package wasm

const header = "\x00asm\x01\x00\x00\x00"

// Encode returns the module in the binary format. Of a module that was decoded and not changed that
// is the bytes it was decoded from, whatever forms they use. A section that was changed, or never
// decoded, has every number in its shortest form, and is left out where it is empty; the number of
// bytes that its size takes may stay. Decoding the result gives an equal module, except for offsets.
func (m *Module) Encode() []byte {
	e := encoder{out: []byte(header)}
	e.customs(m, SectionCustom)
	for _, id := range sectionOrder {
		e.section(m, id)
		e.customs(m, id)
	}
	return e.out
}

type encoder struct {
	out  []byte
	body []byte // of the section being written
	item []byte // of the function being written
}

func (e *encoder) customs(m *Module, after SectionID) {
	for i := range m.Customs {
		c := &m.Customs[i]
		if c.After != after {
			continue
		}
		e.body = appendWide(e.body[:0], uint32(len(c.Name)), c.nameWidth)
		e.body = append(append(e.body, c.Name...), c.Bytes...)
		e.flush(SectionCustom, e.body, c.sizeWidth)
	}
}

func (e *encoder) flush(id SectionID, content []byte, sizeWidth uint8) {
	e.out = appendWide(append(e.out, byte(id)), uint32(len(content)), sizeWidth)
	e.out = append(e.out, content...)
}

func (e *encoder) section(m *Module, id SectionID) {
	e.content(m, id)
	w := &m.written[id]
	content := e.body
	if w.as(content) {
		content = w.content
	}
	if len(content) > 0 {
		e.flush(id, content, w.sizeWidth)
	}
}

// content puts a section's content in its shortest form into e.body, nothing where it is empty.
func (e *encoder) content(m *Module, id SectionID) {
	e.body = e.body[:0]
	n := m.sectionLen(id)
	if n == 0 {
		return
	}
	switch id {
	case SectionStart:
		e.body = AppendUint32(e.body, *m.Start)
	case SectionDataCount:
		e.body = AppendUint32(e.body, *m.DataCount)
	default:
		e.body = AppendUint32(e.body, uint32(n))
		for i := range n {
			e.entry(m, id, i)
		}
	}
}

// sectionLen returns the number of entries of a section, 1 for a section that is a single number.
func (m *Module) sectionLen(id SectionID) int {
	switch id {
	case SectionType:
		return len(m.Types)
	case SectionImport:
		return len(m.Imports)
	case SectionFunction:
		return len(m.Functions)
	case SectionTable:
		return len(m.Tables)
	case SectionMemory:
		return len(m.Memories)
	case SectionGlobal:
		return len(m.Globals)
	case SectionExport:
		return len(m.Exports)
	case SectionElement:
		return len(m.Elements)
	case SectionCode:
		return len(m.Code)
	case SectionData:
		return len(m.Data)
	case SectionStart:
		return present(m.Start)
	case SectionDataCount:
		return present(m.DataCount)
	}
	return 0
}

func present(v *uint32) int {
	if v == nil {
		return 0
	}
	return 1
}

func (e *encoder) entry(m *Module, id SectionID, i int) {
	switch id {
	case SectionType:
		t := m.Types[i]
		e.body = append(e.body, formFunction)
		e.body = appendValueTypes(e.body, t.Params)
		e.body = appendValueTypes(e.body, t.Results)
	case SectionImport:
		e.importEntry(&m.Imports[i])
	case SectionFunction:
		e.body = AppendUint32(e.body, m.Functions[i])
	case SectionTable:
		e.body = appendTableType(e.body, m.Tables[i])
	case SectionMemory:
		e.body = appendLimits(e.body, m.Memories[i])
	case SectionGlobal:
		e.body = appendGlobalType(e.body, m.Globals[i].Type)
		e.body = append(e.body, m.Globals[i].Init.Code...)
	case SectionExport:
		x := &m.Exports[i]
		e.body = append(AppendName(e.body, x.Name), byte(x.Kind))
		e.body = AppendUint32(e.body, x.Index)
	case SectionElement:
		e.element(&m.Elements[i])
	case SectionCode:
		e.function(&m.Code[i])
	case SectionData:
		e.data(&m.Data[i])
	}
}

func (e *encoder) importEntry(i *Import) {
	e.body = AppendName(AppendName(e.body, i.Module), i.Name)
	e.body = append(e.body, byte(i.Kind))
	switch i.Kind {
	case Function:
		e.body = AppendUint32(e.body, i.Function)
	case Table:
		e.body = appendTableType(e.body, i.Table)
	case Memory:
		e.body = appendLimits(e.body, i.Memory)
	case GlobalKind:
		e.body = appendGlobalType(e.body, i.Global)
	}
}

func (e *encoder) function(b *Body) {
	e.item = AppendUint32(e.item[:0], uint32(len(b.Locals)))
	for _, g := range b.Locals {
		e.item = append(AppendUint32(e.item, g.Count), byte(g.Type))
	}
	e.item = append(e.item, b.Code...)
	e.body = appendBytes(e.body, e.item)
}

func (e *encoder) data(d *Data) {
	if d.Mode == Passive {
		e.body = append(e.body, 1)
	} else {
		e.body = append(append(e.body, 0), d.Start.Code...)
	}
	e.body = appendBytes(e.body, d.Bytes)
}

// The bits of an element segment's first number.
const (
	elementNotActive    = 1
	elementExplicit     = 2 // a table index (active) or declared (not active)
	elementExpressions  = 4
	elementFunctionKind = 0 // the byte that stands for "function indices"
)

func (e *encoder) element(s *Element) {
	flags := s.flags()
	e.body = append(e.body, flags)
	if flags&elementNotActive == 0 {
		if flags&elementExplicit != 0 {
			e.body = AppendUint32(e.body, s.Table)
		}
		e.body = append(e.body, s.Start.Code...)
	}
	if flags&(elementNotActive|elementExplicit) != 0 {
		if s.UsesExpressions {
			e.body = append(e.body, byte(s.Type))
		} else {
			e.body = append(e.body, elementFunctionKind)
		}
	}
	e.body = AppendUint32(e.body, uint32(s.Len()))
	for _, f := range s.Functions {
		e.body = AppendUint32(e.body, f)
	}
	for i := range s.Expressions {
		e.body = append(e.body, s.Expressions[i].Code...)
	}
}

// flags returns the number of the shortest form that can say what the segment is.
func (e *Element) flags() byte {
	var f byte
	if e.UsesExpressions {
		f |= elementExpressions
	}
	switch e.Mode {
	case Passive:
		f |= elementNotActive
	case Declared:
		f |= elementNotActive | elementExplicit
	case Active:
		if e.Table != 0 || e.Type != FuncRef {
			f |= elementExplicit
		}
	}
	return f
}
