package event_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// batch is what a model of event.Waiting has of one that was published or read.
type batch struct {
	event.Amount
	last int
}

func at(n int) event.Position { return event.Position(fmt.Sprintf("%09d", n)) }

// TestWaiting holds the running sums against counts from scratch, at random, for two tenants
// in one room.
func TestWaiting(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	room := &event.Room{Most: 40 << 20}
	type tenant struct {
		event.Waiting
		coming, unread, queue []batch
		end, read             int // of the source, and what was read of it
	}
	tenants := []*tenant{{Waiting: event.Waiting{Room: room}}, {Waiting: event.Waiting{Room: room}}}
	sum := func(lists ...[]batch) (all event.Amount) {
		for _, list := range lists {
			for _, b := range list {
				all.Events, all.Bytes = all.Events+b.Events, all.Bytes+b.Bytes
			}
		}
		return all
	}
	refused, readOn := 0, 0
	for range 200_000 {
		x, inAll := tenants[r.IntN(2)], 0
		for _, x := range tenants {
			inAll += sum(x.coming, x.unread, x.queue).Bytes
		}
		all := sum(x.coming, x.unread, x.queue)
		n := event.Amount{Events: 1 + r.IntN(3000), Bytes: r.IntN(4 << 20)}
		switch r.IntN(6) {
		case 0: // publish
			fits := all.Events+n.Events <= event.MaxWaitingEvents && all.Bytes+n.Bytes <= event.MaxWaitingBytes &&
				(inAll+n.Bytes <= 40<<20 || all.Events == 0 || all.Bytes+n.Bytes <= event.LeastWaitingBytes)
			if x.Reserve(n) != fits {
				t.Fatalf("%+v beside %+v, in all %d: %t", n, all, inAll, !fits)
			}
			if fits {
				x.coming = append(x.coming, batch{n, 0})
			} else {
				refused++
			}
		case 1: // it was accepted, or not, or has been read by now
			if len(x.coming) > 0 {
				i := r.IntN(len(x.coming))
				b := x.coming[i]
				x.coming = append(x.coming[:i], x.coming[i+1:]...)
				if r.IntN(5) == 0 {
					x.Settle(b.Amount, "")
					break
				}
				x.end++
				if b.last = x.end; r.IntN(3) == 0 { // answers don't come in order
					b.last = max(1, x.end-r.IntN(4))
				}
				if x.Settle(b.Amount, at(b.last)); b.last > x.read {
					x.unread = append(x.unread, b)
				}
			}
		case 2: // others publish
			x.end++
		case 3: // read
			free := all.Events < event.MaxWaitingEvents && all.Bytes < event.MaxWaitingBytes && (inAll < 40<<20 || all.Bytes < event.LeastWaitingBytes)
			if q := sum(x.queue); len(x.unread) > 0 {
				on := q.Events < 2*event.MaxWaitingEvents && q.Bytes < 2*event.MaxWaitingBytes
				if on && !free {
					readOn++
				}
				free = on
			}
			if x.Free() != free {
				t.Fatalf("room to read beside %+v, in all %d: %t", all, inAll, !free)
			}
			if free && x.read < x.end {
				x.read++
				x.Read(n, at(x.read))
				x.queue = append(x.queue, batch{n, x.read})
				kept := x.unread[:0]
				for _, b := range x.unread {
					if b.last > x.read {
						kept = append(kept, b)
					}
				}
				x.unread = kept
			}
		case 4: // hand out
			if len(x.queue) > 0 {
				x.HandedOut(x.queue[0].Amount)
				x.queue = x.queue[1:]
			}
		case 5:
			if r.IntN(100) == 0 {
				if x.Forget(); r.IntN(2) == 0 {
					x.Drop()
					x.queue = nil
				}
				x.unread = nil
			}
		}
		want := sum(x.unread, x.queue)
		if b := x.Backlog(time.Time{}); b.Events != want.Events || b.Bytes != want.Bytes || b.Oldest.IsZero() != (len(x.unread) == 0) || x.Queued() != sum(x.queue).Events ||
			x.Empty() != (len(x.unread)+len(x.queue)+len(x.coming) == 0) {
			t.Fatalf("%+v wait, want %+v", b, want)
		}
	}
	if refused < 1000 || readOn < 100 {
		t.Errorf("%d were refused, and %d times was read on", refused, readOn)
	}
}
