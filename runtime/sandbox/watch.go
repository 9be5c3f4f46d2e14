package sandbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// watchInterval is how often a run that takes long is looked at.
const watchInterval = 2 * time.Millisecond

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
		running   bool
		suspended bool
		ctx       context.Context
		left      time.Duration // from the first look on
		deadline  time.Time     // zero before the first look, so that short runs read no clock
		reason    error
	}
}

// begin watches a run of at most wall, until end.
func (w *watch) begin(ctx context.Context, wall time.Duration) {
	first := min(wall, watchInterval)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.running, w.mu.ctx, w.mu.reason = true, ctx, nil
	w.mu.left, w.mu.deadline = wall-first, time.Time{}
	if w.timer == nil {
		w.timer = time.AfterFunc(first, w.look)
		return
	}
	w.timer.Reset(first)
}

// look runs on a goroutine of the timer's.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.mu.deadline.IsZero() {
		w.mu.deadline = now.Add(w.mu.left)
	}
	left := w.mu.deadline.Sub(now)
	switch {
	case !w.mu.running || w.mu.suspended:
		return
	case w.mu.ctx.Err() != nil:
		w.mu.reason = errCancelled
	case left <= 0:
		w.mu.reason = errWallClock
	default:
		w.timer.Reset(min(left, watchInterval))
		return
	}
	w.stop.Set(1)
}

// suspend stops the clock of a run that stands still until resume. What has passed
// before the first look counts as if that had come.
func (w *watch) suspend() {
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.mu.deadline.IsZero() {
		w.mu.left = time.Until(w.mu.deadline)
	}
	w.mu.suspended = true
}

// resume has the run go on, or stops it.
func (w *watch) resume(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.suspended = false
	if !on || w.mu.ctx.Err() != nil { // a run that gives way more often than it is looked at
		w.mu.reason = errCancelled
		w.stop.Set(1)
		return
	}
	if w.mu.left <= 0 {
		w.mu.reason = errWallClock
		w.stop.Set(1)
		return
	}
	w.mu.deadline = time.Now().Add(w.mu.left)
	w.timer.Reset(min(w.mu.left, watchInterval))
}

// end returns why the run was stopped, nil where it was not. A stop that came too
// late for this run must not be left for the next.
func (w *watch) end() error {
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.running, w.mu.ctx = false, nil
	if w.mu.reason != nil {
		w.stop.Set(0)
	}
	return w.mu.reason
}
