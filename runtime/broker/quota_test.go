package broker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

// TestMemoryOfTheTenantIsSetAside has three fields run at once under limits of
// which two instances fit.
func TestMemoryOfTheTenantIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.broker = broker.New(broker.Config{Publisher: s.bus, Runs: 8})
		l := s.tenant.Limits()
		l.Instances, l.MemoryBytes, l.MemoryTotalBytes = 8, 10<<16, 25<<16
		tenanttest.SetLimits(t, s.owners, s.tenant, l)
		running, release := make(chan struct{}, 3), make(chan struct{})
		slow := func(_ *reader, r *sandbox.Result) {
			running <- struct{}{}
			<-release
			output(r, "1")
		}
		s.activate(`type Subscription { f: Int @on(channel: "c") g: Int @on(channel: "c") h: Int @on(channel: "c") }`,
			map[string]resolver{"Subscription.f": slow, "Subscription.g": slow, "Subscription.h": slow})
		for _, operation := range []string{"subscription { f }", "subscription { g }", "subscription { h }"} {
			s.subscribe(tenant.Identity{}, operation, "")
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.publish("c", "1")
		}()
		synctest.Wait()
		if n := len(running); n != 2 {
			t.Errorf("%d run at once, want 2", n)
		}
		close(release)
		<-done
		if n := len(running); n != 3 {
			t.Errorf("%d ran, want 3", n)
		}
	})
}

// TestAStoppedRunFailsForAll holds that an event whose run the clock stopped is
// not run again for the next subscriber, whatever that one reads.
func TestAStoppedRunFailsForAll(t *testing.T) {
	s := newStage(t)
	m, _ := s.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
		g.permitted("p")
		r.Fault = &sandbox.Fault{Code: abi.CodeLimitExceeded, Limit: "wallMillisPerRun", Unrepeatable: true}
	}})
	first := s.subscribe(tenant.Identity{}, "subscription { f }", "")
	may, err := tenant.NewIdentity(nil, []string{"p"})
	if err != nil {
		t.Fatal(err)
	}
	second := s.subscribe(may, "subscription { f }", "")
	s.publish("c", "1")
	if n := m.count(); n != 1 {
		t.Errorf("%d runs", n)
	}
	for _, got := range []string{strings.Join(first.take(), ""), strings.Join(second.take(), "")} {
		if !strings.Contains(got, `"code":"LIMIT_EXCEEDED"`) || !strings.Contains(got, `"limit":"wallMillisPerRun"`) {
			t.Error(got)
		}
	}
	s.publish("c", "2")
	if n := m.count(); n != 1 {
		t.Errorf("%d runs of the next event", n)
	}
}

// TestTheServersEndIsNoAnswer ends the server's context during a run: nobody gets
// an error for that.
func TestTheServersEndIsNoAnswer(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.activate(`type Subscription { f: Int @on(channel: "c") }`, map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) {
		cancel()
		r.Fault = &sandbox.Fault{Code: abi.CodeInternal, Unrepeatable: true, Message: "the run was cancelled"}
	}})
	sub := s.subscribe(tenant.Identity{}, "subscription { f }", "")
	s.broker.Receive(ctx, s.tenant, &event.Event{Tenant: s.tenant.ID(), Channel: "c", ID: "e1", Payload: []byte("1")})
	if got := sub.take(); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
