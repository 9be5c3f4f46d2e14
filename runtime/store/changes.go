package store

import (
	"context"
	"sync"
)

// Changes tells those who watch of tenants that were changed, within one
// process. The zero value is ready to use. It is safe for concurrent use.
// It remembers each tenant once for each watcher, however often it was changed.
type Changes struct {
	mu       sync.Mutex
	closed   bool
	watchers map[*watcher]struct{}
}

type watcher struct {
	pending map[string]struct{} // guarded by Changes.mu
	wake    chan struct{}       // holds one token while something is pending
	closed  chan struct{}
}

// Tell has all watchers told of a tenant; it does not wait for them.
func (c *Changes) Tell(tenant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.watchers {
		w.pending[tenant] = struct{}{}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Close ends all watches.
func (c *Changes) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.watchers {
		close(w.closed)
	}
	clear(c.watchers)
	c.closed = true
}

// Watch calls ready, and then changed with each tenant that Tell was told of since, until ctx
// ends. It returns nil then, and ErrClosed after Close.
func (c *Changes) Watch(ctx context.Context, ready func(), changed func(tenant string)) error {
	w := &watcher{pending: map[string]struct{}{}, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	if !c.add(w) {
		return ErrClosed
	}
	defer c.remove(w)
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.closed:
			return ErrClosed
		case <-w.wake:
		}
		for _, tenant := range c.take(w) {
			if ctx.Err() != nil {
				return nil
			}
			changed(tenant)
		}
	}
}

func (c *Changes) add(w *watcher) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.watchers == nil {
		c.watchers = map[*watcher]struct{}{}
	}
	c.watchers[w] = struct{}{}
	return true
}

func (c *Changes) remove(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, w)
}

func (c *Changes) take(w *watcher) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tenants := make([]string, 0, len(w.pending))
	for tenant := range w.pending {
		tenants = append(tenants, tenant)
	}
	clear(w.pending)
	return tenants
}
