package meter_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/runtime/meter"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest/random"
)

// observation is everything that can be seen of one run.
type observation struct {
	neverStarted   bool
	trap           string // of the run or of the start function, in the engine's words
	results, state string
	memory         string
	host           uint64 // what the host saw

	// Where the module is metered:
	start, used int64  // units
	stackTaken  int64  // bytes that were not given back
	yielding    bool   // behind the run
	marks       uint64 // of the run
	image       string // the memory before the run
}

func (o *observation) ending() ending {
	switch {
	case o.neverStarted:
		return neverStarted
	case o.trap != "":
		return trapped
	}
	return returned
}

// same compares all but the units.
func (o *observation) same(want observation) error {
	switch {
	case o.neverStarted != want.neverStarted || o.trap != want.trap:
		return fmt.Errorf("ended with %q, want %q", o.trap, want.trap)
	case o.results != want.results:
		return fmt.Errorf("returned %s, want %s", o.results, want.results)
	case o.host != want.host:
		return fmt.Errorf("called the host otherwise")
	case o.state != want.state:
		return fmt.Errorf("left the state %s, want %s", o.state, want.state)
	case o.memory != want.memory:
		return fmt.Errorf("left another memory, of %d bytes, want %d", len(o.memory), len(want.memory))
	}
	return nil
}

// checkMarks holds that what the run changed in memory is marked.
func (o *observation) checkMarks(shift uint32) error {
	for at := range o.image {
		atStart := at < meter.RegionSlack && o.marks != 0 // counts as marked
		if o.memory[at] != o.image[at] && !atStart && !isMarked(o.marks, at, len(o.memory), shift) {
			return fmt.Errorf("byte %d changed, marks are %064b of 1<<%d bytes each", at, o.marks, shift)
		}
	}
	return nil
}

// observe runs a module that is not metered.
func (e *engine) observe(m random.Module, b []byte) (observation, error) {
	compiled, err := e.runtime.CompileModule(context.Background(), b)
	if err != nil {
		return observation{}, err
	}
	defer compiled.Close(context.Background())
	return e.try(compiled, m, 0), nil
}

// try runs a module in an instance of its own. Where fuel is 0 it is not metered.
func (e *engine) try(compiled wazero.CompiledModule, m random.Module, fuel int64) (o observation) {
	g, trace, err := e.start(compiled)
	if err != nil {
		return observation{neverStarted: true, trap: trapOf(err), host: *trace}
	}
	defer g.close()
	metered := g.ExportedGlobal(meter.FuelGlobal) != nil
	if metered {
		o.start = startFuel - g.fuel()
		g.setFuel(fuel)
		o.image = g.memory()
	}
	marks, marked := g.ExportedGlobal(meter.DirtyGlobal).(api.MutableGlobal)
	if marked {
		marks.Set(0)
	}
	o.results, err = g.words("run", m.Arguments, m.RunResults)
	o.trap = trapOf(err)
	if metered {
		o.used = fuel - g.fuel()
		g.setFuel(plentyOfFuel)
	}
	if marked {
		o.marks = marks.Get()
	}
	if stack := g.ExportedGlobal(meter.StackGlobal); stack != nil {
		o.stackTaken = meter.DefaultStackBytes - int64(stack.Get())
	}
	if yielding := g.ExportedGlobal(meter.YieldGlobal); yielding != nil {
		o.yielding = yielding.Get() != 0
	}
	o.host = *trace
	o.memory = g.memory()
	if o.state, err = g.words("state", nil, m.StateResults); err != nil {
		o.state = trapOf(err)
	}
	return o
}

func trapOf(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
