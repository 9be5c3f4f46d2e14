package postgres

import (
	"math"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// unlisted is how long events are kept of tenants that nobody lists: longer than
// any tenant's are.
var unlisted = event.Retention{Bytes: math.MaxInt64, Events: math.MaxInt64, Age: 40 * 24 * time.Hour, IDs: 24 * time.Hour}

// history is how much there is of a tenant's events, in parts that are small
// beside what is kept: counting rows would cost more than adding them did.
type history struct {
	parts []part
	total part
}

type part struct {
	last          int64 // position
	events, bytes int64
	oldest        time.Time
	newest        time.Time
}

// grain is how many parts what is kept has for each of its bounds.
const grain = 64

func (h *history) add(at int64, size int, when time.Time, keep event.Retention) {
	h.total.events++
	h.total.bytes += int64(size)
	if n := len(h.parts); n > 0 {
		p := &h.parts[n-1]
		full := p.events >= max(1, keep.Events/grain) || p.bytes >= keep.Bytes/grain || when.Sub(p.oldest) > keep.Age/grain
		if !full {
			p.last, p.newest = at, when
			p.events++
			p.bytes += int64(size)
			return
		}
	}
	h.parts = append(h.parts, part{last: at, events: 1, bytes: int64(size), oldest: when, newest: when})
}

// prepend adds what there was before all that was added.
func (h *history) prepend(parts []part) {
	for _, p := range parts {
		h.total.events += p.events
		h.total.bytes += p.bytes
	}
	h.parts = append(parts, h.parts...)
}

// graceTime is how long an event stays in any case, so that other nodes have read it that had room.
const graceTime = 2 * time.Second

// trim forgets the oldest parts that are wholly over a bound, and returns the
// position of the last; 0 for none.
func (h *history) trim(keep event.Retention, now time.Time) (upTo int64) {
	n := 0
	for _, p := range h.parts {
		if now.Sub(p.newest) < graceTime {
			break
		}
		if h.total.events-p.events < keep.Events && h.total.bytes-p.bytes < keep.Bytes && p.newest.After(now.Add(-keep.Age)) {
			break
		}
		h.total.events -= p.events
		h.total.bytes -= p.bytes
		upTo = p.last
		n++
	}
	h.parts = append(h.parts[:0], h.parts[n:]...)
	return upTo
}
