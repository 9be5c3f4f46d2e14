// Package memory is the bus inside the process: what it keeps is lost when the
// process ends, and no other node sees it. Its URL is memory.
package memory

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

func init() {
	event.Register("memory", func(_ context.Context, u *url.URL, _ event.Options) (event.Bus, error) {
		if *u != (url.URL{Scheme: "memory"}) {
			return nil, fmt.Errorf("the memory bus has no host and no options: its address is memory")
		}
		return New(), nil
	})
}

// trimEvery is how often retention is looked at where nothing is published.
const trimEvery = 10 * time.Second

// Bus implements event.Bus. Each tenant with events that wait has a goroutine
// of its own while Tail runs, which ends when none do.
type Bus struct {
	draining sync.WaitGroup
	room     event.Room
	// first is the number in front of all events. It is the time in microseconds, so
	// that positions of an earlier process lie before it: what they stand for is lost.
	first uint64

	mu struct {
		sync.Mutex
		tenants map[string]*history
		last    uint64 // number of the newest event of all tenants
		closed  bool
		sink    event.Sink // of Tail; nil without one
		ctx     context.Context
	}
}

// New returns an empty bus.
func New() *Bus {
	b := &Bus{first: uint64(time.Now().UnixMicro())}
	b.mu.last = b.first
	b.mu.tenants = map[string]*history{}
	return b
}

// Publish implements event.Bus. Events that are accepted while nothing tails
// wait for the next Tail.
func (b *Bus) Publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (event.Position, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, err)
	}
	batch := newBatch(events, keep.IDs > 0)
	now := time.Now().UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, event.ErrClosed)
	}
	h := b.mu.tenants[tenant]
	if h == nil {
		h = newHistory(b.first, &b.room)
	}
	h.ids.expire(now.Add(-keep.IDs))
	if err := h.judge(batch); err != nil {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, err)
	}
	if batch.fresh.Events > 0 {
		if !h.waiting.Reserve(batch.fresh) {
			return "", fmt.Errorf("publish for tenant %s: %w", tenant, event.ErrFull)
		}
		h.waiting.Settle(batch.fresh, "")
		idle := h.waiting.Queued() == 0
		b.mu.tenants[tenant] = h
		b.mu.last = h.add(batch, tenant, b.mu.last, now)
		h.trim(keep, now)
		if idle {
			b.startLocked(tenant, h)
		}
	}
	return position(batch.position(b.mu.last)), nil
}

// Tail implements event.Bus.
func (b *Bus) Tail(ctx context.Context, sink event.Sink) error {
	b.mu.Lock()
	if b.mu.closed || b.mu.sink != nil {
		defer b.mu.Unlock()
		if b.mu.closed {
			return fmt.Errorf("tail the memory bus: %w", event.ErrClosed)
		}
		return fmt.Errorf("tail the memory bus: it is tailed already")
	}
	b.mu.sink, b.mu.ctx = sink, ctx
	for tenant, h := range b.mu.tenants {
		if h.waiting.Queued() > 0 {
			b.startLocked(tenant, h)
		}
	}
	b.mu.Unlock()

	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-trim.C:
			for tenant, keep := range sink.Tenants() {
				b.trim(tenant, keep, now)
			}
		}
	}
	b.mu.Lock()
	b.mu.sink = nil
	b.mu.Unlock()
	b.draining.Wait()
	return nil
}

func (b *Bus) trim(tenant string, keep event.Retention, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.mu.tenants[tenant]; h != nil {
		h.ids.expire(now.Add(-keep.IDs))
		h.trim(keep, now)
	}
}

// startLocked starts a tenant's goroutine, if there is somebody to receive.
func (b *Bus) startLocked(tenant string, h *history) {
	if b.mu.sink == nil || h.draining {
		return
	}
	h.draining = true
	b.draining.Add(1)
	go b.drain(b.mu.ctx, h, b.mu.sink)
}

// drain hands out a tenant's events until none wait or ctx ends.
func (b *Bus) drain(ctx context.Context, h *history, sink event.Sink) {
	defer b.draining.Done()
	var batch [256]*event.Event
	for {
		b.mu.Lock()
		n := copy(batch[:], h.waitingEvents())
		if n == 0 || ctx.Err() != nil {
			h.draining = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		for _, e := range batch[:n] {
			if ctx.Err() != nil || !sink.Receive(e) {
				break
			}
			b.mu.Lock()
			h.handedOut(e)
			b.mu.Unlock()
		}
		clear(batch[:n])
	}
}

// Read implements event.Bus.
func (b *Bus) Read(ctx context.Context, tenant string, channels []string, after event.Position, max int) (event.Page, error) {
	from, err := parse(after)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return event.Page{}, fmt.Errorf("read the events of tenant %s: %w", tenant, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return event.Page{}, fmt.Errorf("read the events of tenant %s: %w", tenant, event.ErrClosed)
	}
	h := b.mu.tenants[tenant]
	if h == nil {
		h = newHistory(b.first, &b.room)
	}
	return h.read(channels, from, after != "", max), nil
}

// ReadLast implements event.Bus.
func (b *Bus) ReadLast(ctx context.Context, tenant, channel string, before event.Position, max int) ([]event.Event, error) {
	until, err := parse(before)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("read the last events of tenant %s: %w", tenant, err)
	}
	if before == "" {
		until = ^uint64(0)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return nil, fmt.Errorf("read the last events of tenant %s: %w", tenant, event.ErrClosed)
	}
	if h := b.mu.tenants[tenant]; h != nil {
		return h.readLast(channel, until, max), nil
	}
	return nil, nil
}

// Backlog implements event.Bus.
func (b *Bus) Backlog(tenant string) event.Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.mu.tenants[tenant]
	if h == nil || h.waiting.Queued() == 0 {
		return event.Backlog{}
	}
	return h.waiting.Backlog(h.waitingEvents()[0].Time)
}

// Start implements event.Bus.
func (b *Bus) Start() event.Position { return position(b.first) }

// Remove implements event.Bus.
func (b *Bus) Remove(_ context.Context, tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.mu.tenants[tenant]; h != nil {
		h.drop()
		delete(b.mu.tenants, tenant)
	}
	return nil
}

// Close implements event.Bus.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.sink != nil {
		return fmt.Errorf("close the memory bus: it is tailed")
	}
	b.mu.closed = true
	b.mu.tenants = nil
	return nil
}
