package meter_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/wasm"
	. "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// floatOperation is an instruction without immediates that takes floats, or lanes of them.
type floatOperation struct {
	name   string
	op     wasm.Opcode
	class  string
	params []wasm.ValueType
	result wasm.ValueType
}

var binaryOperations = strings.Fields("add sub mul div min max pmin pmax copysign eq ne lt gt le ge")

// floatOperations derives them from their names.
func floatOperations(t *testing.T) (found []floatOperation) {
	types := map[string]wasm.ValueType{"i32": wasm.I32, "i64": wasm.I64, "f32": wasm.F32, "f64": wasm.F64}
	ops, _ := allOpcodes()
	for _, op := range ops {
		shape, rest, _ := strings.Cut(op.String(), ".")
		if op.Immediate() != wasm.ImmediateNone || !strings.Contains(op.String(), "f32") && !strings.Contains(op.String(), "f64") {
			continue
		}
		class, _ := nanClass(op.String())
		o := floatOperation{name: op.String(), op: op, class: class}
		vector := strings.Contains(shape, "x")
		operand := wasm.V128
		if o.result = wasm.V128; !vector || rest == "splat" {
			operand = types[shape[:3]]
		}
		if !vector {
			o.result = types[shape]
			for name, t := range types {
				if strings.Contains(rest, "_"+name) {
					operand = t
				}
			}
		}
		o.params = []wasm.ValueType{operand}
		if slices.Contains(binaryOperations, rest) {
			o.params = append(o.params, operand)
		}
		if !vector && slices.Contains(strings.Fields("eq ne lt gt le ge"), rest) {
			o.result = wasm.I32
		}
		found = append(found, o)
	}
	if len(found) < 120 {
		t.Fatalf("only %d operations on floats", len(found))
	}
	return found
}

// function adds one that takes the bits of the operands as i64, and gives those of the result.
func (o *floatOperation) function(b *Builder) {
	var code Code
	for i, t := range o.params {
		code = append(code, LocalGet(uint32(i))...)
		code = append(code, map[wasm.ValueType]Code{
			wasm.I32: Op(wasm.OpI32WrapI64), wasm.F32: Op(wasm.OpI32WrapI64, wasm.OpF32ReinterpretI32),
			wasm.F64: Op(wasm.OpF64ReinterpretI64), wasm.V128: Op(wasm.OpI64x2Splat),
		}[t]...)
	}
	code = append(code, Op(o.op)...)
	code = append(code, map[wasm.ValueType]Code{
		wasm.I32: Op(wasm.OpI64ExtendI32U), wasm.F32: Op(wasm.OpI32ReinterpretF32, wasm.OpI64ExtendI32U),
		wasm.F64: Op(wasm.OpI64ReinterpretF64), wasm.V128: append(Op(wasm.OpI64x2ExtractLane), 0),
	}[o.result]...)
	i64s := slices.Repeat([]wasm.ValueType{wasm.I64}, len(o.params))
	b.ExportFunction(o.name, b.Function(i64s, []wasm.ValueType{wasm.I64}, nil, code))
}

// isNaN tells whether the bits are a NaN of the type.
func isNaN(bits uint64, t wasm.ValueType) bool {
	switch t {
	case wasm.F32:
		return bits&0x7fffffff > 0x7f800000
	case wasm.F64:
		return bits&^(1<<63) > 0x7ff0000000000000
	}
	return false
}

// TestNaNBits runs what is classified. The result of what makes no NaN has the same bits on both engines,
// whichever NaN goes in. The result of what does not look is the same for each NaN, but for being one.
func TestNaNBits(t *testing.T) {
	operations := floatOperations(t)
	b := New()
	for i := range operations {
		operations[i].function(b)
	}
	compiled := newEngine(t, wazero.NewRuntimeConfigCompiler()).instantiate(b.Bytes())
	interpreted := newEngine(t, wazero.NewRuntimeConfigInterpreter()).instantiate(b.Bytes())
	const one = 0x3f800000_3f800000
	// Both halves are a NaN, quiet or signalling, of either sign, as f32; the whole is one as f64, too.
	nans := []uint64{0x7ff80000_7fc00000, 0xfff80000_ffc00000, 0x7ff80000_7fc00001, 0xfff00001_ff800001, 0x7fffffff_7fffffff}
	for _, o := range operations {
		first := map[int]outcomeBits{} // by the place of the NaN
		for _, nan := range nans {
			args := [][]uint64{{nan}}
			if len(o.params) == 2 {
				args = [][]uint64{{nan, one}, {one, nan}, {nan, nans[0]}}
			}
			for place, a := range args {
				got, other := bitsOf(compiled.call(o.name, a...)), bitsOf(interpreted.call(o.name, a...))
				if got.trapped != other.trapped || !strings.Contains(o.class, "makes") && got != other {
					t.Errorf("%s of %x gives %+v compiled, %+v interpreted", o.name, a, got, other)
				}
				if strings.Contains(o.class, "looks") || !isFloat(o.params[0]) || o.result == wasm.V128 {
					continue
				}
				want, ok := first[place]
				if !ok {
					first[place], want = got, got
				}
				if got != want && !(isNaN(got.result, o.result) && isNaN(want.result, o.result)) {
					t.Errorf("%s of %x gives %+v, of another NaN %+v", o.name, a, got, want)
				}
			}
		}
	}
}

func isFloat(t wasm.ValueType) bool { return t == wasm.F32 || t == wasm.F64 }

// outcomeBits is what a call gives.
type outcomeBits struct {
	result  uint64
	trapped bool
}

func bitsOf(results []uint64, err error) outcomeBits {
	if err != nil {
		return outcomeBits{trapped: true}
	}
	return outcomeBits{result: results[0]}
}
