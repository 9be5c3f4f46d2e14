package broker

import (
	"context"
	"sync"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// quota counts the runs of one tenant, each of which has an instance, and the
// memory set aside for those. The zero value is ready to use. It is safe for
// concurrent use.
type quota struct {
	mu     sync.Mutex
	runs   int64
	memory int64         // bytes that the instances may grow to
	freed  chan struct{} // closed, and made anew by the next who waits, when a run ends
}

// acquire counts one run with its instance's memory, and waits while that is
// more than the limits allow, until ctx ends. It returns how many bytes it
// counted, for release. An instance may grow to the lesser of memoryBytes and
// memoryTotalBytes, so each run fits where no other is under way.
func (q *quota) acquire(ctx context.Context, l *tenant.Limits) (memory int64, err error) {
	for {
		q.mu.Lock()
		if memory, ok := q.tryLocked(l); ok {
			q.mu.Unlock()
			return memory, nil
		}
		if q.freed == nil {
			q.freed = make(chan struct{})
		}
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// try is acquire for who does not wait.
func (q *quota) try(l *tenant.Limits) (memory int64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tryLocked(l)
}

func (q *quota) tryLocked(l *tenant.Limits) (memory int64, ok bool) {
	memory = l.InstanceBytes()
	if q.runs >= l.Instances || q.runs > 0 && q.memory+memory > l.MemoryTotalBytes {
		return 0, false
	}
	q.runs++
	q.memory += memory
	return memory, true
}

// release ends one run.
func (q *quota) release(memory int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runs--
	q.memory -= memory
	if q.freed != nil {
		close(q.freed)
		q.freed = nil
	}
}

// now returns how many runs there are, and the memory set aside for them.
func (q *quota) now() (runs, memory int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.runs, q.memory
}
