package wasmtest

import (
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Dump returns a module as text, for golden files: one line per item and per instruction, near to the
// text format but flat, with all indices as numbers. A module that does not decode gives its error.
func Dump(b []byte) string {
	m, err := wasm.Decode(b)
	if err != nil {
		return err.Error() + "\n"
	}
	d := dumper{m: m}
	d.items()
	d.functions()
	d.segments()
	return d.String()
}

type dumper struct {
	strings.Builder
	m *wasm.Module
}

func (d *dumper) line(format string, args ...any) {
	fmt.Fprintf(d, format, args...)
	d.WriteByte('\n')
}

func (d *dumper) items() {
	for i, t := range d.m.Types {
		d.line("type %d %s", i, t)
	}
	for i := range d.m.Imports {
		x := &d.m.Imports[i]
		switch x.Kind {
		case wasm.Function:
			d.line("import %q %q func type %d", x.Module, x.Name, x.Function)
		case wasm.Table:
			d.line("import %q %q table %s", x.Module, x.Name, table(x.Table))
		case wasm.Memory:
			d.line("import %q %q memory %s", x.Module, x.Name, size(x.Memory))
		case wasm.GlobalKind:
			d.line("import %q %q global %s", x.Module, x.Name, global(x.Global))
		}
	}
	for i, t := range d.m.Tables {
		d.line("table %d %s", d.m.ImportedCount(wasm.Table)+i, table(t))
	}
	for i, l := range d.m.Memories {
		d.line("memory %d %s", d.m.ImportedCount(wasm.Memory)+i, size(l))
	}
	for i := range d.m.Globals {
		g := &d.m.Globals[i]
		d.line("global %d %s =%s", d.m.ImportedCount(wasm.GlobalKind)+i, global(g.Type), d.constant(&g.Init))
	}
	for _, x := range d.m.Exports {
		d.line("export %q %s %d", x.Name, x.Kind, x.Index)
	}
	if d.m.Start != nil {
		d.line("start %d", *d.m.Start)
	}
}

func (d *dumper) functions() {
	imported := d.m.ImportedCount(wasm.Function)
	for i := range d.m.Code {
		b := &d.m.Code[i]
		d.line("func %d type %d", imported+i, d.m.Functions[i])
		for _, g := range b.Locals {
			d.line("  local %s * %d", g.Type, g.Count)
		}
		r := b.Reader()
		depth := 0
		for r.Next() {
			indent := depth
			switch depth = r.Depth(); r.Instruction.Op {
			case wasm.OpElse:
				indent--
			case wasm.OpEnd:
				indent = depth
			}
			d.line("%s%s", strings.Repeat("  ", max(indent, 0)+1), Text(&r.Instruction))
		}
	}
}

func (d *dumper) segments() {
	for i := range d.m.Elements {
		e := &d.m.Elements[i]
		var items strings.Builder
		for _, f := range e.Functions {
			fmt.Fprintf(&items, " %d", f)
		}
		for j := range e.Expressions {
			items.WriteString(d.constant(&e.Expressions[j]))
		}
		d.line("elem %d %s table %d at%s:%s", i, mode(e.Mode), e.Table, d.constant(&e.Start), items.String())
	}
	for i := range d.m.Data {
		s := &d.m.Data[i]
		d.line("data %d %s at%s: %q", i, mode(s.Mode), d.constant(&s.Start), s.Bytes)
	}
	for _, c := range d.m.Customs {
		d.line("custom %q after %s: %q", c.Name, c.After, c.Bytes)
	}
}

func (d *dumper) constant(e *wasm.Expression) string {
	var out strings.Builder
	for r := e.Reader(); r.Next() && r.Instruction.Op != wasm.OpEnd; {
		out.WriteString(" (" + Text(&r.Instruction) + ")")
	}
	return out.String()
}

// Text returns an instruction with its immediates, as in "i32.const 1" or "br_table 0 1 2".
func Text(in *wasm.Instruction) string {
	op := in.Op.String()
	switch in.Op.Immediate() {
	case wasm.ImmediateBlock:
		if t, ok := in.Block.TypeIndex(); ok {
			return fmt.Sprintf("%s type %d", op, t)
		}
		if t, ok := in.Block.Result(); ok {
			return op + " " + t.String()
		}
	case wasm.ImmediateLabels:
		return op + " " + strings.Trim(fmt.Sprint(in.Targets), "[]")
	case wasm.ImmediateTypeTable, wasm.ImmediateTableTable, wasm.ImmediateElementTable:
		return fmt.Sprintf("%s %d %d", op, in.Index, in.Second)
	case wasm.ImmediateLabel, wasm.ImmediateFunction, wasm.ImmediateLocal, wasm.ImmediateGlobal,
		wasm.ImmediateTable, wasm.ImmediateElement, wasm.ImmediateData, wasm.ImmediateDataMemory:
		return fmt.Sprintf("%s %d", op, in.Index)
	case wasm.ImmediateMemoryArgument:
		return fmt.Sprintf("%s align=%d offset=%d", op, in.Align, in.Value)
	case wasm.ImmediateMemoryArgumentLane:
		return fmt.Sprintf("%s align=%d offset=%d lane=%d", op, in.Align, in.Value, in.Lane)
	case wasm.ImmediateLane:
		return fmt.Sprintf("%s %d", op, in.Lane)
	case wasm.ImmediateI32, wasm.ImmediateI64:
		return fmt.Sprintf("%s %d", op, int64(in.Value))
	case wasm.ImmediateF32, wasm.ImmediateF64:
		return fmt.Sprintf("%s bits=%#x", op, in.Value)
	case wasm.ImmediateV128, wasm.ImmediateShuffle:
		return fmt.Sprintf("%s %x", op, in.Bytes)
	case wasm.ImmediateReferenceType, wasm.ImmediateValueTypes:
		return op + " " + strings.Trim(fmt.Sprint(in.Types), "[]")
	}
	return op
}

func table(t wasm.TableType) string { return t.Element.String() + " " + size(t.Limits) }

func size(l wasm.Limits) string {
	if l.HasMax {
		return fmt.Sprintf("%d..%d", l.Min, l.Max)
	}
	return fmt.Sprintf("%d..", l.Min)
}

func global(t wasm.GlobalType) string {
	if t.Mutable {
		return "mutable " + t.Value.String()
	}
	return t.Value.String()
}

func mode(m wasm.SegmentMode) string { return [...]string{"active", "passive", "declared"}[m] }
