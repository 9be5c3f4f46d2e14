package random_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

func newRuntime(t testing.TB) wazero.Runtime {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(ctx) })
	host := func(n uint32) uint32 { return n * 2654435761 }
	if _, err := r.NewHostModuleBuilder("env").NewFunctionBuilder().WithFunc(host).Export("host").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEveryInstructionIsExecuted holds that modules are valid, and that together they execute every
// instruction: unreachable in runs that trap, all others in runs that return.
func TestEveryInstructionIsExecuted(t *testing.T) {
	const atMost = 3000
	r := newRuntime(t)
	missing := map[wasm.Opcode]bool{}
	for _, op := range opcodes() {
		missing[op] = true
	}
	if len(missing) < 400 {
		t.Fatalf("there are only %d instructions", len(missing))
	}
	var modules, trapped int
	for ; len(missing) > 0 && modules < atMost; modules++ {
		executed, err := run(t, r, random.FromSeed(uint64(modules)))
		if t.Failed() {
			t.Fatalf("seed %d", modules)
		}
		if err != nil {
			trapped++
		}
		for _, op := range executed {
			if err == nil || op == wasm.OpUnreachable {
				delete(missing, op)
			}
		}
	}
	for op := range missing {
		t.Errorf("%s was never executed", op)
	}
	t.Logf("%d modules executed every instruction; %d of them trapped", modules, trapped)
	if trapped < modules/10 || trapped > modules/2 {
		t.Errorf("%d of %d modules trapped", trapped, modules)
	}
}

func opcodes() []wasm.Opcode {
	var out []wasm.Opcode
	for op := range wasm.Opcode(0xfdff) + 1 {
		if op.Immediate() != 0 {
			out = append(out, op)
		}
	}
	return out
}

// run calls a module and returns which instructions it executed, the start function not counted.
func run(t *testing.T, r wazero.Runtime, m random.Module) ([]wasm.Opcode, error) {
	t.Helper()
	ctx := context.Background()
	all := opcodes()
	compiled, err := r.CompileModule(ctx, marked(t, m.Wasm, all))
	if err != nil {
		t.Errorf("invalid: %v", err)
		return nil, err
	}
	defer compiled.Close(ctx)
	g, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, err
	}
	defer g.Close(ctx)
	_, err = call(g, "run", m.Arguments, m.RunResults)
	var out []wasm.Opcode
	for i, op := range all {
		if g.ExportedGlobal(marks(i)).Get()>>(i%64)&1 != 0 {
			out = append(out, op)
		}
	}
	return out, err
}

func call(g api.Module, name string, arguments []uint64, results []wasm.ValueType) ([]uint64, error) {
	n := 0
	for _, t := range results {
		if n++; t == wasm.V128 {
			n++
		}
	}
	stack := make([]uint64, max(n, len(arguments)))
	copy(stack, arguments)
	err := g.ExportedFunction(name).CallWithStack(context.Background(), stack)
	return stack[:n], err
}

// marks names the global that has the bit of an instruction.
func marks(i int) string { return "marks" + string(rune('a'+i/64)) }

// marked returns a module that marks in a global each instruction just before it is executed.
func marked(t *testing.T, b []byte, ops []wasm.Opcode) []byte {
	t.Helper()
	m, err := wasm.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	first := uint32(len(m.Globals))
	marker := map[wasm.Opcode]wasmtest.Code{}
	for i, op := range ops {
		g := first + uint32(i/64)
		marker[op] = wasmtest.Join(
			wasmtest.GlobalGet(g), wasmtest.I64Const(1<<(i%64)), wasmtest.Op(wasm.OpI64Or), wasmtest.GlobalSet(g),
		)
		if i%64 == 0 {
			init := wasm.Expression{Code: wasmtest.Join(wasmtest.I64Const(0), wasmtest.Op(wasm.OpEnd))}
			m.Globals = append(m.Globals, wasm.Global{Type: wasm.GlobalType{Value: wasm.I64, Mutable: true}, Init: init})
			m.Exports = append(m.Exports, wasm.Export{Name: marks(i), Kind: wasm.GlobalKind, Index: g})
		}
	}
	for i := range m.Code {
		body := &m.Code[i]
		var code wasmtest.Code
		for r := body.Reader(); r.Next(); {
			in := &r.Instruction
			code = append(code, marker[in.Op]...)
			code = append(code, body.Code[in.Start:in.End]...)
		}
		body.Code = code
	}
	return m.Encode()
}

// TestFromBytes holds that any choices give a valid module that ends, and none the smallest.
func TestFromBytes(t *testing.T) {
	r := newRuntime(t)
	number := rand.New(rand.NewPCG(1, 2))
	for size := range 400 {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(number.Uint32())
		}
		if _, err := run(t, r, random.FromBytes(data)); t.Failed() {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	if n := len(random.FromBytes(nil).Wasm); n > 1000 {
		t.Errorf("the plainest module has %d bytes", n)
	}
}

func TestSeedsGiveTheSameModule(t *testing.T) {
	for seed := range uint64(20) {
		one, other := random.FromSeed(seed), random.FromSeed(seed)
		if !bytes.Equal(one.Wasm, other.Wasm) {
			t.Errorf("seed %d gives two modules", seed)
		}
	}
}
