package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const (
	// waitSeconds is how many seconds' worth of eventsPerSecond may wait.
	waitSeconds = 10
	// retrySlack is what handing out the last event that makes room may take.
	retrySlack = 20 * time.Millisecond
	// maxRetry bounds what is said where it is a guess.
	maxRetry = time.Minute
)

// accept publishes events that were checked, if they may wait for their subscribers. A
// tenant that was deleted publishes nothing: its id may be another's by now.
func (s *Server) accept(ctx context.Context, t *tenant.Tenant, events []event.Event) (string, error) {
	select {
	case <-t.Gone():
		return "", fmt.Errorf("publish: %w: %q", tenant.ErrUnknown, t.ID())
	default:
	}
	limits := t.Limits()
	room := roomOf(&limits)
	n, bytes := len(events), 0
	for i := range events {
		bytes += event.Size(&events[i])
	}
	if err := room.everFits(n, bytes); err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	done, err := t.Publishing(ctx, n, bytes, func(otherEvents, otherBytes int) (refusal error, sure bool) {
		b := s.bus.Backlog(t.ID())
		over := room.over(b, n+otherEvents, bytes+otherBytes)
		if over == 0 {
			return nil, true
		}
		return room.refusal(t, over, b.Events+n+otherEvents), room.over(b, n, bytes) > 0
	})
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	defer done()
	at, err := s.bus.Publish(ctx, t.ID(), events, retention(&limits))
	return string(at), err
}

// room is how many events of a tenant may wait.
type room struct {
	events    int
	perSecond int64 // eventsPerSecond
	limit     bool  // from which events follows
}

func roomOf(l *tenant.Limits) room {
	most := waitSeconds * l.EventsPerSecond
	return room{int(min(most, event.MaxWaitingEvents)), l.EventsPerSecond, most < event.MaxWaitingEvents}
}

// everFits refuses what would not fit if nothing else waited.
func (r room) everFits(n, bytes int) error {
	switch {
	case n > r.events && r.limit:
		return &event.BatchError{Got: n, Most: r.events, Limit: "eventsPerSecond"}
	case n > r.events:
		return &event.BatchError{Got: n, Most: r.events}
	case bytes > event.MaxWaitingBytes:
		return &event.BatchError{Bytes: true, Got: bytes, Most: event.MaxWaitingBytes}
	}
	return nil
}

// over is about how many of those that wait have to be handed out until n more fit: 0 where
// they do.
func (r room) over(b event.Backlog, n, bytes int) int {
	over := max(b.Events+n-r.events, 0)
	if bytesOver := b.Bytes + bytes - event.MaxWaitingBytes; bytesOver > 0 {
		share := min(b.Events, (bytesOver*b.Events+b.Bytes-1)/max(b.Bytes, 1))
		over = max(over, share, 1)
	}
	if b.More { // the bus reads on when half of it is gone
		over = max(over, b.Events/2, 1)
	}
	return over
}

// refusal says when so many will have been handed out: as the rates have it, or as
// long as the last ones took where that is longer. events is how many would wait.
func (r room) refusal(t *tenant.Tenant, over, events int) error {
	guess := min(time.Duration(over)*t.Pace(), maxRetry) + retrySlack
	held := t.Holds(over)
	switch {
	case held != nil:
		held.RetryAfter = max(held.RetryAfter+retrySlack, guess)
		return held
	case r.limit && events > r.events:
		return &tenant.RateError{Limit: "eventsPerSecond", PerSecond: r.perSecond, RetryAfter: guess}
	}
	return &event.FullError{RetryAfter: guess}
}
