package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func TestSubscriptionsThatSelectNothingAreRefused(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	for _, query := range []string{
		`subscription { all @skip(if: true) { id } }`,
		`subscription { all @include(if: false) { id } }`,
		`subscription { ... @skip(if: true) { all { id } } }`,
		`subscription($no: Boolean = false) { all @include(if: $no) { id } }`,
	} {
		if _, errs := s.open(tenant.Identity{}, query, ""); errs == nil || errs[0].Code != abi.CodeValidationFailed {
			t.Errorf("%s: %v", query, errs)
		}
	}
}

// TestManyKeysLeaveTheIndexAsTheyCame has subscribers that stand in many
// buckets each come and go.
func TestManyKeysLeaveTheIndexAsTheyCame(t *testing.T) {
	s := newStage(t)
	s.activate(orders, orderResolvers())
	r := rand.New(rand.NewPCG(5, 6))
	live := map[*subscriber]uint{} // with the customers of each, as bits
	for range 500 {
		if len(live) < 5 || r.IntN(2) == 0 {
			var customers []string
			mask := uint(r.IntN(256))
			for c := range 8 {
				if mask&(1<<c) != 0 {
					customers = append(customers, fmt.Sprintf(`"c%d"`, c))
				}
			}
			id := identity(t, `{"customers":[`+strings.Join(customers, ",")+`]}`)
			live[s.subscribe(id, `subscription { mine { id } }`, "")] = mask
		} else {
			for sub := range live {
				sub.Close()
				delete(live, sub)
				break
			}
		}
		customer := r.IntN(8)
		s.publish("orders", fmt.Sprintf(`{"id":"1","customer":"c%d"}`, customer))
		for sub, mask := range live {
			if got, want := len(sub.take()), int(mask>>customer&1); got != want {
				t.Fatalf("a subscriber of customers %b got %d events of c%d", mask, got, customer)
			}
		}
	}
}

func TestFaultsAreLoggedWithTenantAndEvent(t *testing.T) {
	var log bytes.Buffer
	s := newStage(t)
	s.broker = broker.New(broker.Config{Publisher: s.bus, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	fault := &sandbox.Fault{Code: abi.CodeInternal, Message: "what only operators see"}
	m, _ := s.activate(orders, map[string]resolver{
		"Subscription.order": echo, "Subscription.mine": echo, "Subscription.large": echo, "Query.ping": echo, "Query.sum": echo, "Mutation.say": echo,
		"Subscription.all": func(_ *reader, r *sandbox.Result) { r.Fault = fault },
	})
	sub := s.subscribe(tenant.Identity{}, `subscription { all { id } }`, "")
	s.publish("orders", `{"id":"1"}`)
	got := strings.Join(sub.take(), "")
	_, incident, _ := strings.Cut(got, `"incident":"`)
	incident, _, _ = strings.Cut(incident, `"`)
	for _, want := range []string{"tenant=acme", "event=e1", "module=m", "resolver=Subscription.all", "incident=" + incident, "what only operators see"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, &log)
		}
	}
	want := sandbox.Line{Level: abi.LogError, ID: "e1", Message: "INTERNAL in Subscription.all: the server could not run it", Incident: incident}
	if strings.Contains(got, "operators") || len(m.lines) != 1 || m.lines[0] != want {
		t.Errorf("the subscriber sees %s, the tenant %+v", got, m.lines)
	}

	log.Reset()
	fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "unreachable\nwasm stack trace: f()"}
	s.publish("orders", `{"id":"2"}`)
	got = strings.Join(sub.take(), "")
	last := m.lines[len(m.lines)-1]
	if want := "RESOLVER_TRAP in Subscription.all: " + fault.Message; last.Message != want || last.ID != "e2" || !strings.Contains(got, `"incident":"`+last.Incident+`"`) || log.Len() > 0 {
		t.Errorf("the tenant sees %+v, the subscriber %s, operators %s", last, got, &log)
	}
}

// TestMisfitsAreOneIncident has output that does not fit the schema, for
// subscribers who ask for different parts of it.
func TestMisfitsAreOneIncident(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var log bytes.Buffer
		s := newStage(t)
		s.broker = broker.New(broker.Config{Publisher: s.bus, Debug: debug, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		m, _ := s.activate(`type T { a: Int b: [Int] c: Int } type Subscription { f: T @on(channel: "c") }`,
			map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `{"a":"x","b":[1,"y",2.5],"c":3}`) }})
		var got []string
		var subs []*subscriber
		for _, query := range []string{"subscription { f { b } }", "subscription { f { a b } }", "subscription { f { b } }", "subscription { f { c } }"} {
			subs = append(subs, s.subscribe(tenant.Identity{}, query, ""))
		}
		s.publish("c", "1")
		for _, sub := range subs {
			got = append(got, strings.Join(sub.take(), "|"))
		}
		if log.Len() > 0 {
			t.Errorf("the operator is told of what is the tenant's: %s", &log)
		}
		if len(m.lines) != 1 || m.lines[0].Incident == "" {
			t.Fatalf("the module's log: %+v", m.lines)
		}
		incident := m.lines[0].Incident
		want := sandbox.Line{Level: abi.LogError, ID: "e1", Message: "BAD_OUTPUT at f.b.1: T.b: expected Int, got string", Incident: incident}
		if m.lines[0] != want {
			t.Errorf("the module's log: %+v", m.lines)
		}
		for i, errors := range []int{2, 3, 2, 0} {
			extensions := `"extensions":{"code":"BAD_OUTPUT","incident":"` + incident + `"}`
			told, hidden := strings.Count(got[i], "expected Int, got "), strings.Count(got[i], "resolver failed")
			if !debug {
				told, hidden = hidden, told
			}
			if strings.Count(got[i], extensions) != errors || told != errors || hidden != 0 {
				t.Errorf("debug %v: subscriber %d got %s", debug, i, got[i])
			}
		}
		if !strings.Contains(got[0], `"path":["f","b",1]`) {
			t.Errorf("no path: %s", got[0])
		}
	}
}

// TestTooLongAListIsAnIncident holds that the limit is named.
func TestTooLongAListIsAnIncident(t *testing.T) {
	s := newStage(t)
	s.broker = broker.New(broker.Config{Publisher: s.bus})
	tenanttest.MergeLimits(t, s.owners, s.tenant, `{"listItems":1}`)
	m, _ := s.activate(`type Subscription { f: [Int] @on(channel: "c") }`,
		map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, `[1,2]`) }})
	sub := s.subscribe(tenant.Identity{}, "subscription { f }", "")
	s.publish("c", "1")
	got := strings.Join(sub.take(), "")
	if !strings.Contains(got, `"message":"resolver failed"`) || !strings.Contains(got, `"code":"LIMIT_EXCEEDED","incident":"`) || !strings.Contains(got, `"limit":"listItems"`) {
		t.Error(got)
	}
	if len(m.lines) != 1 || !strings.HasPrefix(m.lines[0].Message, "LIMIT_EXCEEDED at f: Subscription.f: the list has more items") {
		t.Errorf("the module's log: %+v", m.lines)
	}
}

func TestAnEmptyCodeIsNoCode(t *testing.T) {
	s := newStage(t)
	s.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) {
		r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no", Extensions: []byte(`{"code":"","a":1}`)}
	}})
	sub := s.subscribe(tenant.Identity{}, `subscription { f }`, "")
	s.publish("c", "1")
	if got := strings.Join(sub.take(), ""); !strings.Contains(got, `"extensions":{"code":"RESOLVER_ERROR","a":1}`) {
		t.Error(got)
	}
}

// refusing is a bus that takes nothing.
type refusing struct{ err error }

func (r refusing) Publish(context.Context, *tenant.Tenant, []event.Event) (string, error) {
	return "", r.err
}

func TestWhatTheBusRefuses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("publish: %w", event.ErrFull), `"message":"too many events are waiting for their subscribers; try again later"`},
		{fmt.Errorf("publish: %w", event.ErrFull), `"code":"LIMIT_EXCEEDED"`},
		{fmt.Errorf("publish: %w", event.ErrFull), `,"retryAfterMs":1000}`},
		{fmt.Errorf("publish: %w", &event.BatchError{Got: 11, Most: 10, Limit: "eventsPerSecond"}), `,"limit":"eventsPerSecond"}`},
		{fmt.Errorf("publish: %w", &event.BatchError{Got: 11, Most: 10}), `"message":"the batch has 11 events, of which at most 10 may wait: 1 too many; send it in parts"`},
		{fmt.Errorf("publish: %w", &tenant.RateError{Limit: "eventsPerSecond", RetryAfter: time.Millisecond}), `,"limit":"eventsPerSecond","retryAfterMs":1}`},
		{fmt.Errorf("publish: %w", event.ErrUnavailable), `"message":"the bus can't be reached: whether the events were accepted is not known"`},
		{fmt.Errorf("publish: %w", event.ErrUnavailable), `"code":"INTERNAL"`},
		{errors.New("no route to host"), `"message":"resolver failed"`},
	} {
		s := newStage(t)
		s.broker = broker.New(broker.Config{Publisher: refusing{c.err}})
		s.activate(orders, orderResolvers())
		o, errs := s.open(tenant.Identity{}, `mutation { say(text: "x") }`, "")
		if errs != nil {
			t.Fatal(errs)
		}
		if got := string(o.Execute(context.Background())); !strings.Contains(got, c.want) || !strings.Contains(got, `"say":null`) {
			t.Errorf("%v gives %s", c.err, got)
		}
	}
}

// TestWaitingForInstancesHoldsNoProcessor has one tenant use up its instances
// in two fields at once, and another whose run must not wait for it.
func TestWaitingForInstancesHoldsNoProcessor(t *testing.T) {
	a := newStage(t)
	a.broker = broker.New(broker.Config{Publisher: a.bus, Runs: 2})
	l := a.tenant.Limits()
	l.Instances = 1
	tenanttest.SetLimits(t, a.owners, a.tenant, l)
	running, release := make(chan struct{}, 2), make(chan struct{})
	stuck := func(_ *reader, r *sandbox.Result) {
		running <- struct{}{}
		<-release
		output(r, "1")
	}
	a.activate(`type Subscription { f: Int @on(channel: "c") g: Int @on(channel: "c") }`,
		map[string]resolver{"Subscription.f": stuck, "Subscription.g": stuck})
	a.subscribe(tenant.Identity{}, "subscription { f }", "")
	a.subscribe(tenant.Identity{}, "subscription { g }", "")
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.publish("c", "1")
	}()
	<-running

	b := &stage{t: t, broker: a.broker, tenant: tenanttest.Create(t, a.owners, "other"), bus: a.bus}
	b.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": echo})
	sub := b.subscribe(tenant.Identity{}, "subscription { f }", "")
	served := make(chan struct{})
	go func() {
		defer close(served)
		b.publish("c", "1")
	}()
	select {
	case <-served:
		if got := len(sub.take()); got != 1 {
			t.Errorf("the other tenant got %d responses", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the other tenant waits")
	}
	close(release)
	<-done
	<-served
}
