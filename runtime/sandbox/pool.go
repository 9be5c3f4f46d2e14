package sandbox

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/runnel-dev/runnel/abi"
)

// PoolConfig holds what the instances of a pool have in common.
type PoolConfig struct {
	// Limits is asked at the start of every run.
	Limits func() Limits
	// Config is the module's configuration as JSON, or nil. It must not change.
	Config []byte
	// Log receives the module's log lines on the goroutine of the run; it must
	// not block. Nil drops them.
	Log func(Line)
	// Started is told of fuel that start and _initialize of a new instance have used and
	// that no run pays for. Nil drops it.
	Started func(units int64)
}

// Pool leases instances of one module of one tenant with one configuration. It
// is safe for concurrent use: runs in parallel use an instance each.
type Pool struct {
	module *Module
	config PoolConfig
	runs   sync.WaitGroup // runs under way; added to under mu while not closed

	mu struct {
		sync.Mutex
		idle   []*instance // last in, first out: the warmest first, each with idleSince
		leased int         // instances out on runs
		image  *image      // of the instances; kept a while after the last one
		used   int64       // when the last run ended, on the shrinker's clock
		start  *startFault
		names  map[string]string
		closed bool
	}
}

// startFault is how start or _initialize ended, which is how it would end each
// time under the same cap of the memory: it is not tried again.
type startFault struct {
	fault *Fault
	cap   int64
}

// maxInterned bounds the names that a pool remembers. A guest that asks for more
// distinct names pays an allocation for each.
const maxInterned = 256

// Pool returns a new pool without instances: the first run makes one. The pool
// keeps the module's code until it is closed, whoever releases the Module.
func (m *Module) Pool(config PoolConfig) *Pool {
	p := &Pool{module: m, config: config}
	m.engine.retain(m.compiled)
	m.engine.shrinker.add(p)
	p.mu.names = map[string]string{}
	return p
}

// Run calls a resolver of the module and fills r, on the calling goroutine. The
// guest's faults are found in r.Fault. There is an instance for each call under
// way: how many that are is the caller's to bound. A run that ctx ends is stopped
// within some milliseconds, with the code INTERNAL. Where in is a Pace as well, it
// is told of the slices of fuel.
func (p *Pool) Run(ctx context.Context, resolver string, in Inputs, r *Result) {
	r.reset()
	if _, found := slices.BinarySearch(p.module.resolvers, resolver); !found {
		r.Fault = &Fault{Code: abi.CodeInternal, Message: fmt.Sprintf("%s has no resolver %s", p.module.digest, resolver)}
		return
	}
	limits := p.config.Limits()
	pace, _ := in.(Pace)
	i, fault := p.lease(ctx, limits, pace)
	if fault != nil {
		r.Fault = fault
		return
	}
	clean := false // until the run has returned: what panics is a bug of the host
	defer func() { p.giveBack(i, clean, pace) }()
	i.run(ctx, resolver, in, limits, r)
	clean = r.Fault == nil || r.Fault.Code == abi.CodeBadOutput
}

// lease takes an idle instance or makes one. All instances start from the same
// state, since start and _initialize see the same things in each; the first
// one's is kept as the image. They see the memory's cap too, by what memory.grow
// gives: after a change of that limit there is a new image.
func (p *Pool) lease(ctx context.Context, limits Limits, pace Pace) (*instance, *Fault) {
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return nil, &Fault{Code: abi.CodeInternal, Message: ErrClosed.Error()}
	}
	if f := p.mu.start; f != nil && f.cap == limits.MemoryBytes {
		p.mu.Unlock()
		return nil, f.fault
	}
	p.runs.Add(1)
	p.mu.leased++
	var outdated []*instance
	if m := p.mu.image; m != nil && m.cap != limits.MemoryBytes {
		outdated, p.mu.idle, p.mu.image = p.mu.idle, nil, nil
	}
	if last := len(p.mu.idle) - 1; last >= 0 {
		i := p.mu.idle[last]
		p.mu.idle[last] = nil
		p.mu.idle = p.mu.idle[:last]
		p.mu.Unlock()
		return i, nil
	}
	p.mu.Unlock()
	for _, i := range outdated {
		i.close()
	}
	i, fault := p.instantiate(ctx, limits, pace)
	p.mu.Lock()
	defer p.mu.Unlock()
	if fault != nil {
		p.mu.leased--
		p.runs.Done()
		if fault.Code != abi.CodeInternal {
			p.mu.start = &startFault{fault, limits.MemoryBytes}
		}
		return nil, fault
	}
	if p.mu.image == nil {
		p.mu.image = i.snapshot()
		chargeTo(pace, snapshotByteUnits*int64(len(i.memory.bytes)))
	}
	i.clean()
	return i, nil
}

// giveBack resets an instance and keeps it, or closes it where the run trapped,
// where it cannot be reset, or where the pool was closed or has another image
// meanwhile.
func (p *Pool) giveBack(i *instance, clean bool, pace Pace) {
	defer p.runs.Done()
	p.mu.Lock()
	m := p.mu.image
	p.mu.Unlock()
	if clean && m != nil && m.cap == i.memory.cap && !p.module.engine.shrinker.crowded() && i.reset(m, pace) && p.keep(i, m) {
		return
	}
	chargeTo(pace, touchedByteUnits*i.touched())
	i.close()
	p.mu.Lock()
	p.mu.leased--
	p.mu.used = p.module.engine.shrinker.now.Load()
	p.mu.Unlock()
}

// keep makes an instance that was reset to m idle, unless there is no use for it.
func (p *Pool) keep(i *instance, m *image) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.closed || p.mu.image != m {
		return false
	}
	i.idleSince = p.module.engine.shrinker.now.Load()
	p.mu.used = i.idleSince
	p.mu.idle = append(p.mu.idle, i)
	p.mu.leased--
	return true
}

// shrink closes the instances that have been idle since before a moment on the
// shrinker's clock. Where none is left it forgets the image, too: the next
// instance makes an equal one.
func (p *Pool) shrink(before int64) {
	p.mu.Lock()
	n := 0
	for n < len(p.mu.idle) && p.mu.idle[n].idleSince < before {
		n++
	}
	old := slices.Clone(p.mu.idle[:n])
	p.mu.idle = slices.Delete(p.mu.idle, 0, n)
	if p.mu.leased == 0 && len(p.mu.idle) == 0 && p.mu.used < before {
		p.mu.image, p.mu.idle = nil, nil
	}
	p.mu.Unlock()
	for _, i := range old {
		i.close()
	}
}

// lastUse returns when the pool was used last, on the shrinker's clock.
func (p *Pool) lastUse() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.used
}

// Digest names the module's version, "sha256:" and hex.
func (p *Pool) Digest() string { return p.module.digest }

// Log adds a line to the module's log that is none of a run's own. It does not
// block.
func (p *Pool) Log(line Line) {
	if p.config.Log != nil {
		p.config.Log(line)
	}
}

// Close refuses further runs, waits for those under way and frees the
// instances. Calling it again does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	closed := p.mu.closed
	p.mu.closed = true
	idle := p.mu.idle
	p.mu.idle = nil
	p.mu.Unlock()
	p.runs.Wait()
	if closed {
		return nil
	}
	p.module.engine.shrinker.remove(p)
	for _, i := range idle {
		i.close()
	}
	return p.module.engine.release(context.Background(), p.module.digest, p.module.compiled)
}

// intern returns the name as a string, without an allocation where the pool has
// met it before.
func (p *Pool) intern(name []byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.mu.names[string(name)]; ok {
		return s
	}
	s := string(name)
	if len(p.mu.names) < maxInterned {
		p.mu.names[s] = s
	}
	return s
}
