package redis

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// hotStreams is how many streams the reader waits for at the same time: those
// that had entries last. Publishers wake it for the others, and it sweeps them for
// entries of publishers who don't.
const hotStreams = 64

const (
	blockTime   = 100 * time.Millisecond // for entries, at most
	pausedBlock = 5 * time.Millisecond   // while a stream is left alone
	leastBlock  = time.Millisecond       // while one is caught up with
	longPause   = time.Second            // of one whose subscribers are so slow that blockTime is soon enough
	listTime    = 2 * time.Second        // between looks at the tenants
	sweepCount  = 500                    // streams in a command
	// sweepEach is what a stream adds to the time between two sweeps, which are at
	// least blockTime apart.
	sweepEach = 50 * time.Microsecond
	// staleTime is how long a stream may be left alone until retention may have
	// taken what was not read. It is shorter than graceTime.
	staleTime = 1500 * time.Millisecond
	// catchUpTime is for how long at a time one stream is caught up with.
	catchUpTime = 5 * time.Millisecond
)

// Tail implements event.Bus.
func (b *Bus) Tail(ctx context.Context, sink event.Sink) error {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return fmt.Errorf("tail the Redis bus: %w", event.ErrClosed)
	case b.tailed:
		b.mu.Unlock()
		return errors.New("tail the Redis bus: it is tailed already")
	}
	b.tailed, b.changed = true, true
	b.mu.Unlock()

	r := &reader{bus: b, sink: sink, drains: &drains{ctx: ctx, sink: sink}, count: firstCount}
	var trimming sync.WaitGroup
	trimming.Go(func() { b.trim(ctx) })
	r.run(ctx)
	trimming.Wait()
	r.drains.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tailed = false
	for _, s := range b.streams {
		s.rewind()
	}
	return nil
}

// reader reads all streams, on one connection.
type reader struct {
	bus    *Bus
	sink   event.Sink
	drains *drains
	conn   *redis.Conn

	all   []*stream // of all tenants
	hot   []*stream // the last used of them; all where they are few
	wake  string    // id of the last entry of the wake stream that was read
	count int       // entries of a stream that are asked for at once
	args  []string

	listed, checked, swept time.Time
	checkFrom              int
}

// run reads until ctx ends, over as many connections as it takes.
func (r *reader) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		began := time.Now()
		r.conn = r.bus.client.Conn()
		err := r.session(ctx, func() {
			if failures > 0 {
				r.bus.logger.InfoContext(ctx, "Redis can be read again")
			}
			failures = 0
		})
		_ = r.conn.Close() // it is of no use any more
		if ctx.Err() != nil {
			return
		}
		if failures++; failures == 1 {
			r.bus.logger.WarnContext(ctx, "Redis can't be read", "error", explain(err), "after", time.Since(began).Round(time.Millisecond))
		}
		sleep(ctx, backOff(failures))
	}
}

// session reads on one connection until it fails.
func (r *reader) session(ctx context.Context, ready func()) error {
	newest, err := r.conn.XRevRangeN(ctx, r.bus.wakeKey(), "+", "-", 1).Result()
	if err != nil {
		return err
	}
	r.wake = "0-0"
	if len(newest) > 0 {
		r.wake = newest[0].ID
	}
	r.list()
	if err := checkScript.Load(ctx, r.conn).Err(); err != nil {
		return err
	}
	if err := r.check(ctx, r.all); err != nil {
		return err
	}
	for _, s := range r.all {
		s.readAt = time.Time{}
	}
	if err := r.sweep(ctx, r.all); err != nil {
		return err
	}
	ready()
	for ctx.Err() == nil {
		if err := r.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step does what is due, and waits for entries.
func (r *reader) step(ctx context.Context) error {
	now := time.Now()
	r.bus.mu.Lock()
	changed := r.bus.changed
	r.bus.mu.Unlock()
	if changed || now.Sub(r.listed) >= listTime {
		r.list()
	}
	if now.Sub(r.checked) >= checkTime {
		if err := r.checkSome(ctx, now); err != nil {
			return err
		}
	}
	if len(r.all) > len(r.hot) && now.Sub(r.swept) >= max(blockTime, sweepEach*time.Duration(len(r.all))) {
		if err := r.sweep(ctx, r.all); err != nil {
			return err
		}
	}
	return r.wait(ctx)
}

// list takes the tenants that there are.
func (r *reader) list() {
	b := r.bus
	now := time.Now()
	first := r.listed.IsZero()
	if first || now.Sub(r.listed) >= listTime {
		r.listed = now
		for tenant, keep := range r.sink.Tenants() {
			b.mu.Lock()
			s := b.streams[tenant]
			if s == nil {
				s = b.addLocked(tenant)
			}
			b.mu.Unlock()
			s.listed = now
			s.retain(keep)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.changed {
		return
	}
	b.changed = false
	r.all = r.all[:0]
	for _, s := range b.streams {
		r.all = append(r.all, s)
	}
	kept := r.hot[:0]
	for _, s := range r.hot {
		if b.streams[s.tenant] == s {
			kept = append(kept, s)
		}
	}
	clear(r.hot[len(kept):])
	r.hot = kept
	for _, s := range r.all {
		if len(r.all) <= hotStreams {
			r.heat(s)
		}
	}
}

// heat makes a stream one of those that are waited for.
func (r *reader) heat(s *stream) {
	oldest := -1
	for i, h := range r.hot {
		if h == s {
			return
		}
		if oldest < 0 || h.used.Before(r.hot[oldest].used) {
			oldest = i
		}
	}
	if len(r.hot) < hotStreams {
		r.hot = append(r.hot, s)
	} else {
		r.hot[oldest] = s
	}
}

// wait reads the hot streams, or waits until they have something.
func (r *reader) wait(ctx context.Context) error {
	streams, block, err := r.fresh(ctx, r.hot)
	if err != nil {
		return err
	}
	return r.read(ctx, streams, block)
}

// fresh returns those of the streams that are to be read by XREAD, and for how long it may
// wait. Those that were left alone for long are caught up with first.
func (r *reader) fresh(ctx context.Context, of []*stream) (streams []*stream, block time.Duration, err error) {
	streams, block = make([]*stream, 0, len(of)), blockTime
	now := time.Now()
	for _, s := range of {
		if s.paused.Load() {
			if now.Sub(s.pausedAt) < longPause {
				block = min(block, pausedBlock)
			}
			continue
		}
		if now.Before(s.brokenUntil) {
			continue
		}
		if now.Sub(s.readAt) > staleTime {
			if err := r.catchUp(ctx, s); isWrongType(err) {
				r.broken(ctx, s, err)
				continue
			} else if err != nil {
				return nil, 0, err
			}
			if s.readAt.Before(now) && !s.paused.Load() {
				block = leastBlock // there is more, which must not have the others wait
				continue
			}
		}
		if s.paused.Load() {
			block = min(block, pausedBlock)
			continue
		}
		streams = append(streams, s)
	}
	return streams, block, nil
}

// sweep reads streams without waiting.
func (r *reader) sweep(ctx context.Context, of []*stream) error {
	r.swept = time.Now()
	for len(of) > 0 {
		n := min(len(of), sweepCount)
		streams, _, err := r.fresh(ctx, of[:n])
		if err != nil {
			return err
		}
		if err := r.read(ctx, streams, -1); err != nil {
			return err
		}
		of = of[n:]
	}
	return nil
}

// read is one XREAD. With a time to block it reads the wake stream, too.
func (r *reader) read(ctx context.Context, streams []*stream, block time.Duration) error {
	if block < 0 && len(streams) == 0 {
		return nil
	}
	asked := time.Now()
	answer, err := r.conn.XRead(ctx, &redis.XReadArgs{Streams: r.arguments(streams, block >= 0), Count: int64(r.count), Block: block}).Result()
	if isWrongType(err) {
		return r.findBroken(ctx, streams, err)
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	var missed []*stream
	var woken []redis.XMessage
	next := 0 // Redis answers in the order of the command
	for _, s := range streams {
		if next == len(answer) || answer[next].Stream != s.key {
			s.caughtUp(asked)
			continue
		}
		messages := answer[next].Messages
		next++
		r.take(s, messages)
		if len(messages) < r.count {
			s.caughtUp(asked)
		}
		if s.missed() {
			missed = append(missed, s)
		}
	}
	if next < len(answer) {
		woken = answer[next].Messages
	}
	if len(answer) > 0 {
		runtime.Gosched() // what was read is handed out before more is asked for
	}
	r.adapt(answer)
	if err := r.check(ctx, missed); err != nil {
		return err
	}
	if len(woken) > 0 {
		return r.woken(ctx, woken)
	}
	return nil
}

// arguments are the keys and the ids for XREAD, valid until the next call.
func (r *reader) arguments(streams []*stream, wake bool) []string {
	r.args = r.args[:0]
	for _, s := range streams {
		r.args = append(r.args, s.key)
	}
	if wake {
		r.args = append(r.args, r.bus.wakeKey())
	}
	for _, s := range streams {
		r.args = append(r.args, s.behindText())
	}
	if wake {
		r.args = append(r.args, r.wake)
	}
	return r.args
}

// woken reads the streams that publishers have named.
func (r *reader) woken(ctx context.Context, messages []redis.XMessage) error {
	r.wake = messages[len(messages)-1].ID
	var streams []*stream
	seen := map[string]bool{}
	r.bus.mu.Lock()
	for _, m := range messages {
		tenant, _ := m.Values["t"].(string)
		if tenant == "" || seen[tenant] {
			continue
		}
		seen[tenant] = true
		s := r.bus.streams[tenant]
		if s == nil {
			s = r.bus.addLocked(tenant)
		}
		streams = append(streams, s)
	}
	r.bus.mu.Unlock()
	streams, _, err := r.fresh(ctx, streams)
	if err != nil {
		return err
	}
	return r.read(ctx, streams, -1)
}

// take queues entries that were read.
func (r *reader) take(s *stream, messages []redis.XMessage) {
	if len(messages) == 0 {
		return
	}
	items := make([]item, 0, len(messages))
	for i := range messages {
		at, ok := parseID(messages[i].ID)
		if !ok || !s.read.before(at) {
			continue
		}
		e, err := decode(s.tenant, at, &messages[i])
		items = append(items, item{at: at, event: e, reason: err})
		s.read = at
	}
	s.used = time.Now()
	s.appended.Add(int64(len(items)))
	r.heat(s)
	r.drains.add(s, items)
}

// readBytes is about what a command may bring of one stream.
const readBytes = 1 << 20

// adapt asks for fewer entries where they are large.
func (r *reader) adapt(answer []redis.XStream) {
	entries, bytes := 0, 0
	for _, a := range answer {
		entries += len(a.Messages)
		for i := range a.Messages {
			payload, _ := a.Messages[i].Values["payload"].(string)
			bytes += len(payload) + 1
		}
	}
	if entries > 0 {
		r.count = max(1, min(readBytes*entries/bytes, 4*r.count, mostCount))
	}
}

// catchUp reads a stream of which retention, or Redis itself, may have lost what
// was not read.
func (r *reader) catchUp(ctx context.Context, s *stream) error {
	begun := time.Now()
	for ; !s.paused.Load() && ctx.Err() == nil && time.Since(begun) < catchUpTime; s.late = min(2*s.late, mostCount) {
		asked := time.Now()
		s.late = max(s.late, firstCount)
		v, err := r.bus.look(ctx, r.conn, s.tenant, s.read, s.late)
		if err != nil {
			return err
		}
		if begin := v.missing(s.read); begin != s.read {
			gap := event.Gap{From: s.read.position(), To: begin.position(), Retention: begin == v.lost && len(v.holes) == 0}
			r.drains.add(s, []item{{at: begin, gap: &gap}})
			s.read, s.told = begin, latest(s.told, begin)
		}
		until, bounded := v.until(s.read)
		entries := v.entries
		for i := range entries {
			if at, ok := parseID(entries[i].ID); bounded && ok && until.before(at) {
				entries = entries[:i]
				break
			}
		}
		r.take(s, entries)
		if bounded && !s.read.before(until) {
			continue // the hole is next
		}
		if !v.full {
			s.late = 0
			s.caughtUp(asked)
			return nil
		}
	}
	return nil
}
