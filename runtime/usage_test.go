package runtime_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/store/memory"
)

// runs are those that a server says a tenant's resolvers had, on all nodes.
func (q *quiet) runs(tenant string) (runs uint64, since time.Time) {
	q.t.Helper()
	w := httptest.NewRecorder()
	q.ServeHTTP(w, httptest.NewRequestWithContext(q.t.Context(), http.MethodGet, "http://localhost/v1/tenants/"+tenant+"/usage", nil))
	var answer struct {
		Since time.Time
		Usage struct{ Runs uint64 }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		q.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return answer.Usage.Runs, answer.Since
}

// TestUsageOfAllNodes has servers on one store start, serve and end; each tells
// what all of them have counted.
func TestUsageOfAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		first := newQuiet(t, s)
		first.create("acme", "other")
		first.run()
		began := time.Now().UTC().Truncate(time.Millisecond)
		time.Sleep(time.Second)
		second := newQuiet(t, s)
		second.run()
		synctest.Wait()
		second.wantReady("")

		want := func(q *quiet, tenant string, runs uint64) {
			t.Helper()
			got, since := q.runs(tenant)
			if got != runs {
				t.Errorf("tenant %s has %d runs, want %d", tenant, got, runs)
			}
			if tenant == "acme" && !since.Equal(began) {
				t.Errorf("since %s, want %s", since, began)
			}
		}
		first.wantAnswer("acme", "acme")
		for range 2 {
			second.wantAnswer("acme", "acme")
		}
		second.wantAnswer("other", "other")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		want(first, "acme", 3)
		want(second, "acme", 3)
		want(first, "other", 1)

		// What a server has not written yet it writes when it ends; another goes on.
		first.wantAnswer("acme", "acme")
		first.stop()
		want(second, "acme", 4)
		third := newQuiet(t, s)
		third.run()
		synctest.Wait()
		want(third, "acme", 4)
		third.wantAnswer("acme", "acme")
		want(third, "acme", 5)
		time.Sleep(24 * time.Hour) // what the first has left is folded
		synctest.Wait()
		want(second, "acme", 5)

		// A tenant that gets the id of one that was deleted begins anew.
		r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "http://localhost/v1/tenants/acme", nil)
		w := httptest.NewRecorder()
		second.ServeHTTP(w, r)
		if w.Code != http.StatusNoContent {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		second.create("acme")
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, q := range []*quiet{second, third} {
			if got, _ := q.runs("acme"); got != 0 {
				t.Errorf("the next tenant has %d runs", got)
			}
		}
		second.stop()
		third.stop()
	})
}
