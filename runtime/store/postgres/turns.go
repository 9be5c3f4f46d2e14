package postgres

import (
	"context"
	"sync"
)

// turns has the updates of one tenant on this node wait for each other, so that
// they do not conflict: a conflict costs both a transaction. The zero value is
// ready to use.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is the updates of one tenant.
type line struct {
	turn  chan struct{} // holds one token while an update is under way
	users int           // guarded by turns.mu
}

// take waits for a turn, which done gives back.
func (t *turns) take(ctx context.Context, tenant string) (done func(), err error) {
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

func (t *turns) leave(tenant string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.lines, tenant)
	}
}
