package sandbox

import (
	"context"
	"os"
	"time"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// UnwatchedChild is CompileMain in a child that does not look at what it uses,
// and works in place of compiling.
func UnwatchedChild(work func() error) {
	if os.Getenv(childVariable) != "" {
		compileAndExit(func(context.Context, []byte, meter.Options, string) (*artifact, error) { return nil, work() }, 24*time.Hour)
	}
}

// SetChild has the Engine start another program than this one, and wait that
// long for its greeting.
func (e *Engine) SetChild(path string, greeting time.Duration) {
	e.children = children{program: func() (string, error) { return path, nil }, greeting: greeting}
}

// Greeting is what a child says first.
const Greeting = greeting

// Codes returns how many modules have their code in memory, and the bytes of
// those that no instance uses.
func (e *Engine) Codes() (loaded int, unused int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code.mu.Lock()
	defer e.code.mu.Unlock()
	for _, c := range e.mu.modules {
		if c.code != nil {
			loaded++
		}
	}
	return loaded, e.code.mu.bytes
}

// Cost returns what compiling the module took in a child process: CPU time and
// the most memory at one time.
func (m *Module) Cost() (time.Duration, int64) { return m.compiled.cost.CPU, m.compiled.cost.Memory }

// CPUFor returns the CPU time that compiling an upload of that length may take.
func (l CompileLimits) CPUFor(uploaded int) time.Duration { return l.of(uploaded).CPU }

// Cold brings a module's code into memory and lets it go.
func (e *Engine) Cold(m *Module) error {
	if _, err := e.pin(m.compiled, nil); err != nil {
		return err
	}
	e.unpin(m.compiled)
	return nil
}

// Warm brings a module's code into memory for good.
func (e *Engine) Warm(m *Module) error {
	_, err := e.pin(m.compiled, nil)
	return err
}

// Sizes returns the lengths of a module's machine code and outline.
func (e *Engine) Sizes(m *Module) (code, outline int) {
	a, err := e.cache.read(m.compiled.link, m.compiled.digest)
	if err != nil {
		return 0, 0
	}
	return len(a.code), len(a.outline)
}

// Idle returns how many instances wait for a run.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.idle)
}

// ColdFor is Cold for a run with a pace.
func (e *Engine) ColdFor(m *Module, pace Pace) error {
	if _, err := e.pin(m.compiled, pace); err != nil {
		return err
	}
	e.unpin(m.compiled)
	return nil
}
