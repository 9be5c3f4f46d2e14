package sandbox

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The defaults of Config.
const (
	DefaultIdleAfter = 30 * time.Second
	DefaultIdleBytes = 256 << 20
)

// shrinkInterval is how often idle instances are looked at.
const shrinkInterval = time.Second

// instanceOverhead is what an instance takes beside its memory, about.
const instanceOverhead = 32 << 10

// shrinker closes instances that nobody has used for a while, and the oldest
// of those in use where all together take too much memory. It owns a goroutine
// until close.
type shrinker struct {
	after    time.Duration
	limit    int64
	now      atomic.Int64 // counts intervals: the clock of the pools
	bytes    atomic.Int64 // of all instances, leased or idle
	stop     chan struct{}
	finished chan struct{}

	mu struct {
		sync.Mutex
		pools map[*Pool]struct{}
	}
}

func newShrinker(after time.Duration, limit int64) *shrinker {
	s := &shrinker{after: after, limit: limit, stop: make(chan struct{}), finished: make(chan struct{})}
	s.mu.pools = map[*Pool]struct{}{}
	go s.run()
	return s
}

func (s *shrinker) run() {
	defer close(s.finished)
	ticker := time.NewTicker(shrinkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.shrink(s.now.Add(1))
		case <-s.stop:
			return
		}
	}
}

// close ends the goroutine.
func (s *shrinker) close() {
	close(s.stop)
	<-s.finished
}

func (s *shrinker) add(p *Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.pools[p] = struct{}{}
}

func (s *shrinker) remove(p *Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.pools, p)
}

// crowded tells whether there is so much that an instance had better be closed
// than kept. Between two looks there may be twice the limit.
func (s *shrinker) crowded() bool { return s.bytes.Load() > 2*s.limit }

// shrink closes what has been idle for too long, then as much of the oldest as
// is over the limit.
func (s *shrinker) shrink(now int64) {
	s.mu.Lock()
	pools := make([]*Pool, 0, len(s.mu.pools))
	for p := range s.mu.pools {
		pools = append(pools, p)
	}
	s.mu.Unlock()
	for _, p := range pools {
		p.shrink(now - int64(s.after/shrinkInterval))
	}
	if s.bytes.Load() <= s.limit {
		return
	}
	type use struct {
		pool *Pool
		last int64
	}
	uses := make([]use, 0, len(pools))
	for _, p := range pools {
		uses = append(uses, use{p, p.lastUse()})
	}
	slices.SortFunc(uses, func(a, b use) int { return cmp.Compare(a.last, b.last) })
	for _, u := range uses {
		if s.bytes.Load() <= s.limit {
			return
		}
		u.pool.shrink(now + 1)
	}
}

// footprint is what an instance is taken to hold: its memory, and the code of its
// module, which it keeps from being evicted.
func (i *instance) footprint() int64 {
	return int64(len(i.memory.bytes)) + instanceOverhead + i.pool.module.engine.code.size(i.pool.module.compiled)
}
