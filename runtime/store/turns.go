package store

import (
	"context"
	"sync"
)

// Turns has what is done for one tenant on this node wait for each other, and for
// nothing else. The zero value is ready to use. It is safe for concurrent use.
type Turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is who does or waits for something of one tenant.
type line struct {
	turn  chan struct{} // holds one token while something is under way
	users int           // guarded by Turns.mu
}

// Take waits for a turn of a tenant, which done gives back, once. It fails with ctx's
// error where that ends first.
func (t *Turns) Take(ctx context.Context, tenant string) (done func(), err error) {
	t.mu.Lock()
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	l := t.lines[tenant]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[tenant] = l
	}
	l.users++
	t.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		return func() {
			<-l.turn
			t.leave(tenant, l)
		}, nil
	case <-ctx.Done():
		t.leave(tenant, l)
		return nil, ctx.Err()
	}
}

func (t *Turns) leave(tenant string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.lines, tenant)
	}
}
