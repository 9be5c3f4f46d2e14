package sandbox

import (
	"context"
	"sync"
)

// Quota counts what a tenant has leased, such as the instances of all its pools.
// The zero value is ready to use. It is safe for concurrent use.
type Quota struct {
	mu     sync.Mutex
	leased int64
	freed  chan struct{} // closed, and made anew by the next who waits, when a lease ends
}

// Acquire counts one lease, and waits while limit or more are out, until ctx
// ends.
func (q *Quota) Acquire(ctx context.Context, limit int64) error {
	for {
		q.mu.Lock()
		if q.leased < limit {
			q.leased++
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

// Release ends one lease.
func (q *Quota) Release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leased--
	if q.freed != nil {
		close(q.freed)
		q.freed = nil
	}
}
