package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// Bounds of a page.
const (
	pageBytes   = 1 << 20 // payload, unless the first event is larger
	pageScanned = 10_000  // entries that are looked at
	firstCount  = 8       // entries that are asked for first: they may be large
	mostCount   = 512
)

// hole is a part of a stream that Redis has lost: behind from, up to to.
type hole struct{ from, to id }

// view is what a stream had behind an id, at one moment.
type view struct {
	lost    id // the newest that retention took
	holes   []hole
	own     bool // the entry of the id itself is there
	entries []redis.XMessage
	full    bool // there may be more entries
}

// look reads at most n entries behind an id.
func (b *Bus) look(ctx context.Context, c redis.Cmdable, tenant string, after id, n int) (view, error) {
	var noted *redis.SliceCmd
	var list *redis.XMessageSliceCmd
	// A transaction, so that retention takes nothing in between.
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		noted = p.HMGet(ctx, b.metaKey(tenant), "lost", "holes")
		list = p.XRangeN(ctx, b.eventsKey(tenant), after.String(), "+", int64(n)+1)
		return nil
	})
	if err != nil {
		return view{}, err
	}
	v := view{entries: list.Val()}
	v.full = len(v.entries) > n
	if len(v.entries) > 0 && v.entries[0].ID == after.String() {
		v.own, v.entries = true, v.entries[1:]
	}
	values := noted.Val()
	if text, ok := values[0].(string); ok {
		v.lost, _ = parseID(text)
	}
	if text, ok := values[1].(string); ok {
		v.holes = parseHoles(text)
	}
	return v, nil
}

// parseHoles reads what check.lua writes.
func parseHoles(text string) (holes []hole) {
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		from, to, _ := strings.Cut(part, " ")
		f, okFrom := parseID(from)
		t, okTo := parseID(to)
		if okFrom && okTo && f.before(t) {
			holes = append(holes, hole{f, t})
		}
	}
	slices.SortFunc(holes, func(a, b hole) int { return a.from.compare(b.from) })
	return holes
}

// missing returns where what is there begins: at after, or where the gap ends that lies
// directly behind it.
func (v *view) missing(after id) id {
	to := latest(after, v.lost)
	ends := !v.lost.before(after)
	for _, h := range v.holes {
		if !to.before(h.from) && to.before(h.to) {
			to = h.to
		}
		ends = ends || h.to == after
	}
	if to != after || ends || v.own || after.between() || len(v.entries) == 0 {
		return to
	}
	// The entry itself is gone and nobody noted that: what followed may be gone, too.
	if next, ok := parseID(v.entries[0].ID); ok && after.before(next) {
		return next.previous()
	}
	return to
}

// until returns the id behind which the next hole begins.
func (v *view) until(after id) (id, bool) {
	for _, h := range v.holes {
		if !h.from.before(after) && after.before(h.to) {
			return h.from, true
		}
	}
	return id{}, false
}

// Read implements event.Bus.
func (b *Bus) Read(ctx context.Context, tenant string, channels []string, after event.Position, max int) (event.Page, error) {
	from, err := parsePosition(after)
	if err == nil {
		err = b.checkOpen()
	}
	var page event.Page
	if err == nil {
		page, err = b.page(ctx, tenant, channels, from, max)
	}
	if err != nil {
		return event.Page{}, fmt.Errorf("read the events of tenant %s: %w", tenant, explain(err))
	}
	if after == "" && page.Next == (id{}).position() {
		page.Next = b.Start() // nothing is there
	}
	return page, nil
}

// page reads a page. Where Redis has come back without what this node knows to have been
// there, and no reader has noted that so far, it is noted before.
func (b *Bus) page(ctx context.Context, tenant string, channels []string, from id, max int) (event.Page, error) {
	b.mu.Lock()
	s := b.streams[tenant]
	b.mu.Unlock()
	if s == nil {
		page, _, err := b.pageOf(ctx, tenant, channels, from, max, nil)
		return page, err
	}
	page, lost, err := b.pageOf(ctx, tenant, channels, from, max, s.known())
	if err == nil && lost {
		if err = b.checkStream(ctx, s); err == nil {
			page, _, err = b.pageOf(ctx, tenant, channels, from, max, nil)
		}
	}
	return page, err
}

// checkStream has it noted what Redis does not have any more. The reader tells it.
func (b *Bus) checkStream(ctx context.Context, s *stream) error {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	return checkScript.Run(ctx, b.client, []string{s.key, b.metaKey(s.tenant)}, texts(s.known())...).Err()
}

// pageOf reads a page, and reports whether something is neither there nor noted as lost,
// of what is known in its order.
func (b *Bus) pageOf(ctx context.Context, tenant string, channels []string, from id, max int, known []id) (_ event.Page, lost bool, _ error) {
	page := event.Page{Next: from.position()}
	at, bytes, scanned := from, 0, 0
	for count := firstCount; ; count = min(4*count, mostCount) {
		if channels == nil {
			count = min(count, max-len(page.Events)+1)
		}
		v, err := b.look(ctx, b.client, tenant, at, count)
		if err != nil {
			return page, false, err
		}
		begin := v.missing(at)
		if begin != at && scanned > 0 { // the next page tells of it
			page.More = true
			return page, false, nil
		}
		if begin != at && (from != id{}) {
			page.Gap = &event.Gap{From: at.position(), To: begin.position()}
		}
		until, bounded := v.until(begin)
		at = begin
		page.Next = latest(at, from).position()
		for i := range v.entries {
			m := &v.entries[i]
			next, ok := parseID(m.ID)
			if !ok || !at.before(next) {
				continue
			}
			for len(known) > 0 && !at.before(known[0]) {
				known = known[1:]
			}
			if len(known) > 0 && known[0].before(next) && (!bounded || known[0].before(until)) {
				return page, true, nil
			}
			if bounded && until.before(next) || len(page.Events) >= max {
				page.More = true
				return page, false, nil
			}
			if channel, _ := m.Values["channel"].(string); channels == nil || slices.Contains(channels, channel) {
				if e, err := decode(tenant, next, m); err == nil {
					if bytes += len(e.Payload); len(page.Events) > 0 && bytes > pageBytes {
						page.More = true
						return page, false, nil
					}
					page.Events = append(page.Events, *e)
				}
			}
			at = next
			page.Next = at.position()
			scanned++
		}
		switch {
		case bounded && !at.before(until): // at the hole
			page.More = true
			return page, false, nil
		case !v.full:
			return page, len(known) > 0 && at.before(known[len(known)-1]), nil
		case scanned >= pageScanned || len(page.Events) >= max || bytes >= pageBytes:
			page.More = true
			return page, false, nil
		}
	}
}

// ReadLast implements event.Bus.
func (b *Bus) ReadLast(ctx context.Context, tenant, channel string, before event.Position, max int) ([]event.Event, error) {
	until, err := parsePosition(before)
	if err == nil {
		err = b.checkOpen()
	}
	var events []event.Event
	if err == nil {
		end := "+"
		if before != "" {
			end = "(" + until.String()
		}
		events, err = b.last(ctx, tenant, channel, end, max)
	}
	if err != nil {
		return nil, fmt.Errorf("read the last events of tenant %s: %w", tenant, explain(err))
	}
	return events, nil
}
