package wasm_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// raw is a section as it lies in a file.
type raw struct {
	id      byte
	content []byte
	width   int // of its size, at least
}

// split takes a valid module apart without looking into its sections.
func split(b []byte) (sections []raw) {
	for rest := b[8:]; len(rest) > 0; {
		s := raw{id: rest[0]}
		size, n := number(rest[1:])
		rest = rest[1+n:]
		s.content, s.width = bytes.Clone(rest[:size]), n
		sections, rest = append(sections, s), rest[size:]
	}
	return sections
}

func number(b []byte) (v, n int) {
	for {
		v |= int(b[n]&0x7f) << (7 * n)
		if n++; b[n-1] < 0x80 {
			return v, n
		}
	}
}

func join(sections []raw) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range sections {
		b = append(wide(append(b, s.id), len(s.content), s.width), s.content...)
	}
	return b
}

func wide(b []byte, v, width int) []byte {
	for width--; width > 0 || v >= 0x80; width-- {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// stretch makes a number one byte longer that ends at a place in a section, if one does. The sizes of
// function bodies around it grow with it.
func (s *raw) stretch(at int, end byte) bool {
	if s.content[at] >= 0x80 {
		return false
	}
	longer := append(bytes.Clone(s.content[:at]), s.content[at]|0x80, end)
	longer = append(longer, s.content[at+1:]...)
	if s.id == byte(wasm.SectionCode) {
		count, pos := number(s.content)
		for range count {
			size, n := number(s.content[pos:])
			if first := pos + n; at >= first && at < first+size {
				grown := wide(bytes.Clone(longer[:pos]), size+1, n)
				longer = append(grown, longer[first:]...)
				break
			}
			pos += n + size
		}
	}
	s.content = longer
	return true
}

// TestEveryNumberPadded makes each number of a module longer in turn, by up to the bytes that it may
// have, wherever that leaves a module.
func TestEveryNumberPadded(t *testing.T) {
	original := full().Bytes()
	accepted := map[wasm.SectionID]int{}
	for i, s := range split(original) {
		for at := range s.content {
			for _, end := range []byte{0, 0x7f} {
				sections := split(original)
				for n := 0; n < 10 && sections[i].stretch(at+n, end) && decodes(join(sections)); n++ {
					accepted[wasm.SectionID(s.id)]++
					checkRoundTrip(t, join(sections))
				}
			}
		}
		for width := range 6 {
			sections := split(original)
			sections[i].width = width
			checkRoundTrip(t, join(sections))
		}
	}
	for id := wasm.SectionCustom; id <= wasm.SectionDataCount; id++ {
		if accepted[id] < 4 {
			t.Errorf("%s section: %d numbers were padded", id, accepted[id])
		}
	}
}

// padded makes numbers at random places longer, as often as leaves a module of the same meaning.
func padded(b []byte, random *rand.Rand, times int) (result []byte, accepted int) {
	for range times {
		sections := split(b)
		if len(sections) == 0 {
			break
		}
		s := &sections[random.IntN(len(sections))]
		s.width = random.IntN(6)
		if len(s.content) > 0 {
			s.stretch(random.IntN(len(s.content)), []byte{0, 0, 0x7f}[random.IntN(3)])
		}
		if changed := join(sections); decodes(changed) && Dump(changed) == Dump(b) {
			b, accepted = changed, accepted+1
		}
	}
	return b, accepted
}

func decodes(b []byte) bool {
	_, err := wasm.Decode(b)
	return err == nil
}

// TestPaddedModules pads numbers all over the modules of the specification's tests.
func TestPaddedModules(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	n, accepted := 0, 0
	specModules(t, func(_ string, b []byte) {
		if n++; n%10 != 0 || len(b) > 4096 || !decodes(b) {
			return
		}
		b, times := padded(b, random, 40)
		checkRoundTrip(t, b)
		accepted += times
	})
	if accepted < 5000 {
		t.Errorf("%d numbers were padded", accepted)
	}
}

// TestLinkedModules has modules as linkers write them.
func TestLinkedModules(t *testing.T) {
	for _, pattern := range []string{"../../plugins/examples/*/*.wasm", "../../sdk/*/conformance/*.wasm"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d modules, %v", pattern, len(names), err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !decodes(b) {
				t.Errorf("%s is not decoded", name)
			}
			checkRoundTrip(t, b)
		}
	}
}

// TestOtherForms has what is not a matter of numbers: segments that name the table or memory 0, and
// sections without an entry, with custom sections behind them.
func TestOtherForms(t *testing.T) {
	file := func(sections ...raw) []byte { return join(sections) }
	memory := raw{id: 5, content: []byte{1, 0, 1}}
	table := raw{id: 4, content: []byte{1, 0x70, 0, 1}}
	custom := raw{content: []byte{1, 'c', 9}}
	for what, b := range map[string][]byte{
		"data that names its memory":         file(memory, raw{id: 11, content: []byte{1, 2, 0, 0x41, 0, 0x0b, 1, 7}}),
		"elements that name their table":     file(table, raw{id: 9, content: []byte{1, 2, 0, 0x41, 0, 0x0b, 0, 0}}),
		"expressions that name their table":  file(table, raw{id: 9, content: []byte{1, 6, 0, 0x41, 0, 0x0b, 0x70, 0}}),
		"an empty section":                   file(raw{id: 1, content: []byte{0}}),
		"an empty section, its count padded": file(raw{id: 1, content: []byte{0x80, 0x80, 0}, width: 4}),
		"a custom section behind an empty one": file(
			custom, memory, raw{id: 6, content: []byte{0}}, custom, raw{id: 7, content: []byte{0}}, raw{id: 11, content: []byte{0}}, custom),
		"the length of a name padded": file(raw{content: []byte{0x81, 0, 'c', 9}, width: 5}),
	} {
		if !decodes(b) {
			t.Fatalf("%s: %x does not decode", what, b)
		}
		t.Run(what, func(t *testing.T) { checkRoundTrip(t, b) })
	}
}

// TestChangedSections holds that a section which was changed is written as it is now, in whatever form
// it was before, and that the others stay.
func TestChangedSections(t *testing.T) {
	b, _ := padded(full().Bytes(), rand.New(rand.NewPCG(3, 4)), 500)
	for what, change := range map[string]func(m *wasm.Module){
		"type":     func(m *wasm.Module) { m.Types[0].Params = []wasm.ValueType{wasm.F64} },
		"import":   func(m *wasm.Module) { m.Imports[0].Name = "other" },
		"function": func(m *wasm.Module) { m.Functions[0]++ },
		"table":    func(m *wasm.Module) { m.Tables[0].Limits.Min = 3 },
		"memory":   func(m *wasm.Module) { m.Memories[0].Max = 9 },
		"global":   func(m *wasm.Module) { m.Globals = m.Globals[:1] },
		"export":   func(m *wasm.Module) { m.Exports[0].Name = "other" },
		"start":    func(m *wasm.Module) { m.Start = nil },
		"element":  func(m *wasm.Module) { m.Elements[0].Functions[0] = 0 },
		"code":     func(m *wasm.Module) { m.Code[0].Locals = nil },
		"data":     func(m *wasm.Module) { m.Data[0].Bytes = []byte("other") },
		"custom":   func(m *wasm.Module) { m.Customs[0].Bytes, m.Customs[1].Name = []byte("other"), "other" },
		"nothing":  func(*wasm.Module) {},
	} {
		want := decode(t, full().Bytes())
		change(want)
		changed := decode(t, b)
		change(changed)
		got := changed.Encode()
		if Dump(got) != Dump(want.Encode()) {
			t.Errorf("%s changed: encoded as\n%s\nwant\n%s", what, Dump(got), Dump(want.Encode()))
		}
		before, after := split(b), split(got)
		same := 0
		for _, s := range after {
			for _, old := range before {
				if s.id == old.id && bytes.Equal(s.content, old.content) {
					same++
					break
				}
			}
		}
		if len(before)-same > 2 {
			t.Errorf("%s changed: %d of %d sections are as they were", what, same, len(before))
		}
	}
}

// FuzzPadded pads numbers of whatever decodes.
func FuzzPadded(f *testing.F) {
	f.Add(full().Bytes(), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		if len(b) < 4096 && decodes(b) {
			b, _ = padded(b, rand.New(rand.NewPCG(seed, 5)), 30)
			checkRoundTrip(t, b)
		}
	})
}
