package meter_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// realCase is a module out of an npm package, calls of it, and what they print.
type realCase struct {
	Name, Package, File, Language, Compiler string
	Exports                                 map[string]string // names that a compiler made short
	Imports                                 map[string]string // by module and name: which stub
	Steps                                   []realStep
	Want                                    []string

	module *wasm.Module
}

// embedded finds modules in base64.
var embedded = regexp.MustCompile(`AGFzbQ[A-Za-z0-9+/]+=*`)

const (
	realDirectory = "testdata/real"
	// maxRaceBytes is the size of the largest module that is compiled under the
	// race detector, where that takes ten times as long.
	maxRaceBytes = 300_000
)

func realCases(t testing.TB) (cases []*realCase) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(realDirectory, "node_modules")); err != nil {
		t.Fatalf("the packages with real modules are not installed: run `make deps`, or `npm ci` in runtime/meter/%s", realDirectory)
	}
	b, err := os.ReadFile(filepath.Join(realDirectory, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// binary returns the module.
func (test *realCase) binary(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(realDirectory, "node_modules", test.Package, test.File))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(test.File, ".wasm") {
		if b, err = base64.StdEncoding.DecodeString(string(embedded.Find(b))); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// realEngine compiles each module once, for all runs.
type realEngine struct {
	name   string
	config wazero.RuntimeConfig
}

func realEngines() []realEngine {
	compiler := wazero.NewRuntimeConfigCompiler().WithCompilationCache(wazero.NewCompilationCache())
	engines := []realEngine{{"compiler", compiler}}
	if !raceEnabled { // nothing runs concurrently here: one engine is enough then
		interpreter := wazero.NewRuntimeConfigInterpreter().WithCompilationCache(wazero.NewCompilationCache())
		engines = append(engines, realEngine{"interpreter", interpreter})
	}
	return engines
}

// TestRealModules calls modules of many compilers as they are and rewritten, on
// both engines: all give what Node.js gives, and the same memory, for the same
// fuel.
func TestRealModules(t *testing.T) {
	table := &strings.Builder{}
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "module\tlanguage\tcompiler\tbytes\tfunctions\trewritten\tfactor\tfuel of the calls")
	cases := realCases(t)
	for _, test := range cases {
		b := test.binary(t)
		if raceEnabled && len(b) > maxRaceBytes {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			var err error
			if test.module, err = wasm.Decode(b); err != nil {
				t.Fatal(err)
			}
			out := rewrite(t, b, meter.Options{MarkWrites: true}) // what a server runs
			fuel := test.check(t, b, out)
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%.2f\t%d\n", test.Name, test.Language, test.Compiler, len(b),
				len(test.module.Code), len(out.Wasm), float64(len(out.Wasm))/float64(len(b)), fuel)
		})
	}
	w.Flush()
	t.Logf("%d modules\n%s", len(cases), table)
}

// TestRealGofmt formats what TinyGo's gofmt formats with Go's own.
func TestRealGofmt(t *testing.T) {
	for _, test := range realCases(t) {
		if test.Name != "gofmt" {
			continue
		}
		for _, s := range test.Steps {
			if s.Text == nil {
				continue
			}
			if want, err := format.Source([]byte(*s.Text)); err != nil || string(want) != test.Want[1] {
				t.Errorf("go/format: %q, %v; the case has %q", want, err, test.Want[1])
			}
			return
		}
	}
	t.Fatal("no such case")
}

// check makes the calls of a case on both engines, and returns the fuel that
// they use.
func (test *realCase) check(t *testing.T, original []byte, rewritten meter.Output) int64 {
	t.Helper()
	const plenty = 1 << 40
	unsliced := rewrite(t, original, meter.Options{Slice: plenty})
	fuel := int64(0)
	engines := realEngines()
	for _, engine := range engines {
		want := test.run(t, engine.config, meter.Output{Wasm: original}, 0)
		if want.err != nil {
			t.Fatalf("%s, original: %v", engine.name, want.err)
		}
		if !slices.Equal(want.lines, test.Want) {
			t.Errorf("%s, original:\n%q, Node.js has\n%q", engine.name, want.lines, test.Want)
		}
		modules := []meter.Output{rewritten, rewritten}
		if engine.name == "interpreter" { // which does not take long to compile another
			modules = append(modules, unsliced)
		}
		for _, module := range modules {
			got := test.run(t, engine.config, module, plenty)
			if got.err != nil || !slices.Equal(got.lines, want.lines) {
				t.Fatalf("%s, rewritten:\n%q, %v, the original has\n%q", engine.name, got.lines, got.err, want.lines)
			}
			if got.memory != want.memory {
				t.Errorf("%s: the memory differs", engine.name)
			}
			if got.unmarked != 0 {
				t.Errorf("%s: %d bytes are written and not marked", engine.name, got.unmarked)
			}
			if fuel == 0 {
				fuel = got.fuel
			}
			if got.fuel <= 0 || got.fuel != fuel {
				t.Errorf("%s: used %d units, another run %d", engine.name, got.fuel, fuel)
			}
		}
	}
	test.checkLimit(t, engines[0].config, rewritten, fuel)
	return fuel
}

// checkLimit runs a case with exactly what it needs, and with less.
func (test *realCase) checkLimit(t *testing.T, config wazero.RuntimeConfig, rewritten meter.Output, fuel int64) {
	t.Helper()
	if o := test.run(t, config, rewritten, fuel); o.err != nil || o.left != 0 {
		t.Errorf("with exactly %d units: %d left, %v", fuel, o.left, o.err)
	}
	if o := test.run(t, config, rewritten, fuel-1); o.left >= 0 {
		t.Errorf("with one unit too few: %d left", o.left)
	}
	o := test.run(t, config, rewritten, fuel/2)
	if o.left >= 0 || fuel/2 > overshoot && (o.err == nil || !strings.Contains(o.err.Error(), "unreachable")) {
		t.Errorf("with half of the units: %d left, %v", o.left, o.err)
	}
}
