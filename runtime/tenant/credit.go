package tenant

import (
	"context"
	"sync"
	"time"
)

// credit is a bucket for what is known only once it has been used: what is in it may
// fall below zero, and whoever wants to go on waits until it is not. It begins
// full, with a second's worth. It is safe for concurrent use.
type credit struct {
	mu    sync.Mutex
	begun bool
	left  float64
	rate  float64 // per second, as of at
	at    time.Time
}

// refillLocked adds what has come since the last time, under the limit of then.
func (c *credit) refillLocked(perSecond int64) {
	now, rate := time.Now(), float64(perSecond)
	if !c.begun {
		c.begun, c.left = true, rate
	} else {
		c.left += now.Sub(c.at).Seconds() * c.rate
	}
	c.left, c.rate, c.at = min(c.left, rate), rate, now
}

func (c *credit) charge(n, perSecond int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refillLocked(perSecond)
	c.left -= float64(n)
}

// maxDue bounds how long is waited at a time, so that it can be told as a Duration.
const maxDue = 24 * time.Hour

// due is how long it takes until nothing is owed, or maxDue where it is longer.
func (c *credit) due(perSecond int64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refillLocked(perSecond)
	if c.left >= 0 {
		return 0
	}
	seconds := -c.left / c.rate
	if seconds >= maxDue.Seconds() {
		return maxDue
	}
	return time.Duration(seconds*float64(time.Second)) + 1
}

// used is how much of a second's worth is not there.
func (c *credit) used(perSecond int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refillLocked(perSecond)
	return int64(c.rate - c.left)
}

// ChargeFuel counts fuel that was used toward fuelPerSecond.
func (t *Tenant) ChargeFuel(units int64) { t.fuel.charge(units, t.Limits().FuelPerSecond) }

// ChargeDelivered counts bytes that were delivered toward deliveredBytesPerSecond.
func (t *Tenant) ChargeDelivered(bytes int64) {
	t.delivered.charge(bytes, t.Limits().DeliveredBytesPerSecond)
}

// OverFuel returns nil where the tenant owes no fuel, and else when it will not any more.
func (t *Tenant) OverFuel() *RateError {
	perSecond := t.Limits().FuelPerSecond
	if due := t.fuel.due(perSecond); due > 0 {
		return &RateError{Limit: "fuelPerSecond", PerSecond: perSecond, RetryAfter: due}
	}
	return nil
}

// Owes returns nil where the tenant owes neither fuel nor bytes that were delivered, and
// else which of them it will owe for longer.
func (t *Tenant) Owes() *RateError {
	fuel, perSecond := t.OverFuel(), t.Limits().DeliveredBytesPerSecond
	if due := t.delivered.due(perSecond); due > 0 && (fuel == nil || due > fuel.RetryAfter) {
		return &RateError{Limit: "deliveredBytesPerSecond", PerSecond: perSecond, RetryAfter: due}
	}
	return fuel
}

// Holds returns nil where n events can be handed out at once by the rates, and else when the last
// of them can, if none of them costs more than there is, and which rate it is that holds
// them longest.
func (t *Tenant) Holds(n int) *RateError {
	perSecond, owes := t.Limits().EventsPerSecond, t.Owes()
	alone := t.events.until(n, 0, perSecond)
	switch {
	case owes == nil && alone == 0:
		return nil
	case owes == nil:
		return &RateError{Limit: "eventsPerSecond", PerSecond: perSecond, RetryAfter: alone}
	}
	due := owes.RetryAfter
	if alone > due {
		owes = &RateError{Limit: "eventsPerSecond", PerSecond: perSecond}
	}
	owes.RetryAfter = t.events.until(n, due, perSecond)
	return owes
}

// AwaitEvent waits for what an event needs before it is handed out: that the tenant owes
// nothing, as limits that are changed meanwhile have it, and then one of
// eventsPerSecond, which it takes. It reports false where ctx has ended before, or the
// tenant was deleted.
func (t *Tenant) AwaitEvent(ctx context.Context) bool {
	begun := time.Now()
	idle, ok := t.await(ctx, func(l *Limits) *RateError { return t.events.take(l.EventsPerSecond, "eventsPerSecond") })
	t.publishing.begun = begun.Add(idle)
	return ok
}

// AwaitReplayed is AwaitEvent for a past event, with replayEventsPerSecond.
func (t *Tenant) AwaitReplayed(ctx context.Context) bool {
	_, ok := t.await(ctx, func(l *Limits) *RateError { return t.replayed.take(l.ReplayEventsPerSecond, "replayEventsPerSecond") })
	return ok
}

// await waits until the tenant owes nothing, and then for what take takes, for which
// it was idle so long.
func (t *Tenant) await(ctx context.Context, take func(*Limits) *RateError) (idle time.Duration, ok bool) {
	for {
		changed := t.limitChanges.channel()
		limits := t.Limits()
		begun, over := time.Now(), t.Owes()
		owes := over != nil
		if !owes {
			over = take(&limits)
		}
		if over == nil {
			return idle, true
		}
		timer := time.NewTimer(over.RetryAfter)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		case <-t.gone:
		}
		timer.Stop()
		if !owes {
			idle += time.Since(begun)
		}
		select {
		case <-t.gone:
			return idle, false
		default:
		}
		if ctx.Err() != nil {
			return idle, false
		}
	}
}

// RatesUsed tells how much of a second's worth of each rate of events is used up, by the
// names of the limits: more than the limit where the tenant owes something.
func (t *Tenant) RatesUsed() map[string]int64 {
	l := t.Limits()
	return map[string]int64{
		"fuelPerSecond":           t.fuel.used(l.FuelPerSecond),
		"deliveredBytesPerSecond": t.delivered.used(l.DeliveredBytesPerSecond),
		"eventsPerSecond":         t.events.used(l.EventsPerSecond),
	}
}
