package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event"
	busmemory "github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// publish publishes events of no channel that anybody listens to.
func (q *quiet) publish(tenant string, n int) error {
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{Channel: "nobody", Payload: fmt.Append(nil, i)}
	}
	_, err := q.Publish(q.t.Context(), tenant, events...)
	return err
}

func (q *quiet) send(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(q.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	q.ServeHTTP(w, r)
	return w
}

func (q *quiet) limit(tenant, limits string) {
	q.t.Helper()
	if a := q.send(http.MethodPatch, "/v1/tenants/"+tenant, "application/json", `{"limits":`+limits+`}`); a.Code != http.StatusOK {
		q.t.Fatal(a.Body)
	}
}

// TestWhatAServerHasNotHandedOutIsTheNextOnes ends a server while an event of each of two tenants
// waits for its rate.
func TestWhatAServerHasNotHandedOutIsTheNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, bus := memory.New(), busmemory.New()
		a := newQuietOn(t, s, bus)
		a.create("one", "two")
		for _, tenant := range []string{"one", "two"} {
			a.limit(tenant, `{"eventsPerSecond":1}`)
			if err := a.publish(tenant, 5); err != nil {
				t.Fatal(err)
			}
		}
		a.run()
		time.Sleep(1500 * time.Millisecond)
		a.stop()
		b := newQuietOn(t, s, bus)
		b.run()
		time.Sleep(10 * time.Second)
		_, metrics := ask(t, b, "GET", "/metrics")
		if got := regexp.MustCompile(`(?m)^runnel_events_total (.+)$`).FindStringSubmatch(metrics); got == nil || got[1] != "6" {
			t.Errorf("the second server was handed %v events, want 2 times the 3 that the first had not", got)
		}
		b.stop()
	})
}

// TestABatchThatNeverFits is refused for good where nothing waits.
func TestABatchThatNeverFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuiet(t, memory.New())
		q.create("one")
		refused := func(err error, want event.BatchError) {
			t.Helper()
			var batch *event.BatchError
			if !errors.As(err, &batch) || *batch != want {
				t.Errorf("got %v, want %v", err, &want)
			}
		}
		q.limit("one", `{"eventsPerSecond":1000000}`)
		refused(q.publish("one", event.MaxWaitingEvents+1), event.BatchError{Got: event.MaxWaitingEvents + 1, Most: event.MaxWaitingEvents})
		large := func(last int) error {
			events := make([]event.Event, 9)
			for i := range events {
				events[i] = event.Event{Channel: "c", Payload: []byte(`"` + strings.Repeat("x", 8<<20-2-event.SizeBeside-1) + `"`)}
			}
			if events[8].Payload = []byte(`"` + strings.Repeat("x", last-2) + `"`); last == 0 {
				events = events[:8]
			}
			_, err := q.Publish(t.Context(), "one", events...)
			return err
		}
		q.limit("one", `{"eventBytes":8388608}`)
		refused(large(3), event.BatchError{Bytes: true, Got: event.MaxWaitingBytes + 3 + 1 + event.SizeBeside, Most: event.MaxWaitingBytes})
		q.limit("one", `{"eventsPerSecond":2}`)
		a := q.send(http.MethodPost, "/v1/tenants/one/events", "application/x-ndjson", strings.Repeat(`{"channel":"c","payload":1}`+"\n", 23))
		if a.Code != http.StatusRequestEntityTooLarge || a.Header().Get("Retry-After") != "" || !strings.Contains(a.Body.String(), `"limit":"eventsPerSecond"`) || !strings.Contains(a.Body.String(), "at most 20 may wait under the tenant's limit eventsPerSecond: 3 too many") {
			t.Errorf("%d %v %s", a.Code, a.Header(), a.Body)
		}
		if err := q.publish("one", 20); err != nil {
			t.Errorf("as many as ever may wait: %v", err)
		}
		q.stop()
	})
}

// TestBytesThatWaitAreNoLimits has as many bytes wait as may, of a tenant that is over none of its limits.
func TestBytesThatWaitAreNoLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQuiet(t, memory.New())
		q.create("one")
		q.limit("one", `{"eventBytes":8388608,"eventsPerSecond":1000}`)
		body := fmt.Sprintf(`{"channel":"c","payload":%q}`, strings.Repeat("x", 8<<20-2))
		send := func() *httptest.ResponseRecorder {
			return q.send(http.MethodPost, "/v1/tenants/one/events", "application/json", body)
		}
		for range event.MaxWaitingBytes/(8<<20) - 1 {
			if a := send(); a.Code != http.StatusAccepted {
				t.Fatal(a.Body)
			}
		}
		if a := send(); a.Code != http.StatusTooManyRequests || strings.Contains(a.Body.String(), `"limit"`) || a.Header().Get("Retry-After") != "1" {
			t.Errorf("%d %v %s", a.Code, a.Header(), a.Body)
		}
		q.stop()
	})
}

// TestRetryAfter has each rate hold a tenant's events, and publishes again when the answer
// says, and a second earlier.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		limit          string
		charge         func(*tenant.Tenant)
		batch, seconds int
	}{
		{"eventsPerSecond", func(*tenant.Tenant) {}, 1, 1},
		{"eventsPerSecond", func(*tenant.Tenant) {}, 7, 4},
		{"eventsPerSecond", func(*tenant.Tenant) {}, 19, 10},
		{"fuelPerSecond", func(x *tenant.Tenant) { x.ChargeFuel(7500) }, 2, 7},
		{"fuelPerSecond", func(x *tenant.Tenant) { x.ChargeFuel(90_500) }, 12, 95}, // two at 89.5 s, then two a second
		{"deliveredBytesPerSecond", func(x *tenant.Tenant) { x.ChargeDelivered(17 * 512) }, 2, 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQuiet(t, memory.New())
			q.create("one")
			q.limit("one", `{"eventsPerSecond":2,"fuelPerSecond":1000,"deliveredBytesPerSecond":1024}`)
			x, err := runtime.Tenant(q.Server, "one")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			c.charge(x)
			q.run()
			synctest.Wait()
			for q.publish("one", 1) == nil {
				synctest.Wait()
			}
			send := func() *httptest.ResponseRecorder {
				body := strings.Repeat(`{"channel":"c","payload":1}`+"\n", c.batch)
				return q.send(http.MethodPost, "/v1/tenants/one/events", "application/x-ndjson", body)
			}
			a := send()
			if a.Code != http.StatusTooManyRequests || a.Header().Get("Retry-After") != strconv.Itoa(c.seconds) || !strings.Contains(a.Body.String(), `"limit":"`+c.limit+`"`) {
				t.Errorf("%+v: %d %v %s", c, a.Code, a.Header(), a.Body)
			}
			time.Sleep(time.Duration(c.seconds-1) * time.Second)
			if a := send(); c.seconds > 1 && a.Code != http.StatusTooManyRequests {
				t.Errorf("%+v: a second earlier: %d %s", c, a.Code, a.Body)
			}
			time.Sleep(time.Second)
			if a := send(); a.Code != http.StatusAccepted {
				t.Errorf("%+v: then: %d %s", c, a.Code, a.Body)
			}
			q.stop()
		})
	}
}

// slow is a bus that is asked something behind and in front of a call.
type slow struct {
	event.Bus
	published, removes func() error
}

func (s *slow) Publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (event.Position, error) {
	at, err := s.Bus.Publish(ctx, tenant, events, keep)
	if s.published != nil {
		err = errors.Join(err, s.published())
	}
	return at, err
}

func (s *slow) Remove(ctx context.Context, tenant string) error {
	if s.removes != nil {
		if err := s.removes(); err != nil {
			return err
		}
	}
	return s.Bus.Remove(ctx, tenant)
}

// TestWhatIsInTheBusDoesNotCountTwice has publishers come while the bus has accepted another's events
// and not answered.
func TestWhatIsInTheBusDoesNotCountTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		bus := &slow{Bus: busmemory.New(), published: func() error { <-answers; return nil }}
		q := newQuietOn(t, memory.New(), bus)
		q.create("one")
		q.limit("one", `{"eventsPerSecond":1}`)
		published := make(chan error, 4)
		publish := func(n int) {
			go func() { published <- q.publish("one", n) }()
			synctest.Wait()
		}
		publish(5)
		publish(5)
		if n := bus.Backlog("one").Events; n != 5 || len(published) != 0 {
			t.Fatalf("%d wait, %d were answered", n, len(published))
		}
		answers <- struct{}{}
		synctest.Wait()
		if n := bus.Backlog("one").Events; n != 10 || <-published != nil {
			t.Errorf("%d wait", n)
		}
		publish(1)
		var over *tenant.RateError
		if len(published) != 1 || !errors.As(<-published, &over) {
			t.Error("more than may wait is not refused at once")
		}
		answers <- struct{}{}
		if err := <-published; err != nil {
			t.Error(err)
		}
		q.stop()
	})
}

// TestManyPublishersFillTheRoom has publishers come together, of whose events as many as may wait are
// accepted and no more.
func TestManyPublishersFillTheRoom(t *testing.T) {
	q := newQuiet(t, memory.New())
	q.create("one")
	q.limit("one", `{"eventsPerSecond":100}`)
	var accepted atomic.Int64
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 100 {
				if q.publish("one", 1) == nil {
					accepted.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := accepted.Load(); n != 1000 {
		t.Errorf("%d of 1600 were accepted", n)
	}
	q.stop()
}

// TestANewTenantKeepsItsEvents deletes a tenant whose bus takes long to remove, and creates another
// of its id as soon as there may be one: on the same node, or on another.
func TestANewTenantKeepsItsEvents(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			removing := false
			s, bus := memory.New(), &slow{Bus: busmemory.New()}
			bus.removes = func() error {
				removing = true
				time.Sleep(5 * time.Second)
				return nil
			}
			a := newQuietOn(t, s, bus)
			b := a
			a.create("one")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if elsewhere {
				b = newQuietOn(t, s, bus)
				go func() { _ = runtime.Follow(ctx, b.Server) }()
				synctest.Wait()
			}
			if err := a.publish("one", 3); err != nil {
				t.Fatal(err)
			}
			deleted := make(chan int, 1)
			go func() { deleted <- a.send(http.MethodDelete, "/v1/tenants/one", "", "").Code }()
			synctest.Wait()
			for b.CreateTenant(t.Context(), "one", nil) != nil {
				time.Sleep(time.Millisecond)
			}
			if err := b.publish("one", 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if code := <-deleted; code != http.StatusNoContent || !removing {
				t.Errorf("the deletion ended with %d", code)
			}
			if page, err := bus.Read(t.Context(), "one", nil, "", 10); err != nil || len(page.Events) != 1 {
				t.Errorf("the new tenant has %d events, %v", len(page.Events), err)
			}
			a.stop()
			cancel()
			if elsewhere {
				b.stop()
			}
		})
	}
}

// TestATenantStaysWhoseEventsCannotBeRemoved has a bus fail, and a publisher who is under way.
func TestATenantStaysWhoseEventsCannotBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, fails := make(chan struct{}), true
		bus := &slow{Bus: busmemory.New(), published: func() error { <-answer; return nil }}
		bus.removes = func() error {
			if fails {
				return fmt.Errorf("remove: %w", event.ErrUnavailable)
			}
			return nil
		}
		q := newQuietOn(t, memory.New(), bus)
		q.create("one")
		remove := func() chan int {
			published, deleted := make(chan error, 1), make(chan int, 1)
			go func() { published <- q.publish("one", 1) }()
			synctest.Wait()
			go func() { deleted <- q.send(http.MethodDelete, "/v1/tenants/one", "", "").Code }()
			synctest.Wait()
			if len(deleted) > 0 {
				t.Error("a deletion does not wait for who publishes")
			}
			if a := q.send(http.MethodPost, "/v1/tenants/one/events", "application/json", `{"channel":"c","payload":1}`); a.Code != http.StatusServiceUnavailable || a.Header().Get("Retry-After") == "" {
				t.Errorf("who publishes meanwhile gets %d %v %s", a.Code, a.Header(), a.Body)
			}
			if len(published) == 0 {
				answer <- struct{}{}
			}
			if err := <-published; err != nil {
				t.Error(err)
			}
			return deleted
		}
		if code := <-remove(); code != http.StatusServiceUnavailable {
			t.Errorf("the deletion that failed ended with %d", code)
		}
		q.wantAnswer("one", `"one"`)
		fails = false
		if code := <-remove(); code != http.StatusNoContent {
			t.Errorf("the deletion ended with %d", code)
		}
		if err := q.publish("one", 1); !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("who publishes afterwards gets %v", err)
		}
		if page, err := bus.Read(t.Context(), "one", nil, "", 10); err != nil || len(page.Events) != 0 {
			t.Errorf("%d events are left, %v", len(page.Events), err)
		}
		q.stop()
	})
}
