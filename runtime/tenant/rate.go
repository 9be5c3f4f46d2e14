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
	// RetryAfter is when there is room again, if nobody else takes it.
	RetryAfter time.Duration
}

// Error names the limit.
func (e *RateError) Error() string {
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
	return t.operations.take(t.Limits().OperationsPerSecond, "operationsPerSecond")
}

// bucket holds what may still be done in this second. It begins full. It is
// safe for concurrent use.
type bucket struct{ *rate.Limiter }

func newBucket(perSecond int64) bucket {
	return bucket{rate.NewLimiter(rate.Limit(perSecond), int(perSecond))}
}

// take counts one if there is room for it. The limit may be another than the last
// time: what is in the bucket stays then, as far as it fits.
//
// A reservation that is cancelled would tell the delay as well, but gives back
// less than it took where others follow it, so that refusals would count.
func (b bucket) take(perSecond int64, name string) *RateError {
	now := time.Now()
	b.follow(now, perSecond)
	if b.AllowN(now, 1) {
		return nil
	}
	wait := b.until(1, 0, perSecond)
	return &RateError{Limit: name, PerSecond: perSecond, RetryAfter: max(time.Millisecond, wait)}
}

// until is how long it takes until n can have been taken, of which none is before
// after has passed.
func (b bucket) until(n int, after time.Duration, perSecond int64) time.Duration {
	now := time.Now()
	b.follow(now, perSecond)
	there := min(b.TokensAt(now)+after.Seconds()*float64(perSecond), float64(perSecond))
	missing := max(float64(n)-there, 0)
	return after + time.Duration(missing/float64(perSecond)*float64(time.Second))
}

func (b bucket) follow(now time.Time, perSecond int64) {
	if b.Burst() != int(perSecond) {
		b.SetLimitAt(now, rate.Limit(perSecond))
		b.SetBurstAt(now, int(perSecond))
	}
}

// used is how many of a second's worth are not there.
func (b bucket) used(perSecond int64) int64 {
	now := time.Now()
	b.follow(now, perSecond)
	return perSecond - int64(b.TokensAt(now))
}
