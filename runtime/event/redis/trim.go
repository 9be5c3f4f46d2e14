package redis

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

//go:embed trim.lua
var trimSource string

var trimScript = redis.NewScript(trimSource)

// leaseScript gives one node the work of all: whoever has it keeps it while it
// comes back in time.
var leaseScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

const (
	trimTime  = time.Second // between two looks at those that had new entries
	leaseTime = 5 * time.Second
	// graceTime is how long an entry stays in any case, so that nodes which read it
	// in time need not ask whether they have missed something.
	graceTime = 2 * time.Second
	// restTime is how often retention is looked at where nothing is published.
	restTime  = 30 * time.Second
	trimCount = 500 // entries that one call removes
)

// trim holds retention until ctx ends.
func (b *Bus) trim(ctx context.Context) {
	node := rand.Text()
	due := map[*stream]time.Time{}
	failed := false
	for sleep(ctx, trimTime) {
		err := b.trimAll(ctx, node, due)
		if err != nil && !failed && ctx.Err() == nil {
			b.logger.WarnContext(ctx, "retention waits", "error", explain(err))
		}
		failed = err != nil
	}
}

func (b *Bus) trimAll(ctx context.Context, node string, due map[*stream]time.Time) error {
	mine, err := leaseScript.Run(ctx, b.client, []string{b.leaseKey()}, node, leaseTime.Milliseconds()).Int()
	if err != nil || mine == 0 {
		return err
	}
	b.mu.Lock()
	streams := make([]*stream, 0, len(b.streams))
	for _, s := range b.streams {
		streams = append(streams, s)
	}
	for s := range due {
		if b.streams[s.tenant] != s {
			delete(due, s)
		}
	}
	b.mu.Unlock()
	for _, s := range streams {
		if s.appended.Load() == 0 && time.Now().Before(due[s]) {
			continue
		}
		s.mu.Lock()
		keep := s.keep
		s.mu.Unlock()
		if keep == nil {
			continue
		}
		next, err := b.trimStream(ctx, s, keep)
		if isWrongType(err) { // which the reader tells
			next, err = time.Now().Add(restTime), nil
		}
		if err != nil {
			return err
		}
		due[s] = next
	}
	return nil
}

// trimStream removes what is over retention, and returns when to look again.
func (b *Bus) trimStream(ctx context.Context, s *stream, keep *event.Retention) (time.Time, error) {
	for {
		b.upkeep.Lock()
		s.appended.Store(0)
		answer, err := trimScript.Run(ctx, b.client, []string{s.key, b.metaKey(s.tenant)},
			keep.Bytes, keep.Events, keep.Age.Milliseconds(), graceTime.Milliseconds(), trimCount).Int64Slice()
		b.upkeep.Unlock()
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case len(answer) != 3:
			return now, fmt.Errorf("trim.lua answers %d values", len(answer))
		case answer[0] == 1:
			continue
		case answer[1] == 1:
			return now, nil
		case answer[2] == 0:
			return now.Add(restTime), nil
		}
		oldest := time.UnixMilli(answer[2]).Add(keep.Age)
		return earlier(latestTime(oldest, now.Add(trimTime)), now.Add(restTime)), nil
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latestTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
