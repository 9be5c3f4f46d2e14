package broker

import (
	"container/list"
	"context"
	"slices"
	"sync"
)

// turns bound how many operations are validated, and variables coerced, at once,
// so that clients who send costly ones leave processors to the others. Whatever
// one line has waiting, the others' next turn is one turn of each away.
type turns struct {
	mu   sync.Mutex
	free int     // how many more may be under way; 0 where any wait
	next []*line // those with somebody waiting, in the order of their turns
}

// line is who wait for turns in the order of their coming: the requests of one
// tenant, or its live subscriptions that are planned anew.
type line struct {
	turns   *turns
	waiting list.List // of chan struct{}, closed for whose turn it is; guarded by turns.mu
}

// take waits for a turn, which giveBack ends. It reports false where ctx ends
// first. A nil line is that of a caller who has a turn already.
func (l *line) take(ctx context.Context) bool {
	if l == nil {
		return true
	}
	t := l.turns
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return true
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	if l.waiting.Len() == 1 {
		t.next = append(t.next, l)
	}
	t.mu.Unlock()
	select {
	case <-turn:
		return true
	case <-ctx.Done():
		l.leave(place, turn)
		return false
	}
}

// giveBack ends a turn. Who has waited longest of the next line is on; that line
// is behind the others then.
func (l *line) giveBack() {
	if l == nil {
		return
	}
	t := l.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.next) == 0 {
		t.free++
		return
	}
	first := t.next[0]
	t.next = slices.Delete(t.next, 0, 1)
	close(first.waiting.Remove(first.waiting.Front()).(chan struct{}))
	if first.waiting.Len() > 0 {
		t.next = append(t.next, first)
	}
}

// leave gives up a place, or the turn that came meanwhile.
func (l *line) leave(place *list.Element, turn <-chan struct{}) {
	t := l.turns
	t.mu.Lock()
	select {
	case <-turn:
		t.mu.Unlock()
		l.giveBack()
		return
	default:
	}
	defer t.mu.Unlock()
	l.waiting.Remove(place)
	if l.waiting.Len() == 0 {
		t.next = slices.DeleteFunc(t.next, func(other *line) bool { return other == l })
	}
}
