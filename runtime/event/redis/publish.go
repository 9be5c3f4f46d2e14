package redis

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

//go:embed publish.lua
var publishSource string

var publishScript = redis.NewScript(publishSource)

// attempts is how often a batch is sent whose events all have ids, so that one
// that had arrived is not accepted twice. Others are sent once.
const attempts = 3

// Publish implements event.Bus. Without ids a batch is one transaction of XADDs, with
// ids it is one call of a script.
func (b *Bus) Publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (event.Position, error) {
	at, err := b.publish(ctx, tenant, events, keep)
	if err != nil {
		return "", fmt.Errorf("publish for tenant %s: %w", tenant, explain(err))
	}
	return at.position(), nil
}

func (b *Bus) publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (id, error) {
	if err := ctx.Err(); err != nil {
		return id{}, err
	}
	if len(events) == 0 {
		return b.newest(ctx, tenant)
	}
	n := event.AmountOf(events)
	s, wake, err := b.admit(tenant, n)
	if err != nil {
		return id{}, err
	}
	var last id
	defer func() { s.settle(n, last) }()
	named := 0
	if keep.IDs > 0 {
		for i := range events {
			if events[i].ID != "" {
				named++
			}
		}
	}
	if named == 0 {
		last, err = b.append(ctx, tenant, events, wake)
		return last, err
	}
	at, added, err := b.appendOnce(ctx, tenant, events, keep, wake, named == len(events))
	last = latest(at, added)
	return at, err
}

// entryID reads the id of an entry in an answer.
func entryID(text string) (id, error) {
	at, ok := parseID(text)
	if !ok {
		return id{}, fmt.Errorf("the answer is %.40q, which is no id of an entry", text)
	}
	return at, nil
}

// admit finds the tenant's stream, and has a batch come there unless too much waits.
func (b *Bus) admit(tenant string, n event.Amount) (s *stream, wake bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, event.ErrClosed
	}
	s = b.streams[tenant]
	known := s != nil
	if !known {
		s = b.addLocked(tenant)
	}
	// A node that reads the streams of all tenants at once needs no waking, nor do
	// others, which have the same.
	wake = !known || !b.tailed || len(b.streams) > hotStreams
	if !s.reserve(n) {
		return nil, false, event.ErrFull
	}
	return s, wake, nil
}

func (b *Bus) newest(ctx context.Context, tenant string) (id, error) {
	if err := b.checkOpen(); err != nil {
		return id{}, err
	}
	list, err := b.client.XRevRangeN(ctx, b.eventsKey(tenant), "+", "-", 1).Result()
	if err != nil || len(list) == 0 {
		return b.start, err
	}
	at, _ := parseID(list[0].ID)
	return latest(at, b.start), nil
}

// append adds events as a back-end's XADD does, and returns the last entry.
func (b *Bus) append(ctx context.Context, tenant string, events []event.Event, wake bool) (id, error) {
	key := b.eventsKey(tenant)
	entry := func(e *event.Event) *redis.XAddArgs {
		values := []any{"channel", e.Channel, "payload", e.Payload}
		if e.ID != "" {
			values = append(values, "id", e.ID)
		}
		return &redis.XAddArgs{Stream: key, Values: values}
	}
	if len(events) == 1 && !wake {
		text, err := b.client.XAdd(ctx, entry(&events[0])).Result()
		if err != nil {
			return id{}, err
		}
		return entryID(text)
	}
	var last *redis.StringCmd
	commands, err := b.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i := range events {
			last = p.XAdd(ctx, entry(&events[i]))
		}
		if wake {
			p.XAdd(ctx, &redis.XAddArgs{Stream: b.wakeKey(), MaxLen: 1000, Approx: true, Values: []any{"t", tenant}})
		}
		return nil
	})
	if err != nil {
		return id{}, cause(commands, err)
	}
	return entryID(last.Val())
}

// appendOnce adds those events whose ids are new. It returns the entry of the last event, and
// the last that was added; the second is empty where none was.
func (b *Bus) appendOnce(ctx context.Context, tenant string, events []event.Event, keep event.Retention, wake, again bool) (at, added id, err error) {
	keys := []string{b.eventsKey(tenant), b.idsKey(tenant), b.oldIDsKey(tenant), b.wakeKey()}
	args := make([]any, 0, 3+4*len(events))
	args = append(args, keep.IDs.Milliseconds(), event.MaxIDs, "")
	if wake {
		args[2] = tenant
	}
	for i := range events {
		e := &events[i]
		var digest []byte
		if e.ID != "" {
			sum := sha256.Sum256(e.Payload)
			digest = sum[:16]
		}
		args = append(args, e.Channel, e.ID, digest, e.Payload)
	}
	for n := 1; ; n++ {
		answer, err := publishScript.Run(ctx, b.client, keys, args...).Result()
		if err != nil {
			if again && n < attempts && errors.Is(explain(err), event.ErrUnavailable) && sleep(ctx, backOff(n)) {
				continue
			}
			return id{}, id{}, err
		}
		switch answer := answer.(type) {
		case int64:
			if i := answer - 1; i >= 0 && i < int64(len(events)) {
				return id{}, id{}, &event.ConflictError{Index: int(i), Channel: events[i].Channel, ID: events[i].ID}
			}
		case string:
			last, newest, _ := strings.Cut(answer, " ")
			if at, err = entryID(last); err == nil && newest != "" {
				added, err = entryID(newest)
			}
			return at, added, err
		}
		return id{}, id{}, fmt.Errorf("publish.lua answers %v", answer)
	}
}

const (
	leastBackOff = 50 * time.Millisecond
	mostBackOff  = 2 * time.Second
)

// backOff is how long to wait after so many failures: twice as long each time,
// and a random part less, so that nodes don't come back together.
func backOff(failures int) time.Duration {
	longest := min(leastBackOff<<min(failures, 10), mostBackOff)
	return longest/2 + rand.N(longest/2)
}

// sleep reports whether the time has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
