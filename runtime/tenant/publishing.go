package tenant

import (
	"sync"
	"sync/atomic"
	"time"
)

// publishing counts what is on its way to the bus, and how fast events are handed out.
type publishing struct {
	mu            sync.Mutex
	events, bytes int
	pace          atomic.Int64 // nanoseconds from one event to the next, about
}

// Publishing counts events as on their way to the bus until done is called, if admit, which
// is told what is on its way already, returns nil. Calls of admit are not made at
// the same time, so that publishers who come together don't take the same room.
func (t *Tenant) Publishing(events, bytes int, admit func(events, bytes int) error) (done func(), err error) {
	p := &t.publishing
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := admit(p.events, p.bytes); err != nil {
		return nil, err
	}
	p.events += events
	p.bytes += bytes
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events -= events
		p.bytes -= bytes
	}, nil
}

// paceWeight is of how many events the pace is a mean, the last ones counting most.
const paceWeight = 8

// HandedOut takes note of how long an event took from where it was the next one, its waiting
// for rates included. Calls for one tenant are made one at a time.
func (t *Tenant) HandedOut(took time.Duration) {
	pace := t.publishing.pace.Load()
	t.publishing.pace.Store(pace + (int64(took)-pace)/paceWeight)
}

// Pace is about how long an event takes from where it is the next one.
func (t *Tenant) Pace() time.Duration { return time.Duration(t.publishing.pace.Load()) }
