package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// list pages through all subscriptions.
func (s *stage) list(limit int) (all []broker.LiveSubscription) {
	s.t.Helper()
	var after broker.SubscriptionID
	for {
		page, more := s.broker.Subscriptions(s.tenant, after, limit)
		if len(page) > limit || more && len(page) == 0 {
			s.t.Fatalf("a page of %d, more: %v", len(page), more)
		}
		for _, one := range page {
			if one.ID <= after {
				s.t.Fatalf("%s comes after %s", one.ID, after)
			}
			after = one.ID
		}
		all = append(all, page...)
		if !more {
			return all
		}
	}
}

func TestLiveSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		if list, more := s.broker.Subscriptions(s.tenant, 0, 10); len(list) > 0 || more || s.broker.EndSubscription(s.tenant, 1) {
			t.Error("a tenant without a version has subscriptions")
		}
		s.activate(`type Subscription { f(a: Int): Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
			if g.argument("a") == "1" {
				trap(g, r)
			} else {
				output(r, "1")
			}
		}})
		began := time.Now().UTC().Truncate(time.Second)
		named := s.subscribe(identity(t, `{"sub":"u\u00e4"}`), `subscription Named { f }`, "")
		time.Sleep(90 * time.Second)
		number := s.subscribe(identity(t, `{"sub":[1,"x"]}`), `subscription { f(a: 1) }`, "")
		s.subscribe(tenant.Identity{}, `subscription { f(a: 1) }`, "").Close()
		s.subscribe(tenant.Identity{}, `subscription { f(a: 1) }`, "")
		s.publish("c", "1")
		time.Sleep(time.Second)
		s.publish("c", "1")
		want := []broker.LiveSubscription{
			{OperationName: "Named", Field: "f", Subject: "uä", Created: began, LastDelivery: began.Add(91 * time.Second), Delivered: 2},
			{Field: "f", Subject: `[1,"x"]`, Created: began.Add(90 * time.Second), LastDelivery: began.Add(91 * time.Second), Delivered: 2},
			{Field: "f", Created: began.Add(90 * time.Second), LastDelivery: began.Add(91 * time.Second), Delivered: 2},
		}
		for _, limit := range []int{1, 2, 3, 1000} {
			got := s.list(limit)
			for i := range got {
				if id, ok := broker.ParseSubscriptionID(got[i].ID.String()); !ok || id != got[i].ID {
					t.Errorf("the id %q is read as %d", got[i].ID.String(), id)
				}
				got[i].ID = 0
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}

		// The operator ends one.
		list := s.list(10)
		named.take()
		if !s.broker.EndSubscription(s.tenant, list[0].ID) || s.broker.EndSubscription(s.tenant, list[0].ID) {
			t.Error("ending a subscription once")
		}
		if got := named.take(); !slices.Equal(got, []string{"error ended by the operator"}) {
			t.Errorf("the subscriber got %q", got)
		}
		number.take()
		s.publish("c", "1")
		named.wants(t, 0, "")
		number.wants(t, 1, "")
		if rest := s.list(10); len(rest) != 2 || rest[0].ID != list[1].ID {
			t.Errorf("left are %+v", rest)
		}
		// Another one in its place is another one.
		s.subscribe(tenant.Identity{}, `subscription { f }`, "")
		if s.broker.EndSubscription(s.tenant, list[0].ID) || len(s.list(10)) != 3 {
			t.Error("an old id ended another subscription")
		}
	})
}

// TestIDsAreOfOneNode ends a subscription by the id that another node, or an
// earlier process, has told: nobody else's must end.
func TestIDsAreOfOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nodes [2]*stage
		for i := range nodes {
			nodes[i] = newStage(t)
			nodes[i].activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(*reader, *sandbox.Result) {}})
			nodes[i].subscribe(tenant.Identity{}, `subscription { f }`, "")
		}
		one, other := nodes[0], nodes[1]
		id := one.list(10)[0].ID
		if other.broker.EndSubscription(other.tenant, id) || len(other.list(10)) != 1 {
			t.Error("the id of one node ended a subscription of another")
		}
		if !one.broker.EndSubscription(one.tenant, id) {
			t.Error("the node does not know its own")
		}
	})
}

func TestParseSubscriptionIDRefuses(t *testing.T) {
	for _, text := range []string{"", "1", "000000000000000G", "000000000000000A", "+00000000000000a", "00000000000000000a", strings.Repeat("f", 17)} {
		if id, ok := broker.ParseSubscriptionID(text); ok {
			t.Errorf("%q is %s", text, id)
		}
	}
}

// TestSkippedEventsAreDropped has events reach subscriptions in quarantine.
func TestSkippedEventsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.activate(quarantineSDL, map[string]resolver{"Subscription.f": trap, "Subscription.g": trap})
		s.subscribe(tenant.Identity{}, `subscription { f }`, "")
		s.publishMany(25)
		if got := s.list(10); got[0].Delivered != 21 || got[0].Dropped != 5 {
			t.Errorf("%+v", got)
		}
		time.Sleep(5 * time.Second)
		s.publish("c", "1") // a probe that fails
		if got := s.list(10); got[0].Delivered != 21 || got[0].Dropped != 6 {
			t.Errorf("%+v", got)
		}
	})
}

// deaf is a sink of a connection that has ended.
type deaf struct{ subscriber }

func (*deaf) Next(graph.Delivery) (taken, skipped bool) { return false, false }

func TestWhatTheSinkDoesNotTakeIsNotDelivered(t *testing.T) {
	s := newStage(t)
	s.activate(quarantineSDL, map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, "1") }, "Subscription.g": trap})
	o, errs := s.open(tenant.Identity{}, `subscription { f }`, "")
	if errs != nil {
		t.Fatal(errs)
	}
	if _, errs := o.Subscribe(&deaf{}, broker.Resume{}); errs != nil {
		t.Fatal(errs)
	}
	s.publish("c", "1")
	if got := s.list(10); got[0].Delivered != 0 || !got[0].LastDelivery.IsZero() {
		t.Errorf("%+v", got)
	}
	if u := s.broker.Usage(s.tenant); u.Deliveries != 0 || u.DeliveredBytes != 0 || u.Runs != 1 {
		t.Errorf("%+v", u)
	}
}

// TestAPageHasSoManyBytes has operations with long names.
func TestAPageHasSoManyBytes(t *testing.T) {
	s := newStage(t)
	s.activate(quarantineSDL, map[string]resolver{"Subscription.f": trap, "Subscription.g": trap})
	for n := range 100 {
		s.subscribe(identity(t, fmt.Sprintf(`{"sub":"%d%s"}`, n, strings.Repeat("x", 60_000))), `subscription { f }`, "")
	}
	if page, more := s.broker.Subscriptions(s.tenant, 0, 1000); len(page) > 20 || !more {
		t.Errorf("a page of %d, more: %v", len(page), more)
	}
	if n := len(s.list(1000)); n != 100 {
		t.Errorf("%d are listed", n)
	}
}

// TestListWhileSubscriptionsComeAndGo lists while others subscribe, leave, are
// ended and get another version: what stays is in each list, once.
func TestListWhileSubscriptionsComeAndGo(t *testing.T) {
	s := newStage(t)
	s.activate(beforeSDL, numbered())
	stay := map[string]bool{}
	for n := range 2000 {
		sub := s.subscribe(identity(t, fmt.Sprintf(`{"sub":"stays%d"}`, n)), `subscription { f { n } }`, "")
		if n%3 == 0 {
			sub.Close()
			continue
		}
		stay[fmt.Sprint("stays", n)] = true
	}
	stop := make(chan struct{})
	var guests sync.WaitGroup
	for n := range 2 {
		guests.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			var own []*subscriber
			for {
				select {
				case <-stop:
					return
				default:
				}
				if len(own) < 200 && r.IntN(2) == 0 {
					own = append(own, s.subscribe(tenant.Identity{}, `subscription { f { n } }`, ""))
				} else if len(own) > 0 {
					i := r.IntN(len(own))
					own[i].Close()
					own = slices.Delete(own, i, i+1)
				}
			}
		})
	}
	guests.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.activate(beforeSDL, numbered())
			}
		}
	})
	for range 20 {
		met := map[string]int{}
		for i, one := range s.list(100) {
			if one.Subject == "" && i%7 == 0 {
				s.broker.EndSubscription(s.tenant, one.ID)
			}
			met[one.Subject]++
		}
		for subject := range stay {
			if met[subject] != 1 {
				t.Fatalf("%s is listed %d times", subject, met[subject])
			}
		}
	}
	close(stop)
	guests.Wait()
}

// BenchmarkListSubscriptions pages through 200,000 subscriptions while events
// flow, and reports how long the slowest of those took.
func BenchmarkListSubscriptions(b *testing.B) {
	s := newStage(b)
	s.limit(func(l *tenant.Limits) { l.Subscriptions = 200_000 })
	s.activate(beforeSDL, numbered())
	for range 200_000 {
		s.subscribe(tenant.Identity{}, "subscription { f { n } }", "")
	}
	slowest := s.slowestEvent(b, func() {
		for b.Loop() {
			if n := len(s.list(1000)); n != 200_000 {
				b.Fatalf("%d are listed", n)
			}
		}
	})
	b.ReportMetric(float64(slowest)/float64(time.Millisecond), "slowest-event-ms")
}
