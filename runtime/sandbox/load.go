package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"
)

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
	return e.module(digest, c), nil
}

// Recall returns the module of a digest that Load has compiled before, be it of
// another Engine on the CacheDir, and nil where only Load can bring it. The caller
// releases the Module.
func (e *Engine) Recall(digest string) (*Module, error) {
	if err := e.begin(); err != nil {
		return nil, fmt.Errorf("recall a module: %w", err)
	}
	defer e.loads.Done()
	c, err := e.find(digest)
	if c == nil || err != nil {
		return nil, err
	}
	if c.lost.Load() {
		return nil, e.release(context.Background(), digest, c)
	}
	return e.module(digest, c), nil
}

// module makes a Module of a reference to its code.
func (e *Engine) module(digest string, c *compiled) *Module {
	return &Module{
		engine: e, compiled: c, digest: digest, schema: c.schema, resolvers: c.resolvers,
		size: c.uploaded, memoryBytes: c.memoryBytes,
	}
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
	if e.config.OnCompile != nil {
		began := time.Now()
		defer func() { e.config.OnCompile(time.Since(began), err) }()
	}
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
