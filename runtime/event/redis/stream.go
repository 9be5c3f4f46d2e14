package redis

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// stream is what a node knows of a tenant's stream.
type stream struct {
	tenant string
	key    string

	// Of the reader alone.
	read   id        // what lies before it is in the queue, or was handed out
	text   string    // of textOf
	textOf id        // where read was when it was written
	readAt time.Time // what was accepted before was read
	told   id        // the end of the newest hole that was told
	used   time.Time // when an entry was read last
	listed time.Time // when the tenant was listed last, or else when the stream was added
	late   int       // entries that are asked for at once, of one that is caught up with

	pausedAt time.Time // when the reader began to leave the stream alone

	paused   atomic.Bool  // the reader leaves the stream alone: the queue is full
	behind   atomic.Bool  // it did, and has not read all that came meanwhile
	appended atomic.Int64 // entries since retention was last looked at

	brokenUntil time.Time // a key of the tenant's holds something else: of the reader

	mu        sync.Mutex
	keep      *event.Retention // nil where it is not known
	queue     []item
	done      int // of the queue, so many were handed out
	waiting   event.Waiting
	handed    id // the last that the sink has
	draining  bool
	gone      bool             // the tenant was removed, and this stream is no longer listed
	entry     id               // the newest entry that was read; it may be lost by now
	published []id             // accepted here and not yet read, in order; of a batch the last
	holes     []id             // the ends of those that were noted, in order
	runs      map[string][]run // by channel; of each in order
	runCount  int
}

// item is an event, a gap or an entry that was skipped.
type item struct {
	at     id
	event  *event.Event
	gap    *event.Gap
	reason error
}

func (i *item) amount() event.Amount {
	if i.event == nil {
		return event.Amount{Events: 1, Bytes: event.SizeBeside}
	}
	return event.Amount{Events: 1, Bytes: event.Size(i.event)}
}

func (b *Bus) addLocked(tenant string) *stream {
	s := &stream{tenant: tenant, key: b.eventsKey(tenant), read: b.start, told: b.start, handed: b.start, listed: time.Now(), waiting: event.Waiting{Room: &b.room}}
	s.waiting.Read(event.Amount{}, b.start.position())
	b.streams[tenant] = s
	b.changed = true
	return s
}

// backlog is what waits for the tenant's subscribers.
func (s *stream) backlog() event.Backlog {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first time.Time
	if s.done < len(s.queue) {
		first = s.queue[s.done].at.time()
	}
	b := s.waiting.Backlog(first)
	b.More = s.behind.Load()
	return b
}

// reserve has a batch come, if there is room for it.
func (s *stream) reserve(n event.Amount) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.behind.Load() && s.waiting.Reserve(n)
}

// settle notes what became of a batch: it was accepted, and lies in front of an entry or is that; the empty
// one says that nothing was.
func (s *stream) settle(n event.Amount, last id) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last == (id{}) || s.gone {
		s.waiting.Settle(n, "")
		return
	}
	s.await(last)
	s.waiting.Settle(n, last.position())
	if s.waiting.Free() {
		s.paused.Store(false)
	}
}

// maxAwaited is how many entries are awaited at most. Every other is forgotten
// then: what Redis loses are neighbours.
const maxAwaited = 512

// await notes an entry that the reader has to meet.
func (s *stream) await(at id) {
	i, found := slices.BinarySearchFunc(s.published, at, id.compare)
	if found || !s.entry.before(at) {
		return
	}
	s.published = slices.Insert(s.published, i, at)
	if len(s.published) > maxAwaited {
		for i := range maxAwaited / 2 {
			s.published[i] = s.published[2*i+1]
		}
		s.published = append(s.published[:maxAwaited/2], s.published[maxAwaited:]...)
	}
}

// met notes that an entry was read. The one before it was the newest so far.
func (s *stream) met(at id) {
	for i, awaited := range s.published {
		if !awaited.before(at) {
			if awaited == at {
				s.published = slices.Delete(s.published, i, i+1)
			}
			break
		}
	}
	s.entry = at
}

// missed reports whether entries were passed that should have been there.
func (s *stream) missed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.published) > 0 && s.published[0].before(s.entry)
}

// behindText is the id behind which to read, as Redis takes it.
func (s *stream) behindText() string {
	if s.text == "" || s.textOf != s.read {
		s.text, s.textOf = s.read.String(), s.read
	}
	return s.text
}

// caughtUp notes that the reader has read all.
func (s *stream) caughtUp(at time.Time) {
	s.readAt = at
	if !s.paused.Load() {
		s.behind.Store(false)
	}
}

// known returns what shows where Redis has lost something: the ends of what it was noted to
// have lost, the newest entry that was read, and those that were accepted here, in order.
func (s *stream) known() []id {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := slices.Clone(s.holes)
	if s.entry != (id{}) {
		known = append(known, s.entry)
	}
	known = append(known, s.published...)
	slices.SortFunc(known, id.compare)
	return known
}

// texts are ids as scripts take them.
func texts(ids []id) []any {
	list := make([]any, len(ids))
	for i, at := range ids {
		list[i] = at.String()
	}
	return list
}

// maxHoles is how many holes are noted at most.
const maxHoles = 16

// noted takes over which holes are noted. Redis may lose a note, too: then what lies there
// is missed again.
func (s *stream) noted(holes []hole) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range holes {
		if i, found := slices.BinarySearchFunc(s.holes, h.to, id.compare); !found {
			s.holes = slices.Insert(s.holes, i, h.to)
		}
	}
	s.holes = s.holes[max(0, len(s.holes)-maxHoles):]
}

// checked forgets entries that were passed.
func (s *stream) checked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.published) > 0 && s.published[0].before(s.entry) {
		s.published = s.published[1:]
	}
}

// retain sets what is kept. Another retention than before is held soon.
func (s *stream) retain(keep event.Retention) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keep == nil || *s.keep != keep {
		s.keep = &keep
		s.appended.Add(1)
	}
}

// forget has nobody miss entries that are no longer there.
func (s *stream) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entry, s.published, s.holes = id{}, nil, nil
	s.waiting.Forget()
	s.runs, s.runCount = nil, 0
}

// leave has nothing more wait than what was read: the stream is no longer listed.
func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.waiting.Forget()
}

// drains are the goroutines that hand out, one for each tenant for whom something
// waits.
type drains struct {
	ctx  context.Context
	sink event.Sink
	sync.WaitGroup
}

// add queues items and has them handed out.
func (d *drains) add(s *stream, items []item) {
	if len(items) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, items...)
	for i := range items {
		if items[i].gap == nil {
			s.met(items[i].at)
		}
		s.waiting.Read(items[i].amount(), "")
	}
	s.waiting.Read(event.Amount{}, items[len(items)-1].at.position())
	if full := !s.waiting.Free(); full != s.paused.Load() {
		s.pausedAt = time.Now()
		s.paused.Store(full)
		if full {
			s.behind.Store(true)
		}
	}
	if !s.draining {
		s.draining = true
		d.Go(func() { d.drain(s) })
	}
}

// drain hands out until nothing waits or ctx ends.
func (d *drains) drain(s *stream) {
	var batch [256]item
	for {
		s.mu.Lock()
		n := copy(batch[:], s.queue)
		if n == 0 || d.ctx.Err() != nil {
			s.draining = false
			if n == 0 {
				s.queue = nil
			}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		done := 0
		for done < n && d.ctx.Err() == nil && d.hand(s.tenant, &batch[done]) {
			s.handedOut(&batch[done])
			done++
		}
		s.shorten()
		clear(batch[:n])
	}
}

// hand reports false for an event that the sink did not take.
func (d *drains) hand(tenant string, i *item) bool {
	switch {
	case i.event != nil:
		return d.sink.Receive(i.event)
	case i.gap != nil:
		d.sink.Gap(tenant, *i.gap)
	default:
		d.sink.Skipped(tenant, i.at.position(), i.reason)
	}
	return true
}

// handedOut counts the next item of the queue as handed out.
func (s *stream) handedOut(i *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handed = latest(s.handed, i.at)
	s.done++
	s.waiting.HandedOut(i.amount())
}

// shorten takes what was handed out from the queue.
func (s *stream) shorten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.queue[:s.done])
	s.queue, s.done = s.queue[s.done:], 0
	if s.waiting.HalfFree() {
		s.paused.Store(false)
	}
}

// rewind has the next Tail go on behind what this one has handed out.
func (s *stream) rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read, s.readAt = s.handed, time.Time{}
	s.waiting.Drop()
	s.queue = nil
	s.paused.Store(false)
	s.behind.Store(false)
}
