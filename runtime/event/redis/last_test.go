package redis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

// add adds n entries of a channel, numbered from first.
func add(t *testing.T, c *goredis.Client, key, channel string, first, n int) {
	t.Helper()
	_, err := c.Pipelined(t.Context(), func(p goredis.Pipeliner) error {
		for i := range n {
			p.XAdd(t.Context(), &goredis.XAddArgs{Stream: key, Values: []any{"channel", channel, "payload", strconv.Itoa(first + i)}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLastOfARareChannel: who looks for the newest event of a channel that has one behind
// many of another's gets there although each of the calls is given up early, and later
// calls don't read the others again.
func TestLastOfARareChannel(t *testing.T) {
	address := redistest.URL(t)
	bus, c := open(t, address), client(t, address)
	f := eventtest.Follow(t, bus)
	key := prefix(t, address) + ":a:events"
	add(t, c, key, "rare", 1, 1)
	for n := range 20 {
		add(t, c, key, "x", 5000*n, 5000)
	}
	f.Wait(t, 100_001)
	found := func(channel string) []event.Event {
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			events, err := bus.ReadLast(ctx, "a", channel, "", 8)
			cancel()
			if err == nil {
				return events
			}
		}
		t.Fatalf("the search on %s does not end", channel)
		return nil
	}
	numbers(t, found("rare"), 1)
	if events := found("never"); len(events) > 0 {
		t.Errorf("%v", events)
	}
	reads := func() (calls int) {
		text := fmt.Sprint(do(t, c, "INFO", "commandstats"))
		if m := regexp.MustCompile(`cmdstat_xrevrange:calls=(\d+)`).FindStringSubmatch(text); m != nil {
			calls, _ = strconv.Atoi(m[1])
		}
		return calls
	}
	before := reads()
	add(t, c, key, "x", 0, 100)
	numbers(t, found("rare"), 1)
	if n := reads() - before; n > 10 {
		t.Errorf("%d reads of what was read", n)
	}
	add(t, c, key, "rare", 2, 1)
	add(t, c, key, "x", 0, 600)
	events := found("rare")
	slices.Reverse(events)
	numbers(t, events, 1, 2)
}

// TestLastIsWhatThereIs looks for the newest events of channels in any order, while there
// come more, and finds what a plain walk does.
func TestLastIsWhatThereIs(t *testing.T) {
	address := redistest.URL(t)
	bus, c := open(t, address), client(t, address)
	f := eventtest.Follow(t, bus)
	key := prefix(t, address) + ":a:events"
	random := rand.New(rand.NewPCG(1, 2))
	total := 0
	for range 60 {
		channel, n := fmt.Sprint("r", random.IntN(3)), 1+random.IntN(3)
		if random.IntN(2) == 0 {
			channel, n = "x", 1+random.IntN(1500)
		}
		add(t, c, key, channel, total, n)
		total += n
		f.Wait(t, total)
		all := f.Events()
		for range 4 {
			channel, max := fmt.Sprint("r", random.IntN(4)), 1+random.IntN(12)
			end := random.IntN(len(all))
			var want []int
			for i := end - 1; i >= 0 && len(want) < max; i-- {
				if all[i].Channel == channel {
					want = append(want, i)
				}
			}
			events, err := bus.ReadLast(t.Context(), "a", channel, all[end].Position, max)
			if err != nil {
				t.Fatal(err)
			}
			numbers(t, events, want...)
		}
	}
}
