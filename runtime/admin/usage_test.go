package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// live stands for the broker.
type live struct {
	subscriptions []broker.LiveSubscription // by id
	most          int                       // of a page; 0 is what was asked for
	ended         []broker.SubscriptionID
	quarantined   []broker.Quarantined
	released      []string
	used          broker.Usage
}

func (l *live) Subscriptions(_ *tenant.Tenant, after broker.SubscriptionID, limit int) (list []broker.LiveSubscription, more bool) {
	if l.most > 0 {
		limit = min(limit, l.most)
	}
	for _, s := range l.subscriptions {
		if s.ID > after {
			list = append(list, s)
		}
	}
	return list[:min(limit, len(list))], len(list) > limit
}

func (l *live) EndSubscription(_ *tenant.Tenant, id broker.SubscriptionID) bool {
	l.ended = append(l.ended, id)
	return slices.ContainsFunc(l.subscriptions, func(s broker.LiveSubscription) bool { return s.ID == id })
}

func (l *live) Quarantined(*tenant.Tenant) []broker.Quarantined { return l.quarantined }
func (l *live) Release(_ *tenant.Tenant, module string)         { l.released = append(l.released, module) }

func (l *live) Usage(context.Context, *tenant.Tenant) (broker.Usage, error) {
	return l.used, nil
}

func (l *live) Gauges(context.Context, *tenant.Tenant) map[string]int64 {
	return map[string]int64{"subscriptions": 3}
}

func (l *live) Waiting(*tenant.Tenant) admin.Waiting {
	return admin.Waiting{Events: 9, Bytes: 10, Lag: 1500 * time.Millisecond}
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestListSubscriptions(t *testing.T) {
	s := newStage(t)
	const path = "/v1/tenants/acme/subscriptions"
	s.want(s.do("GET", path, "", ""), http.StatusOK, `{"subscriptions":[]}`)
	s.live.subscriptions = []broker.LiveSubscription{
		{ID: 1, Field: "orders", Created: noon},
		{ID: 1 << 32, OperationName: "Named", Field: "orders", Subject: "<u1>", Created: noon, LastDelivery: noon.Add(time.Second), Delivered: 7, Dropped: 2},
		{ID: 1<<32 + 10, Field: "returns", Created: noon},
	}
	first := `{"id":"0000000000000001","operationName":"","field":"orders","subject":"","node":"n1","created":"2026-01-02T12:00:00.000Z","lastDelivery":null,"delivered":0,"dropped":0}`
	second := `{"id":"0000000100000000","operationName":"Named","field":"orders","subject":"<u1>","node":"n1","created":"2026-01-02T12:00:00.000Z","lastDelivery":"2026-01-02T12:00:01.000Z","delivered":7,"dropped":2}`
	third := strings.ReplaceAll(strings.Replace(first, "0000000000000001", "000000010000000a", 1), "orders", "returns")
	s.want(s.do("GET", path, "", ""), http.StatusOK, `{"subscriptions":[`+first+","+second+","+third+`]}`)
	s.want(s.do("GET", path+"?limit=2", "", ""), http.StatusOK, `{"subscriptions":[`+first+","+second+`],"next":"0000000100000000"}`)
	s.want(s.do("GET", path+"?limit=2&after=0000000100000000", "", ""), http.StatusOK, `{"subscriptions":[`+third+`]}`)
	s.live.most = 1
	s.want(s.do("GET", path, "", ""), http.StatusOK, `{"subscriptions":[`+first+`],"next":"0000000000000001"}`)
	for _, query := range []string{"after=x", "after=1", "after=000000010000000A", "limit=0", "limit=1001", "limit=x"} {
		s.wantProblem(s.do("GET", path+"?"+query, "", ""), http.StatusBadRequest, abi.CodeBadUserInput, strings.SplitN(query, "=", 2)[0]+" must be")
	}
}

func TestEndSubscription(t *testing.T) {
	s := newStage(t)
	const path = "/v1/tenants/acme/subscriptions/"
	s.live.subscriptions = []broker.LiveSubscription{{ID: 0xabc}}
	if w := s.do("DELETE", path+"0000000000000abc", "", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, id := range []string{"0000000000000abd", "abc", "0000000000000ABC", "0000000000000abc0", "%30000000000000abc"} {
		s.wantProblem(s.do("DELETE", path+id, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "the node n1 has no live subscription of this id")
	}
	if want := []broker.SubscriptionID{0xabc, 0xabd}; !slices.Equal(s.live.ended, want) {
		t.Errorf("ended %v, want %v", s.live.ended, want)
	}
}

func TestUsage(t *testing.T) {
	s := newStage(t)
	s.live.used = broker.Usage{
		Since: noon, Fuel: 1, Runs: 2, SharedRuns: 3, Events: 4, SkippedEvents: 5, Deliveries: 6, DeliveredBytes: 7, SkippedDeliveries: 9,
		Errors: map[abi.Code]uint64{abi.CodeResolverTrap: 8, abi.CodeInternal: 0},
	}
	body := s.do("GET", "/v1/tenants/acme/usage", "", "").Body.String()
	head := `{"node":"n1","since":"2026-01-02T12:00:00.000Z","usage":{"fuel":1,"runs":2,"sharedRuns":3,"events":4,"skippedEvents":5,` +
		`"deliveries":6,"deliveredBytes":7,"skippedDeliveries":9,"errors":{"INTERNAL":0,"RESOLVER_TRAP":8}},"waiting":{"events":9,"bytes":10,"lagMs":1500},"limits":[{"name":"fuelPerRun","unit":"units of fuel","limit":10000000},`
	if !strings.HasPrefix(body, head) || !strings.HasSuffix(body, `],"quarantined":[]}`+"\n") {
		t.Errorf("got %s", body)
	}
	if !strings.Contains(body, `{"name":"subscriptions","unit":"subscriptions","limit":200000,"used":3}`) || strings.Count(body, `"used"`) != 1 {
		t.Errorf("the limits in %s", body)
	}
	if n := strings.Count(body, `"unit"`); n != len(tenant.Definitions()) {
		t.Errorf("%d limits", n)
	}
	s.live.quarantined = []broker.Quarantined{{
		Module: "m", Resolver: "Subscription.f", Digest: "sha256:0", Failures: 22, Skipped: 9, Until: noon, Pause: 20 * time.Second,
	}}
	body = s.do("GET", "/v1/tenants/acme/usage", "", "").Body.String()
	want := `"quarantined":[{"module":"m","resolver":"Subscription.f","digest":"sha256:0","failures":22,"skippedEvents":9,"until":"2026-01-02T12:00:00.000Z","pauseMs":20000}]}`
	if !strings.HasSuffix(body, want+"\n") {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestReleaseModule(t *testing.T) {
	s := newStage(t)
	path := "/v1/tenants/acme/modules/orders/quarantine"
	s.wantProblem(s.do("DELETE", path, "", ""), http.StatusNotFound, abi.CodeBadUserInput, "orders")
	s.do("PUT", "/v1/tenants/acme/modules/orders?activate=true", "application/wasm", orders("null"))
	for range 2 {
		if w := s.do("DELETE", path, "", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if got := fmt.Sprint(s.live.released); got != "[orders orders]" {
		t.Errorf("released %s", got)
	}
}
