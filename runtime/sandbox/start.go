package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/abi"
)

// StartError says why a module cannot run: its start function or _initialize
// does not end well, and would not in any instance under the same limits.
type StartError struct {
	Fault *Fault
	// Where is "start" or "_initialize"; empty where it is neither.
	Where string
	// Fuel is what both have used together, of Limit units.
	Fuel, Limit int64
	// Lines are the last ones that they logged, in order.
	Lines []Line
}

// Error says what ended and what it had used. It does not give the lines.
func (e *StartError) Error() string {
	if e.Where == "" {
		return e.Fault.Message
	}
	where := e.Where
	if where == "start" {
		where = "the start function"
	}
	message := strings.TrimPrefix(e.Fault.Message, e.Where+": ")
	return fmt.Sprintf("%s failed after %d of %d units of fuel: %s", where, e.Fuel, e.Limit, message)
}

// maxStartLines is how many lines a StartError keeps.
const maxStartLines = 8

// Start tries whether instances of the module come up under these limits with
// this config, which is JSON or nil: it makes one, with its start function and
// _initialize, and closes it. A module that fails gives a *StartError. Other
// errors are the host's, or those of ctx. used is told of the fuel that it took; it may be nil.
func (m *Module) Start(ctx context.Context, limits Limits, config []byte, used func(units int64)) (err error) {
	var lines []Line
	p := m.Pool(PoolConfig{Config: config, Started: used, Log: func(l Line) {
		if lines = append(lines, l); len(lines) > maxStartLines {
			lines = lines[1:]
		}
	}})
	defer func() { err = errors.Join(err, p.Close()) }()
	i, fault := p.instantiate(ctx, limits, nil)
	if fault == nil {
		if used != nil && i.startFuel > 0 {
			used(i.startFuel)
		}
		fault = i.everyRunExhausted()
		i.close()
	}
	switch {
	case fault == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("start %s: %w", m.digest, context.Cause(ctx))
	case fault.Code == abi.CodeInternal:
		return fmt.Errorf("start %s: %w", m.digest, fault)
	}
	return &StartError{Fault: fault, Where: fault.where, Fuel: fault.fuel, Limit: m.engine.config.StartFuel, Lines: lines}
}

// everyRunExhausted returns the fault of all runs in a module of which each pays
// for a start that takes more than it may use.
func (i *instance) everyRunExhausted() *Fault {
	if i.startFuel <= i.limits.FuelPerRun {
		return nil
	}
	return &Fault{Code: abi.CodeFuelExhausted, Limit: "fuelPerRun", Message: fmt.Sprintf(
		"starting takes %d units of fuel, which every run pays since no instance can be reset; the limit of a run is %d", i.startFuel, i.limits.FuelPerRun)}
}
