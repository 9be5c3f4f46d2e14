package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/registry"
)

// follower refreshes tenants that were changed in the store: each on a goroutine
// of its own, so that none waits for what another has to compile, and again
// until it succeeds. It is safe for concurrent use.
type follower struct {
	refresh func(ctx context.Context, id string) error
	failed  func(ctx context.Context, id string, err error)
	running sync.WaitGroup // goroutines

	mu struct {
		sync.Mutex
		following map[string]chan struct{} // tenants under way; a token is in it where one has changed meanwhile
		expected  map[string]time.Time     // tenants that are not loaded yet, with when that failed first; nil where it is not known which are to be
		all       int                      // how many they were
		failing   map[string]struct{}      // tenants that are not on this node as the store has them, since refresh has failed
	}
}

func newFollower(refresh func(ctx context.Context, id string) error, failed func(ctx context.Context, id string, err error)) *follower {
	f := &follower{refresh: refresh, failed: failed}
	f.mu.following, f.mu.failing = map[string]chan struct{}{}, map[string]struct{}{}
	return f
}

// changed has a tenant refreshed until that succeeds or ctx ends, and does not
// wait for it. Whatever of it is in the store by now will be read.
func (f *follower) changed(ctx context.Context, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if again, ok := f.mu.following[id]; ok {
		select {
		case again <- struct{}{}:
		default:
		}
		return
	}
	again := make(chan struct{}, 1)
	f.mu.following[id] = again
	f.running.Go(func() { f.follow(ctx, id, again) })
}

func (f *follower) follow(ctx context.Context, id string, again chan struct{}) {
	for {
		told := false
		retry(ctx, again, func() error {
			err := f.bring(ctx, id)
			if err != nil && !told {
				told = true // once, however often it is tried
				f.failed(ctx, id, err)
			}
			return err
		})
		if f.done(ctx, id, again) {
			return
		}
	}
}

// done ends a goroutine unless its tenant has changed again.
func (f *follower) done(ctx context.Context, id string, again chan struct{}) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-again:
		if ctx.Err() == nil {
			return false
		}
	default:
	}
	delete(f.mu.following, id)
	return true
}

// bring refreshes a tenant once. It is loaded then, also where a module is
// missing that is to be tried again.
func (f *follower) bring(ctx context.Context, id string) error {
	err := f.refresh(ctx, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		delete(f.mu.failing, id)
	case ctx.Err() == nil:
		f.mu.failing[id] = struct{}{}
	}
	since, expected := f.mu.expected[id]
	switch {
	case err == nil || errors.Is(err, registry.ErrIncomplete):
		delete(f.mu.expected, id)
	case expected && since.IsZero():
		f.mu.expected[id] = time.Now()
	}
	return err
}

// expect names the tenants for which ready waits.
func (f *follower) expect(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.expected, f.mu.all = make(map[string]time.Time, len(ids)), len(ids)
	for _, id := range ids {
		f.mu.expected[id] = time.Time{}
	}
}

// patience is how long ready waits for a tenant that fails: long enough for a
// store that is away for a moment.
const patience = time.Minute

// ready returns nil when all tenants that were expected are loaded, or have failed
// for as long as patience lasts. Where those are more than half of all it is not they that
// are damaged, but the store or this node.
func (f *follower) ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.expected == nil {
		return errors.New("the tenants are not read from the store yet")
	}
	lost := 0
	for _, since := range f.mu.expected {
		if !since.IsZero() && time.Since(since) >= patience {
			lost++
		}
	}
	switch missing := len(f.mu.expected); {
	case missing > lost:
		return fmt.Errorf("the modules of %d of %d tenants are not loaded yet", missing, f.mu.all)
	case 2*lost > f.mu.all:
		return fmt.Errorf("%d of %d tenants cannot be loaded", lost, f.mu.all)
	}
	return nil
}

// failing returns the tenants that are not on this node as the store has them,
// in order.
func (f *follower) failing() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.mu.failing))
}

// What has failed is tried again after a pause, which doubles.
const (
	firstPause = time.Second
	maxPause   = time.Minute
)

// retry calls try until it succeeds or ctx ends: after a pause, or when now has
// a token.
func retry(ctx context.Context, now <-chan struct{}, try func() error) {
	for pause := firstPause; try() != nil; pause = min(2*pause, maxPause) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-now:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}
