package broker

import (
	"context"
	"sync"
)

// quota counts the runs of one tenant, each of which has an instance. The zero
// value is ready to use. It is safe for concurrent use.
type quota struct {
	mu    sync.Mutex
	runs  int64
	freed chan struct{} // closed, and made anew by the next who waits, when a run ends
}

// acquire counts one run, and waits while limit or more are under way, until ctx
// ends.
func (q *quota) acquire(ctx context.Context, limit int64) error {
	for {
		q.mu.Lock()
		if q.runs < limit {
			q.runs++
			q.mu.Unlock()
			return nil
		}
		if q.freed == nil {
			q.freed = make(chan struct{})
		}
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release ends one run.
func (q *quota) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runs--
	if q.freed != nil {
		close(q.freed)
		q.freed = nil
	}
}
