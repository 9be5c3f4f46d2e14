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
	bytes := 0
	for i := range events {
		bytes += event.Size(&events[i])
	}
	done, err := t.Publishing(len(events), bytes, func(otherEvents, otherBytes int) error {
		return s.admit(t, len(events), otherEvents, bytes, otherBytes)
	})
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	defer done()
	limits := t.Limits()
	at, err := s.bus.Publish(ctx, t.ID(), events, retention(&limits))
	return string(at), err
}

// admit decides whether n events may wait, beside those of others that are on their way to the
// bus. A refusal says when there is room again.
func (s *Server) admit(t *tenant.Tenant, n, others, bytes, otherBytes int) error {
	perSecond := t.Limits().EventsPerSecond
	most := int(min(waitSeconds*perSecond, event.MaxWaitingEvents))
	if n > most && most < event.MaxWaitingEvents {
		return &tenant.RateError{Limit: "eventsPerSecond", PerSecond: perSecond, AtOnce: int64(most)}
	}
	b := s.bus.Backlog(t.ID())
	over := b.Events + others + n - most
	if bytesOver := b.Bytes + otherBytes + bytes - event.MaxWaitingBytes; bytesOver > 0 && b.Events > 0 {
		over = max(over, min(b.Events, (bytesOver*b.Events+b.Bytes-1)/max(b.Bytes, 1)))
	}
	if b.More { // the bus reads on when half of it is gone
		over = max(over, b.Events/2, 1)
	}
	if over <= 0 {
		return nil
	}
	guess := min(time.Duration(over)*t.Pace(), maxRetry)
	refusal := t.OverEvents()
	if refusal == nil && most < event.MaxWaitingEvents {
		refusal = &tenant.RateError{Limit: "eventsPerSecond", PerSecond: perSecond}
	}
	if refusal != nil {
		refusal.RetryAfter = max(guess, time.Duration(float64(over)/float64(perSecond)*float64(time.Second)))
	}
	if owes := t.Owes(); owes != nil && (refusal == nil || owes.RetryAfter > refusal.RetryAfter) {
		refusal = owes
		refusal.RetryAfter = max(guess, refusal.RetryAfter)
	}
	if refusal == nil {
		return &event.FullError{RetryAfter: guess + retrySlack}
	}
	refusal.RetryAfter += retrySlack
	return refusal
}
