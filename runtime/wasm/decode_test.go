package wasm_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// full returns a module with something in every section.
func full() *Builder {
	b := New()
	b.Import("env", "f", I32s(2), I32s(1))
	b.ImportGlobal("env", "g", wasm.I64, false)
	b.ImportTable("env", "t", 1)
	b.Memory(1, 5)
	b.Table(wasm.ExternRef, 0)
	b.Table(wasm.FuncRef, 4, 8)
	b.Global(wasm.F32, F32Const(1.5))
	b.Constant(wasm.V128, Join(Op(wasm.OpV128Const), bytes.Repeat([]byte{7}, 16)))
	b.Constant(wasm.I64, GlobalGet(0))
	f := b.Function(I32s(1), []wasm.ValueType{wasm.I32, wasm.F64}, []wasm.ValueType{wasm.I64, wasm.I64, wasm.F32},
		LocalGet(0), F64Const(-2))
	b.Start(b.Function(nil, nil, nil, I32Const(0), I32Const(0), I32Const(0), MemoryInit(1)))
	b.ExportFunction("f", f)
	b.Elements(0, 0, f, 0)
	b.Elements(2, 1, f)
	b.PassiveElements(f)
	b.DeclareElements(f)
	refs := []wasm.Expression{{Code: Join(OpIndex(wasm.OpRefFunc, f), Op(wasm.OpEnd))}}
	at := wasm.Expression{Code: Join(I32Const(0), Op(wasm.OpEnd))}
	m := b.Module()
	m.Elements = append(m.Elements,
		wasm.Element{Mode: wasm.Active, Start: at, Type: wasm.FuncRef, UsesExpressions: true, Expressions: refs},
		wasm.Element{Mode: wasm.Active, Table: 2, Start: at, Type: wasm.FuncRef, UsesExpressions: true, Expressions: refs},
		wasm.Element{Mode: wasm.Passive, Type: wasm.FuncRef, UsesExpressions: true, Expressions: refs},
		wasm.Element{Mode: wasm.Declared, Type: wasm.FuncRef, UsesExpressions: true, Expressions: refs},
	)
	b.Data(8, []byte("active"))
	b.PassiveData([]byte("passive"))
	m.Customs = []wasm.Custom{
		{Name: "first", Bytes: []byte{1}},
		{Name: "second", Bytes: []byte{2}},
		{Name: "inside", Bytes: []byte{3}, After: wasm.SectionDataCount},
		{Name: "", Bytes: []byte{}, After: wasm.SectionData},
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	b := full().Bytes()
	m := decode(t, b)
	if got := m.Encode(); !bytes.Equal(got, b) {
		t.Errorf("encoded again:\n%s\nwant:\n%s", Dump(got), Dump(b))
	}
	want := *full().Module()
	clearOffsets(m)
	if !reflect.DeepEqual(*m, want) {
		t.Errorf("decoded:\n%+v\nwant:\n%+v", *m, want)
	}
}

func decode(t testing.TB, b []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// clearOffsets forgets where things lay in the file, and what a builder does not distinguish.
func clearOffsets(m *wasm.Module) {
	clear(m.Offsets[:])
	for i := range m.Imports {
		m.Imports[i].Offset = 0
	}
	for i := range m.Exports {
		m.Exports[i].Offset = 0
	}
	for i := range m.Globals {
		m.Globals[i].Init.Offset = 0
	}
	for i := range m.Elements {
		e := &m.Elements[i]
		e.Offset, e.Start.Offset = 0, 0
		for j := range e.Expressions {
			e.Expressions[j].Offset = 0
		}
	}
	for i := range m.Code {
		m.Code[i].Offset = 0
	}
	for i := range m.Data {
		m.Data[i].Offset, m.Data[i].Start.Offset = 0, 0
	}
	for i := range m.Customs {
		m.Customs[i].Offset = 0
	}
}

// TestTruncated cuts a module at every byte: only where the last section ended may it be whole.
func TestTruncated(t *testing.T) {
	b := full().Bytes()
	for n := range b {
		m, err := wasm.Decode(b[:n])
		if err == nil {
			if !bytes.Equal(m.Encode(), b[:n]) {
				t.Errorf("%d bytes: decoded to something else", n)
			}
			continue
		}
		var at *wasm.Error
		if !errors.As(err, &at) || at.Offset > n || at.Message == "" {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestFlipped changes every byte in turn: what still decodes encodes to the same bytes.
func TestFlipped(t *testing.T) {
	b := full().Bytes()
	for i := range b {
		for _, flip := range []byte{1, 0x40, 0x80, 0xff} {
			c := bytes.Clone(b)
			c[i] ^= flip
			checkRoundTrip(t, c)
		}
	}
}

// checkRoundTrip holds that what decodes, encodes to the same bytes.
func checkRoundTrip(t testing.TB, b []byte) {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		var at *wasm.Error
		if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(b) {
			t.Fatalf("%x: error %v", b, err)
		}
		return
	}
	if got := m.Encode(); !bytes.Equal(got, b) {
		t.Fatalf("decoded and encoded:\n%x\nwant:\n%x", got, b)
	}
}

func TestNestingLimit(t *testing.T) {
	nested := func(n int) []byte {
		b := New()
		open := bytes.Repeat(Join(Op(wasm.OpBlock), Code{0x40}), n)
		b.Function(nil, nil, nil, open, bytes.Repeat(Op(wasm.OpEnd), n))
		return b.Bytes()
	}
	decode(t, nested(wasm.MaxNesting))
	_, err := wasm.Decode(nested(wasm.MaxNesting + 1))
	if err == nil || !strings.Contains(err.Error(), "nested deeper than 4096") {
		t.Errorf("one block more: %v", err)
	}
	if _, err := wasm.Decode(nested(1_000_000)); err == nil {
		t.Error("a million blocks were accepted")
	}
}

func TestEntriesLimit(t *testing.T) {
	types := func(n int) []byte {
		b := New()
		b.Module().Types = make([]wasm.FunctionType, n)
		return b.Bytes()
	}
	customs := func(n int) []byte {
		b := New()
		b.Module().Customs = make([]wasm.Custom, n)
		return b.Bytes()
	}
	for what, module := range map[string]func(int) []byte{"types": types, "custom sections": customs} {
		decode(t, module(wasm.MaxEntries))
		if _, err := wasm.Decode(module(wasm.MaxEntries + 1)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("one of the %s more: %v", what, err)
		}
	}
}

func TestLocalsLimit(t *testing.T) {
	locals := func(counts ...uint32) []byte {
		b := New()
		b.Function(nil, nil, nil)
		for _, n := range counts {
			group := wasm.LocalGroup{Count: n, Type: wasm.I32}
			b.Module().Code[0].Locals = append(b.Module().Code[0].Locals, group)
		}
		return b.Bytes()
	}
	decode(t, locals(wasm.MaxLocals-1, 1))
	for _, counts := range [][]uint32{{wasm.MaxLocals, 1}, {1 << 31, 1 << 31}, {0xffffffff}} {
		if _, err := wasm.Decode(locals(counts...)); err == nil || !strings.Contains(err.Error(), "too many locals") {
			t.Errorf("%d locals: %v", counts, err)
		}
	}
}

// TestErrorsNameTheirPlace has the offset counted from the end, since what comes before may vary.
func TestErrorsNameTheirPlace(t *testing.T) {
	b := New()
	b.Import("env", "f", nil, nil)
	b.Function(nil, nil, nil)
	b.Function(nil, nil, nil, Op(wasm.OpNop), Code{0xfe, 0x00})
	bytes := b.Bytes()
	_, err := wasm.Decode(bytes)
	want := &wasm.Error{
		Offset: len(bytes) - 3, Section: "code", Function: 2,
		Message: "not supported: threads and atomics (opcode 0xfe)",
	}
	if !reflect.DeepEqual(err, want) {
		t.Errorf("%#v", err)
	}
	text := fmt.Sprintf("offset %d, code section, function 2: not supported: threads and atomics (opcode 0xfe)", len(bytes)-3)
	if err.Error() != text {
		t.Errorf("%q", err)
	}
}

func TestRefusals(t *testing.T) {
	code := func(c ...byte) []byte {
		b := New()
		b.Function(nil, nil, nil, c)
		return b.Bytes()
	}
	file := func(sections ...byte) []byte { return append([]byte("\x00asm\x01\x00\x00\x00"), sections...) }
	for want, b := range map[string][]byte{
		"not a WebAssembly module":                            []byte("\x00asn\x01\x00\x00\x00"),
		"not supported: binary format version":                []byte("\x00asm\x0d\x00\x01\x00"),
		"not supported: exceptions (opcode 0x08)":             code(0x08, 0),
		"not supported: exceptions (a tag section)":           file(13, 1, 0),
		"not supported: tail calls":                           code(0x12, 0),
		"not supported: typed function references":            code(0x14, 0),
		"not supported: garbage collected types (opcode":      code(0xfb, 0),
		"not supported: garbage collected types (form":        file(1, 3, 1, 0x5f, 0),
		"not supported: relaxed vector":                       code(0xfd, 0x80, 0x02),
		"not supported: threads (shared memories)":            file(5, 4, 1, 3, 1, 1),
		"not supported: 64-bit memories":                      file(5, 3, 1, 4, 1),
		"not supported: multiple memories":                    file(5, 5, 2, 0, 1, 0, 1),
		"not supported: multiple memories (memory index":      code(0x3f, 1),
		"not supported: multiple memories (a memory index in": code(0x28, 0x42, 1, 0),
		"not supported: extended constant expressions":        file(6, 6, 1, 0x7f, 0, 0x41, 1, 0x6a),
		"nop in a constant expression":                        file(6, 5, 1, 0x7f, 0, 0x01, 0x0b),
		"unknown opcode 0xfc 0x12":                            code(0xfc, 0x12),
		"unknown opcode 0xfd 0x9a":                            code(0xfd, 0x9a, 0x01),
		"unknown opcode 0xff":                                 code(0xff),
		"unknown section 14":                                  file(14, 1, 0),
		"type section twice or out of order":                  file(1, 1, 0, 1, 1, 0),
		"import section twice or out of order":                file(3, 1, 0, 2, 1, 0),
		"section is larger than its content":                  file(1, 2, 0, 0),
		"bytes declared":                                      file(1, 0x7f, 0),
		"types declared, only":                                file(1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f),
		"number is longer than 32 bits":                       file(1, 0xff, 0xff, 0xff, 0xff, 0x1f),
		"number is longer than 64 bits":                       code(0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
		"else without if":                                     code(0x05),
		"code after the end":                                  code(0x0b, 0x01),
		"unexpected end":                                      code(0x02, 0x40),
		"1 functions declared, 0 bodies":                      file(3, 2, 1, 0),
		"name is not valid UTF-8":                             file(0, 3, 2, 0xff, 0xfe),
		"br_table has 65521 labels":                           code(append([]byte{0x0e, 0xf1, 0xff, 0x03}, make([]byte, 70000)...)...),
		"select lists":                                        code(append([]byte{0x1c, 17}, make([]byte, 17)...)...),
		"alignment 2**32 is too large":                        code(0x28, 0x20, 0),
		"bad value type 0x40":                                 file(1, 4, 1, 0x60, 1, 0x40),
		"memory.init without a data count section":            code(0xfc, 0x08, 0, 0),
	} {
		if _, err := wasm.Decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
