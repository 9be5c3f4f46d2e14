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
	watchers map[*watcher]struct{}
}

type watcher struct {
	pending map[string]struct{} // guarded by Changes.mu
	wake    chan struct{}       // holds one token while something is pending
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

// Watch calls ready, and then changed with each tenant that Tell was told of since, until ctx
// ends. It returns nil then.
func (c *Changes) Watch(ctx context.Context, ready func(), changed func(tenant string)) error {
	w := &watcher{pending: map[string]struct{}{}, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.watchers == nil {
		c.watchers = map[*watcher]struct{}{}
	}
	c.watchers[w] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.watchers, w)
		c.mu.Unlock()
	}()
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
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
