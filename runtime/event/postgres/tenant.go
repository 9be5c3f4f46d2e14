package postgres

import (
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// overhead is what event.Size counts beside an event's texts.
const overhead = event.SizeBeside

func size(e *event.Event) int { return event.Size(e) }

// tenant is what the bus has in memory of one. Guarded by Bus.mu. A tenant for whom there is no
// room is left behind: the rest stays in the database until there is.
type tenant struct {
	queue    []item
	done     int // of the queue, so many were handed out
	draining bool
	removed  bool

	waiting    event.Waiting
	publishers int
	slots      chan struct{}

	history history
	keep    event.Retention
}

// item is an event, a gap, or the place of what is none.
type item struct {
	at     int64
	when   time.Time // it was accepted, or found
	event  *event.Event
	gap    *event.Gap
	reason error
}

func (i *item) amount() event.Amount {
	if i.event == nil {
		return event.Amount{Events: 1, Bytes: overhead}
	}
	return event.Amount{Events: 1, Bytes: size(i.event)}
}

func (b *Bus) tenantLocked(name string) *tenant {
	t := b.mu.tenants[name]
	if t == nil {
		t = &tenant{slots: make(chan struct{}, max(1, int(b.config.MaxConns-1)/2)), keep: unlisted, waiting: event.Waiting{Room: &b.room}}
		b.mu.tenants[name] = t
	}
	return t
}

// push queues an item.
func (b *Bus) push(name string, i item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenantLocked(name)
	t.queue = append(t.queue, i)
	t.waiting.Read(i.amount(), position(i.at))
	if i.event != nil {
		t.history.add(i.at, size(i.event), i.event.Time, t.keep)
	}
	if b.mu.sink != nil && !t.draining {
		b.drainLocked(name, t)
	}
}

// drainLocked starts the goroutine that hands out a tenant's queue. It ends when
// that is empty.
func (b *Bus) drainLocked(name string, t *tenant) {
	t.draining = true
	sink, ctx := b.mu.sink, b.mu.ctx
	b.draining.Go(func() {
		for {
			b.mu.Lock()
			if len(t.queue) == 0 || ctx.Err() != nil {
				t.draining = false
				b.mu.Unlock()
				return
			}
			batch := slices.Clone(t.queue[:min(256, len(t.queue))])
			b.mu.Unlock()
			n := 0
			for n < len(batch) && ctx.Err() == nil && !b.isRemoved(t) && hand(sink, name, &batch[n]) {
				b.handedOut(t, &batch[n])
				n++
			}
			b.shorten(t)
		}
	})
}

func (b *Bus) isRemoved(t *tenant) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return t.removed
}

// handedOut counts the next item of the queue as handed out.
func (b *Bus) handedOut(t *tenant, i *item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !t.removed {
		t.done++
		t.waiting.HandedOut(i.amount())
	}
}

// shorten takes what was handed out from the queue.
func (b *Bus) shorten(t *tenant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.removed {
		return
	}
	clear(t.queue[:t.done])
	t.queue, t.done = t.queue[t.done:], 0
	if len(t.queue) == 0 {
		t.queue = nil
	}
	if len(b.mu.behind) > 0 && t.waiting.HalfFree() {
		wake(b.drained)
	}
}

// Backlog implements event.Bus.
func (b *Bus) Backlog(name string) event.Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.mu.tenants[name]
	if t == nil {
		return event.Backlog{}
	}
	var first time.Time
	if t.done < len(t.queue) {
		first = t.queue[t.done].when
	}
	l := t.waiting.Backlog(first)
	_, l.More = b.mu.left[name]
	return l
}

// hand reports false for an event that the sink did not take.
func hand(sink event.Sink, name string, i *item) bool {
	switch {
	case i.event != nil:
		return sink.Receive(i.event)
	case i.gap != nil:
		sink.Gap(name, *i.gap)
	default:
		sink.Skipped(name, position(i.at), i.reason)
	}
	return true
}
