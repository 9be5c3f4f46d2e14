package eventtest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/event"
)

// watermark is a broker in small: subscriptions that replay enter the live
// ones under the lock in which they have reached what the tail handed out last.
type watermark struct {
	mu   sync.Mutex
	at   event.Position
	live []*replay
}

type replay struct{ got []string }

func (w *watermark) Receive(e *event.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = e.Position
	for _, r := range w.live {
		r.got = append(r.got, string(e.Payload))
	}
	return true
}
func (*watermark) Gap(string, event.Gap)                 {}
func (*watermark) Skipped(string, event.Position, error) {}
func (*watermark) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) { yield("a", Keep) }
}

// enter brings a replay to the watermark and makes it live.
func (w *watermark) enter(ctx context.Context, bus event.Bus, r *replay, after event.Position) error {
	for {
		w.mu.Lock()
		at := w.at
		if after >= at {
			w.live = append(w.live, r)
			w.mu.Unlock()
			return nil
		}
		w.mu.Unlock()
		page, err := bus.Read(ctx, "a", nil, after, 10)
		if err != nil {
			return err
		}
		if page.Gap != nil {
			return fmt.Errorf("gap %v", *page.Gap)
		}
		for _, e := range page.Events {
			if e.Position <= at {
				r.got = append(r.got, string(e.Payload))
			}
		}
		if page.Next <= after {
			return fmt.Errorf("the tail is at %q, Read ends at %q", at, page.Next)
		}
		after = min(page.Next, at)
	}
}

// joins has replays begin at all places while publishers publish, and become
// live: each sees all that lies behind its place, once and in order.
func joins(t *testing.T, s Subject) {
	const publishers, each, replays = 4, 100, 12
	bus := s.Open(t)
	w := &watermark{at: bus.Start()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- bus.Tail(ctx, w) }()
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for n := range each {
				if _, err := bus.Publish(t.Context(), "a", numbers(fmt.Sprint("c", p), n, n+1), Keep); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all := make([]replay, replays)
	after := make([]event.Position, replays)
	for i := range all {
		group.Go(func() {
			if err := w.enter(ctx, bus, &all[i], after[i]); err != nil {
				t.Errorf("replay %d: %v", i, err)
			}
		})
		// The next begins where the tail is now.
		w.mu.Lock()
		if i+1 < replays {
			after[i+1] = w.at
		}
		w.mu.Unlock()
		publish(t, bus, "a", number("main", i))
	}
	group.Wait()
	publish(t, bus, "a", number("main", -1))
	total, _, _ := readAll(t, bus, "a", nil, "")
	eventually(t, "the tail has handed out all", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.at == total[len(total)-1].Position
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i := range all {
		var want []string
		for _, e := range total {
			if e.Position > after[i] {
				want = append(want, string(e.Payload))
			}
		}
		if fmt.Sprint(all[i].got) != fmt.Sprint(want) {
			t.Errorf("replay %d from %q saw %d events, want %d, or in another order", i, after[i], len(all[i].got), len(want))
		}
	}
}
