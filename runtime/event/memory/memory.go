// Package memory is the bus inside the process: what it accepts is lost when
// the process ends, and no other node sees it.
package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// What may wait for one tenant. A publisher that finds a queue this full gets
// event.ErrFull.
const (
	maxWaitingEvents = 65_536
	maxWaitingBytes  = 64 << 20
)

// Bus implements event.Bus. Each tenant with waiting events has a goroutine of
// its own, which ends when the queue is empty, so tenants don't wait for each
// other.
type Bus struct {
	mu struct {
		sync.Mutex
		tenants  map[string]*queue // only those that have events waiting or handed out
		receive  func(*event.Event)
		ctx      context.Context // of Tail
		accepted uint64          // events so far: the cursor
	}
	draining sync.WaitGroup
}

// queue is what waits for one tenant. Guarded by Bus.mu.
type queue struct {
	events []event.Event // not taken by drain yet
	count  int           // events that were not handed out yet, taken or not
	bytes  int           // of their payloads
}

// New returns an empty bus.
func New() *Bus {
	b := &Bus{}
	b.mu.tenants = map[string]*queue{}
	return b
}

// Publish implements event.Bus. Events that are accepted while nothing tails
// wait for the next Tail.
func (b *Bus) Publish(ctx context.Context, tenant string, events []event.Event) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, err)
	}
	size := 0
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i := range events {
		e := &events[i]
		e.Tenant, e.Time = tenant, now
		if e.ID == "" {
			e.ID = rand.Text()
		}
		size += len(e.Payload)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.mu.tenants[tenant]
	idle := q == nil
	if idle {
		q = &queue{}
	}
	if q.count+len(events) > maxWaitingEvents || q.bytes+size > maxWaitingBytes {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, event.ErrFull)
	}
	if len(events) > 0 {
		q.events = append(q.events, events...)
		q.count += len(events)
		q.bytes += size
		b.mu.tenants[tenant] = q
		if idle {
			b.startLocked(tenant, q)
		}
	}
	b.mu.accepted += uint64(len(events))
	return strconv.FormatUint(b.mu.accepted, 10), nil
}

// Tail implements event.Bus.
func (b *Bus) Tail(ctx context.Context, receive func(*event.Event)) error {
	b.mu.Lock()
	if b.mu.receive != nil {
		b.mu.Unlock()
		return fmt.Errorf("memory bus: already tailed")
	}
	b.mu.receive, b.mu.ctx = receive, ctx
	for tenant, q := range b.mu.tenants {
		b.startLocked(tenant, q)
	}
	b.mu.Unlock()

	<-ctx.Done()

	b.mu.Lock()
	b.mu.receive = nil
	b.mu.Unlock()
	b.draining.Wait()
	return nil
}

// startLocked starts a tenant's goroutine, if there is somebody to receive.
func (b *Bus) startLocked(tenant string, q *queue) {
	if b.mu.receive == nil {
		return
	}
	b.draining.Add(1)
	go b.drain(b.mu.ctx, tenant, q, b.mu.receive)
}

// drain hands out a tenant's events until none wait or ctx ends.
func (b *Bus) drain(ctx context.Context, tenant string, q *queue, receive func(*event.Event)) {
	defer b.draining.Done()
	for ctx.Err() == nil {
		b.mu.Lock()
		batch := q.events
		q.events = nil
		if len(batch) == 0 {
			delete(b.mu.tenants, tenant)
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		for i := range batch {
			if ctx.Err() != nil {
				b.putBack(q, batch[i:])
				return
			}
			size := len(batch[i].Payload)
			receive(&batch[i])
			b.handedOut(q, size)
		}
	}
}

func (b *Bus) handedOut(q *queue, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.count--
	q.bytes -= size
}

// putBack keeps what was not handed out for the next Tail.
func (b *Bus) putBack(q *queue, events []event.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.events = append(events, q.events...)
}
