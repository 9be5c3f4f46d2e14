package meter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// TestSpecBehaviour runs every script of the WebAssembly specification's test
// suite twice side by side, on the modules as they are and as they are
// rewritten: each call must give the same bits or the same trap.
func TestSpecBehaviour(t *testing.T) {
	engines := map[string]wazero.RuntimeConfig{"compiler": wazero.NewRuntimeConfigCompiler()}
	if !raceEnabled { // nothing runs concurrently here: one engine is enough then
		engines["interpreter"] = wazero.NewRuntimeConfigInterpreter()
	}
	for engine, config := range engines {
		t.Run(engine, func(t *testing.T) {
			var total tally
			for _, version := range []string{"v1", "v2"} {
				for _, script := range specScripts(t, version) {
					total.add(runScript(t, script, config))
				}
			}
			if total.calls < 40_000 || total.traps < 2_000 || total.modules < 1_500 {
				t.Errorf("only %+v were compared", total)
			}
			t.Logf("compared %+v", total)
		})
	}
}

// tally counts what was compared.
type tally struct{ modules, calls, traps int }

func (t *tally) add(o tally) {
	t.modules, t.calls, t.traps = t.modules+o.modules, t.calls+o.calls, t.traps+o.traps
}

func specDirectory(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest")
}

func specScripts(t *testing.T, version string) []string {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join(specDirectory(t), version, "testdata", "*.json"))
	if err != nil || len(scripts) < 70 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	return scripts
}

// command is one step of a script.
type command struct {
	Type, Name, Filename, As string
	Line                     int
	Action                   struct {
		Type, Module, Field string
		Args                []constant
	}
}

// constant is an argument: the bits of a number in decimal, or the lanes of a
// vector.
type constant struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

var laneBits = map[string]int{"i8": 8, "i16": 16, "i32": 32, "f32": 32, "i64": 64, "f64": 64}

// appendBits appends the constant as the engine takes it.
func (c constant) appendBits(dst []uint64) []uint64 {
	if c.Type == "v128" {
		return append(dst, lanes(c.Value.([]any), laneBits[c.LaneType])...)
	}
	text, _ := c.Value.(string)
	if text == "null" || text == "" {
		return append(dst, 0)
	}
	bits, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(err)
	}
	if c.Type == "externref" || c.Type == "funcref" {
		bits++ // any that is not null
	}
	return append(dst, bits)
}

func lanes(values []any, bits int) []uint64 {
	vector := make([]uint64, 2)
	for i, v := range values {
		lane, err := strconv.ParseUint(v.(string), 10, 64)
		if err != nil {
			panic(err)
		}
		vector[i*bits/64] |= lane << (i * bits % 64)
	}
	return vector
}

// world is one of the two runs of a script.
type world struct {
	runtime wazero.Runtime
	last    api.Module
	named   map[string]api.Module
	all     []api.Module
}

func newWorld(t *testing.T, config wazero.RuntimeConfig, metered bool) *world {
	t.Helper()
	w := &world{runtime: wazero.NewRuntimeWithConfig(context.Background(), config), named: map[string]api.Module{}}
	binary, err := os.ReadFile(filepath.Join(specDirectory(t), "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.instantiate(binary, "", "spectest", metered); err != nil {
		t.Fatal(err)
	}
	return w
}

// instantiate makes a module the last one, and known by the name that scripts
// use. The registered name is what other modules import it by.
func (w *world) instantiate(binary []byte, name, registered string, metered bool) error {
	if metered {
		m, err := wasm.Decode(binary)
		if err != nil {
			return err
		}
		out, err := meter.Rewrite(m, meter.Options{StartFuel: 1 << 60, TableElements: 1 << 31, MarkWrites: true})
		if err != nil {
			return err
		}
		binary = out.Wasm
	}
	ctx := context.Background()
	code, err := w.runtime.CompileModule(ctx, binary)
	if err != nil {
		return err
	}
	m, err := w.runtime.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName(registered).WithStartFunctions())
	if err != nil {
		return err
	}
	w.last = m
	if name != "" {
		w.named[name] = m
	}
	w.all = append(w.all, m)
	return nil
}

func (w *world) module(name string) api.Module {
	if name == "" {
		return w.last
	}
	return w.named[name]
}

// call invokes a function and returns its results as bits, or how it trapped.
func (w *world) call(c command) ([]uint64, string) {
	m := w.module(c.Action.Module)
	if m == nil {
		return nil, "no module"
	}
	for _, each := range w.all {
		if fuel, ok := each.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal); ok {
			fuel.Set(1 << 60)
		}
	}
	if c.Action.Type == "get" {
		return []uint64{m.ExportedGlobal(c.Action.Field).Get()}, ""
	}
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		return nil, "no function"
	}
	var stack []uint64
	for _, a := range c.Action.Args {
		stack = a.appendBits(stack)
	}
	results := size(f.Definition().ResultTypes())
	stack = append(stack, make([]uint64, max(0, results-len(stack)))...)
	if err := f.CallWithStack(context.Background(), stack); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, first
	}
	return stack[:results], ""
}

// size is how many words values of these types take.
func size(types []api.ValueType) int {
	n := len(types)
	for _, t := range types {
		if t == byte(wasm.V128) {
			n++
		}
	}
	return n
}

// references tells whether a result is the address of something, which differs
// between two worlds unless it is null.
func (w *world) references(c command) bool {
	m := w.module(c.Action.Module)
	if m == nil || c.Action.Type != "invoke" || m.ExportedFunction(c.Action.Field) == nil {
		return false
	}
	return slices.Contains(m.ExportedFunction(c.Action.Field).Definition().ResultTypes(), byte(wasm.FuncRef))
}

func runScript(t *testing.T, script string, config wazero.RuntimeConfig) (n tally) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Commands []command }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	original, metered := newWorld(t, config, false), newWorld(t, config, true)
	defer func() {
		_ = original.runtime.Close(context.Background())
		_ = metered.runtime.Close(context.Background())
	}()
	for i, c := range file.Commands {
		where := fmt.Sprintf("%s:%d", filepath.Base(script), c.Line)
		switch c.Type {
		case "module", "assert_uninstantiable", "assert_unlinkable":
			binary, err := os.ReadFile(filepath.Join(filepath.Dir(script), c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			as := registeredName(file.Commands[i+1:], c.Name)
			one, other := original.instantiate(binary, c.Name, as, false), metered.instantiate(binary, c.Name, as, true)
			if (one == nil) != (other == nil) {
				t.Errorf("%s: instantiated %v, rewritten %v", where, one, other)
			}
			n.modules++
		case "assert_return", "assert_trap", "assert_exhaustion", "action":
			want, trap := original.call(c)
			if strings.HasPrefix(trap, "no ") {
				t.Errorf("%s: %s of %s: %s", where, c.Action.Field, c.Action.Module, trap)
			}
			got, gotTrap := metered.call(c)
			if original.references(c) {
				continue
			}
			if !slices.Equal(got, want) || trap != gotTrap && c.Type != "assert_exhaustion" || (trap == "") != (gotTrap == "") {
				t.Errorf("%s: %s gives %x %q, rewritten %x %q", where, c.Action.Field, want, trap, got, gotTrap)
			}
			n.calls++
			if trap != "" {
				n.traps++
			}
		}
	}
	return n
}

// registeredName is what a later command registers the module as, before
// another module takes its place.
func registeredName(rest []command, name string) string {
	for _, c := range rest {
		if c.Type == "register" && (c.Name == name || c.Name == "") {
			return c.As
		}
		if c.Type == "module" && name == "" {
			return ""
		}
	}
	return ""
}
