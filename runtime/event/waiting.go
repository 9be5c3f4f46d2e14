package event

import (
	"sort"
	"sync/atomic"
	"time"
)

// What may wait on a node for its subscribers before publishers are refused. Bytes are as Size
// counts.
const (
	MaxWaitingEvents = 65_536    // of one tenant
	MaxWaitingBytes  = 64 << 20  // of one tenant
	MaxWaitingInAll  = 256 << 20 // bytes of all tenants
	// LeastWaitingBytes of a tenant may wait whatever waits of others; and where nothing of it
	// does, any one batch.
	LeastWaitingBytes = 1 << 20
)

// Amount is a number of events, and of bytes as Size counts.
type Amount struct{ Events, Bytes int }

// AmountOf counts events.
func AmountOf(events []Event) Amount {
	n := Amount{Events: len(events)}
	for i := range events {
		n.Bytes += Size(&events[i])
	}
	return n
}

func (n *Amount) add(m Amount) { n.Events, n.Bytes = n.Events+m.Events, n.Bytes+m.Bytes }
func (n *Amount) sub(m Amount) { n.Events, n.Bytes = n.Events-m.Events, n.Bytes-m.Bytes }

// Room counts the bytes that wait on a node, of all tenants.
type Room struct {
	Most  int64 // 0 means MaxWaitingInAll
	bytes atomic.Int64
}

func (r *Room) most() int64 {
	if r.Most > 0 {
		return r.Most
	}
	return MaxWaitingInAll
}

// Waiting counts what waits of one tenant, for drivers. It is guarded by who has it; its Room, which
// many share, is not. Every call takes the same time, but for what Read has reached.
type Waiting struct {
	Room *Room

	coming   Amount     // is being published here
	unread   Amount     // was accepted here and not read
	queued   Amount     // was read and not handed out
	accepted []accepted // of which unread is the sum, in order
	read     Position   // the newest
}

type accepted struct {
	last Position
	at   time.Time
	Amount
}

func (w *Waiting) all() Amount {
	n := w.queued
	n.add(w.unread)
	n.add(w.coming)
	return n
}

// Reserve has a batch come that is to be published, if there is room for all of it.
func (w *Waiting) Reserve(n Amount) bool {
	all := w.all()
	if all.Events+n.Events > MaxWaitingEvents || all.Bytes+n.Bytes > MaxWaitingBytes {
		return false
	}
	free := all.Events == 0 || all.Bytes+n.Bytes <= LeastWaitingBytes
	if inAll := w.Room.bytes.Add(int64(n.Bytes)); inAll > w.Room.most() && !free {
		w.Room.bytes.Add(-int64(n.Bytes))
		return false
	}
	w.coming.add(n)
	return true
}

// Settle ends what Reserve began: the batch was accepted, and has its last new event at a position; the empty
// one says that nothing was added.
func (w *Waiting) Settle(n Amount, last Position) {
	w.coming.sub(n)
	if last <= w.read {
		w.Room.bytes.Add(-int64(n.Bytes))
		return
	}
	w.unread.add(n)
	i := sort.Search(len(w.accepted), func(i int) bool { return w.accepted[i].last > last })
	w.accepted = append(w.accepted, accepted{})
	copy(w.accepted[i+1:], w.accepted[i:])
	w.accepted[i] = accepted{last, time.Now(), n}
}

// Read queues what was read, up to a position.
func (w *Waiting) Read(n Amount, upTo Position) {
	w.queued.add(n)
	w.Room.bytes.Add(int64(n.Bytes))
	w.read = max(w.read, upTo)
	for len(w.accepted) > 0 && w.accepted[0].last <= w.read {
		w.unread.sub(w.accepted[0].Amount)
		w.Room.bytes.Add(-int64(w.accepted[0].Bytes))
		if w.accepted = w.accepted[1:]; len(w.accepted) == 0 {
			w.accepted = nil
		}
	}
}

// HandedOut takes what was from the queue.
func (w *Waiting) HandedOut(n Amount) {
	w.queued.sub(n)
	w.Room.bytes.Add(-int64(n.Bytes))
}

// Forget forgets what was accepted and not read.
func (w *Waiting) Forget() {
	w.Room.bytes.Add(-int64(w.unread.Bytes))
	w.unread, w.accepted = Amount{}, nil
}

// Drop forgets what was read, too.
func (w *Waiting) Drop() {
	w.Forget()
	w.HandedOut(w.queued)
}

// Free reports whether there is room to read on. Where something was accepted here that was not
// read, there is for what lies in front of it, up to as much again as may wait.
func (w *Waiting) Free() bool {
	if w.unread.Events > 0 {
		return w.queued.Events < 2*MaxWaitingEvents && w.queued.Bytes < 2*MaxWaitingBytes
	}
	all := w.all()
	return all.Events < MaxWaitingEvents && all.Bytes < MaxWaitingBytes &&
		(all.Bytes < LeastWaitingBytes || w.Room.bytes.Load() < w.Room.most())
}

// HalfFree reports whether there is room for as much as a reader should have it read at once.
func (w *Waiting) HalfFree() bool {
	all := w.all()
	return all.Events < MaxWaitingEvents/2 &&
		(all.Bytes < LeastWaitingBytes/2 || all.Bytes < MaxWaitingBytes/2 && w.Room.bytes.Load() < w.Room.most())
}

// Queued is how many were read and not handed out.
func (w *Waiting) Queued() int { return w.queued.Events }

// Empty reports whether nothing waits, nor is being published.
func (w *Waiting) Empty() bool { return w.all() == Amount{} }

// Backlog is what waits; first is when the first of the queue was accepted.
func (w *Waiting) Backlog(first time.Time) Backlog {
	n := w.queued
	n.add(w.unread)
	if first.IsZero() && len(w.accepted) > 0 {
		first = w.accepted[0].at
	}
	return Backlog{Events: n.Events, Bytes: n.Bytes, Oldest: first}
}
