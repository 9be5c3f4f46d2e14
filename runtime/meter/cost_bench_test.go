package meter_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

// BenchmarkCost measures what a unit of fuel takes on the compiler, for every instruction, and prints
// those that take more than 4 times or less than a quarter of the median: they are in the wrong class.
// An instruction is measured with the pushes that it needs, again and again in one loop. What gives the
// type that it takes works on its own result, as the slowest code would; of the others, results are
// stored.
func BenchmarkCost(b *testing.B) {
	e := newEngine(b, wazero.NewRuntimeConfigCompiler())
	for b.Loop() {
		var all []costSample
		for _, s := range stretches() {
			s.measure(e)
			all = append(all, s)
		}
		slices.SortFunc(all, func(a, b costSample) int { return cmp.Compare(a.perUnit(), b.perUnit()) })
		median := all[len(all)/2].perUnit()
		fmt.Printf("%d instructions, median %.3f ns per unit; times the median, over 4 and under 1/4:\n", len(all), median)
		var fast []string
		for _, s := range slices.Backward(all) {
			r := s.perUnit() / median
			if r > 4 {
				fmt.Printf("  %-28s %6.1f  (%d units, %.1f ns)\n", s.name, r, s.units, s.ns)
			}
			if r < 0.25 || s.name == "i32.add" {
				fast = append(fast, fmt.Sprintf("%s %.2f", s.name, r))
			}
		}
		fmt.Println("  " + strings.Join(fast, ", "))
		b.ReportMetric(median, "ns/unit")
		b.ReportMetric(all[len(all)-1].perUnit()/median, "slowest/median")
		b.ReportMetric(all[0].perUnit()/median, "fastest/median")
	}
}

// costSample is a stretch of code around one instruction.
type costSample struct {
	name       string
	chain      wasm.ValueType // what the code takes from the stack and leaves there; 0: nothing
	code       Code
	byLength   int64   // units that the code costs by its length, in bytes or elements
	units      int64   // all that it costs
	ns         float64 // what it takes
	repetition int     // how often it stands in the loop
}

func (s *costSample) perUnit() float64 { return s.ns / float64(s.units) }

// Locals of the function that measures; the first are its parameters.
const (
	localI32, localI64, localF32, localF64, localV128, localFunc, localExtern, localTurns = 0, 1, 2, 3, 4, 5, 6, 7

	localChain = 8 // one for each type, in the same order
)

var costTypes = []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128, wasm.FuncRef, wasm.ExternRef}

func push(t wasm.ValueType) Code { return LocalGet(uint32(slices.Index(costTypes, t))) }

var storeOf = map[wasm.ValueType]wasm.Opcode{
	wasm.I32: wasm.OpI32Store, wasm.I64: wasm.OpI64Store, wasm.F32: wasm.OpF32Store, wasm.F64: wasm.OpF64Store,
	wasm.V128: wasm.OpV128Store,
}

// stretches returns a stretch for every instruction.
func stretches() []costSample {
	var out []costSample
	for _, o := range random.Operations() {
		out = append(out, operationSample(o))
	}
	return append(out, otherSamples()...)
}

func operationSample(o random.Operation) costSample {
	s := costSample{name: o.Op.String(), repetition: 64}
	instruction := Op(o.Op)
	switch o.Op.Immediate() {
	case wasm.ImmediateMemory, wasm.ImmediateLane:
		instruction = append(instruction, 0)
	case wasm.ImmediateMemoryArgument:
		instruction = append(instruction, 0, 64)
	case wasm.ImmediateMemoryArgumentLane:
		instruction = append(instruction, 0, 64, 0)
	case wasm.ImmediateShuffle:
		instruction = append(instruction, 7, 20, 1, 30, 2, 17, 5, 5, 9, 31, 0, 11, 12, 13, 16, 4)
	}
	params := o.Params
	division := strings.Contains(s.name, ".div_") || strings.Contains(s.name, ".rem_")
	chains := len(params) > 0 && o.Result == params[0] && !division
	if chains {
		s.chain, params = o.Result, params[1:]
	}
	for i, t := range params {
		switch {
		case division && i == 0 && t == wasm.I32:
			s.code = append(s.code, I32Const(math.MaxInt32)...)
		case division && i == 0:
			s.code = append(s.code, I64Const(math.MaxInt64)...)
		default:
			s.code = append(s.code, push(t)...)
		}
	}
	s.code = append(s.code, instruction...)
	if o.Result != 0 && !chains {
		s.code = Join(push(wasm.I32), s.code, OpMemory(storeOf[o.Result], 0, 0))
	}
	return s
}

// otherSamples are control, variables, references, tables and operations on lengths.
func otherSamples() []costSample {
	zero := I32Const(0)
	indexed := func(op wasm.Opcode, at ...uint32) Code { return OpIndex(op, at...) }
	store := func(code Code) Code { return Join(push(wasm.I32), code, OpMemory(wasm.OpI32Store, 0, 0)) }
	range3 := func(n int32) Code { return Join(zero, zero, I32Const(n)) }
	const many = 1000 // long enough that the length is what counts
	out := []costSample{
		{name: "nop", code: Op(wasm.OpNop)},
		{name: "br", code: Block(Result(), Br(0))},
		{name: "br_if, taken", code: Block(Result(), LocalGet(localI32), BrIf(0))},
		{name: "br_if, not taken", code: Block(Result(), LocalGet(localI32), Op(wasm.OpI32Eqz), BrIf(0))},
		{name: "if", code: Join(LocalGet(localI32), If(Result(), Op(wasm.OpNop)))},
		{name: "br_table", code: Block(Result(), Block(Result(), LocalGet(localI32), BrTable(0, 1, 1, 0)))},
		{name: "call", code: Call(0)},
		{name: "call_indirect", code: Join(zero, CallIndirect(0, 0))},
		{name: "call with 7 parameters", code: Join(
			LocalGet(0), LocalGet(1), LocalGet(2), LocalGet(3), LocalGet(4), LocalGet(5), LocalGet(6), Call(1),
		)},
		{name: "drop", code: Join(LocalGet(localI32), Drop())},
		{name: "select", chain: wasm.I64, code: Join(LocalGet(localI64), LocalGet(localI32), Op(wasm.OpSelect))},
		{name: "select of vectors", chain: wasm.V128, code: Join(LocalGet(localV128), LocalGet(localI32), Op(wasm.OpSelect))},
		{name: "local.set", code: Join(LocalGet(localI32), LocalSet(localChain))},
		{name: "local.tee", chain: wasm.I32, code: LocalTee(localChain)},
		{name: "global.get", code: store(GlobalGet(0))},
		{name: "global.set", code: Join(LocalGet(localI32), GlobalSet(0))},
		{name: "global.set of a vector", code: Join(LocalGet(localV128), GlobalSet(1))},
		{name: "constants", code: Join(zero, Drop(), I64Const(1), Drop(), F32Const(1), Drop(), F64Const(1), Drop())},
		{name: "v128.const", code: Join(LocalGet(localI32), Op(wasm.OpV128Const), make(Code, 16), OpMemory(wasm.OpV128Store, 0, 0))},
		{name: "ref.null", code: store(Join(refNull, Op(wasm.OpRefIsNull)))},
		{name: "ref.is_null", code: store(Join(LocalGet(localExtern), Op(wasm.OpRefIsNull)))},
		{name: "ref.func", code: Join(indexed(wasm.OpRefFunc, 0), Drop()), repetition: 1},
		{name: "table.get", code: store(Join(zero, indexed(wasm.OpTableGet, 0), Op(wasm.OpRefIsNull)))},
		{name: "table.set", code: Join(zero, LocalGet(localExtern), indexed(wasm.OpTableSet, 1))},
		{name: "table.size", code: store(indexed(wasm.OpTableSize, 0))},
		{name: "table.grow by 0", code: Join(refNull, zero, indexed(wasm.OpTableGrow, 0), Drop())},
		{name: "memory.grow by 0", code: Join(zero, MemoryGrow(), Drop())},
		{name: "memory.fill of 0", code: Join(range3(0), MemoryFill())},
		{name: "memory.copy of 0", code: Join(range3(0), MemoryCopy())},
		{name: "memory.init of 0", code: Join(range3(0), MemoryInit(0))},
		{name: "memory.fill of 65536", code: Join(range3(65536), MemoryFill()), byLength: 65536 / 8},
		{name: "memory.copy of 65536", code: Join(I32Const(65536), zero, I32Const(65536), MemoryCopy()), byLength: 65536 / 8},
		{name: "memory.init of 65536", code: Join(range3(65536), MemoryInit(0)), byLength: 65536 / 8},
		{name: "memory.fill of 15", code: Join(range3(15), MemoryFill()), byLength: 1},
		{name: "memory.copy of 15", code: Join(range3(15), MemoryCopy()), byLength: 1},
		{name: "table.fill of 0", code: Join(zero, refNull, zero, indexed(wasm.OpTableFill, 0))},
		{name: "table.copy of 0", code: Join(range3(0), indexed(wasm.OpTableCopy, 0, 0))},
		{name: "table.init of 0", code: Join(range3(0), indexed(wasm.OpTableInit, 0, 0))},
		{name: "table.fill of 1000", code: Join(zero, refNull, I32Const(many), indexed(wasm.OpTableFill, 0)), byLength: many},
		{name: "table.copy of 1000", code: Join(range3(many), indexed(wasm.OpTableCopy, 0, 0)), byLength: many},
		{name: "table.init of 1000", code: Join(range3(many), indexed(wasm.OpTableInit, 0, 0)), byLength: many},
		{name: "data.drop", code: indexed(wasm.OpDataDrop, 1)},
		{name: "elem.drop", code: indexed(wasm.OpElemDrop, 1)},
		{name: "100 locals", code: Call(2), byLength: 25},
	}
	subnormal := Join(push(wasm.I32), F64Const(4e-310))
	for _, op := range []wasm.Opcode{wasm.OpF64Add, wasm.OpF64Mul, wasm.OpF64Div} {
		out = append(out, costSample{
			name: op.String() + " of a subnormal", code: Join(subnormal, push(wasm.F64), Op(op), OpMemory(wasm.OpF64Store, 0, 0)),
		})
	}
	for i := range out {
		if out[i].repetition == 0 {
			out[i].repetition = 64
		}
		if out[i].byLength >= many {
			out[i].repetition = 1
		}
	}
	return out
}

// measure sets what the stretch costs and takes.
func (s *costSample) measure(e *engine) {
	s.units = s.byLength
	for r := (&wasm.Body{Code: Join(s.code, Op(wasm.OpEnd))}).Reader(); r.Next(); {
		s.units += naiveCost(r.Instruction.Op)
	}
	compiled := e.compile(s.module())
	defer compiled.Close(context.Background())
	g := e.instance(compiled)
	defer g.close()
	const turns = 512
	args := []uint64{1, 7, uint64(math.Float32bits(1)), math.Float64bits(1), 0x0706050403020100, 0x0f0e0d0c0b0a0908, 0, 0, turns}
	best, all := time.Duration(math.MaxInt64), time.Duration(0)
	for n := 0; n < 20 || n < 1000 && all < 5*time.Millisecond; n++ { // short runs: not all are interrupted
		start := time.Now()
		if _, err := g.call("run", args...); err != nil {
			e.Fatalf("%s: %v", s.name, err)
		}
		took := time.Since(start)
		best, all = min(best, took), all+took
	}
	s.ns = float64(best.Nanoseconds()) / turns / float64(s.repetition)
}

// module returns a module that executes the stretch in a loop.
func (s *costSample) module() []byte {
	b := New()
	b.Memory(2, 2)
	b.Table(wasm.FuncRef, 1000)
	b.Table(wasm.ExternRef, 1000)
	b.Global(wasm.I32, I32Const(0))
	b.Global(wasm.V128, Join(Op(wasm.OpV128Const), make(Code, 16)))
	empty := b.Function(nil, nil, nil)
	b.Function(costTypes, nil, nil)
	b.Function(nil, nil, slices.Repeat([]wasm.ValueType{wasm.I64}, 100))
	b.Elements(0, 0, empty)
	b.Module().Elements[0].Mode = wasm.Passive
	b.Module().Elements[0].Functions = slices.Repeat([]uint32{empty}, 1000)
	b.PassiveElements(empty)
	b.Elements(0, 0, empty)
	b.PassiveData(make([]byte, 65536))
	b.PassiveData(nil)
	params := append(slices.Clone(costTypes), wasm.I64)
	body := Join(slices.Repeat([]Code{s.code}, s.repetition)...)
	if s.chain != 0 {
		local := uint32(localChain + slices.Index(costTypes, s.chain))
		body = Join(LocalGet(local), body, LocalSet(local))
	}
	var begin Code
	for i := range costTypes[:5] {
		begin = Join(begin, LocalGet(uint32(i)), LocalSet(uint32(localChain+i)))
	}
	end := Code{}
	if s.chain != 0 {
		local := uint32(localChain + slices.Index(costTypes, s.chain))
		end = Join(I32Const(0), LocalGet(local), OpMemory(storeOf[s.chain], 0, 0))
	}
	loop := Loop(
		Result(), body, LocalGet(localTurns), I64Const(1), Op(wasm.OpI64Sub), LocalTee(localTurns),
		Op(wasm.OpI64Eqz, wasm.OpI32Eqz), BrIf(0),
	)
	b.ExportFunction("run", b.Function(params, nil, costTypes, begin, loop, end))
	return b.Bytes()
}
