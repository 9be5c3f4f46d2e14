package postgres

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/event"
)

// What waits in memory to be handed out. A tenant with more is left behind: the
// rest stays in the database until there is room.
const (
	maxQueuedEvents = event.MaxWaitingEvents
	maxQueuedBytes  = event.MaxWaitingBytes
	maxQueuedInAll  = 256 << 20 // bytes; beyond, a tenant has no more than a page
)

// overhead is what event.Size counts beside an event's texts.
const overhead = event.SizeBeside

func size(e *event.Event) int { return event.Size(e) }

// tenant is what the bus has in memory of one. Guarded by Bus.mu.
type tenant struct {
	queue    []item
	done     int // of the queue, so many were handed out
	bytes    int // of the queue
	draining bool
	removed  bool
	read     int64 // the last position that was queued
	handed   int64 // the last that was handed out

	waiting    struct{ events, bytes int }
	published  []publication // that wait
	unread     []publication // of those, what lies behind read
	publishers int
	slots      chan struct{}

	history history
	keep    event.Retention
}

// item is an event, a gap, or the place of what is none.
type item struct {
	at     int64
	event  *event.Event
	gap    *event.Gap
	reason error
}

func (i *item) size() int {
	if i.event == nil {
		return overhead
	}
	return size(i.event)
}

func (b *Bus) tenantLocked(name string) *tenant {
	t := b.mu.tenants[name]
	if t == nil {
		t = &tenant{slots: make(chan struct{}, max(1, int(b.config.MaxConns-1)/2)), keep: unlisted}
		b.mu.tenants[name] = t
	}
	return t
}

// roomLocked reports whether more of a tenant can be queued.
func (b *Bus) roomLocked(name string) bool {
	t := b.tenantLocked(name)
	return len(t.queue) < maxQueuedEvents && t.bytes < maxQueuedBytes && (b.mu.queued < maxQueuedInAll || t.bytes < pageBytes)
}

// push queues an item.
func (b *Bus) push(name string, i item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenantLocked(name)
	t.queue = append(t.queue, i)
	t.read = max(t.read, i.at)
	t.unread = slices.DeleteFunc(t.unread, func(p publication) bool { return p.last <= t.read })
	t.bytes += i.size()
	b.mu.queued += i.size()
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
			for n < len(batch) && ctx.Err() == nil && !b.isRemoved(t, n) && hand(sink, name, &batch[n]) {
				n++
			}
			b.handedOut(t, batch[:n])
		}
	})
}

// isRemoved reports whether the tenant was, and notes how many of its queue were
// handed out.
func (b *Bus) isRemoved(t *tenant, done int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.done = done
	return t.removed
}

// Backlog implements event.Bus.
func (b *Bus) Backlog(name string) event.Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.mu.tenants[name]
	if t == nil {
		return event.Backlog{}
	}
	_, more := b.mu.behind[name]
	done := min(t.done, len(t.queue))
	l := event.Backlog{Events: len(t.queue) - done, Bytes: t.bytes, More: more && !b.roomLocked(name)}
	for i := range t.queue[:done] {
		l.Bytes -= t.queue[i].size()
	}
	for _, i := range t.queue[done:] {
		if i.event != nil {
			l.Oldest = i.event.Time
			break
		}
	}
	for _, p := range t.unread {
		l.Events += p.events
		l.Bytes += p.bytes
		if l.Oldest.IsZero() {
			l.Oldest = p.at
		}
	}
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

func (b *Bus) handedOut(t *tenant, batch []item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.removed {
		return
	}
	t.done = 0
	for i := range batch {
		t.bytes -= batch[i].size()
		b.mu.queued -= batch[i].size()
		t.handed = max(t.handed, batch[i].at)
	}
	rest := copy(t.queue, t.queue[len(batch):])
	clear(t.queue[rest:])
	t.queue = t.queue[:rest]
	if rest == 0 && cap(t.queue) > 64 {
		t.queue = nil
	}
	t.published = slices.DeleteFunc(t.published, func(p publication) bool {
		if p.last > t.handed {
			return false
		}
		t.waiting.events -= p.events
		t.waiting.bytes -= p.bytes
		return true
	})
	if len(t.queue) < maxQueuedEvents/2 {
		select {
		case b.drained <- struct{}{}:
		default:
		}
	}
}
