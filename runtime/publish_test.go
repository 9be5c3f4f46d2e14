package runtime_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	busmemory "github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/store/memory"
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
