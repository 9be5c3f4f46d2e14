package meter_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// realStep is one thing that is done to an instance; testdata/real/README.md
// says what. calls.mjs does the same.
type realStep struct {
	Call      string
	Arguments []any
	Repeat    int
	Steps     []realStep
	Print     string
	Text      *string
	UTF16     *string
	Hex       *string
	Words     []any
	Doubles   []float64
	Load      string
	Read      string
	At        any
	Length    any
	As        string
}

// calls makes the steps of a case on one instance.
type calls struct {
	testing.TB
	test      *realCase
	guest     *guest
	memory    api.Memory
	variables map[string]any // int64 or float64
	lines     []string
	written   []span // by the host
}

type span struct{ from, to int }

// outcome is all that a run can be told by.
type outcome struct {
	lines    []string
	memory   [sha256.Size]byte
	fuel     int64 // used; 0 for an original
	left     int64
	unmarked int // changed bytes of the first memory that are not marked as written
	err      error
}

// callsKey is what the stubs find the calls under that they belong to.
type callsKey struct{}

// run instantiates a module and makes the steps of a case. With fuel, the module
// is a rewritten one.
func (test *realCase) run(t testing.TB, config wazero.RuntimeConfig, module meter.Output, fuel int64) outcome {
	t.Helper()
	c := &calls{TB: t, test: test, variables: map[string]any{}}
	ctx := context.WithValue(context.Background(), callsKey{}, c)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer r.Close(ctx)
	test.instantiateImports(ctx, t, r)
	// Compiled by itself, a module stays in the cache when the runtime is closed.
	compiled, err := r.CompileModule(ctx, module.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	c.guest, c.memory = &guest{engine: &engine{TB: t}, Module: m, output: module}, m.Memory()
	if fuel == 0 {
		err := c.steps(ctx, test.Steps)
		return outcome{lines: c.lines, memory: sha256.Sum256(c.all()), err: err}
	}
	image := bytes.Clone(c.all())
	dirty, marks := m.ExportedGlobal(meter.DirtyGlobal).(api.MutableGlobal)
	if marks {
		dirty.Set(0)
	}
	c.guest.setFuel(fuel)
	err = c.steps(ctx, test.Steps)
	left := c.guest.fuel()
	o := outcome{lines: c.lines, memory: sha256.Sum256(c.all()), fuel: fuel - left, left: left, err: err}
	if marks {
		o.unmarked = c.unmarked(image, dirty.Get())
	}
	return o
}

func (c *calls) all() []byte { return c.read(0, int(c.memory.Size())) }

// unmarked counts the bytes that differ from the image, that the host has not
// written and that are not marked either.
func (c *calls) unmarked(image []byte, dirty uint64) (n int) {
	memory := c.all()
	for _, s := range c.written {
		copy(image[min(s.from, len(image)):min(s.to, len(image))], memory[s.from:s.to])
	}
	for at := range image {
		if memory[at] != image[at] && !isMarked(dirty, at, len(image), c.guest.output.RegionShift) {
			n++
		}
	}
	return n
}

// instantiateImports makes the modules that a case imports from. One that also
// has to export a memory is a module between the guest and the stubs.
func (test *realCase) instantiateImports(ctx context.Context, t testing.TB, r wazero.Runtime) {
	t.Helper()
	hosts := map[string]wazero.HostModuleBuilder{}
	for _, i := range test.module.Imports {
		switch i.Kind {
		case wasm.Function:
			host := i.Module + test.hostSuffix()
			if hosts[host] == nil {
				hosts[host] = r.NewHostModuleBuilder(host)
			}
			ft := test.module.Types[i.Function]
			hosts[host].NewFunctionBuilder().
				WithGoModuleFunction(test.stub(t, i), valueTypes(ft.Params), valueTypes(ft.Results)).Export(i.Name)
		case wasm.Memory:
		default:
			t.Fatalf("imports a %s", i.Kind)
		}
	}
	for _, host := range hosts {
		if _, err := host.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if test.hostSuffix() != "" {
		between := wazero.NewModuleConfig().WithName(test.module.Imports[0].Module)
		if _, err := r.InstantiateWithConfig(ctx, test.between(), between); err != nil {
			t.Fatal(err)
		}
	}
}

// hostSuffix is what the names of the stubs' modules end in where a module is
// between.
func (test *realCase) hostSuffix() string {
	if test.module.ImportedCount(wasm.Memory) > 0 {
		return ".stubs"
	}
	return ""
}

// between returns a module that exports a memory of its own and the functions
// that it imports.
func (test *realCase) between() []byte {
	m := wasm.Module{Types: test.module.Types}
	for _, i := range test.module.Imports {
		if i.Kind == wasm.Memory {
			m.Memories = []wasm.Limits{i.Memory}
			m.Exports = append(m.Exports, wasm.Export{Name: i.Name, Kind: wasm.Memory})
			continue
		}
		m.Exports = append(m.Exports, wasm.Export{Name: i.Name, Kind: wasm.Function, Index: uint32(len(m.Imports))})
		i.Module += test.hostSuffix()
		m.Imports = append(m.Imports, i)
	}
	return m.Encode()
}

func valueTypes(types []wasm.ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// stub is what a case says that an imported function does, by default nothing
// but to return 0.
func (test *realCase) stub(t testing.TB, i wasm.Import) api.GoModuleFunc {
	t.Helper()
	params := test.module.Types[i.Function].Params
	results := len(test.module.Types[i.Function].Results)
	returns := func(stack []uint64, value uint64) {
		if results > 0 {
			stack[0] = value
		}
	}
	switch what := test.Imports[i.Module+"."+i.Name]; what {
	case "":
		return func(_ context.Context, _ api.Module, stack []uint64) { returns(stack, 0) }
	case "one":
		return func(_ context.Context, _ api.Module, stack []uint64) { returns(stack, 1) }
	case "grow":
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			returns(stack, callsOf(ctx).grow(uint32(stack[0])))
		}
	case "copy":
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			c := callsOf(ctx)
			c.write(uint32(stack[0]), c.read(uint32(stack[1]), int(stack[2])))
		}
	case "numbers":
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			line := []string{i.Name}
			for n, p := range params {
				line = append(line, formatNumber(number(api.ValueType(p), stack[n])))
			}
			callsOf(ctx).print(strings.Join(line, " "))
		}
	case "text":
		return func(ctx context.Context, _ api.Module, stack []uint64) {
			c, n := callsOf(ctx), len(params)
			c.print(i.Name + " " + string(c.read(uint32(stack[n-2]), int(stack[n-1]))))
			returns(stack, 0)
		}
	default:
		t.Fatalf("no stub is called %q", what)
		return nil
	}
}

func callsOf(ctx context.Context) *calls { return ctx.Value(callsKey{}).(*calls) }

func (c *calls) print(line string) { c.lines = append(c.lines, line) }

func (c *calls) grow(size uint32) uint64 {
	pages := (int64(size) - int64(c.memory.Size()) + 65535) / 65536
	if _, ok := c.memory.Grow(uint32(max(pages, 0))); !ok {
		return 0
	}
	return 1
}

func (c *calls) steps(ctx context.Context, steps []realStep) error {
	for _, s := range steps {
		result, err := c.step(ctx, s)
		if err != nil {
			return err
		}
		if s.As != "" {
			c.variables[s.As] = result
		}
	}
	return nil
}

func (c *calls) step(ctx context.Context, s realStep) (any, error) {
	switch {
	case s.Call != "":
		return c.call(ctx, s)
	case s.Repeat > 0:
		for range s.Repeat {
			if err := c.steps(ctx, s.Steps); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case s.Print != "":
		c.print(formatNumber(c.value(s.Print)))
		return nil, nil
	}
	at := uint32(c.value(s.At).(int64))
	switch {
	case s.Load == "word":
		return int64(int32(binary.LittleEndian.Uint32(c.read(at, 4)))), nil
	case s.Load == "double":
		return math.Float64frombits(binary.LittleEndian.Uint64(c.read(at, 8))), nil
	case s.Read != "":
		c.print(c.text(s, at))
		return nil, nil
	}
	b := c.encode(s)
	c.write(at, b)
	return int64(len(b)), nil
}

func (c *calls) call(ctx context.Context, s realStep) (any, error) {
	name := s.Call
	if short, ok := c.test.Exports[name]; ok {
		name = short
	}
	f := c.guest.ExportedFunction(name)
	if f == nil {
		c.Fatalf("no export %s (%s)", name, s.Call)
	}
	// Missing arguments are 0, as in JavaScript.
	values := make([]uint64, len(f.Definition().ParamTypes()))
	for i, t := range f.Definition().ParamTypes() {
		if i < len(s.Arguments) {
			values[i] = bits(t, c.value(s.Arguments[i]))
		}
	}
	results, err := f.Call(ctx, values...)
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return number(f.Definition().ResultTypes()[0], results[0]), nil
}

// encode returns the bytes that a step stores.
func (c *calls) encode(s realStep) (b []byte) {
	switch {
	case s.Text != nil:
		return []byte(*s.Text)
	case s.UTF16 != nil:
		for _, unit := range utf16.Encode([]rune(*s.UTF16)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
	case s.Hex != nil:
		b, err := hex.DecodeString(*s.Hex)
		if err != nil {
			c.Fatal(err)
		}
		return b
	default:
		for _, w := range s.Words {
			b = binary.LittleEndian.AppendUint32(b, uint32(c.value(w).(int64)))
		}
		for _, d := range s.Doubles {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(d))
		}
	}
	return b
}

// text returns what a step reads; without a length, up to the next zero byte.
func (c *calls) text(s realStep, at uint32) string {
	var b []byte
	if s.Length != nil {
		b = c.read(at, int(c.value(s.Length).(int64)))
	} else {
		rest := c.read(at, int(c.memory.Size()-at))
		b = rest[:bytes.IndexByte(rest, 0)]
	}
	if s.Read == "hex" {
		return hex.EncodeToString(b)
	}
	return string(b)
}

// read returns a view.
func (c *calls) read(at uint32, length int) []byte {
	c.Helper()
	b, ok := c.memory.Read(at, uint32(length))
	if !ok {
		c.Fatalf("%d bytes at %d are outside of the memory", length, at)
	}
	return b
}

func (c *calls) write(at uint32, b []byte) {
	copy(c.read(at, len(b)), b)
	c.written = append(c.written, span{int(at), int(at) + len(b)})
}

var long = regexp.MustCompile(`^-?\d+n$`)

// value returns what a number, a variable, an exported global ("@name") or
// either with an offset ("name+4") stands for; "5n" is an i64.
func (c *calls) value(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case string:
		if long.MatchString(v) {
			n, _ := strconv.ParseInt(strings.TrimSuffix(v, "n"), 10, 64)
			return n
		}
		name, offset, _ := strings.Cut(v, "+")
		base, ok := c.variables[name]
		if global, found := strings.CutPrefix(name, "@"); found {
			g := c.guest.ExportedGlobal(global)
			base, ok = number(g.Type(), g.Get()), g != nil
		}
		if !ok {
			c.Fatalf("nothing is called %s", name)
		}
		if offset == "" {
			return base
		}
		n, _ := strconv.ParseInt(offset, 10, 64)
		return base.(int64) + n
	}
	c.Fatalf("%v is no value", v)
	return nil
}

// number decodes a value of the API: integers are signed.
func number(t api.ValueType, bits uint64) any {
	switch t {
	case api.ValueTypeI32:
		return int64(int32(bits))
	case api.ValueTypeF32:
		return float64(api.DecodeF32(bits))
	case api.ValueTypeF64:
		return api.DecodeF64(bits)
	}
	return int64(bits)
}

// bits is the inverse of number.
func bits(t api.ValueType, v any) uint64 {
	f, isFloat := v.(float64)
	n, _ := v.(int64)
	if !isFloat {
		f = float64(n)
	}
	switch t {
	case api.ValueTypeI32:
		return api.EncodeI32(int32(n))
	case api.ValueTypeF32:
		return api.EncodeF32(float32(f))
	case api.ValueTypeF64:
		return api.EncodeF64(f)
	}
	return uint64(n)
}

// formatNumber prints a number as JavaScript does, as long as it takes no exponent.
func formatNumber(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
