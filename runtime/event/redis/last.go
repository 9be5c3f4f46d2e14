package redis

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// run is a part of a stream, from one entry to another and with both, in which a
// channel has no event.
type run struct{ low, high id }

const (
	longRun = 512  // entries: less is not worth knowing
	maxRuns = 1024 // of a stream
)

// passed adds a run to those that are known of a channel, where it is long or goes on
// from one that is. Streams grow at their ends alone, so it stays one.
func (s *stream) passed(channel string, r run, entries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.runs[channel]
	for i := 0; i < len(known); {
		if k := known[i]; k.high.before(r.low) || r.high.before(k.low) {
			i++
			continue
		}
		r = run{earliest(known[i].low, r.low), latest(known[i].high, r.high)}
		known = slices.Delete(known, i, i+1)
		s.runCount--
		entries = longRun
	}
	if s.runCount >= maxRuns { // most are those that retention has taken
		s.runs, s.runCount, known = nil, 0, nil
	}
	if entries >= longRun {
		at, _ := slices.BinarySearchFunc(known, r, func(a, b run) int { return a.low.compare(b.low) })
		known = slices.Insert(known, at, r)
		s.runCount++
	}
	switch {
	case len(known) == 0:
		delete(s.runs, channel)
	case s.runs == nil:
		s.runs = map[string][]run{channel: known}
	default:
		s.runs[channel] = known
	}
}

// skip returns the first entry of the run that an entry lies in: itself where it is in none.
func (s *stream) skip(channel string, at id) id {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.runs[channel]
	i, found := slices.BinarySearchFunc(known, at, func(r run, at id) int { return r.low.compare(at) })
	if !found {
		i--
	}
	if i >= 0 && !known[i].high.before(at) {
		return known[i].low
	}
	return at
}

func earliest(i, j id) id {
	if i.before(j) {
		return i
	}
	return j
}

// search is one for the newest events of a channel. What it has passed is noted, also where
// it is given up, so that the next one goes on from there.
type search struct {
	stream  *stream // nil where the tenant is not known
	channel string
	passing run
	entries int // of passing; 0 for no run
}

// pass notes an entry that is none of the channel's, in front of the others.
func (r *search) pass(at id) {
	if r.entries == 0 {
		r.passing.high = at
	}
	r.passing.low = at
	r.entries++
}

// end ends a run.
func (r *search) end() {
	if r.entries > 0 && r.stream != nil {
		r.stream.passed(r.channel, r.passing, r.entries)
	}
	r.entries = 0
}

// leap returns where to go on: in front of the entry, or of the run that it lies in.
func (r *search) leap(at id) id {
	if r.stream == nil || r.entries == 0 {
		return at
	}
	r.passing.low = r.stream.skip(r.channel, at)
	return r.passing.low
}

func (b *Bus) last(ctx context.Context, tenant, channel, end string, max int) (events []event.Event, err error) {
	b.mu.Lock()
	r := &search{stream: b.streams[tenant], channel: channel}
	b.mu.Unlock()
	defer r.end()
	bytes := 0
	for count := firstCount; ; count = min(4*count, mostCount) {
		list, err := b.client.XRevRangeN(ctx, b.eventsKey(tenant), end, "-", int64(count)).Result()
		if err != nil {
			return nil, err
		}
		var at id
		for i := range list {
			m := &list[i]
			at, _ = parseID(m.ID)
			e := decodeOf(tenant, channel, at, m)
			if e == nil {
				r.pass(at)
				continue
			}
			if bytes += len(e.Payload); len(events) >= max || len(events) > 0 && bytes > pageBytes {
				return events, nil
			}
			r.end()
			events = append(events, *e)
		}
		if len(list) < count || len(events) >= max {
			return events, nil
		}
		end = "(" + r.leap(at).String()
	}
}

// decodeOf makes an event of an entry, or nil where it is none of the channel.
func decodeOf(tenant, channel string, at id, m *redis.XMessage) *event.Event {
	if of, _ := m.Values["channel"].(string); of != channel {
		return nil
	}
	e, err := decode(tenant, at, m)
	if err != nil {
		return nil
	}
	return e
}
