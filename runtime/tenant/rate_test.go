package tenant_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func newLimited(t *testing.T, object string) *tenant.Tenant {
	t.Helper()
	l, err := tenant.DefaultLimits().Merge([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	limited, err := tenant.New("a", l)
	if err != nil {
		t.Fatal(err)
	}
	return limited
}

func TestOperationsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newLimited(t, `{"operationsPerSecond":4}`)
		for range 4 {
			if err := x.TakeOperation(); err != nil {
				t.Fatalf("within a second's worth: %v", err)
			}
		}
		for range 3 { // what is refused is not counted
			err := x.TakeOperation()
			if err == nil || err.Limit != "operationsPerSecond" || err.PerSecond != 4 || err.RetryAfter != 250*time.Millisecond || err.RetryAfterMillis() != 250 || err.RetryAfterSeconds() != 1 {
				t.Fatalf("over it: %+v", err)
			}
		}
		time.Sleep(250 * time.Millisecond)
		if err := x.TakeOperation(); err != nil {
			t.Errorf("after the time that the error gave: %v", err)
		}
		if err := x.TakeOperation(); err == nil {
			t.Error("more than one after a quarter of a second")
		}
		time.Sleep(time.Hour)
		for range 4 {
			if err := x.TakeOperation(); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.TakeOperation(); err == nil {
			t.Error("more than a second's worth after an hour")
		}
	})
}

// await counts how many events may be handed out in a time.
func await(t *testing.T, x *tenant.Tenant, d time.Duration) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for x.AwaitEvent(ctx) {
		n++
	}
	return n
}

func TestEventsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newLimited(t, `{"eventsPerSecond":4}`)
		if n := await(t, x, 9900*time.Millisecond); n != 4+39 {
			t.Errorf("%d events in ten seconds at 4 a second and 4 at once", n)
		}
		if used := x.RatesUsed()["eventsPerSecond"]; used != 4 {
			t.Errorf("%d are used", used)
		}
	})
}

// TestCreditIsOwed has a tenant use far more than a second's worth at once.
func TestCreditIsOwed(t *testing.T) {
	for limit, charge := range map[string]func(*tenant.Tenant, int64){
		"fuelPerSecond": (*tenant.Tenant).ChargeFuel, "deliveredBytesPerSecond": (*tenant.Tenant).ChargeDelivered,
	} {
		t.Run(limit, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newLimited(t, `{"`+limit+`":2000}`)
				charge(x, 2000)
				if over := x.Owes(); over != nil {
					t.Fatalf("within a second's worth: %v", over)
				}
				charge(x, 10_000)
				over := x.Owes()
				if over == nil || over.Limit != limit || over.RetryAfterMillis() != 5001 || x.RatesUsed()[limit] != 12_000 {
					t.Fatalf("owes %+v, used %d", over, x.RatesUsed()[limit])
				}
				if fuel := x.OverFuel(); (fuel != nil) != (limit == "fuelPerSecond") {
					t.Errorf("over its fuel: %v", fuel)
				}
				begun := time.Now()
				if !x.AwaitEvent(t.Context()) || time.Since(begun).Round(time.Millisecond) != 5*time.Second {
					t.Errorf("an event waited for %v", time.Since(begun))
				}
				time.Sleep(time.Hour)
				charge(x, 4000)
				begun = time.Now()
				if !x.AwaitReplayed(t.Context()) || time.Since(begun).Round(time.Millisecond) != time.Second {
					t.Errorf("after an hour a past event waited for %v", time.Since(begun))
				}
			})
		})
	}
}

// TestRatesChangeWhileEventsWait raises limits under an event that waits, and deletes the tenant.
func TestRatesChangeWhileEventsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tenanttest.Directory()
		x := tenanttest.Create(t, d, "a")
		tenanttest.MergeLimits(t, d, x, `{"eventsPerSecond":1,"fuelPerSecond":1000,"deliveredBytesPerSecond":1024}`)
		x.AwaitEvent(t.Context())
		x.ChargeFuel(1e15) // years
		x.ChargeDelivered(1e15)
		waited := make(chan bool, 1)
		go func() { waited <- x.AwaitEvent(context.Background()) }()
		for _, raised := range []string{`{"fuelPerSecond":10000000000000}`, `{"deliveredBytesPerSecond":68719476736}`} {
			time.Sleep(24 * time.Hour)
			select {
			case <-waited:
				t.Fatalf("it did not wait for %s", raised)
			default:
			}
			tenanttest.MergeLimits(t, d, x, raised)
		}
		begun := time.Now()
		if !<-waited || time.Since(begun) > 5*time.Hour {
			t.Errorf("it went on after %v", time.Since(begun))
		}
		tenanttest.MergeLimits(t, d, x, `{"eventsPerSecond":1}`)
		x.AwaitEvent(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { tenanttest.MergeLimits(t, d, x, `{"eventsPerSecond":1000}`) })
		begun = time.Now()
		if x.AwaitEvent(t.Context()); time.Since(begun) > 200*time.Millisecond {
			t.Errorf("under a raised rate it went on after %v", time.Since(begun))
		}
		x.ChargeFuel(1e18)
		go func() { waited <- x.AwaitEvent(context.Background()) }()
		synctest.Wait()
		if err := d.Delete(t.Context(), x, nil); err != nil {
			t.Fatal(err)
		}
		if <-waited {
			t.Error("an event of a tenant that is gone may be handed out")
		}
	})
}

func TestARaisedLimitFillsAtItsOwnPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tenanttest.Directory()
		x := tenanttest.Create(t, d, "a")
		tenanttest.MergeLimits(t, d, x, `{"operationsPerSecond":1}`)
		if err := x.TakeOperation(); err != nil {
			t.Error(err)
		}
		tenanttest.MergeLimits(t, d, x, `{"operationsPerSecond":1000}`)
		if err := x.TakeOperation(); err == nil || err.RetryAfter != time.Millisecond {
			t.Errorf("what a higher limit would have had is there: %+v", err)
		}
	})
}

// TestPublishersTakeTurns has each be told what the others have on their way.
func TestPublishersTakeTurns(t *testing.T) {
	x := newLimited(t, `{}`)
	var most atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				done, err := x.Publishing(t.Context(), 3, 30, func(events, bytes int) (error, bool) {
					if bytes != 10*events || events > 9 {
						return &tenant.RateError{}, true
					}
					most.Store(max(most.Load(), int64(events)+3))
					return nil, true
				})
				if err == nil {
					done()
				}
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n < 3 || n > 12 {
		t.Errorf("%d at the same time", n)
	}
	if _, err := x.Publishing(t.Context(), 1, 1, func(events, bytes int) (error, bool) {
		if events != 0 || bytes != 0 {
			t.Errorf("%d events, %d bytes are left", events, bytes)
		}
		return nil, true
	}); err != nil {
		t.Error(err)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newLimited(t, `{"eventsPerSecond":1,"fuelPerSecond":1000}`)
		hand := func(takes time.Duration, fuel int64) {
			for range 100 {
				x.AwaitEvent(t.Context())
				time.Sleep(takes)
				x.ChargeFuel(fuel)
				x.HandedOut()
			}
		}
		hand(100*time.Millisecond, 0)
		if pace := x.Pace().Round(time.Millisecond); pace != 100*time.Millisecond {
			t.Errorf("with what eventsPerSecond makes them wait the pace is %v", pace)
		}
		hand(0, 5000)
		if pace := x.Pace().Round(time.Millisecond); pace != 5*time.Second {
			t.Errorf("with five seconds' worth of fuel for each the pace is %v", pace)
		}
	})
}

// TestHolds asks when events may be handed out, and then takes them.
func TestHolds(t *testing.T) {
	for _, c := range []struct {
		fuel, bytes, taken int64 // of which there is 1000 a second, and 10 events
		n                  int
		limit              string // "" for nothing that holds them
		at                 time.Duration
	}{
		{0, 0, 0, 10, "", 0},
		{1000, 1000, 0, 10, "", 0},
		{0, 0, 5, 6, "eventsPerSecond", 100 * time.Millisecond},
		{0, 0, 10, 25, "eventsPerSecond", 2500 * time.Millisecond},
		{3000, 0, 0, 10, "fuelPerSecond", 2 * time.Second},
		{3000, 4000, 0, 10, "deliveredBytesPerSecond", 3 * time.Second},
		{3000, 0, 10, 15, "fuelPerSecond", 2500 * time.Millisecond}, // of which ten come at once then
		{1500, 0, 10, 60, "eventsPerSecond", 6 * time.Second},
		{31_000, 0, 10, 100, "fuelPerSecond", 39 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := newLimited(t, `{"eventsPerSecond":10,"fuelPerSecond":1000,"deliveredBytesPerSecond":1024}`)
			for range c.taken {
				x.AwaitEvent(t.Context())
			}
			x.ChargeFuel(c.fuel)
			x.ChargeDelivered(c.bytes * 1024 / 1000)
			held := x.Holds(c.n)
			if c.limit == "" {
				if held != nil {
					t.Errorf("%+v: held by %+v", c, held)
				}
				return
			}
			if held == nil || held.Limit != c.limit || held.RetryAfter.Round(10*time.Millisecond) != c.at {
				t.Errorf("%+v: held by %+v", c, held)
				return
			}
			begun := time.Now()
			for range c.n {
				x.AwaitEvent(t.Context())
			}
			if took := time.Since(begun); took < held.RetryAfter-10*time.Millisecond || took > held.RetryAfter+10*time.Millisecond {
				t.Errorf("%+v: they took %v, not %v", c, took, held.RetryAfter)
			}
		})
	}
}

// TestPublishersWaitForWhoMayCountTwice has a publisher refused only with what another has on its way.
func TestPublishersWaitForWhoMayCountTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, full := newLimited(t, `{}`), &tenant.RateError{}
		room := func(most int, sure bool) func(events, _ int) (error, bool) {
			return func(events, _ int) (error, bool) {
				if events >= most {
					return full, sure
				}
				return nil, true
			}
		}
		first, err := x.Publishing(t.Context(), 1, 1, room(1, false))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := x.Publishing(t.Context(), 1, 1, room(1, true)); err != full || time.Since(begun) != 0 {
			t.Errorf("what is sure is told after %v: %v", time.Since(begun), err)
		}
		if _, err := x.Publishing(t.Context(), 1, 1, room(1, false)); err != full || time.Since(begun) != time.Second {
			t.Errorf("while the other does not end, after %v: %v", time.Since(begun), err)
		}
		time.AfterFunc(100*time.Millisecond, first)
		begun = time.Now()
		if _, err := x.Publishing(t.Context(), 1, 1, room(1, false)); err != nil || time.Since(begun) != 100*time.Millisecond {
			t.Errorf("the other has ended, and after %v: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begun = time.Now()
		if _, err := x.Publishing(ctx, 1, 1, room(1, false)); err != full || time.Since(begun) != 0 {
			t.Errorf("one who has left waits for %v: %v", time.Since(begun), err)
		}
	})
}

func TestRateOfManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newLimited(t, `{"operationsPerSecond":100}`)
		var taken atomic.Int64
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 50 {
					if x.TakeOperation() == nil {
						taken.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if n := taken.Load(); n != 100 {
			t.Errorf("%d of 500 were taken", n)
		}
	})
}
