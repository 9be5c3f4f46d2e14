package registry

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// errQueueFull means that as many uploads of a tenant wait as may.
var errQueueFull = errors.New("too many uploads of the tenant are waiting")

// maxWaiting is how many uploads of a tenant may wait for the one under way. What
// the tenant's catalog is to have loaded waits for its turn as well, one at a time,
// and finds room beside them.
const maxWaiting = 8

// turns shares what uploads may use among tenants: a number of uploads at a time
// in all, one of each tenant, and the tenants take turns, whatever each has
// waiting.
type turns struct {
	mu    sync.Mutex
	free  int                      // how many more may be under way
	lines map[*tenant.Tenant]*line // of tenants with an upload under way or waiting
	next  []*line                  // those with uploads waiting and none under way, in the order of their turns
}

// line is the uploads of one tenant, guarded by turns.mu.
type line struct {
	tenant  *tenant.Tenant
	busy    bool            // an upload is under way
	waiting []chan struct{} // closed for whose turn it is; in the order of their coming
}

func newTurns(atOnce int) *turns {
	return &turns{free: atOnce, lines: map[*tenant.Tenant]*line{}}
}

// take waits for a turn of the tenant, which done gives back. It fails with
// errQueueFull where room of the tenant wait already, or with the cause of ctx where that ends first.
func (q *turns) take(ctx context.Context, t *tenant.Tenant, room int) (done func(), err error) {
	q.mu.Lock()
	l := q.lines[t]
	if l == nil {
		l = &line{tenant: t}
		q.lines[t] = l
	}
	if len(l.waiting) >= room {
		q.mu.Unlock()
		return nil, errQueueFull
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	if !l.busy && len(l.waiting) == 1 {
		q.next = append(q.next, l)
	}
	q.start()
	q.mu.Unlock()

	done = sync.OnceFunc(func() { q.end(l) })
	select {
	case <-turn:
		return done, nil
	case <-ctx.Done():
	}
	if !q.leave(l, turn) {
		done() // it came meanwhile
	}
	return nil, context.Cause(ctx)
}

// start begins what there is room for. The caller holds mu.
func (q *turns) start() {
	for q.free > 0 && len(q.next) > 0 {
		l := q.next[0]
		q.next = slices.Delete(q.next, 0, 1)
		close(l.waiting[0])
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.busy = true
		q.free--
	}
}

// end gives a turn back. The tenant's next is behind the other tenants'.
func (q *turns) end(l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	l.busy = false
	if len(l.waiting) > 0 {
		q.next = append(q.next, l)
	} else {
		delete(q.lines, l.tenant)
	}
	q.start()
}

// leave takes an upload out of the queue; false where its turn has come.
func (q *turns) leave(l *line, turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := slices.Index(l.waiting, turn)
	if n < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, n, n+1)
	if len(l.waiting) == 0 && !l.busy {
		q.next = slices.DeleteFunc(q.next, func(other *line) bool { return other == l })
		delete(q.lines, l.tenant)
	}
	return true
}
