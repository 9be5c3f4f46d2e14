package tenant

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// RateError says that something is done more often than a limit allows.
type RateError struct {
	Limit     string // the limit's name
	PerSecond int64
	// RetryAfter is when there is room again, if nobody else takes it. It is 0
	// where there never will be: more than a second's worth was asked for at once.
	RetryAfter time.Duration
}

// Error names the limit.
func (e *RateError) Error() string {
	if e.RetryAfter == 0 {
		return fmt.Sprintf("more than %d at once, which the limit %s never allows; send them in parts", e.PerSecond, e.Limit)
	}
	return fmt.Sprintf("more than %d in a second, the limit %s of the tenant; try again later", e.PerSecond, e.Limit)
}

// RetryAfterMillis is RetryAfter in whole milliseconds, rounded up.
func (e *RateError) RetryAfterMillis() int64 {
	return int64((e.RetryAfter + time.Millisecond - 1) / time.Millisecond)
}

// RetryAfterSeconds is RetryAfter for the header Retry-After: whole seconds,
// rounded up.
func (e *RateError) RetryAfterSeconds() int64 {
	return int64((e.RetryAfter + time.Second - 1) / time.Second)
}

// TakeOperation counts an operation toward operationsPerSecond. It returns nil
// where the operation may go on.
func (t *Tenant) TakeOperation() *RateError {
	return t.operations.take(1, t.Limits().OperationsPerSecond, "operationsPerSecond")
}

// TakeEvents counts n events toward eventsPerSecond: all of them, and nil is
// returned, or none.
func (t *Tenant) TakeEvents(n int) *RateError {
	return t.events.take(n, t.Limits().EventsPerSecond, "eventsPerSecond")
}

// TakeReplayed counts a past event toward replayEventsPerSecond. It returns nil
// where the event may be handed out.
func (t *Tenant) TakeReplayed() *RateError {
	return t.replayed.take(1, t.Limits().ReplayEventsPerSecond, "replayEventsPerSecond")
}

// bucket holds what may still be done in this second. It begins full. It is
// safe for concurrent use.
type bucket struct{ *rate.Limiter }

func newBucket(perSecond int64) bucket {
	return bucket{rate.NewLimiter(rate.Limit(perSecond), int(perSecond))}
}

// take counts n if there is room for all of them. The limit may be another than
// the last time: what is in the bucket stays then, as far as it fits.
//
// A reservation that is cancelled would tell the delay as well, but gives back
// less than it took where others follow it, so that refusals would count.
func (b bucket) take(n int, perSecond int64, name string) *RateError {
	now := time.Now()
	if b.Burst() != int(perSecond) {
		b.SetLimitAt(now, rate.Limit(perSecond))
		b.SetBurstAt(now, int(perSecond))
	}
	if b.AllowN(now, n) {
		return nil
	}
	over := &RateError{Limit: name, PerSecond: perSecond}
	if int64(n) <= perSecond {
		missing := float64(n) - b.TokensAt(now)
		over.RetryAfter = max(time.Millisecond, time.Duration(missing/float64(perSecond)*float64(time.Second)))
	}
	return over
}
