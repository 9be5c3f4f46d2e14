package sandbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// watchInterval is how often a run that takes long is looked at.
const watchInterval = 4 * time.Millisecond

// Reasons for which the host stops a run.
var (
	errWallClock = errors.New("over its time on the clock")
	errCancelled = errors.New("cancelled")
)

// watch stops the runs of one instance that take too long or are no longer
// wanted: it sets a global that the guest looks at between slices of fuel. Most
// runs are over before it looks first, and pay for a timer that is set and
// stopped, no more.
type watch struct {
	timer *time.Timer
	stop  api.MutableGlobal

	mu struct {
		sync.Mutex
		running bool
		ctx     context.Context
		left    time.Duration // until the deadline, from the next look on
		next    time.Duration // until the next look
		reason  error
	}
}

// begin watches a run of at most wall, until end.
func (w *watch) begin(ctx context.Context, wall time.Duration) {
	w.mu.Lock()
	w.mu.running, w.mu.ctx, w.mu.left, w.mu.reason = true, ctx, wall, nil
	w.nextLocked()
	defer w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(w.mu.next, w.look)
		return
	}
	w.timer.Reset(w.mu.next)
}

func (w *watch) nextLocked() {
	w.mu.next = min(w.mu.left, watchInterval)
	w.mu.left -= w.mu.next
}

// look runs on a goroutine of the timer's.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.mu.running:
		return
	case w.mu.ctx.Err() != nil:
		w.mu.reason = errCancelled
	case w.mu.left <= 0:
		w.mu.reason = errWallClock
	default:
		w.nextLocked()
		w.timer.Reset(w.mu.next)
		return
	}
	w.stop.Set(1)
}

// end returns why the run was stopped, nil where it was not.
func (w *watch) end() error {
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.running, w.mu.ctx = false, nil
	return w.mu.reason
}
