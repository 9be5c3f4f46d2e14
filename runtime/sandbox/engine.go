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
	"log/slog"
	"os"
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
	return meter.Options{TableElements: c.TableElements, ExportStart: true, MarkWrites: true}
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

// Load admits, meters and compiles a module. The bytes are not kept. What was
// loaded before under the same digest, by this Engine or another on its CacheDir,
// is not compiled again. A module that is refused gives an *AdmissionError. The
// caller releases the Module.
func (e *Engine) Load(ctx context.Context, wasm []byte) (*Module, error) {
	if err := e.begin(); err != nil {
		return nil, fmt.Errorf("load a module: %w", err)
	}
	defer e.loads.Done()
	sum := sha256.Sum256(wasm)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	c, err := e.find(digest)
	if c == nil && err == nil {
		c, err = e.compile(ctx, digest, wasm)
	}
	if err != nil {
		return nil, err
	}
	if c.lost.Load() {
		if err := e.restore(ctx, c, wasm); err != nil {
			return nil, errors.Join(err, e.release(ctx, digest, c))
		}
	}
	return &Module{
		engine: e, compiled: c, digest: digest, schema: c.schema, resolvers: c.resolvers,
		size: c.uploaded, memoryBytes: c.memoryBytes,
	}, nil
}

// begin announces a load, whose end is told to e.loads.
func (e *Engine) begin() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.closed {
		return ErrClosed
	}
	e.loads.Add(1)
	return nil
}

// find returns what is known of a digest, or lies in the cache; nil where
// neither is the case.
func (e *Engine) find(digest string) (*compiled, error) {
	if c, err := e.acquire(digest, nil); c != nil || err != nil {
		return c, err
	}
	link, a, err := e.cache.hold(digest)
	if err != nil {
		return nil, nil // the cache has told what is worth telling
	}
	return e.adopt(digest, link, a)
}

// compile has a module compiled once it is its turn.
func (e *Engine) compile(ctx context.Context, digest string, wasm []byte) (*compiled, error) {
	ctx, done, err := e.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	// Another may have loaded the same meanwhile.
	if c, err := e.acquire(digest, nil); c != nil || err != nil {
		return c, err
	}
	link, a, err := e.store(ctx, digest, wasm)
	if err != nil {
		return nil, err
	}
	c, err := e.adopt(digest, link, a)
	if err != nil {
		return nil, err
	}
	if err := e.warm(c, a); err != nil {
		return nil, errors.Join(fmt.Errorf("load %s: %w", digest, err), e.release(ctx, digest, c))
	}
	return c, nil
}

// restore has a module compiled again whose file is damaged.
func (e *Engine) restore(ctx context.Context, c *compiled, wasm []byte) error {
	ctx, done, err := e.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	if !c.lost.Load() {
		return nil
	}
	link, _, err := e.store(ctx, c.digest, wasm)
	if err != nil {
		return err
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	e.cache.drop(c.link)
	c.link = link
	c.lost.Store(false)
	return nil
}

// turn waits until another module may be compiled. The context that it returns
// ends with the Engine too; done gives the turn back.
func (e *Engine) turn(ctx context.Context) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(e.closing, func() { cancel(ErrClosed) })
	release := func() { stop(); cancel(nil) }
	select {
	case e.compiling <- struct{}{}:
		if ctx.Err() == nil {
			return ctx, func() { <-e.compiling; release() }, nil
		}
		<-e.compiling
	case <-ctx.Done():
	}
	err = fmt.Errorf("load a module: %w", context.Cause(ctx))
	release()
	return nil, nil, err
}

// store compiles a module into the cache.
func (e *Engine) store(ctx context.Context, digest string, wasm []byte) (link string, a *artifact, err error) {
	a, err = e.build(ctx, wasm)
	var refused *AdmissionError
	switch {
	case errors.As(err, &refused):
		return "", nil, refused
	case err != nil:
		return "", nil, fmt.Errorf("load %s: %w", digest, err)
	}
	if link, err = e.cache.add(digest, a); err != nil {
		return "", nil, fmt.Errorf("load %s: %w", digest, err)
	}
	return link, a, nil
}

// build compiles a module, in a child process where the Config says so.
func (e *Engine) build(ctx context.Context, wasm []byte) (a *artifact, err error) {
	scratch, err := os.MkdirTemp(e.workspace.dir, "build-")
	if err != nil {
		return nil, fmt.Errorf("make a directory to compile in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if !e.config.CompileInChild {
		return build(ctx, wasm, e.config.Metering(), scratch)
	}
	return e.children.build(ctx, wasm, e.config.Metering(), e.config.CompileLimits.of(len(wasm)), scratch)
}

// adopt makes code known under its digest, with one reference for the caller. It
// takes over the link.
func (e *Engine) adopt(digest, link string, a *artifact) (*compiled, error) {
	fresh := newCompiled(digest, link, &a.summary)
	c, err := e.acquire(digest, fresh)
	if c != fresh {
		e.cache.drop(link)
	}
	return c, err
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

// release gives a reference back; the last one frees the code, and lets the
// cache drop it.
func (e *Engine) release(ctx context.Context, digest string, c *compiled) error {
	e.mu.Lock()
	c.references--
	last := c.references == 0 && !e.mu.closed
	if last {
		delete(e.mu.modules, digest)
		e.loads.Add(1) // Close waits for it
	}
	e.mu.Unlock()
	if !last {
		return nil
	}
	defer e.loads.Done()
	e.cache.drop(c.link)
	return e.code.forget(ctx, c)
}
