// Package sandbox runs guests: it admits a module, has it metered, compiles it
// once per digest and runs its resolvers in pooled instances. Every run starts
// from the image that start and _initialize left, under a fuel and a memory
// limit, and sees nothing but its inputs.
//
// It is the only importer of wazero.
package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/meter"
)

// ErrClosed is returned by an Engine that was closed.
var ErrClosed = errors.New("the sandbox is closed")

// Config holds an Engine's settings. The zero value is ready to use.
type Config struct {
	// TableElements caps each table of a guest. 0 means 65,536.
	TableElements uint32
	// StartFuel limits start and _initialize together, in units of fuel. 0 means
	// DefaultStartFuel.
	StartFuel int64
	// IdleAfter is how long an instance that nobody uses is kept, in whole
	// seconds. 0 means DefaultIdleAfter.
	IdleAfter time.Duration
	// IdleBytes bounds the memory of instances that are kept: those that were
	// used least recently are closed. 0 means DefaultIdleBytes.
	IdleBytes int64
}

// Metering returns how an Engine of this configuration has modules rewritten.
func (c Config) Metering() meter.Options {
	return meter.Options{TableElements: c.TableElements, ExportStart: true, MarkWrites: true}
}

// DefaultStartFuel is the fuel for start and _initialize.
const DefaultStartFuel = 50_000_000

// Engine compiles modules and owns what they share. It is safe for concurrent
// use.
type Engine struct {
	config   Config
	runtime  wazero.Runtime
	shrinker *shrinker

	compiling chan struct{} // one module at a time is checked and compiled

	mu struct {
		sync.Mutex
		modules map[string]*compiled // by digest
		closed  bool
	}
}

// compiled is a module's machine code with the number of Modules that use it.
type compiled struct {
	code        wazero.CompiledModule
	globals     []meter.GlobalExport
	freshEach   bool
	regionShift uint32
	references  int // guarded by Engine.mu
}

// New returns an Engine. Close releases it.
func New(ctx context.Context, config Config) (*Engine, error) {
	if config.StartFuel == 0 {
		config.StartFuel = DefaultStartFuel
	}
	if config.IdleAfter == 0 {
		config.IdleAfter = DefaultIdleAfter
	}
	if config.IdleBytes == 0 {
		config.IdleBytes = DefaultIdleBytes
	}
	settings := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2)
	e := &Engine{
		config:    config,
		runtime:   wazero.NewRuntimeWithConfig(ctx, settings),
		compiling: make(chan struct{}, 1),
		shrinker:  newShrinker(config.IdleAfter, config.IdleBytes),
	}
	e.mu.modules = map[string]*compiled{}
	if err := instantiateHost(ctx, e.runtime); err != nil {
		return nil, errors.Join(fmt.Errorf("host module %s: %w", abi.ModuleName, err), e.Close(ctx))
	}
	if err := instantiateWASI(ctx, e.runtime); err != nil {
		return nil, errors.Join(fmt.Errorf("host module %s: %w", abi.WASIModuleName, err), e.Close(ctx))
	}
	return e, nil
}

// Close frees all compiled code. No run may be under way and none may follow.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	closed := e.mu.closed
	e.mu.closed = true
	e.mu.modules = map[string]*compiled{}
	e.mu.Unlock()
	if !closed {
		e.shrinker.close()
	}
	return e.runtime.Close(ctx)
}

// Load admits, meters and compiles a module. The bytes are not kept. What was
// loaded before under the same digest is not compiled again. A module that is
// refused gives an *AdmissionError. The caller releases the Module.
func (e *Engine) Load(ctx context.Context, wasm []byte) (*Module, error) {
	// Checking and compiling take a whole processor and much memory.
	select {
	case e.compiling <- struct{}{}:
		defer func() { <-e.compiling }()
	case <-ctx.Done():
	}
	if err := e.usable(ctx); err != nil {
		return nil, fmt.Errorf("load a module: %w", err)
	}
	admitted, err := e.admit(ctx, wasm)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wasm)
	m := &Module{
		engine:      e,
		digest:      "sha256:" + hex.EncodeToString(sum[:]),
		schema:      admitted.schema,
		resolvers:   admitted.resolvers,
		size:        len(wasm),
		memoryBytes: admitted.memoryBytes,
	}
	if m.compiled, err = e.compile(ctx, m.digest, admitted.metered); err != nil {
		return nil, err
	}
	return m, nil
}

// usable tells what is none of a module's fault.
func (e *Engine) usable(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.closed {
		return ErrClosed
	}
	return ctx.Err()
}

// compile returns the code for a digest, with one reference for the caller.
func (e *Engine) compile(ctx context.Context, digest string, metered meter.Output) (*compiled, error) {
	if c, err := e.acquire(digest, nil); c != nil || err != nil {
		return c, err
	}
	code, err := e.runtime.CompileModule(ctx, metered.Wasm)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", digest, err)
	}
	c := &compiled{code: code, globals: metered.Globals, freshEach: metered.Reinstantiate, regionShift: metered.RegionShift}
	if c, err = e.acquire(digest, c); err != nil {
		return nil, errors.Join(err, code.Close(ctx))
	}
	return c, nil
}

// acquire takes a reference to the code of a digest, and adds it where it is
// not known and fresh is given. It returns nil where there is none.
func (e *Engine) acquire(digest string, fresh *compiled) (*compiled, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.closed {
		return nil, ErrClosed
	}
	c := e.mu.modules[digest]
	if c == nil && fresh != nil {
		c = fresh
		e.mu.modules[digest] = c
	}
	if c != nil {
		c.references++
	}
	return c, nil
}

// retain takes one more reference to code that the caller has one to.
func (e *Engine) retain(c *compiled) {
	e.mu.Lock()
	c.references++
	e.mu.Unlock()
}

// release gives a reference back; the last one frees the code.
func (e *Engine) release(ctx context.Context, digest string, c *compiled) error {
	e.mu.Lock()
	c.references--
	last := c.references == 0 && !e.mu.closed
	if last {
		delete(e.mu.modules, digest)
	}
	e.mu.Unlock()
	if last {
		return c.code.Close(ctx)
	}
	return nil
}
