package sandbox

import (
	"context"
	"errors"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// Inspection is what can be told of a module without running it.
type Inspection struct {
	Module    *wasm.Module // borrows the bytes that were inspected
	Schema    string
	Resolvers []string
	// Metered is the size of what would run, in bytes; 0 for a refused module.
	Metered int
	// Problems is what admission would say; empty for a module that is fit.
	Problems []Problem
}

// Inspect looks at a module as admission would. The error is for bytes that
// are no module at all.
func (e *Engine) Inspect(ctx context.Context, binary []byte) (*Inspection, error) {
	m, err := wasm.Decode(binary)
	if err != nil {
		return nil, &AdmissionError{Problems: []Problem{wasmProblem(nil, err)}}
	}
	found, _ := examine(m, len(binary))
	inspection := &Inspection{Module: m, Schema: found.schema, Resolvers: found.resolvers}
	admitted, err := admit(ctx, binary, e.config.Metering())
	var refused *AdmissionError
	switch {
	case errors.As(err, &refused):
		inspection.Problems = refused.Problems
	case err != nil:
		return nil, err
	default:
		inspection.Metered = len(admitted.metered.Wasm)
	}
	return inspection, nil
}
