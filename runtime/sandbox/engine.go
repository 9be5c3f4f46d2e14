// Package sandbox runs guests: it admits a module, has it metered, compiles it
// once per digest and runs its resolvers in pooled instances. Every run starts
// from the image that start and _initialize left, under a fuel and a memory
// limit, and sees nothing but its inputs.
//
// It is the only importer of wazero.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/meter"
)

// ErrClosed is returned by an Engine that was closed.
var ErrClosed = errors.New("the sandbox is closed")

// Config holds an Engine's settings. The zero value is ready to use, for modules
// that are trusted not to be compile bombs.
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

	// CompileInChild has each module checked and compiled in a child process under
	// CompileLimits, so that no upload can use up this one. The program's main must
	// call CompileMain.
	CompileInChild bool
	// CompileLimits bound a child process. Zero fields have defaults.
	CompileLimits CompileLimits
	// Compilations is how many modules are compiled at the same time. 0 means 1.
	Compilations int

	// CacheDir keeps compiled modules over restarts, in a directory of mode 0700
	// that is made where there is none. Empty means a temporary one, which Close
	// removes.
	CacheDir string
	// CacheKey authenticates the files in CacheDir; at least 16 bytes. Nil means a
	// random key that lies in the directory: then it protects against damage, and
	// not against whoever can read the directory and write to it.
	CacheKey []byte
	// CacheBytes bounds the files of modules that are not loaded. 0 means
	// DefaultCacheBytes.
	CacheBytes int64
	// CodeBytes bounds the memory for the code of modules that no instance uses. 0
	// means DefaultCodeBytes.
	CodeBytes int64
	// OnCompile is told of each compilation how long it took, the wait for a turn
	// not counted, and what it failed with. May be nil.
	OnCompile func(took time.Duration, err error)
	// Logger receives what operators should know of the cache. Nil discards.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	DefaultStartFuel  = 50_000_000
	DefaultCacheBytes = 1 << 30
	DefaultCodeBytes  = 128 << 20
)

const minCacheKey = 16 // bytes

func (c Config) withDefaults() Config {
	if c.StartFuel == 0 {
		c.StartFuel = DefaultStartFuel
	}
	if c.IdleAfter == 0 {
		c.IdleAfter = DefaultIdleAfter
	}
	if c.IdleBytes == 0 {
		c.IdleBytes = DefaultIdleBytes
	}
	if c.Compilations == 0 {
		c.Compilations = 1
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = DefaultCacheBytes
	}
	if c.CodeBytes == 0 {
		c.CodeBytes = DefaultCodeBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.CompileLimits = c.CompileLimits.withDefaults()
	return c
}

// Metering returns how an Engine of this configuration has modules rewritten.
func (c Config) Metering() meter.Options {
	return meter.Options{TableElements: c.TableElements, ExportStart: true, MarkWrites: true, Yield: true}
}

// Engine compiles modules and owns what they share. It is safe for concurrent
// use.
type Engine struct {
	config    Config
	runtime   wazero.Runtime
	children  children
	code      codeStore
	workspace *workspace
	cache     *cache
	shrinker  *shrinker

	compiling chan struct{} // has room for as many as may compile

	loads    sync.WaitGroup // added to under mu while not closed
	closing  context.Context
	stopping context.CancelFunc // of closing

	mu struct {
		sync.Mutex
		modules map[string]*compiled // by digest
		closed  bool
	}
}

// New returns an Engine. Close releases it.
func New(ctx context.Context, config Config) (*Engine, error) {
	config = config.withDefaults()
	if config.CompileInChild && !compileMainCalled.Load() {
		return nil, ErrNoCompileMain
	}
	if n := len(config.CacheKey); config.CacheKey != nil && n < minCacheKey {
		return nil, fmt.Errorf("the key of the code cache has %d bytes, at least %d are needed", n, minCacheKey)
	}
	e := &Engine{config: config, compiling: make(chan struct{}, config.Compilations)}
	e.shrinker = newShrinker(config.IdleAfter, config.IdleBytes)
	e.children = children{program: executable, greeting: greetingTimeout}
	e.mu.modules = map[string]*compiled{}
	e.closing, e.stopping = context.WithCancel(context.Background())
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context) (err error) {
	if e.workspace, err = newWorkspace(); err != nil {
		return err
	}
	machine, err := machineName(ctx, e.workspace)
	if err != nil {
		return err
	}
	dir := e.config.CacheDir
	if dir == "" {
		dir = e.workspace.path("cache")
	}
	owner := fmt.Sprintf("%s\n%s\n%+v", programName(), machine, e.config.Metering())
	if e.cache, err = openCache(dir, owner, e.config.CacheKey, e.config.CacheBytes, e.config.Logger); err != nil {
		return err
	}
	if err := e.code.open(e.workspace.path("verified"), e.config.CodeBytes); err != nil {
		return err
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig().WithCompilationCache(e.code.files))
	if err := instantiateHost(ctx, e.runtime); err != nil {
		return fmt.Errorf("host module %s: %w", abi.ModuleName, err)
	}
	if err := instantiateWASI(ctx, e.runtime); err != nil {
		return fmt.Errorf("host module %s: %w", abi.WASIModuleName, err)
	}
	return nil
}

// Close frees all compiled code and ends the loads under way with ErrClosed. No
// run may be under way and none may follow.
func (e *Engine) Close(ctx context.Context) (err error) {
	e.mu.Lock()
	closed := e.mu.closed
	e.mu.closed = true
	e.mu.modules = map[string]*compiled{}
	e.mu.Unlock()
	if !closed {
		e.shrinker.close()
	}
	e.stopping()
	e.loads.Wait()
	if e.runtime != nil {
		err = errors.Join(e.runtime.Close(ctx), e.code.files.Close(ctx))
	}
	if e.cache != nil {
		err = errors.Join(err, e.cache.close())
		e.cache = nil
	}
	if e.workspace != nil {
		err = errors.Join(err, e.workspace.remove())
		e.workspace = nil
	}
	return err
}
