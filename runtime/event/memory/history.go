package memory

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// history is what the bus keeps of one tenant. Guarded by Bus.mu.
type history struct {
	events   deque[*event.Event]       // in order
	numbers  deque[uint64]             // of events
	channels map[string]*deque[uint64] // the numbers of each channel's events
	ids      ids
	bytes    int64         // of events
	lost     uint64        // number of the newest that retention took
	waiting  event.Waiting // of events, the newest ones
	draining bool          // a goroutine hands out
}

func newHistory(first uint64, room *event.Room) *history {
	return &history{lost: first, channels: map[string]*deque[uint64]{}, ids: newIDs(), waiting: event.Waiting{Room: room}}
}

func size(e *event.Event) int { return event.Size(e) }

// position has a fixed width, so that positions compare as strings.
func position(n uint64) event.Position {
	var number [8]byte
	var digits [16]byte
	binary.BigEndian.PutUint64(number[:], n)
	hex.Encode(digits[:], number[:])
	return event.Position(digits[:])
}

func parse(p event.Position) (uint64, error) {
	if p == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(p), 16, 64)
	if err != nil || position(n) != p {
		return 0, fmt.Errorf("%q is no position of the memory bus", string(p))
	}
	return n, nil
}

// batch is events that are to be published, and what judge found of them.
type batch struct {
	events  []event.Event
	named   []bool       // has an id that is to be remembered
	digests [][16]byte   // of the payloads of those
	seen    []uint64     // the number of each event's first, 0 for new ones
	repeat  []int        // the first event in the batch of the same id, for those that have one
	fresh   event.Amount // new events
}

// newBatch does what takes long and needs no lock. Payloads may be parts of the body of a request, of
// which nothing else is kept: they are copied.
func newBatch(events []event.Event, remember bool) *batch {
	n := len(events)
	b := &batch{events, make([]bool, n), make([][16]byte, n), make([]uint64, n), make([]int, n), event.Amount{}}
	for i := range events {
		e := &events[i]
		e.Payload = bytes.Clone(e.Payload)
		if b.named[i] = remember && e.ID != ""; b.named[i] {
			b.digests[i] = digestOf(e.Payload)
		}
	}
	return b
}

// judge finds what is new, and refuses ids that were seen with other payloads.
func (h *history) judge(b *batch) error {
	inBatch := map[key]int{}
	for i := range b.events {
		e := &b.events[i]
		b.repeat[i] = -1
		if b.named[i] {
			k := key{e.Channel, e.ID}
			known, ok := h.ids.find(k)
			first, again := inBatch[k]
			if ok && known.digest != b.digests[i] || again && b.digests[first] != b.digests[i] {
				return &event.ConflictError{Index: i, Channel: e.Channel, ID: e.ID}
			}
			if ok {
				b.seen[i] = known.number
				continue
			}
			if again {
				b.repeat[i] = first
				continue
			}
			inBatch[k] = i
		}
		b.fresh.Events++
		b.fresh.Bytes += size(e)
	}
	return nil
}

// position returns the number of the last event of the batch, which may be one
// that was published before.
func (b *batch) position(last uint64) uint64 {
	n := len(b.seen)
	if n == 0 {
		return last
	}
	return b.seen[n-1]
}

// add appends the new events of a batch, numbered from last on, and returns the
// number of the newest.
func (h *history) add(b *batch, tenant string, last uint64, now time.Time) uint64 {
	stamp := now.Truncate(time.Millisecond)
	for i := range b.events {
		if b.seen[i] != 0 {
			continue
		}
		if first := b.repeat[i]; first >= 0 {
			b.seen[i] = b.seen[first]
			continue
		}
		e := &b.events[i]
		last++
		e.Tenant, e.Time, e.Position = tenant, stamp, position(last)
		if b.named[i] {
			h.ids.add(key{e.Channel, e.ID}, known{b.digests[i], last, now})
		} else if e.ID == "" {
			e.ID = rand.Text()
		}
		h.append(e, last)
		b.seen[i] = last
	}
	return last
}

// append keeps a copy of an event: others of its batch may not be kept.
func (h *history) append(e *event.Event, number uint64) {
	kept := *e
	h.events.push(&kept)
	h.numbers.push(number)
	c := h.channels[e.Channel]
	if c == nil {
		c = &deque[uint64]{}
		h.channels[e.Channel] = c
	}
	c.push(number)
	h.bytes += int64(size(e))
	h.waiting.Read(event.Amount{Events: 1, Bytes: size(e)}, "")
}

// trim forgets the oldest events that are over retention. Those that wait are
// kept.
func (h *history) trim(keep event.Retention, now time.Time) {
	oldest := now.Add(-keep.Age)
	for len(h.events.items()) > h.waiting.Queued() {
		e := h.events.items()[0]
		if h.bytes <= keep.Bytes && int64(len(h.events.items())) <= keep.Events && !e.Time.Before(oldest) {
			return
		}
		h.bytes -= int64(size(e))
		h.lost = h.numbers.pop()
		h.events.pop()
		c := h.channels[e.Channel]
		c.pop()
		if len(c.items()) == 0 {
			delete(h.channels, e.Channel)
		}
	}
}

func (h *history) waitingEvents() []*event.Event {
	all := h.events.items()
	return all[len(all)-h.waiting.Queued():]
}

// handedOut notes that the first of the waiting events was handed out.
func (h *history) handedOut(e *event.Event) {
	if h.waiting.Queued() == 0 {
		return // the tenant was removed meanwhile
	}
	h.waiting.HandedOut(event.Amount{Events: 1, Bytes: size(e)})
}

// drop forgets all, so that nothing more is handed out.
func (h *history) drop() {
	h.waiting.Drop()
	*h = history{lost: h.lost, draining: h.draining, channels: map[string]*deque[uint64]{}, ids: newIDs()}
}

// pageBytes is how much payload a page has, unless its first event is larger.
const pageBytes = 1 << 20

// read returns what lies behind a number. Where mind is false, what was lost
// there is no gap.
func (h *history) read(channels []string, after uint64, mind bool, max int) event.Page {
	var page event.Page
	last := after
	if mind && after < h.lost {
		page.Gap = &event.Gap{From: position(after), To: position(h.lost)}
		last = h.lost
	}
	next := h.cursor(channels, last)
	total := 0
	for {
		n, ok := next()
		if !ok {
			if all := h.numbers.items(); len(all) > 0 && all[len(all)-1] > last {
				last = all[len(all)-1]
			}
			page.Next = position(last)
			return page
		}
		e := h.event(n)
		if total += len(e.Payload); len(page.Events) >= max || len(page.Events) > 0 && total > pageBytes {
			page.Next, page.More = position(last), true
			return page
		}
		page.Events = append(page.Events, *e)
		last = n
	}
}

// cursor returns a function that walks the numbers of the channels behind one.
func (h *history) cursor(channels []string, after uint64) func() (uint64, bool) {
	var lists [][]uint64
	add := func(d *deque[uint64]) {
		list := d.items()
		lists = append(lists, list[sort.Search(len(list), func(i int) bool { return list[i] > after }):])
	}
	if channels == nil {
		add(&h.numbers)
	}
	for _, name := range channels {
		if c := h.channels[name]; c != nil {
			add(c)
		}
	}
	last := after
	return func() (n uint64, ok bool) {
		least := -1
		for i := range lists {
			for len(lists[i]) > 0 && lists[i][0] <= last { // a channel that was named twice
				lists[i] = lists[i][1:]
			}
			if len(lists[i]) > 0 && (least < 0 || lists[i][0] < lists[least][0]) {
				least = i
			}
		}
		if least < 0 {
			return 0, false
		}
		last = lists[least][0]
		return last, true
	}
}

func (h *history) event(number uint64) *event.Event {
	all := h.numbers.items()
	return h.events.items()[sort.Search(len(all), func(i int) bool { return all[i] >= number })]
}

// readLast returns what lies in front of a number, the newest first.
func (h *history) readLast(channel string, before uint64, max int) (events []event.Event) {
	c := h.channels[channel]
	if c == nil {
		return nil
	}
	list := c.items()
	total := 0
	for i := sort.Search(len(list), func(i int) bool { return list[i] >= before }) - 1; i >= 0 && len(events) < max; i-- {
		e := h.event(list[i])
		if total += len(e.Payload); len(events) > 0 && total > pageBytes {
			break
		}
		events = append(events, *e)
	}
	return events
}
