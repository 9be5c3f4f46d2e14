package registry

import (
	"context"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// MaxWaiting is how many uploads of a tenant may wait.
const MaxWaiting = maxWaiting

// ErrQueueFull is what Turns.Take gives over MaxWaiting.
var ErrQueueFull = errQueueFull

// Turns is the queue of uploads.
type Turns struct{ turns *turns }

// NewTurns makes a queue of its own.
func NewTurns(atOnce int) Turns { return Turns{newTurns(atOnce)} }

// Turns returns the queue of the registry's uploads.
func (r *Registry) Turns() Turns { return Turns{r.turns} }

// Take waits for a turn.
func (q Turns) Take(ctx context.Context, t *tenant.Tenant) (done func(), err error) {
	return q.turns.take(ctx, t, maxWaiting)
}

// Empty tells whether nothing is under way, waits, or is kept of a tenant.
func (q Turns) Empty(atOnce int) bool {
	q.turns.mu.Lock()
	defer q.turns.mu.Unlock()
	return q.turns.free == atOnce && len(q.turns.lines) == 0 && len(q.turns.next) == 0
}

// Waiting returns how many uploads of a tenant wait.
func (q Turns) Waiting(t *tenant.Tenant) int {
	q.turns.mu.Lock()
	defer q.turns.mu.Unlock()
	if l := q.turns.lines[t]; l != nil {
		return len(l.waiting)
	}
	return 0
}
