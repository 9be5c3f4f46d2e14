package eventtest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
)

// Tail collects what a bus hands out.
type Tail struct {
	mu      sync.Mutex
	events  []event.Event
	gaps    []event.Gap
	skipped []error
	keep    event.Retention
	tenants []string
	hold    map[string]chan struct{} // by tenant: Receive waits for it
	entered chan string              // tells of Receive that waits, for some tenant
	takes   int                      // so many events of each tenant; 0 for all

	arrived chan struct{}
	ctx     context.Context // of the tail
	cancel  context.CancelFunc
	done    chan error
}

// tenants are those of the suite.
var tenants = []string{"a", "b", "slow", "quick"}

// Follow tails a bus until the test ends. The sink's tenants are those, or
// those of the suite.
func Follow(t *testing.T, bus event.Bus, tenants ...string) *Tail {
	t.Helper()
	return newTail(tenants...).start(t, bus)
}

func newTail(of ...string) *Tail {
	if of == nil {
		of = tenants
	}
	return &Tail{
		keep: Keep, tenants: of, hold: map[string]chan struct{}{}, entered: make(chan string, 16),
		arrived: make(chan struct{}, 1), done: make(chan error, 1),
	}
}

func (f *Tail) start(t *testing.T, bus event.Bus) *Tail {
	f.ctx, f.cancel = context.WithCancel(context.Background())
	go func() { f.done <- bus.Tail(f.ctx, (*sink)(f)) }()
	t.Cleanup(func() { f.Stop(t) })
	return f
}

// Stop ends the tail.
func (f *Tail) Stop(t *testing.T) {
	t.Helper()
	f.cancel()
	if err := <-f.done; err != nil {
		t.Errorf("Tail: %v", err)
	}
	f.done <- nil
}

// Retain changes what the sink says is kept.
func (f *Tail) Retain(keep event.Retention) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep = keep
}

// list changes which tenants there are.
func (f *Tail) list(tenants ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tenants = tenants
}

// Events returns what has arrived.
func (f *Tail) Events() []event.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// Gaps returns those that were told.
func (f *Tail) Gaps() []event.Gap {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.gaps)
}

// Skipped returns why entries were.
func (f *Tail) Skipped() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.skipped)
}

// Wait returns the events once n have arrived.
func (f *Tail) Wait(t *testing.T, n int) []event.Event {
	t.Helper()
	limit := time.After(Patience)
	for {
		f.mu.Lock()
		arrived := len(f.events)
		f.mu.Unlock()
		if arrived >= n {
			return f.Events()
		}
		select {
		case <-f.arrived:
		case <-limit:
			t.Fatalf("%d of %d events arrived", arrived, n)
		}
	}
}

// sink is a Tail as the bus sees it.
type sink Tail

func (s *sink) Receive(e *event.Event) bool {
	s.mu.Lock()
	held, full := s.hold[e.Tenant], s.takes > 0 && len((*Tail)(s).ofLocked(e.Tenant)) == s.takes
	s.mu.Unlock()
	if full {
		s.enter(e.Tenant)
		<-s.ctx.Done()
		return false
	}
	if held != nil {
		s.enter(e.Tenant)
		<-held
	}
	s.mu.Lock()
	s.events = append(s.events, *e)
	s.mu.Unlock()
	s.wake()
	return true
}

func (s *sink) enter(tenant string) {
	select {
	case s.entered <- tenant:
	default:
	}
}

func (s *sink) Gap(_ string, gap event.Gap) {
	s.mu.Lock()
	s.gaps = append(s.gaps, gap)
	s.mu.Unlock()
	s.wake()
}

func (s *sink) Skipped(_ string, _ event.Position, reason error) {
	s.mu.Lock()
	s.skipped = append(s.skipped, reason)
	s.mu.Unlock()
	s.wake()
}

func (s *sink) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

func (s *sink) Tenants() iter.Seq2[string, event.Retention] {
	s.mu.Lock()
	keep, names := s.keep, s.tenants
	s.mu.Unlock()
	return func(yield func(string, event.Retention) bool) {
		for _, name := range names {
			if !yield(name, keep) {
				return
			}
		}
	}
}
