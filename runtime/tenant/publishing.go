package tenant

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrDeleting is for who publishes for a tenant while it is being deleted, which may fail.
var ErrDeleting = errors.New("the tenant is being deleted")

// settleTime bounds how long who publishes waits for others on their way to the bus, where it
// depends on them whether there is room.
const settleTime = time.Second

// publishing counts what is on its way to the bus, and how fast events are handed out.
type publishing struct {
	mu            sync.Mutex
	events, bytes int
	under         int           // publications under way
	closed        bool          // no others begin
	ended         chan struct{} // closed, and made anew by the next who waits, when a publication ends

	begun time.Time    // of the event that is the next one; see HandedOut
	pace  atomic.Int64 // nanoseconds from one event to the next, about
}

// Publishing counts events as on their way to the bus until done is called, if admit, which
// is told what is on its way already, returns nil. What others have on its way may be in the bus by then,
// too, and count twice: so a refusal that is not sure, but holds only with that, is looked at again when
// some of it has ended. Calls of admit are not made at the same time, so that publishers who
// come together don't take the same room. It gives ErrDeleting while the tenant is being deleted.
func (t *Tenant) Publishing(ctx context.Context, events, bytes int, admit func(events, bytes int) (refusal error, sure bool)) (done func(), err error) {
	p := &t.publishing
	var timeout <-chan time.Time
	for late := false; ; {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, fmt.Errorf("%w: %q", ErrDeleting, t.id)
		}
		refusal, sure := admit(p.events, p.bytes)
		if refusal == nil {
			p.addLocked(1, events, bytes)
			p.mu.Unlock()
			return func() { p.end(events, bytes) }, nil
		}
		ended := p.endedLocked()
		p.mu.Unlock()
		if sure || late {
			return nil, refusal
		}
		if timeout == nil {
			timer := time.NewTimer(settleTime)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-ended:
		case <-timeout:
			late = true
		case <-ctx.Done():
			late = true
		}
	}
}

func (p *publishing) addLocked(publications, events, bytes int) {
	p.under += publications
	p.events += events
	p.bytes += bytes
}

func (p *publishing) end(events, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addLocked(-1, -events, -bytes)
	if p.ended != nil {
		close(p.ended)
		p.ended = nil
	}
}

func (p *publishing) endedLocked() <-chan struct{} {
	if p.ended == nil {
		p.ended = make(chan struct{})
	}
	return p.ended
}

// close lets nobody begin to publish, and waits until those have ended who have begun.
func (p *publishing) close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.under > 0 {
		ended := p.endedLocked()
		p.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		p.mu.Lock()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for who publishes: %w", err)
		}
	}
	return nil
}

func (p *publishing) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
}

// paceWeight is of how many events the pace is a mean, the last ones counting most.
const paceWeight = 8

// HandedOut takes note that the event that AwaitEvent has waited for last was handed out, and how
// long it took from where it was the next one, without its waiting for eventsPerSecond.
// Calls of both for one tenant are made one at a time.
func (t *Tenant) HandedOut() {
	took, pace := time.Since(t.publishing.begun), t.publishing.pace.Load()
	t.publishing.pace.Store(pace + (int64(took)-pace)/paceWeight)
}

// Pace is about how long an event takes, be it for what the ones before it have cost, from where it is
// the next one and eventsPerSecond allows it.
func (t *Tenant) Pace() time.Duration { return time.Duration(t.publishing.pace.Load()) }
