package sandbox

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// compiled is a module that was compiled, by its digest. Its code is in memory
// only while instances need it and as long as there is room; it comes back from
// the cache.
type compiled struct {
	schema      string
	resolvers   []string
	memoryBytes int64
	made        int64 // units that an instance is charged
	uploaded    int
	globals     []meter.GlobalExport
	freshEach   bool
	regionShift uint32
	cost        compileCost

	digest     string
	references int // Modules and Pools; guarded by Engine.mu

	loading sync.Mutex  // held while the code is brought back
	link    string      // to the artifact in the cache; guarded by loading
	lost    atomic.Bool // the artifact cannot be read; Load has it made again

	// The rest is guarded by codeStore.mu.
	code  wazero.CompiledModule // nil while it is not in memory
	bytes int64                 // of code, about
	pins  int                   // instances that need the code
	place *list.Element         // among the code that no instance needs
}

func newCompiled(digest, link string, s *summary) *compiled {
	return &compiled{
		schema: s.Schema, resolvers: s.Resolvers, memoryBytes: s.MemoryBytes, made: instanceUnits + partUnits*s.Parts + touchedByteUnits*s.DataBytes, uploaded: s.Uploaded,
		globals: s.Globals, freshEach: s.FreshEach, regionShift: s.RegionShift, cost: s.Cost, digest: digest, link: link,
	}
}

// codeStore keeps the code of modules in memory: of those that instances need,
// and of the others that were used last as long as they fit the limit.
type codeStore struct {
	files wazero.CompilationCache // reads machine code from dir
	dir   string
	limit int64 // bytes of code that no instance needs

	bringing sync.Mutex // held while code is brought back for a run, before compiled.loading

	mu struct {
		sync.Mutex
		unused list.List // of *compiled, used last in front
		bytes  int64     // of unused
	}
}

// open prepares dir for code that was verified.
func (s *codeStore) open(dir string, limit int64) (err error) {
	s.limit = limit
	s.mu.unused.Init()
	if s.files, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	below, err := filepath.Glob(filepath.Join(dir, "*")) // wazero's own directory, by its version
	if err != nil || len(below) != 1 {
		return fmt.Errorf("%s does not have one directory", dir)
	}
	s.dir = below[0]
	return nil
}

// pin keeps the code of a module in memory until unpin, and brings it back where
// it is not there. The pace is left meanwhile, and charged then; it may be nil.
func (e *Engine) pin(c *compiled, pace Pace) (code wazero.CompiledModule, err error) {
	if code = e.code.take(c); code != nil {
		return code, nil
	}
	if pace == nil {
		return e.bringBack(c)
	}
	goesOn := pace.Leave(func() { code, err = e.bringBack(c) })
	if err != nil {
		return nil, err
	}
	pace.Charge(codeUnits + codeByteUnits*e.code.size(c))
	if !goesOn {
		e.unpin(c)
		return nil, fmt.Errorf("bring back the code of %s: %w", c.digest, errCancelled)
	}
	return code, nil
}

// bringBack is pin for code that is not in memory. One is brought back at a time:
// whoever works for a tenant is not in a turn meanwhile.
func (e *Engine) bringBack(c *compiled) (wazero.CompiledModule, error) {
	e.code.bringing.Lock()
	defer e.code.bringing.Unlock()
	c.loading.Lock()
	defer c.loading.Unlock()
	if code := e.code.take(c); code != nil {
		return code, nil
	}
	a, err := e.cache.read(c.link, c.digest)
	if err != nil {
		c.lost.Store(true)
		return nil, fmt.Errorf("bring back the code of %s: %w; upload the module again", c.digest, err)
	}
	return e.bring(c, a)
}

// warm puts the code of a module that was just built into memory. That the
// parent takes what the child made is known then, and not at the first event.
func (e *Engine) warm(c *compiled, a *artifact) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	if e.code.take(c) == nil {
		if _, err := e.bring(c, a); err != nil {
			return err
		}
	}
	e.unpin(c)
	return nil
}

// bring loads code from an artifact and pins it. The caller holds c.loading.
func (e *Engine) bring(c *compiled, a *artifact) (wazero.CompiledModule, error) {
	code, err := e.code.load(e.runtime, a)
	if err != nil {
		return nil, fmt.Errorf("bring back the code of %s: %w", c.digest, err)
	}
	e.code.mu.Lock()
	c.code, c.bytes, c.pins = code, codeBytes(a), 1
	e.code.mu.Unlock()
	return code, nil
}

// codeBytes estimates what code takes in memory: the machine code, and what
// wazero makes of the outline.
func codeBytes(a *artifact) int64 { return int64(len(a.code) + outlineFactor*len(a.outline)) }

// outlineFactor was measured by BenchmarkEvictedModule.
const outlineFactor = 8

// unpin gives back what pin took.
func (e *Engine) unpin(c *compiled) {
	for _, code := range e.code.put(c) {
		_ = code.Close(context.Background()) // it only takes the code out of wazero's list
	}
}

// take pins code that is in memory; nil where it is not.
func (s *codeStore) take(c *compiled) wazero.CompiledModule {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.code == nil {
		return nil
	}
	s.removeUnused(c)
	c.pins++
	return c.code
}

// put unpins code, and returns the code that there is no room for any more.
func (s *codeStore) put(c *compiled) (evicted []wazero.CompiledModule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.pins--; c.pins > 0 || c.code == nil {
		return nil
	}
	c.place = s.mu.unused.PushFront(c)
	s.mu.bytes += c.bytes
	for s.mu.bytes > s.limit {
		oldest := s.mu.unused.Back().Value.(*compiled)
		s.removeUnused(oldest)
		evicted = append(evicted, oldest.code)
		oldest.code = nil
	}
	return evicted
}

// size returns what code that is pinned takes in memory, about.
func (s *codeStore) size(c *compiled) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.bytes
}

func (s *codeStore) removeUnused(c *compiled) {
	if c.place != nil {
		s.mu.unused.Remove(c.place)
		s.mu.bytes -= c.bytes
		c.place = nil
	}
}

// forget frees the code of a module that nothing uses any more.
func (s *codeStore) forget(ctx context.Context, c *compiled) error {
	s.mu.Lock()
	code := c.code
	s.removeUnused(c)
	c.code = nil
	s.mu.Unlock()
	if code == nil {
		return nil
	}
	return code.Close(ctx)
}

// load gives an artifact to wazero, which reads machine code from files only. The
// file is written from the bytes that were verified, into a directory that no
// other process writes, and is removed at once.
func (s *codeStore) load(r wazero.Runtime, a *artifact) (code wazero.CompiledModule, err error) {
	if len(a.code) == 0 {
		return r.CompileModule(context.Background(), a.outline)
	}
	if filepath.Base(a.CodeName) != a.CodeName {
		return nil, errArtifact
	}
	path := filepath.Join(s.dir, a.CodeName)
	if err := os.WriteFile(path, a.code, 0o600); err != nil {
		return nil, fmt.Errorf("hand over machine code: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	return r.CompileModule(neverCompile, a.outline)
}

// neverCompile has wazero fail where it does not find the machine code: several
// workers heed the context that they compile under, and this one has ended.
var neverCompile = func() context.Context {
	ended, end := context.WithCancel(experimental.WithCompilationWorkers(context.Background(), 2))
	end()
	return ended
}()
