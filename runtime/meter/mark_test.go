package meter_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// writer makes random code that writes all over the memory: by every kind of store, to locals plus
// constants as compilers do, to locals that change in branches and loops, to constants, and in bulk.
type writer struct {
	*rand.Rand
	size int32
}

const (
	writerAddresses = 3
	writerDepth     = 3                                 // of constructs
	writerLocals    = writerAddresses + writerDepth + 1 // all i32; one at each depth counts turns
	writerTurns     = 3
)

var stores = []struct {
	op   wasm.Opcode
	push Code
}{
	{wasm.OpI32Store, I32Const(-1)},
	{wasm.OpI32Store8, I32Const(-1)},
	{wasm.OpI32Store16, I32Const(-1)},
	{wasm.OpI64Store, I64Const(-1)},
	{wasm.OpI64Store8, I64Const(-1)},
	{wasm.OpI64Store16, I64Const(-1)},
	{wasm.OpI64Store32, I64Const(-1)},
	{wasm.OpF32Store, F32Const(1.1)},
	{wasm.OpF64Store, F64Const(1.1)},
	{wasm.OpV128Store, append(Op(wasm.OpV128Const), bytes.Repeat(Code{0xff}, 16)...)},
}

func (w *writer) local() uint32 { return uint32(w.IntN(writerAddresses)) }

func (w *writer) place() int32 { return w.Int32N(w.size) }

// statements returns code that starts and ends with an empty operand stack, inside so many constructs.
func (w *writer) statements(depth int) (c Code) {
	for range 1 + w.IntN(6) {
		c = append(c, w.statement(depth)...)
	}
	return c
}

func (w *writer) statement(depth int) Code {
	if depth > writerDepth {
		return w.write()
	}
	condition := Join(LocalGet(w.local()), I32Const(1<<w.IntN(10)), Op(wasm.OpI32And))
	switch w.IntN(12) {
	case 0:
		return Join(condition, If(Result(), w.statements(depth+1)))
	case 1:
		return Join(condition, IfElse(Result(), w.statements(depth+1), w.statements(depth+1)))
	case 2:
		return Block(Result(), w.statements(depth+1), condition, BrIf(0), w.statements(depth+1))
	case 3:
		counter := uint32(writerAddresses + depth)
		return Join(I32Const(1+w.Int32N(writerTurns)), LocalSet(counter), Block(Result(), Loop(
			Result(), w.statements(depth+1), LocalGet(counter), I32Const(1), Op(wasm.OpI32Sub), LocalTee(counter), BrIf(0),
		)))
	case 4, 5:
		return Join(I32Const(w.place()), LocalSet(w.local()))
	case 6:
		return Join(LocalGet(w.local()), I32Const(w.Int32N(2000)-1000), Op(wasm.OpI32Add), LocalSet(w.local()))
	default:
		return w.write()
	}
}

func (w *writer) write() Code {
	s := stores[w.IntN(len(stores))]
	store := OpMemory(s.op, 0, uint32(w.IntN(600)))
	near := Join(I32Const(w.Int32N(1200)-600), Op(wasm.OpI32Add))
	switch l := w.local(); w.IntN(9) {
	case 0:
		return Join(I32Const(w.place()), s.push, store)
	case 1, 2, 3:
		return Join(LocalGet(l), s.push, store)
	case 4:
		return Join(LocalGet(l), near, s.push, store)
	case 5: // the local changes between address and store
		return Join(LocalGet(l), I32Const(w.place()), LocalSet(l), s.push, store, LocalGet(l), s.push, store)
	case 6:
		return Join(LocalGet(l), near, LocalTee(w.local()), s.push, store)
	case 7:
		return Join(LocalGet(l), LocalGet(w.local()), Op(wasm.OpI32Xor), I32Const(w.size-1), Op(wasm.OpI32And), s.push, store)
	default:
		length := I32Const(w.Int32N(5000))
		return [...]Code{
			Join(LocalGet(l), I32Const(7), length, MemoryFill()),
			Join(LocalGet(l), I32Const(1), length, MemoryCopy()),
			Join(LocalGet(l), I32Const(0), I32Const(w.Int32N(64)), MemoryInit(0)),
		}[w.IntN(3)]
	}
}

// module returns a module whose memory has so many pages, from the first or as soon as it has grown.
func (w *writer) module(pages uint32, grows bool) []byte {
	b := New()
	first := pages
	if grows {
		first = 1
	}
	b.Memory(first, pages)
	b.PassiveData(bytes.Repeat([]byte{9}, 64))
	b.Data(0, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	callee := b.Function(nil, nil, repeatTypes(wasm.I32, writerLocals), w.statements(2))
	grow := Join(I32Const(int32(pages-first)), MemoryGrow(), Drop())
	code := Join(grow, w.statements(0), Call(callee), w.statements(0))
	b.ExportFunction("run", b.Function(nil, nil, repeatTypes(wasm.I32, writerLocals), code))
	return b.Bytes()
}

func repeatTypes(t wasm.ValueType, n int) []wasm.ValueType {
	types := make([]wasm.ValueType, n)
	for i := range types {
		types[i] = t
	}
	return types
}

// TestWritesAreMarked compares the memory after a run with the image and with the marks: every byte that
// differs has to lie in a marked region or beside one.
func TestWritesAreMarked(t *testing.T) {
	e := newEngine(t, wazero.NewRuntimeConfigInterpreter())
	ended, marked, regions := 0, 0, 0
	for seed := range uint64(1000) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 2))}
		pages := uint32(1 + w.IntN(5))
		w.size = int32(pages) * 65536
		g := e.metered(w.module(pages, seed%2 == 1), meter.Options{MarkWrites: true})
		image := make([]byte, w.size)
		start, _ := g.Memory().Read(0, g.Memory().Size())
		copy(image, start)
		if _, err := g.run(1 << 30); err == nil {
			ended++
		}
		dirty := uint64(g.global(meter.DirtyGlobal))
		memory, _ := g.Memory().Read(0, g.Memory().Size())
		for at := range memory {
			if memory[at] != image[at] && !isMarked(dirty, at, len(memory), g.output.RegionShift) {
				t.Fatalf("seed %d: byte %d of %d changed, marks %064b of 1<<%d bytes each", seed, at, len(memory), dirty, g.output.RegionShift)
			}
		}
		for n := range 64 {
			marked += int(dirty >> n & 1)
		}
		regions += min(64, len(memory)>>g.output.RegionShift)
		g.close()
	}
	t.Logf("%d of 1000 ended, %d of %d regions marked", ended, marked, regions)
	if ended < 100 || marked*2 > regions {
		t.Error("too few programs ended, or too much is marked to tell")
	}
}

func isMarked(dirty uint64, at, size int, shift uint32) bool {
	for near := max(0, at-meter.RegionSlack); near <= min(size-1, at+meter.RegionSlack); near += meter.RegionSlack {
		if dirty>>(near>>shift%64)&1 == 1 {
			return true
		}
	}
	return false
}

// TestMarksAreKeptAcrossRuns holds that only the host clears them.
func TestMarksAreKeptAcrossRuns(t *testing.T) {
	b := New()
	b.Memory(1, 1)
	b.ExportFunction("run", b.Function(nil, nil, nil, I32Const(0), I32Const(1), I32Store(40_000)))
	g := interpreter(t).metered(b.Bytes(), meter.Options{MarkWrites: true})
	g.ExportedGlobal(meter.DirtyGlobal).(api.MutableGlobal).Set(1 << 5)
	if _, err := g.run(100); err != nil || g.global(meter.DirtyGlobal) != 1<<5|1<<(40_000>>g.output.RegionShift) {
		t.Errorf("%b, %v", g.global(meter.DirtyGlobal), err)
	}
}

// TestMarksInLoops writes to a local that is marked before a loop and changes at its end.
func TestMarksInLoops(t *testing.T) {
	write := Join(LocalGet(0), I32Const(1), I32Store8(0))
	b := New()
	b.Memory(1, 1)
	b.ExportFunction("run", b.Function(nil, nil, I32s(1), write, Loop(
		Result(), write, LocalGet(0), I32Const(7000), Op(wasm.OpI32Add), LocalTee(0), I32Const(65536), Op(wasm.OpI32LtU), BrIf(0),
	)))
	g := interpreter(t).metered(b.Bytes(), meter.Options{MarkWrites: true})
	if _, err := g.run(1000); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < 65536; at += 7000 {
		if g.global(meter.DirtyGlobal)>>(at>>g.output.RegionShift)&1 == 0 {
			t.Errorf("byte %d is not marked: %b", at, g.global(meter.DirtyGlobal))
		}
	}
}
