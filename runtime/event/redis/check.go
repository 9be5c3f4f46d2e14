package redis

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

//go:embed check.lua
var checkSource string

var checkScript = redis.NewScript(checkSource)

const (
	checkTime  = time.Second // between checks, each of some tenants
	checkCount = 200
)

// checkSome checks the next of all streams, in turn.
func (r *reader) checkSome(ctx context.Context, now time.Time) error {
	r.checked = now
	if r.checkFrom >= len(r.all) {
		r.checkFrom = 0
	}
	to := min(r.checkFrom+checkCount, len(r.all))
	some := r.all[r.checkFrom:to]
	r.checkFrom = to
	return r.check(ctx, some)
}

// check looks whether Redis still has what it had.
func (r *reader) check(ctx context.Context, of []*stream) error {
	for len(of) > 0 {
		n := min(len(of), checkCount)
		if err := r.checkStreams(ctx, of[:n]); err != nil {
			return err
		}
		of = of[n:]
	}
	return nil
}

func (r *reader) checkStreams(ctx context.Context, of []*stream) error {
	b := r.bus
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	answers := make([]*redis.Cmd, len(of))
	_, err := r.conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, s := range of {
			answers[i] = p.EvalSha(ctx, checkScript.Hash(), []string{s.key, b.metaKey(s.tenant)}, texts(s.known())...)
		}
		return nil
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return checkScript.Load(ctx, r.conn).Err() // the next check finds it
	}
	if err != nil && !isWrongType(err) {
		return err
	}
	for i, s := range of {
		values, err := answers[i].Slice()
		if isWrongType(err) {
			r.broken(ctx, s, err)
			continue
		}
		if err != nil || len(values) != 3 {
			return fmt.Errorf("check.lua answers %d values: %w", len(values), err)
		}
		if removed, _ := values[0].(int64); removed == 1 {
			r.removed(s)
			continue
		}
		s.checked()
		text, _ := values[2].(string)
		holes := parseHoles(text)
		s.noted(holes)
		r.tell(s, holes)
	}
	return nil
}

// brokenTime is how long a tenant's keys are left alone that hold something else than
// they should.
const brokenTime = 10 * time.Second

func (r *reader) broken(ctx context.Context, s *stream, err error) {
	s.brokenUntil = time.Now().Add(brokenTime)
	s.readAt = time.Time{}
	r.bus.logger.WarnContext(ctx, "a tenant's events can't be read", "tenant", s.tenant, "error", explain(err))
}

// findBroken looks which of the streams is none, so that the others can be read.
func (r *reader) findBroken(ctx context.Context, streams []*stream, err error) error {
	kinds := make([]*redis.StatusCmd, len(streams))
	_, failed := r.conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, s := range streams {
			kinds[i] = p.Type(ctx, s.key)
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	for i, s := range streams {
		if kind := kinds[i].Val(); kind != "stream" && kind != "none" {
			r.broken(ctx, s, err)
		}
	}
	return nil
}

// removed forgets what the stream of a tenant had that was removed, and the stream
// itself where the tenant is not there again: it was not listed for long, nor had entries, which
// a stream in its place would be read from the start for.
func (r *reader) removed(s *stream) {
	s.forget()
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	if r.listed.Sub(latestTime(s.listed, s.used)) > 2*listTime {
		delete(r.bus.streams, s.tenant)
		s.leave()
		r.bus.changed = true
	}
}

// tell has holes told that were not yet: in their place where the reader has not
// come to it, else now.
func (r *reader) tell(s *stream, holes []hole) {
	for _, h := range holes {
		if !s.told.before(h.to) {
			continue
		}
		if s.read.before(h.to) {
			s.readAt = time.Time{}
			continue
		}
		s.told = h.to
		r.drains.add(s, []item{{at: h.from, gap: &event.Gap{From: h.from.position(), To: h.to.position()}}})
	}
}
