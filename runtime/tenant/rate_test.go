package tenant_test

import (
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

func TestRates(t *testing.T) {
	for name, test := range map[string]struct {
		limit string
		take  func(*tenant.Tenant) *tenant.RateError
	}{
		"operations": {"operationsPerSecond", (*tenant.Tenant).TakeOperation},
		"events":     {"eventsPerSecond", func(x *tenant.Tenant) *tenant.RateError { return x.TakeEvents(1) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newLimited(t, `{"`+test.limit+`":4}`)
				for range 4 {
					if err := test.take(x); err != nil {
						t.Fatalf("within a second's worth: %v", err)
					}
				}
				for range 3 { // what is refused is not counted
					err := test.take(x)
					if err == nil || err.Limit != test.limit || err.PerSecond != 4 || err.RetryAfter != 250*time.Millisecond || err.RetryAfterMillis() != 250 || err.RetryAfterSeconds() != 1 {
						t.Fatalf("over it: %+v", err)
					}
				}
				time.Sleep(250 * time.Millisecond)
				if err := test.take(x); err != nil {
					t.Errorf("after the time that the error gave: %v", err)
				}
				if err := test.take(x); err == nil {
					t.Error("more than one after a quarter of a second")
				}
				time.Sleep(time.Hour)
				for range 4 {
					if err := test.take(x); err != nil {
						t.Fatal(err)
					}
				}
				if err := test.take(x); err == nil {
					t.Error("more than a second's worth after an hour")
				}
			})
		})
	}
}

func TestRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tenanttest.Directory()
		x := tenanttest.Create(t, d, "a")
		tenanttest.MergeLimits(t, d, x, `{"eventsPerSecond":2}`)
		if err := x.TakeEvents(2); err != nil {
			t.Error(err)
		}
		if err := x.TakeEvents(1); err == nil {
			t.Error("what a higher limit had left is still there")
		}
		tenanttest.MergeLimits(t, d, x, `{"eventsPerSecond":1000}`)
		if err := x.TakeEvents(1); err == nil || err.RetryAfter != time.Millisecond {
			t.Errorf("a raised limit fills at its own pace: %+v", err)
		}
		time.Sleep(time.Second)
		if err := x.TakeEvents(1000); err != nil {
			t.Error(err)
		}
	})
}

// More than a second's worth is refused for good, and takes nothing.
func TestRateOfTooManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newLimited(t, `{"eventsPerSecond":5}`)
		if err := x.TakeEvents(6); err == nil || err.RetryAfter != 0 || err.RetryAfterSeconds() != 0 {
			t.Errorf("got %+v", err)
		}
		if err := x.TakeEvents(5); err != nil {
			t.Error(err)
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
